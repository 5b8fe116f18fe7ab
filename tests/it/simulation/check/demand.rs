//! The rows against what the schedules demanded, computed anew from the definitions that were in force: guarantee G1.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{job::JobName, run::Run};

use super::{History, Rule, Violation, is_occurrence, time::Stretch};

type Instant = DateTime<Utc>;

/// Around an edit or a step of the clock, an instant may count on either side.
const EDGE: TimeDelta = TimeDelta::seconds(3);

pub(super) fn check(history: &History, job: &JobName, violations: &mut Vec<Violation>) {
    let stretches = history.stretches(job);
    let mut rows: Vec<&Run> =
        history.rows_of(job).map(|(row, _)| row).filter(|row| is_occurrence(row.trigger)).collect();
    rows.sort_by_key(|row| (row.scheduled_for, row.through));
    for pair in rows.windows(2).filter(|pair| pair[1].scheduled_for <= pair[0].through) {
        violations.push(Violation::of(Rule::Doubled, format_args!("{job}: {:?} and {:?}", pair[0], pair[1])));
    }
    for at in required(&stretches) {
        let before = rows.partition_point(|row| row.scheduled_for <= at);
        let covered = rows[..before].iter().rev().take(3).any(|row| row.through >= at);
        if !covered {
            violations.push(Violation::of(Rule::Unaccounted, format_args!("{job} at {at}")));
        }
    }
    for row in rows {
        for at in [row.scheduled_for, row.through] {
            if !is_allowed(&stretches, at) {
                violations.push(Violation::of(Rule::Invented, format_args!("{job}: nothing demanded {at} of {row:?}")));
            }
        }
    }
    for call in history.calls_of(job).filter(|call| is_occurrence(call.trigger)) {
        if !is_allowed(&stretches, call.scheduled_for) {
            violations.push(Violation::of(Rule::Invented, format_args!("nothing demanded the call {call:?}")));
        }
    }
}

/// Every instant that must have its row.
fn required(stretches: &[Stretch<'_>]) -> BTreeSet<Instant> {
    let mut required = BTreeSet::new();
    for stretch in stretches.iter().filter(|stretch| stretch.is_owed) {
        let end = if stretch.is_last { stretch.to - EDGE } else { stretch.to };
        // A definition that goes on begins nothing anew.
        let goes_on = stretches
            .iter()
            .any(|other| other.to == stretch.from && other.schedule().identity() == stretch.schedule().identity());
        let begin = if goes_on { stretch.from } else { stretch.from + EDGE };
        let occurrences =
            std::iter::successors(stretch.schedule().next_after(begin), |last| stretch.schedule().next_after(*last));
        required.extend(occurrences.take_while(|at| stretch.job.fires_at(*at) <= end));
    }
    required
}

fn is_allowed(stretches: &[Stretch<'_>], at: Instant) -> bool {
    let inside = |stretch: &&Stretch<'_>| stretch.from < at && at <= stretch.at_most_to;
    stretches.iter().filter(inside).any(|stretch| stretch.schedule().has(at))
}
