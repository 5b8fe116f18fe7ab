//! The app's log alone: guarantees G2 and G3.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    job::{Job, JobName, Overlap},
    run::RunId,
};

use super::{
    Call, History, Kind, Rule, Side, Violation,
    ends::{heard_at, is_lost},
    is_occurrence,
};

type Instant = DateTime<Utc>;

/// How long before it is received a request may have got its place.
const BEFORE: TimeDelta = TimeDelta::seconds(2);

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

/// One run for an occurrence, and an attempt again only where the job allows it.
fn sent_once(history: &History, calls: &[&Call], violations: &mut Vec<Violation>) {
    let mut runs: BTreeMap<Instant, RunId> = BTreeMap::new();
    let mut newest: BTreeMap<RunId, &Call> = BTreeMap::new();
    for call in calls {
        if is_occurrence(call.trigger) && *runs.entry(call.scheduled_for).or_insert(call.run) != call.run {
            violations.push(Violation::of(Rule::SentTwice, format_args!("another run had sent it: {call:?}")));
        }
        if let Some(before) = newest.insert(call.run, call).filter(|before| !may_follow(history, before, call)) {
            violations.push(Violation::of(Rule::SentTwice, format_args!("{call:?} after {before:?}")));
        }
    }
}

/// Whether the attempt `again` may follow on `before`: the app said that it failed, or does not mind.
fn may_follow(history: &History, before: &Call, again: &Call) -> bool {
    let mut jobs = history.jobs_between(&again.job, before.received, again.received);
    let is_lost = is_lost(history, heard_at(before), again.received);
    jobs.any(|job| {
        let heard = before.was_heard() && matches!(before.answer, Some((_, 429 | 500 | 501 | 503)));
        let as_heard = heard && again.attempt <= job.retry.attempts;
        let as_unheard = (!heard || is_lost) && job.idempotent && again.attempt <= job.retry.attempts.max(2);
        before.attempt < again.attempt && (as_heard || as_unheard)
    })
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
    let mut hold = TimeDelta::MAX;
    for job in history.jobs_between(&first.job, first.received, second.received) {
        if !keeps_others_out(job) {
            return false;
        }
        hold = hold.min(TimeDelta::from_std(job.hold).unwrap());
    }
    is_at_it(history, first, second.received, hold)
}

fn keeps_others_out(job: &Job) -> bool {
    job.overlap != Overlap::Allow && !job.idempotent
}

/// Whether the sidecar had to know at `at` that the app might still be at `call`: it was, it was not told otherwise, and the
/// hold is not over.
fn is_at_it(history: &History, call: &Call, at: Instant, hold: TimeDelta) -> bool {
    if is_open(history, call, at) {
        return true;
    }
    if call.is_stopped(at) {
        return false;
    }
    let words = call.looks_heard().map(|look| look.at).filter(|word| *word <= at);
    let stops = call.stops.iter().map(|stop| stop.at).filter(|word| *word <= at);
    let given_up = match call.closed_by {
        // After a crash the hold begins when somebody can keep it.
        Side::Death => history.reigns.iter().map(|reign| reign.since).find(|since| *since >= call.closed),
        Side::App | Side::Client => words.chain(stops).chain([call.closed]).max(),
    };
    given_up.is_none_or(|given_up| history.clock.furthest_between(given_up, at) < hold)
}

/// Whether the connection was open, or the work followed that came of it: up to the poll timeout it is looked at again.
fn is_open(history: &History, call: &Call, at: Instant) -> bool {
    if !call.is_followed() {
        return call.was_heard() && at < call.closed;
    }
    let jobs = history.jobs_between(&call.job, call.received, call.closed);
    let timeout = jobs.filter_map(|job| job.completion.poll()).map(|poll| poll.timeout).min().unwrap_or_default();
    let is_in_time = history.clock.furthest_between(call.closed, at) < TimeDelta::from_std(timeout).unwrap();
    at < call.closed || is_in_time && call.looks_heard().any(|look| at < look.at)
}

/// Never more runs of a group at once than it lets, held ones included.
pub(super) fn groups(history: &History, violations: &mut Vec<Violation>) {
    for (number, call) in history.calls.iter().enumerate() {
        let Some(job) = history.job_at(&call.job, call.received) else { continue };
        let Some(group) = &job.group else { continue };
        let has_slot = |other: &&Call| {
            let was = history.jobs_between(&other.job, other.received, call.received);
            let was: Vec<_> = was.filter(|job| job.group.as_ref().is_some_and(|of| of.name == group.name)).collect();
            if was.is_empty() || other.run == call.run {
                return false;
            }
            let hold = was.iter().map(|job| TimeDelta::from_std(job.hold).unwrap()).min().unwrap_or_default();
            let open = is_open(history, other, call.received);
            let working = other.finished.is_none_or(|finished| call.received < finished);
            open || working
                && was.iter().all(|job| keeps_others_out(job))
                && is_at_it(history, other, call.received, hold)
        };
        let was = history.jobs_between(&call.job, call.received - BEFORE, call.received);
        let sizes = was.filter_map(|job| job.group.as_ref()).map(|group| group.concurrency);
        let most = sizes.max().unwrap_or(group.concurrency);
        let at_it = history.calls[..number].iter().rev().take(200).filter(has_slot).count();
        let was_set = history.troubles.iter().any(|trouble| matches!(trouble.kind, Kind::Ahead | Kind::Back));
        if !was_set && at_it >= usize::try_from(most).unwrap() {
            violations.push(Violation::of(Rule::Group, format_args!("{at_it} others of its group with {call:?}")));
        }
    }
}

/// Never more open requests than `max_in_flight`.
pub(super) fn crowds(history: &History, violations: &mut Vec<Violation>) {
    let mut open: Vec<&Call> = Vec::new();
    for call in &history.calls {
        open.retain(|other| other.closed > call.received);
        open.push(call);
        let reigns = history.reigns_between(call.received - BEFORE, call.received);
        let most = reigns.map(|reign| reign.definitions.settings.max_in_flight).max().unwrap_or(usize::MAX);
        if open.len() > most {
            violations.push(Violation::of(Rule::Crowd, format_args!("{} open of {most} with {call:?}", open.len())));
        }
    }
}
