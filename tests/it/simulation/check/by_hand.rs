//! What people asked for: runs that nobody asked for, runs that were promised, and what was held back.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use sexton::run::{Reason, Run, Trigger};

use super::{History, Kind, Rule, Violation, is_occurrence};

/// How exact the ends of a pause are taken.
const SLACK: TimeDelta = TimeDelta::seconds(3);

/// By how much jitter may put off an instant in these stories.
const JITTER: TimeDelta = TimeDelta::seconds(45);

pub(super) fn check(history: &History, violations: &mut Vec<Violation>) {
    let mut answered = BTreeSet::new();
    for (row, _) in history.rows.iter().filter(|(row, _)| row.trigger == Trigger::Manual) {
        let asked = row.asked_by.as_ref().is_some_and(|by| {
            history.asked.iter().any(|(asked, job)| asked == by && *job == row.job) && answered.insert(by)
        });
        if !asked {
            violations.push(Violation::of(Rule::Invented, format_args!("nobody asked for {row:?}")));
        }
    }
    for run in &history.promised {
        if !history.rows.iter().any(|(row, _)| row.id == *run) {
            violations.push(Violation::of(Rule::Unaccounted, format_args!("{run} was promised")));
        }
    }
    // A clock that was set back comes to the hours of a pause from before it.
    if history.troubles.iter().any(|trouble| trouble.kind == Kind::Back) {
        return;
    }
    for call in history.calls.iter().filter(|call| is_occurrence(call.trigger)) {
        let Some(job) = history.job_at(&call.job, call.received) else { continue };
        let due = job.fires_at(call.scheduled_for);
        let held_back =
            |edge| history.pauses.iter().any(|p| p.is_for(&call.job) && p.covers(due - edge) && p.covers(due + edge));
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
        let mut pauses = history.pauses.iter().filter(|pause| pause.is_for(&row.job));
        pauses.any(|pause| pause.since - SLACK - JITTER < at && pause.until.is_none_or(|until| at <= until + SLACK))
    };
    near(row.scheduled_for) && near(row.through)
}
