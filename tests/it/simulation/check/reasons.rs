//! Each row's reason for not having been sent, or not to its end, against what happened.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    job::{CatchUp, Job, Overlap},
    run::{Attempt, Outcome, Reason, Run, State},
    scheduler::decisions::MOST_CAUGHT_UP,
};

use super::{History, JITTER, Kind, is_occurrence, reign::Force};

type Instant = DateTime<Utc>;

/// How exact instants are taken.
const SLACK: TimeDelta = TimeDelta::seconds(3);
/// How long before it was skipped a run may have begun to be in the way, besides its hold.
const PATIENCE: TimeDelta = TimeDelta::minutes(90);

/// Why the row's reason is none.
pub(super) fn dishonesty(history: &History, row: &Run) -> Option<&'static str> {
    let State::Ended(outcome) = row.state else { return None };
    match (outcome, row.reason?) {
        (Outcome::Missed, Reason::Downtime) => missed_for_nothing(history, row),
        (Outcome::Cancelled, Reason::Redefined | Reason::Removed) => {
            let until = row.finished_at.unwrap_or(row.scheduled_for);
            let edited = history.has_trouble(Kind::Edit, row.scheduled_for - SLACK, until);
            (!edited && history.trouble_at(row.scheduled_for).is_none()).then_some("there was no edit")
        }
        (Outcome::Skipped, reason @ (Reason::Running | Reason::PossiblyRunning)) => {
            skipped_for_nothing(history, row, reason)
        }
        (Outcome::Skipped, Reason::QueueFull) => (!was_line_full(history, row)).then_some("there was room in the line"),
        _ => None,
    }
}

/// When the occurrence `at` of a run is due: what is asked for by hand at once, whatever instant it is for.
pub(super) fn due(job: &Job, row: &Run, at: Instant) -> Instant {
    if is_occurrence(row.trigger) { job.fires_at(at) } else { row.id.made_at().unwrap_or(at) }
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
    let ended = row.finished_at?;
    if history.stands_in_line(row, ended) && history.has_trouble(Kind::Ill, row.scheduled_for, ended) {
        // It may have waited there when the sidecar died.
        return None;
    }
    if stretch.job.catch_up == CatchUp::All && !is_within_reach(stretch.job, row.through, ended) {
        // It may have waited for its turn until it was too late.
        return None;
    }
    if std::iter::successors(Some(row.scheduled_for), next).any(|at| history.trouble_at(fires_at(at)).is_none()) {
        return Some("the sidecar was well");
    }
    // Of a backlog the newest is sent: late, or by catch-up.
    let Force { job, .. } = history.in_force(row, ended)?;
    if job.schedule.identity() != stretch.schedule().identity() {
        // What only the schedule before demanded is sent by nobody.
        return None;
    }
    let over = history.trouble_at(fires_at(row.through))?;
    if !is_within_reach(job, row.through, ended) {
        return None;
    }
    let newer = |at: &Instant| job.schedule.next_after(*at).filter(|next| fires_at(*next) <= over);
    let behind = std::iter::successors(newer(&row.through), newer).take(MOST_CAUGHT_UP).count();
    if job.catch_up == CatchUp::All && behind < MOST_CAUGHT_UP {
        return Some("all of a backlog was to be sent");
    }
    let was_set_back = history.troubles.iter().any(|trouble| trouble.kind == Kind::Back);
    (job.catch_up == CatchUp::Latest && behind == 0 && !was_set_back)
        .then_some("the newest of a backlog was to be sent")
}

/// Whether an occurrence may still be caught up at `at`.
fn is_within_reach(job: &Job, occurrence: Instant, at: Instant) -> bool {
    let late = at - job.fires_at(occurrence);
    job.catch_up_window.is_none_or(|window| late <= TimeDelta::from_std(window).unwrap())
}

