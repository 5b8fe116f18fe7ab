//! What people asked for: runs that nobody asked for, what was promised, what was sent once more, and what was held back.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    job::{CatchUp, Job, JobName, Overlap},
    run::{Outcome, Reason, Run, RunId, State, Trigger},
    store::Pause,
};

use super::{Call, History, JITTER, Kind, Reign, Rule, Violation, is_occurrence};

type Instant = DateTime<Utc>;

/// How exact the ends of a pause are taken.
const SLACK: TimeDelta = TimeDelta::seconds(3);

/// What people did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deeds {
    /// In their order.
    pub(crate) asked: Vec<Ask>,
    /// Runs that somebody who asked was told of.
    pub(crate) promised: Vec<RunId>,
    /// What somebody wanted unknown runs to be settled as.
    pub(crate) settlements: Vec<(RunId, Outcome)>,
    /// Those of which they were told that it is done.
    pub(crate) settled: Vec<(RunId, Outcome)>,
    /// Runs that somebody wanted cancelled.
    pub(crate) cancelled: Vec<RunId>,
    /// When what was held back, on the wall clock.
    pub(crate) pauses: Vec<Pause>,
}

/// Somebody asks for a run.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// A name for each.
    pub(crate) by: String,
    pub(crate) job: JobName,
    /// On the clock that nobody sets.
    pub(crate) at: Instant,
    pub(crate) what: What,
}

/// What for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Fire,
    /// Of an occurrence; with `again`, although it may have succeeded.
    Backfill {
        scheduled_for: Instant,
        again: bool,
    },
}

impl Deeds {
    /// A pause ends when it is said to, or when another takes its place.
    pub(crate) fn note(&mut self, told: &Pause) {
        for other in self.pauses.iter_mut().filter(|other| other.job == told.job) {
            let end = if other.since == told.since { told.until } else { Some(told.since) };
            other.until = [other.until, end].into_iter().flatten().min();
        }
        self.pauses.push(told.clone());
    }

    fn ask_of(&self, row: &Run) -> Option<&Ask> {
        let by = row.asked_by.as_ref()?;
        self.asked.iter().find(|ask| {
            let what = match ask.what {
                What::Fire => row.trigger == Trigger::Manual,
                What::Backfill { scheduled_for, .. } => {
                    row.trigger == Trigger::Backfill && row.scheduled_for == scheduled_for
                }
            };
            ask.by == *by && ask.job == row.job && what
        })
    }
}

pub(super) fn check(history: &History, violations: &mut Vec<Violation>) {
    asked_for(history, violations);
    let rows = || history.rows.iter().map(|(row, _)| row);
    for row in rows().filter(|row| row.trigger == Trigger::Backfill) {
        if let Some(done) = sent_for_nothing(history, row) {
            violations.push(Violation::of(Rule::SentTwice, format_args!("{row:?} after {done:?}")));
        }
    }
    let Deeds { settlements, settled, cancelled, .. } = &history.deeds;
    for row in rows() {
        if let Some(outcome) = row.settled
            && (!settlements.contains(&(row.id, outcome)) || row.state != State::Ended(Outcome::Unknown))
        {
            violations.push(Violation::of(Rule::Untrue, format_args!("nobody settled it so: {row:?}")));
        }
        let by_hand = (State::Ended(Outcome::Cancelled), Some(Reason::Settled));
        if (row.state, row.reason) == by_hand && !cancelled.contains(&row.id) {
            violations.push(Violation::of(Rule::Invented, format_args!("nobody cancelled {row:?}")));
        }
    }
    for (run, outcome) in settled {
        if !rows().any(|row| row.id == *run && row.settled == Some(*outcome)) {
            violations.push(Violation::of(Rule::Untrue, format_args!("{run} was settled as {outcome}")));
        }
    }
    held_back(history, violations);
}

/// Each run by hand has somebody who asked for it, and each that was promised is there.
fn asked_for(history: &History, violations: &mut Vec<Violation>) {
    let mut answered = BTreeSet::new();
    let by_hand = |row: &Run| matches!(row.trigger, Trigger::Manual | Trigger::Backfill);
    for (row, _) in history.rows.iter().filter(|(row, _)| by_hand(row)) {
        let asked = history.deeds.ask_of(row).is_some_and(|ask| answered.insert(&ask.by));
        if !asked {
            violations.push(Violation::of(Rule::Invented, format_args!("nobody asked for {row:?}")));
        }
    }
    for run in &history.deeds.promised {
        if !history.rows.iter().any(|(row, _)| row.id == *run) {
            violations.push(Violation::of(Rule::Unaccounted, format_args!("{run} was promised")));
        }
    }
}

