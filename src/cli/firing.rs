//! One firing of a job, as the commands show it.

use std::fmt;

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde::Serialize;

use crate::job::Job;

/// A line of `sexton next --json`. Its `Display` is the instant for people.
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

impl fmt::Display for Firing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.local)?;
        if self.fires_at == self.scheduled_for { Ok(()) } else { write!(f, ", jitter: leaves at {}", self.fires_at) }
    }
}

/// For programs: whole.
pub(super) fn utc(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// For people: to the millisecond.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    utc(at.trunc_subsecs(3))
}