/// `reason`: `running`, which needs a run that was open, or `possibly_running`, which also an end that nobody heard can be.
fn skipped_for_nothing(history: &History, row: &Run, reason: Reason) -> Option<&'static str> {
    let end = row.finished_at.unwrap_or(row.through);
    let job = history.in_force(row, end)?.job;
    let longest = history.longest_hold(row);
    if history.has_trouble(Kind::Back, row.scheduled_for - longest - PATIENCE, end + SLACK) {
        return None;
    }
    let idle = instants(job, row).any(|at| {
        let due = due(job, row, at);
        // Who waits to replace another one makes room for whoever comes then.
        let looked_at = if job.overlap == Overlap::Replace { end } else { history.trouble_at(due).unwrap_or(due) };
        !history.rows_of(&row.job).filter(|(other, _)| other.id != row.id).any(|(other, attempts)| {
            let may_be_held = reason == Reason::PossiblyRunning
                && matches!(other.state, State::Ended(Outcome::Unknown | Outcome::Cancelled));
            let held = if may_be_held { longest } else { TimeDelta::zero() };
            let was_there = |(from, to): (Instant, Option<Instant>)| {
                let free_at = to.unwrap_or(DateTime::<Utc>::MAX_UTC - held) + held;
                from <= looked_at + SLACK && due - SLACK <= free_at
            };
            // Who waits is in the way too, and so is who asks at the same time, or waits and is skipped then.
            let never_left =
                matches!(other.state, State::Ended(Outcome::Skipped | Outcome::Missed)) && other.fence.is_none();
            let waits = !never_left && was_there(waited(other, attempts));
            let is_skipped = other.fence.is_none() && other.state == State::Ended(Outcome::Skipped);
            let asks_too = is_skipped
                && (has_instant(job, other, due - JITTER - SLACK, looked_at + SLACK)
                    || was_there((other.through, other.finished_at)));
            let mut sent = attempts.iter().map(|attempt| (attempt.sent_at, attempt.finished_at));
            waits || asks_too || sent.any(was_there)
        })
    });
    idle.then_some("no other run was in the way")
}

/// Whether another run was waiting where there is room for one, or a hundred where one after the other is caught up.
fn was_line_full(history: &History, row: &Run) -> bool {
    let end = row.finished_at.unwrap_or(row.through);
    if history.has_trouble(Kind::Back, row.scheduled_for - PATIENCE, end + SLACK) {
        return true;
    }
    let (from, to) = (history.clock.first_at(row.scheduled_for), history.clock.last_at(end));
    let lines_up = history.jobs_between(&row.job, from, to).any(|job| job.overlap == Overlap::Queue);
    let room = if lines_up { 1 } else { MOST_CAUGHT_UP };
    let Some(Force { job, .. }) = history.in_force(row, end) else { return true };
    instants(job, row).all(|at| {
        let due = due(job, row, at);
        let looked_at = history.trouble_at(due).unwrap_or(due);
        let waits = |(other, attempts): &&(Run, Vec<Attempt>)| {
            let (from, to) = waited(other, attempts);
            other.id != row.id && from <= looked_at + SLACK && to.is_none_or(|to| due - SLACK <= to)
        };
        history.rows_of(&row.job).filter(waits).count() >= room
    })
}

/// Whether one of a row's occurrences lies between two instants.
fn has_instant(job: &Job, row: &Run, from: Instant, to: Instant) -> bool {
    let next = job.schedule.next_after(from.max(row.scheduled_for - TimeDelta::microseconds(1)));
    row.scheduled_for <= to && (from <= row.scheduled_for || next.is_some_and(|next| next <= to.min(row.through)))
}

/// Every occurrence of a row.
fn instants<'a>(job: &'a Job, row: &'a Run) -> impl Iterator<Item = Instant> {
    let next = |at: &Instant| job.schedule.next_after(*at).filter(|at| *at <= row.through);
    std::iter::successors(Some(row.scheduled_for), next)
}

/// From when to when a run waited to be let go.
fn waited(row: &Run, attempts: &[Attempt]) -> (Instant, Option<Instant>) {
    let due =
        if is_occurrence(row.trigger) { row.scheduled_for } else { row.id.made_at().unwrap_or(row.scheduled_for) };
    (due, attempts.first().map(|attempt| attempt.sent_at).or(row.finished_at))
}
