//! What must be in enough stories: a rule that nothing comes up to holds nothing.

use chrono::TimeDelta;
use sexton::run::{Outcome, Reason, Run, State, Trigger};

use super::{Call, History};

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
