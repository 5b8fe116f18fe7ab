//! The firings of all jobs in the order of time.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use chrono::{DateTime, Utc};

use crate::job::{Definitions, Job};

/// One firing.
pub(super) struct Firing<'a> {
    pub(super) job: &'a Arc<Job>,
    /// When the request leaves.
    pub(super) at: DateTime<Utc>,
}

/// Every firing of the enabled jobs that leaves after `from` and up to `to`.
pub(super) fn firings(
    definitions: &Definitions,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> impl Iterator<Item = Firing<'_>> {
    let jobs: Vec<&Arc<Job>> = definitions.jobs.values().filter(|job| job.enabled).collect();
    let of = |index: usize, job: &Job, next: Option<DateTime<Utc>>| {
        next.map(|occurrence| Reverse((job.fires_at(occurrence), index, occurrence)))
    };
    let mut heap: BinaryHeap<_> =
        jobs.iter().enumerate().filter_map(|(index, job)| of(index, job, job.firings_after(from).next())).collect();
    std::iter::from_fn(move || {
        let Reverse((at, index, occurrence)) = heap.pop().filter(|Reverse((at, ..))| *at <= to)?;
        let job = jobs[index];
        heap.extend(of(index, job, job.schedule.next_after(occurrence)));
        Some(Firing { job, at })
    })
}
