//! Jobs that should have fired and did not, whatever the reason.

use chrono::{DateTime, TimeDelta, Utc};

use super::Watch;
use crate::{
    job::{Job, JobName},
    store::{Cursor, RunStore, StoreError},
};

/// By how much a row may be late: it is written in the lead window when all is well, and after a start within moments.
const MARGIN: TimeDelta = TimeDelta::seconds(5);

impl Watch {
    /// The enabled jobs that are not held back and of which two due instants passed without a row (seeds E4, A38). The
    /// schedule that drives a job also says how long it may be silent.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn stale(&self, store: &dyn RunStore, now: DateTime<Utc>) -> Result<Vec<JobName>, StoreError> {
        let status = self.status();
        if status.firing_since.is_none_or(|since| now < since + MARGIN) || status.stopping {
            return Ok(Vec::new());
        }
        let cursors = store.cursors().await?;
        let definitions = self.definitions.borrow();
        let of_job = |cursor: &Cursor| definitions.jobs.get(&cursor.job).filter(|job| job.enabled).cloned();
        let jobs = cursors.iter().filter_map(|cursor| Some((of_job(cursor)?, cursor)));
        let stale = jobs.filter(|(job, cursor)| {
            let held_back = status.pauses.iter().any(|pause| pause.is_for(&job.name));
            !held_back && cursor.schedule == job.schedule.identity() && is_silent(job, cursor.accounted_to, now)
        });
        Ok(stale.map(|(job, _)| job.name.clone()).collect())
    }
}

fn is_silent(job: &Job, accounted_to: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let second = job.schedule.next_after(accounted_to).and_then(|first| job.schedule.next_after(first));
    second.is_some_and(|second| job.fires_at(second) + MARGIN < now)
}
