//! The ledger against what the app said of work that it took on.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::run::{Outcome, Reason, Run, State};

use super::{
    Call, History, Kind,
    call::{Look, Said},
    ends::is_lost,
};

/// How exact instants are taken.
const SLACK: TimeDelta = TimeDelta::seconds(3);

/// What a run's row and the app do not agree about. `call`: its last request, whose work the sidecar knows of.
pub(super) fn contradiction(history: &History, row: &Run, call: &Call) -> Option<&'static str> {
    let State::Ended(outcome) = row.state else { return None };
    // What was told just before a process died may be lost with it.
    let is_done = || {
        let ended = row.finished_at.map_or(history.end, |at| history.clock.last_at(at));
        let mut told = call.looks_heard().filter(|look| look.said == Said::Done);
        told.any(|look| !is_lost(history, look.at, ended))
    };
    let said = |wanted: &[Said]| call.looks_heard().any(|look| wanted.contains(&look.said));
    match (outcome, row.reason) {
        (Outcome::Succeeded, _) if !said(&[Said::Done]) => Some("the app never said that it was done"),
        (Outcome::Failed, Some(Reason::Status)) if !said(&[Said::Failed]) => Some("the app never said that it failed"),
        (Outcome::Failed, Some(Reason::Timeout)) if !call.stops.iter().any(|stop| stop.confirmed) => {
            Some("the app never said that it stopped")
        }
        (Outcome::Unknown, Some(Reason::UnknownStatus)) if !said(&[Said::Unknown, Said::Gone]) => {
            Some("the app knew the work")
        }
        // What was looked at is in the ledger: it outlives any crash.
        (Outcome::Unknown, Some(Reason::Crash | Reason::Shutdown)) if call.looks_heard().next().is_some() => {
            Some("it was followed, and is not any more")
        }
        (Outcome::Cancelled, None) if call.stops.is_empty() => Some("the app was not asked to stop for a newer run"),
        (Outcome::Unknown, Some(Reason::Broken)) | (Outcome::Missed | Outcome::Skipped, _) => Some("it was taken on"),
        (Outcome::Unknown | Outcome::Failed, reason) if is_done() && reason != Some(Reason::Removed) => {
            Some("the app did it")
        }
        _ => None,
    }
}

/// What was wrong with when the app was asked, and for how long.
pub(super) fn impatience(history: &History, row: &Run, call: &Call) -> Option<&'static str> {
    let until = row.finished_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
    if history.has_trouble(Kind::Back, history.clock.wall(call.received) - SLACK, until) {
        return None;
    }
    let polls = || {
        let jobs = history.jobs_between(&call.job, call.received - SLACK, call.closed + SLACK);
        jobs.filter_map(|job| job.completion.poll())
    };
    let timeout = polls().map(|poll| poll.timeout).min()?;
    let timeout = TimeDelta::from_std(timeout).ok()?;
    // The clock may have been set between the request and its answer.
    let taken_on = history.clock.wall(call.received - SLACK).min(history.clock.wall(call.closed));
    let over_time = row.state.outcome().is_some() && row.reason == Some(Reason::Timeout);
    if over_time && until - taken_on < timeout - SLACK * 2 {
        return Some("it was given up before its time");
    }
    let interval = TimeDelta::from_std(polls().map(|poll| poll.interval).min()?).ok()?;
    let looks: Vec<&Look> = call.looks.iter().flatten().collect();
    let hurried = looks.windows(2).any(|pair| {
        let (before, next) = (pair[0], pair[1]);
        let is_last = history.clock.furthest_between(call.received, next.asked) >= timeout - SLACK;
        let had = |kind| history.has_trouble(kind, history.clock.wall(before.at), history.clock.wall(next.asked));
        let is_excused = is_last || had(Kind::Ill) || had(Kind::Ahead);
        next.asked - before.at < interval.min(TimeDelta::seconds(1)) && !is_excused
    });
    hurried.then_some("it was asked too soon")
}
