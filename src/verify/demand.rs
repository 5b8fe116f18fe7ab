//! What was demanded: the occurrences of each schedule while it was in force.

use std::{cmp::Reverse, collections::BinaryHeap};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{schedule::Schedule, store};

/// A period with its end.
pub(super) struct Period {
    pub(super) rule: Rule,
    /// Exclusive.
    pub(super) start: DateTime<Utc>,
    /// Inclusive.
    pub(super) end: DateTime<Utc>,
    kept_after: DateTime<Utc>,
}

/// What a period demands.
pub(super) enum Rule {
    Occurrences(Schedule),
    Nothing,
    /// The time before the ledger kept its periods.
    Unknown,
    /// Not known either, but it should be.
    Unreadable(String),
}

impl Period {
    /// After here, what it demands must have its row.
    pub(super) fn proven_after(&self) -> DateTime<Utc> {
        self.start.max(self.kept_after)
    }

    /// Whether nobody can tell what it demanded at these instants.
    pub(super) fn is_vague_on(&self, first: DateTime<Utc>) -> bool {
        matches!(self.rule, Rule::Unknown | Rule::Unreadable(_)) && self.start < first && first <= self.end
    }
}

/// The job's periods; the one in force lasts to `now`.
///
/// A period ends where the next one begins. Where its cursor had gone further (the lead window, or a wall clock that was
/// set back), everything up to the cursor was given a row, and so is demanded as well.
pub(super) fn periods(periods: &[store::Period], now: DateTime<Utc>) -> Vec<Period> {
    let begins = periods.iter().skip(1).map(|next| next.anchored_at).chain([now]);
    periods
        .iter()
        .zip(begins)
        .map(|(period, next)| Period {
            rule: rule(&period.schedule),
            start: period.anchored_at,
            end: period.accounted_to.map_or(next, |accounted_to| accounted_to.max(next)),
            kept_after: period.kept_after,
        })
        .collect()
}

fn rule(schedule: &str) -> Rule {
    match schedule {
        store::Period::DISABLED | store::Period::REMOVED => Rule::Nothing,
        store::Period::UNKNOWN => Rule::Unknown,
        identity => {
            Schedule::from_identity(identity).map_or_else(|| Rule::Unreadable(identity.to_owned()), Rule::Occurrences)
        }
    }
}

/// An occurrence that was demanded.
pub(super) struct Demand {
    pub(super) at: DateTime<Utc>,
    /// The first period that demands it, by number.
    pub(super) period: usize,
    /// Whether its row must be there; otherwise it may have been pruned.
    pub(super) is_due: bool,
}

/// Everything that the periods demand, in the order of time, each instant once.
pub(super) struct Demands<'a> {
    periods: &'a [Period],
    next: BinaryHeap<Reverse<(DateTime<Utc>, usize)>>,
}

impl<'a> Demands<'a> {
    /// Of instants that were pruned, only those from `oldest` on: there is a row for them.
    pub(super) fn of(periods: &'a [Period], oldest: Option<DateTime<Utc>>) -> Self {
        let mut demands = Self { periods, next: BinaryHeap::new() };
        for (number, period) in periods.iter().enumerate() {
            let before_oldest = oldest.and_then(|oldest| oldest.checked_sub_signed(TimeDelta::microseconds(1)));
            let pruned = before_oldest.map_or(period.kept_after, |oldest| oldest.min(period.kept_after));
            demands.advance(number, period.start.max(pruned));
        }
        demands
    }

    fn advance(&mut self, number: usize, after: DateTime<Utc>) {
        let Rule::Occurrences(schedule) = &self.periods[number].rule else { return };
        let next = schedule.next_after(after).filter(|next| *next <= self.periods[number].end);
        self.next.extend(next.map(|next| Reverse((next, number))));
    }
}

impl Iterator for Demands<'_> {
    type Item = Demand;

    fn next(&mut self) -> Option<Demand> {
        let Reverse((at, period)) = *self.next.peek()?;
        let mut is_due = false;
        while let Some(&Reverse((same, number))) = self.next.peek()
            && same == at
        {
            self.next.pop();
            is_due |= at > self.periods[number].proven_after();
            self.advance(number, at);
        }
        Some(Demand { at, period, is_due })
    }
}
