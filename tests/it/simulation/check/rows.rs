//! The ledger against the app's log.

use chrono::TimeDelta;
use sexton::{
    job::{CatchUp, Job, JobName, Overlap},
    run::{Attempt, Outcome, Reason, Run, State, Trigger},
};

use super::{Call, History, Kind, Rule, Violation, ends, followed, reasons, reign::Force};

/// How exact instants are taken.
const SLACK: TimeDelta = TimeDelta::seconds(3);
/// How long after its due time and its timeout a run may be without an end.
const PATIENCE: TimeDelta = TimeDelta::minutes(90);

pub(super) fn check(history: &History, job: &JobName, violations: &mut Vec<Violation>) {
    for (row, attempts) in history.rows_of(job) {
        let calls: Vec<&Call> = history.calls_of(job).filter(|call| call.run == row.id).collect();
        let say = |rule, words: &str| Violation::of(rule, format_args!("{words}: {row:?}, {attempts:?}, {calls:?}"));
        if let Some(wrong) = contradiction(history, row, attempts, &calls) {
            violations.push(say(Rule::Untrue, wrong));
        }
        let asked_at = row.id.made_at().unwrap_or(row.scheduled_for).max(row.scheduled_for);
        if row.state.outcome().is_none() && asked_at < history.clock.wall(history.end) - PATIENCE {
            violations.push(say(Rule::Unfinished, "it never ended"));
        }
        if let Some(first) = attempts.first()
            && let Some(wrong) = out_of_time(history, row, first)
        {
            violations.push(say(Rule::OutOfTime, wrong));
        }
        let taken_on = last_call(attempts, &calls).filter(|call| call.is_followed());
        if let Some(wrong) = taken_on.and_then(|call| followed::impatience(history, row, call)) {
            violations.push(say(Rule::OutOfTime, wrong));
        }
        let dishonest = ends::dishonesty(history, row, attempts, &calls).or_else(|| reasons::dishonesty(history, row));
        if let Some(wrong) = dishonest {
            violations.push(say(Rule::Dishonest, wrong));
        }
    }
    for call in history.calls_of(job) {
        if !history.rows_of(job).any(|(row, _)| row.id == call.run) {
            violations.push(Violation::of(Rule::Untrue, format_args!("the ledger knows nothing of {call:?}")));
        }
    }
}

/// What the row and the witness do not agree about.
fn contradiction(history: &History, row: &Run, attempts: &[Attempt], calls: &[&Call]) -> Option<&'static str> {
    let same = |call: &&&Call| attempts.iter().any(|a| (a.number, a.fence) == (call.attempt, call.fence));
    if calls.iter().filter(same).count() != calls.len() {
        return Some("the ledger let go none of that number and fence");
    }
    let last = last_call(attempts, calls);
    if let Some(call) = last.filter(|call| call.is_followed()) {
        return followed::contradiction(history, row, call);
    }
    let status = last.and_then(|call| call.answer).map(|(_, status)| status);
    let heard = last.is_some_and(|call| call.was_heard());
    match (row.state, row.reason) {
        (State::Ended(Outcome::Succeeded), _) if !matches!(status, Some(200..300)) => Some("the app did no such thing"),
        (State::Ended(Outcome::Failed), Some(Reason::Connect | Reason::Panic)) if last.is_some() => {
            Some("the app received it")
        }
        (State::Ended(Outcome::Failed), Some(Reason::Status)) if status.is_none() || row.status != status => {
            Some("the app gave no such answer")
        }
        (State::Ended(Outcome::Unknown), Some(Reason::Timeout | Reason::Broken)) if status.is_some() || !heard => {
            Some("the app was heard")
        }
        (State::Ended(Outcome::Unknown), Some(Reason::UnknownStatus)) if !matches!(status, Some(408 | 502 | 504)) => {
            Some("the app gave no such answer")
        }
        (State::Ended(Outcome::Skipped), Some(Reason::Busy)) if status != Some(409) => Some("the app was not busy"),
        (State::Ended(Outcome::Skipped), reason) if reason != Some(Reason::Busy) && !calls.is_empty() => {
            Some("it was sent")
        }
        (State::Ended(Outcome::Cancelled), None) if last.is_some_and(|call| call.stops.is_empty()) => {
            Some("the app was not asked to stop for a newer run")
        }
        (State::Ended(Outcome::Cancelled), None | Some(Reason::Settled)) => None,
        (State::Ended(Outcome::Missed | Outcome::Cancelled) | State::Claimed, _) if !calls.is_empty() => {
            Some("it was sent")
        }
        (State::Ended(Outcome::Unknown), Some(Reason::PollRefused)) if status != Some(202) => {
            Some("the app took nothing on")
        }
        // What the app answered may be lost only with the process that heard it.
        (State::Ended(outcome), reason)
            if heard
                && matches!(status, Some(200..300))
                && outcome != Outcome::Succeeded
                && !matches!(reason, Some(Reason::Crash | Reason::Shutdown | Reason::PollRefused)) =>
        {
            Some("the app did it")
        }
        _ => None,
    }
}

/// The request of a run's newest attempt, if the app received it.
fn last_call<'a>(attempts: &[Attempt], calls: &[&'a Call]) -> Option<&'a Call> {
    let newest = attempts.last()?;
    calls.last().copied().filter(|call| call.attempt == newest.number)
}

fn is_out_of_reach(job: &Job, late: TimeDelta) -> bool {
    job.catch_up_window.is_some_and(|window| TimeDelta::from_std(window).unwrap() < late)
}

/// An occurrence is let go for its own instant, and late within the limit, or by catch-up.
fn out_of_time(history: &History, row: &Run, first: &Attempt) -> Option<&'static str> {
    let Force { job, late_limit: (least, most), is_crowded } = history.in_force(row, first.sent_at)?;
    if history.has_trouble(Kind::Back, row.scheduled_for - SLACK, first.sent_at + SLACK) {
        return None;
    }
    let lateness = first.sent_at - reasons::due(job, row, row.scheduled_for);
    match row.trigger {
        _ if lateness < -SLACK => Some("too early"),
        // In line, it is as late as whoever is before it makes it.
        _ if matches!(job.overlap, Overlap::Queue | Overlap::Replace) || job.group.is_some() || is_crowded => None,
        Trigger::Schedule if lateness > most + history.slowness && job.catch_up != CatchUp::All => Some("too late"),
        Trigger::CatchUp if lateness < least - SLACK => Some("this was no catch-up"),
        Trigger::CatchUp if is_out_of_reach(job, lateness - history.slowness) => Some("too late to be caught up"),
        _ => None,
    }
}
