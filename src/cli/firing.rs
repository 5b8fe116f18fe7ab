//! One firing of a job, as the commands show it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::job::Job;

/// A line of `sexton next --json`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Firing {
    pub(super) job: String,
    /// The nominal instant, RFC 3339 in UTC.
    pub(super) scheduled_for: String,
    /// When the request leaves, RFC 3339 in UTC.
    pub(super) fires_at: String,
    /// The nominal instant in the job's zone, RFC 3339 with its offset.
    pub(super) local: String,
    /// What a change of the clocks did to it.
    pub(super) note: Option<String>,
}

impl Firing {
    pub(super) fn new(job: &Job, scheduled_for: DateTime<Utc>) -> Self {
        let local = scheduled_for.with_timezone(&job.schedule.zone());
        Self {
            job: job.name.to_string(),
            scheduled_for: utc(scheduled_for),
            fires_at: utc(job.fires_at(scheduled_for)),
            local: local.to_rfc3339_opts(SecondsFormat::AutoSi, false),
            note: job.schedule.note(scheduled_for).map(|note| note.to_string()),
        }
    }
}

/// The occurrences of a job strictly after `t`; the same function that fires them (guarantee G4).
pub(super) fn occurrences(job: &Job, t: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    std::iter::successors(job.schedule.next_after(t), |last| job.schedule.next_after(*last))
}

pub(super) fn utc(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