/// Another run of the occurrence, which had succeeded when a backfill asked for it, or was at it since.
fn sent_for_nothing<'a>(history: &'a History, row: &'a Run) -> Option<&'a Run> {
    let ask = history.deeds.ask_of(row)?;
    let (_, end) = at_it(history, row)?;
    let again = matches!(ask.what, What::Backfill { again: true, .. });
    let mut others = history.rows_of(&row.job).map(|(other, _)| other);
    others.find(|other| {
        let same = other.id != row.id && other.scheduled_for == row.scheduled_for;
        let before = other.finished_at.is_some_and(|at| at < history.clock.wall(ask.at));
        let had_succeeded = before && other.state == State::Ended(Outcome::Succeeded);
        let beside = || at_it(history, other).is_some_and(|(from, to)| from < end && ask.at < to);
        same && (had_succeeded && !again || beside())
    })
}

/// From when to when the sidecar was at a run, by the app's log: also between its attempts, and while it looked at its work.
fn at_it(history: &History, row: &Run) -> Option<(Instant, Instant)> {
    let calls = || history.calls.iter().filter(|call| call.run == row.id);
    let looks = calls().flat_map(Call::looks_heard).map(|look| look.at);
    Some((calls().map(|call| call.received).min()?, calls().map(|call| call.closed).chain(looks).max()?))
}

/// What falls into a pause is not sent, and nothing else says that it fell into one.
fn held_back(history: &History, violations: &mut Vec<Violation>) {
    let pauses = &history.deeds.pauses;
    // A clock that was set back comes to the hours of a pause from before it.
    if history.troubles.iter().any(|trouble| trouble.kind == Kind::Back) {
        return;
    }
    for call in history.calls.iter().filter(|call| is_occurrence(call.trigger)) {
        let Some(job) = history.job_at(&call.job, call.received) else { continue };
        let due = job.fires_at(call.scheduled_for);
        let held_back =
            |edge| pauses.iter().any(|p| p.is_for(&call.job) && p.covers(due - edge) && p.covers(due + edge));
        if held_back(SLACK) {
            violations.push(Violation::of(Rule::Paused, format_args!("{call:?}")));
        }
    }
    for (row, _) in history.rows.iter().filter(|(row, _)| row.reason == Some(Reason::Paused)) {
        if !was_held_back(history, row) {
            violations.push(Violation::of(Rule::Dishonest, format_args!("there was no pause: {row:?}")));
        }
    }
}

fn was_held_back(history: &History, row: &Run) -> bool {
    let near = |at| {
        let mut pauses = history.deeds.pauses.iter().filter(|pause| pause.is_for(&row.job));
        pauses.any(|pause| pause.since - SLACK - JITTER < at && pause.until.is_none_or(|until| at <= until + SLACK))
    };
    [row.scheduled_for, row.through].into_iter().all(|at| near(at) || waited_until_held_back(history, row, at))
}

/// Whether an occurrence of a row may have been in line, behind another run, when a pause began.
fn waited_until_held_back(history: &History, row: &Run, at: Instant) -> bool {
    let Some(end) = row.finished_at else { return false };
    let mut jobs = history.reigns.iter().filter_map(|reign| reign.definitions.jobs.get(&row.job));
    let waits = |job: &Arc<Job>| {
        matches!(job.overlap, Overlap::Queue | Overlap::Replace) || job.group.is_some() || job.catch_up == CatchUp::All
    };
    let mut pauses = history.deeds.pauses.iter().filter(|pause| pause.is_for(&row.job));
    let began_meanwhile =
        |pause: &Pause| at < pause.since && pause.since <= end && pause.until.is_none_or(|until| end <= until + SLACK);
    let is_crowded = history.reigns.iter().any(Reign::is_crowded);
    (is_crowded || jobs.any(waits)) && pauses.any(began_meanwhile)
}
