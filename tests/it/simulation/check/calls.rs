//! The app's log alone: guarantees G2 and G3.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    job::{Job, JobName, Overlap},
    run::RunId,
};

use super::{Call, History, Rule, Violation, is_occurrence};

type Instant = DateTime<Utc>;

pub(super) fn check(history: &History, job: &JobName, violations: &mut Vec<Violation>) {
    let calls: Vec<&Call> = history.calls_of(job).collect();
    sent_once(history, &calls, violations);
    fences_grow(history, &calls, violations);
    for (number, second) in calls.iter().enumerate() {
        for first in calls[..number].iter().filter(|first| is_stacked(history, first, second)) {
            violations.push(Violation::of(Rule::Stacked, format_args!("{second:?} while the app was at {first:?}")));
        }
    }
}

/// One run for an occurrence, and no attempt of it twice.
fn sent_once(history: &History, calls: &[&Call], violations: &mut Vec<Violation>) {
    let mut runs: BTreeMap<Instant, RunId> = BTreeMap::new();
    let mut attempts: BTreeMap<RunId, BTreeSet<u32>> = BTreeMap::new();
    for call in calls {
        if is_occurrence(call.trigger) && *runs.entry(call.scheduled_for).or_insert(call.run) != call.run {
            violations.push(Violation::of(Rule::SentTwice, format_args!("another run had sent it: {call:?}")));
        }
        let before = attempts.entry(call.run).or_default();
        let may_go_again = history.job_at(&call.job, call.received).is_some_and(may_be_sent_again);
        if !before.insert(call.attempt) || before.len() > 1 && !may_go_again {
            violations.push(Violation::of(Rule::SentTwice, format_args!("it had been sent before: {call:?}")));
        }
    }
}

fn may_be_sent_again(_job: &Job) -> bool {
    false
}

/// By receipt. Of runs that may overlap, the one that drew its fence first need not leave first.
fn fences_grow(history: &History, calls: &[&Call], violations: &mut Vec<Violation>) {
    let mut seen = BTreeSet::new();
    for call in calls {
        let newest = seen.last().is_none_or(|last| *last < call.fence);
        let in_any_order = history.jobs_between(&call.job, call.received - TimeDelta::hours(1), call.received);
        let in_any_order = in_any_order.into_iter().any(|job| job.overlap == Overlap::Allow);
        if !seen.insert(call.fence) || !newest && !in_any_order {
            violations.push(Violation::of(Rule::Fence, format_args!("{seen:?} before {call:?}")));
        }
    }
}

/// Whether `second` came while the app was still at `first`, and the sidecar had to know that it might be: the connection
/// was open, or the hold was not over.
fn is_stacked(history: &History, first: &Call, second: &Call) -> bool {
    if first.finished.is_some_and(|finished| finished <= second.received) {
        return false;
    }
    let mut jobs = history.jobs_between(&first.job, first.received, second.received).peekable();
    let mut hold = TimeDelta::MAX;
    for job in jobs.by_ref() {
        if job.overlap == Overlap::Allow {
            return false;
        }
        hold = hold.min(TimeDelta::from_std(job.hold).unwrap());
    }
    // After a crash the hold begins when somebody can keep it.
    let given_up = match first.cut_off {
        true => history.reigns.iter().map(|reign| reign.since).find(|since| *since >= first.closed),
        false => Some(first.closed),
    };
    given_up.is_none_or(|given_up| {
        second.received < given_up || history.clock.furthest_between(given_up, second.received) < hold
    })
}

/// Never more open requests than `max_in_flight`.
pub(super) fn crowds(history: &History, violations: &mut Vec<Violation>) {
    let mut open: Vec<&Call> = Vec::new();
    for call in &history.calls {
        open.retain(|other| other.closed > call.received);
        open.push(call);
        let reign = history.reigns.iter().rev().find(|reign| reign.since <= call.received);
        let most = reign.map_or(usize::MAX, |reign| reign.definitions.settings.max_in_flight);
        if open.len() > most {
            violations.push(Violation::of(Rule::Crowd, format_args!("{} open of {most} with {call:?}", open.len())));
        }
    }
}
