//! The ledger against the app's log, and each row's reason against what happened.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    job::{CatchUp, Job, JobName, Overlap},
    run::{Attempt, Outcome, Reason, Run, State, Trigger},
};

use super::{Call, History, Kind, Rule, Violation, followed, is_occurrence};

type Instant = DateTime<Utc>;

/// How exact instants are taken.
const SLACK: TimeDelta = TimeDelta::seconds(3);
/// How long after its due time and its timeout a run may be without an end.
const PATIENCE: TimeDelta = TimeDelta::minutes(90);

pub(super) fn check(history: &History, job: &JobName, violations: &mut Vec<Violation>) {
    for (row, attempts) in history.rows_of(job) {
        let calls: Vec<&Call> = history.calls_of(job).filter(|call| call.run == row.id).collect();
        let say = |rule, words: &str| Violation::of(rule, format_args!("{words}: {row:?}, {attempts:?}, {calls:?}"));
        if let Some(wrong) = contradiction(row, attempts, &calls) {
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
        if let Some(wrong) = dishonesty(history, row) {
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
fn contradiction(row: &Run, attempts: &[Attempt], calls: &[&Call]) -> Option<&'static str> {
    let same = |call: &&&Call| attempts.iter().any(|a| (a.number, a.fence) == (call.attempt, call.fence));
    if calls.iter().filter(same).count() != calls.len() {
        return Some("the ledger let go none of that number and fence");
    }
    let last = last_call(attempts, calls);
    if let Some(call) = last.filter(|call| call.is_followed()) {
        return followed::contradiction(row, call);
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

/// An occurrence is let go for its own instant, and late within the limit, or by catch-up.
fn out_of_time(history: &History, row: &Run, first: &Attempt) -> Option<&'static str> {
    let (job, limit) = in_force(history, row)?;
    let lateness = first.sent_at - due(job, row, row.scheduled_for);
    if history.has_trouble(Kind::Back, row.scheduled_for - SLACK, first.sent_at + SLACK) {
        return None;
    }
    match row.trigger {
        _ if lateness < -SLACK => Some("too early"),
        // In line, it is as late as whoever is before it makes it.
        _ if matches!(job.overlap, Overlap::Queue | Overlap::Replace) || job.group.is_some() => None,
        Trigger::Schedule if lateness > limit + history.slowness && job.catch_up != CatchUp::All => Some("too late"),
        Trigger::CatchUp if lateness < limit - SLACK => Some("this was no catch-up"),
        _ => None,
    }
}

/// When the occurrence `at` of a run is due: what is asked for by hand at once, whatever instant it is for.
fn due(job: &Job, row: &Run, at: Instant) -> Instant {
    if is_occurrence(row.trigger) { job.fires_at(at) } else { row.id.made_at().unwrap_or(at) }
}

/// The definition whose schedule demanded a row, and the late limit, where there is only one of each.
fn in_force<'a>(history: &'a History, row: &Run) -> Option<(&'a Job, TimeDelta)> {
    let mut jobs = history.reigns.iter().filter_map(|reign| {
        Some((reign.definitions.jobs.get(&row.job)?.as_ref(), reign.definitions.settings.late_limit))
    });
    let (job, limit) = jobs.next()?;
    let constant =
        jobs.all(|(other, other_limit)| other.hash == job.hash && other.enabled == job.enabled && other_limit == limit);
    let always = history.reigns.iter().all(|reign| reign.definitions.jobs.contains_key(&row.job));
    (always && constant && !history.is_crowded()).then(|| (job, TimeDelta::from_std(limit).unwrap()))
}

/// Why the row's reason is none.
fn dishonesty(history: &History, row: &Run) -> Option<&'static str> {
    let State::Ended(outcome) = row.state else { return None };
    match (outcome, row.reason?) {
        (Outcome::Missed, Reason::Downtime) => missed_for_nothing(history, row),
        (Outcome::Cancelled, Reason::Redefined | Reason::Removed) => {
            let until = row.finished_at.unwrap_or(row.scheduled_for);
            let edited = history.has_trouble(Kind::Edit, row.scheduled_for - SLACK, until);
            (!edited && history.trouble_at(row.scheduled_for).is_none()).then_some("there was no edit")
        }
        (Outcome::Skipped, Reason::Running | Reason::PossiblyRunning) => skipped_for_nothing(history, row),
        _ => None,
    }
}

fn missed_for_nothing(history: &History, row: &Run) -> Option<&'static str> {
    if !is_occurrence(row.trigger) {
        let asked_at = row.id.made_at()?;
        return (!history.has_trouble(Kind::Ill, asked_at, row.finished_at?)).then_some("the sidecar was well");
    }
    let stretches = history.stretches(&row.job);
    let stretch = stretches.iter().find(|stretch| {
        stretch.from < row.scheduled_for
            && row.scheduled_for <= stretch.at_most_to
            && stretch.schedule().has(row.scheduled_for)
    })?;
    let next = |at: &Instant| stretch.schedule().next_after(*at).filter(|at| *at <= row.through);
    let fires_at = |at: Instant| stretch.job.fires_at(at);
    let stands_in_line = history.is_crowded() || stretch.job.group.is_some();
    if stands_in_line && history.has_trouble(Kind::Ill, row.scheduled_for, row.finished_at?) {
        // It may have waited there when the sidecar died.
        return None;
    }
    if std::iter::successors(Some(row.scheduled_for), next).any(|at| history.trouble_at(fires_at(at)).is_none()) {
        return Some("the sidecar was well");
    }
    // Of a backlog the newest is sent: late, or by catch-up.
    let (job, _) = in_force(history, row)?;
    let over = history.trouble_at(fires_at(row.through))?;
    if job.catch_up == CatchUp::All
        && job.catch_up_window.is_some_and(|window| {
            row.finished_at.is_some_and(|at| at - row.through < TimeDelta::from_std(window).unwrap())
        })
        && row.count < 100
    {
        return Some("all of a backlog was to be sent");
    }
    let newer = job.schedule.next_after(row.through).is_some_and(|next| fires_at(next) <= over);
    let was_set_back = history.troubles.iter().any(|trouble| trouble.kind == Kind::Back);
    (job.catch_up == CatchUp::Latest && !newer && !was_set_back).then_some("the newest of a backlog was to be sent")
}

fn skipped_for_nothing(history: &History, row: &Run) -> Option<&'static str> {
    let (job, _) = in_force(history, row)?;
    let hold = TimeDelta::from_std(job.hold).unwrap();
    let end = row.finished_at.unwrap_or(row.through);
    if history.has_trouble(Kind::Back, row.scheduled_for - hold - PATIENCE, end + SLACK) {
        return None;
    }
    let next = |at: &Instant| job.schedule.next_after(*at).filter(|at| *at <= row.through);
    let idle = std::iter::successors(Some(row.scheduled_for), next).any(|at| {
        let due = due(job, row, at);
        let looked_at = history.trouble_at(due).unwrap_or(due) + SLACK;
        !history.rows_of(&row.job).any(|(other, attempts)| {
            let is_held = matches!(other.state, State::Ended(Outcome::Unknown | Outcome::Cancelled));
            let held = if is_held { hold } else { TimeDelta::zero() };
            let was_there = |from, to: Option<Instant>| {
                let free_at = to.unwrap_or(DateTime::<Utc>::MAX_UTC - hold) + held;
                from <= looked_at && due - SLACK <= free_at
            };
            // Who waits for a group is in the way too.
            let waited =
                job.group.is_some() && other.fence.is_some() && was_there(other.scheduled_for, other.finished_at);
            let mut sent = attempts.iter().map(|attempt| (attempt.sent_at, attempt.finished_at));
            other.id != row.id && (waited || sent.any(|(from, to)| was_there(from, to)))
        })
    });
    idle.then_some("no other run was in the way")
}
