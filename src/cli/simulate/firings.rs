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
    let next = move |job: &Job, after| {
        let mut occurrences =
            std::iter::successors(job.schedule.next_after(after), |last| job.schedule.next_after(*last));
        // One whose instant lies before the span may leave within it, and the other way round.
        occurrences.find(|occurrence| job.fires_at(*occurrence) > from).map(|found| (job.fires_at(found), found))
    };
    let start = |job: &Job| from - (job.fires_at(from) - from);
    let mut heap: BinaryHeap<_> = jobs
        .iter()
        .enumerate()
        .filter_map(|(index, job)| next(job, start(job)).map(|(at, occurrence)| Reverse((at, index, occurrence))))
        .collect();
    std::iter::from_fn(move || {
        let Reverse((at, index, occurrence)) = heap.pop().filter(|Reverse((at, ..))| *at <= to)?;
        let job = jobs[index];
        heap.extend(next(job, occurrence).map(|(at, occurrence)| Reverse((at, index, occurrence))));
        Some(Firing { job, at })
    })
}
