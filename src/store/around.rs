//! What of an accounting is new, where some of its occurrences have rows already.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Accounted, Accounting, Span};

/// A row's first and last instant, both included.
type Row = (DateTime<Utc>, DateTime<Utc>);

impl Accounting {
    /// What is written beside `rows`, the job's rows within reach, oldest first, each from its first to its last instant.
    #[must_use]
    pub fn around(&self, rows: &[Row]) -> Accounted {
        let in_the_way = self.claims.iter().filter(|claim| gap(rows, claim.scheduled_for).is_none());
        Accounted::Done {
            spans: self.spans.iter().flat_map(|span| span.around(rows)).collect(),
            left_out: in_the_way.map(|claim| claim.id).collect(),
        }
    }
}

impl Span {
    /// The parts outside of `rows`. A row of another schedule may lie between two occurrences of this one: it parts them too.
    fn around(&self, rows: &[Row]) -> Vec<Self> {
        let first = gap(rows, self.scheduled_for);
        if first.is_some() && first == gap(rows, self.through) {
            return vec![self.clone()];
        }
        let mut parts: BTreeMap<usize, Self> = BTreeMap::new();
        let mut next = Some(self.scheduled_for);
        while let Some(at) = next.filter(|at| *at <= self.through) {
            if let Some(gap) = gap(rows, at) {
                let id = parts.values().next_back().map_or(self.id, |before| before.id.right_behind());
                let part = parts.entry(gap).or_insert_with(|| Self { id, scheduled_for: at, count: 0, ..self.clone() });
                (part.through, part.count) = (at, part.count + 1);
            }
            next = self.schedule.next_after(at);
        }
        parts.into_values().collect()
    }
}

/// Between which of `rows` an instant lies: before the first is 0. `None` within one.
fn gap(rows: &[Row], at: DateTime<Utc>) -> Option<usize> {
    let gap = rows.partition_point(|(first, _)| *first <= at);
    let (before, _) = rows.split_at(gap);
    before.last().is_none_or(|(_, last)| *last < at).then_some(gap)
}
