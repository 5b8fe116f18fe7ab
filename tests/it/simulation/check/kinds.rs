//! What must be in enough stories: a rule that nothing comes up to holds nothing.

use chrono::TimeDelta;
use sexton::run::{Outcome, Reason, Run, State, Trigger};

use super::{Ask, Call, History, Reign, What};

/// What it is, and whether it is in a story.
pub(crate) type Kind = (&'static str, fn(&History) -> bool);

pub(crate) const KINDS: &[Kind] = &[
    ("work that is followed over a restart", |history| {
        let looks_on = |call: &Call, death| {
            let mut looks = call.looks_heard().map(|look| look.at);
            looks.next().is_some_and(|first| first < death) && looks.any(|next| death < next)
        };
        history.deaths.iter().any(|death| history.calls.iter().any(|call| looks_on(call, *death)))
    }),
    ("work that is stopped at the poll timeout", |history| has(history, Outcome::Failed, Some(Reason::Timeout))),
    ("work that the app forgot", |history| {
        has_row(history, |row| row.work.is_some() && row.reason == Some(Reason::UnknownStatus))
    }),
    ("work that cannot be asked after", |history| has(history, Outcome::Unknown, Some(Reason::PollRefused))),
    ("an app that does not stop", |history| {
        history.calls.iter().flat_map(|call| &call.stops).any(|stop| !stop.confirmed)
    }),
    ("an app that lies when it says that it stops", |history| history.calls.iter().any(lies)),
    ("a run that a newer one replaced", |history| has(history, Outcome::Cancelled, None)),
    ("a run that somebody cancelled", |history| has(history, Outcome::Cancelled, Some(Reason::Settled))),
    ("a run that somebody settled", |history| has_row(history, |row| row.settled.is_some())),
    ("a firing while the job was at it", |history| {
        let in_the_way = [Some(Reason::Running), Some(Reason::PossiblyRunning)];
        has_row(history, |row| row.trigger == Trigger::Manual && in_the_way.contains(&row.reason))
    }),
    ("a backfill that succeeds", |history| {
        let done = State::Ended(Outcome::Succeeded);
        has_row(history, |row| row.trigger == Trigger::Backfill && row.state == done)
    }),
    ("a pause", |history| has(history, Outcome::Skipped, Some(Reason::Paused))),
    ("a crash in a request", |history| has(history, Outcome::Unknown, Some(Reason::Crash))),
    ("downtime", |history| has(history, Outcome::Missed, Some(Reason::Downtime))),
    ("a line that is full", |history| has(history, Outcome::Skipped, Some(Reason::QueueFull))),
    ("two who send the same occurrence again at once", |history| {
        let is_backfill = |ask: &&Ask| matches!(ask.what, What::Backfill { .. });
        let backfills: Vec<&Ask> = history.deeds.asked.iter().filter(is_backfill).collect();
        let at_once = |pair: &[&Ask]| {
            let same = pair[0].job == pair[1].job && pair[0].what == pair[1].what;
            same && pair[1].at - pair[0].at < TimeDelta::milliseconds(30)
        };
        backfills.windows(2).any(at_once)
    }),
    ("a late limit that is edited", |history| is_edited(history, |reign| Some(reign.definitions.settings.late_limit))),
    ("a limit of open requests that is edited", |history| {
        is_edited(history, |reign| Some(reign.definitions.settings.max_in_flight))
    }),
    ("a group that is edited while it has jobs", |history| is_edited(history, size_of_group)),
    ("an occurrence that is too old to be caught up", |history| {
        let window = |row: &Run| {
            let mut jobs = history.reigns.iter().filter_map(|reign| reign.definitions.jobs.get(&row.job));
            jobs.find(|job| job.hash == row.definition).and_then(|job| job.catch_up_window)
        };
        let downtime = (State::Ended(Outcome::Missed), Some(Reason::Downtime));
        has_row(history, |row| (row.state, row.reason) == downtime && window(row).is_some())
    }),
    ("an attempt that is made again", |history| has_row(history, |row| row.attempts > 1)),
];

fn has(history: &History, outcome: Outcome, reason: Option<Reason>) -> bool {
    has_row(history, |row| (row.state, row.reason) == (State::Ended(outcome), reason))
}

fn has_row(history: &History, is_it: impl Fn(&Run) -> bool) -> bool {
    history.rows.iter().any(|(row, _)| is_it(row))
}

/// It works on for more than a second.
fn lies(call: &Call) -> bool {
    let goes_on = |at| call.finished.is_none_or(|finished| at + TimeDelta::seconds(1) < finished);
    call.stops.iter().any(|stop| stop.confirmed && goes_on(stop.at))
}

/// Whether something is another from one reign to the next, wherever it is there at all.
fn is_edited<T: PartialEq>(history: &History, of: impl Fn(&Reign) -> Option<T>) -> bool {
    history.reigns.windows(2).any(|pair| {
        let (was, is) = (of(&pair[0]), of(&pair[1]));
        was.is_some() && is.is_some() && was != is
    })
}

fn size_of_group(reign: &Reign) -> Option<u32> {
    reign.definitions.jobs.values().find_map(|job| Some(job.group.as_ref()?.concurrency))
}
