//! A job as answers show it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::table::Job;
use crate::reference_app::database::instant;

/// For anybody: how far it is, and nothing about what it is (seed C13).
#[derive(Debug, Serialize)]
pub(super) struct Glance {
    id: String,
    status: String,
    progress: f64,
}

/// For who asked for it, and for admins.
#[derive(Debug, Serialize)]
pub(in crate::reference_app) struct Shown {
    #[serde(flatten)]
    glance: Glance,
    kind: String,
    arguments: Value,
    attempts: i64,
    requested_by: String,
    /// What that user proved to be: `service`, `user`, `service-token`, `session`, `run`.
    requested_as: String,
    /// With a run's token: of which run.
    requested_run: Option<String>,
    idempotency_key: Option<String>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    result: Option<Value>,
    error: Option<String>,
}

/// The answer to asking for one: as much of it as whoever asks may see.
#[derive(Debug, Serialize)]
pub(super) struct Accepted<J> {
    #[serde(flatten)]
    job: J,
    /// The key named a job that is not over; nothing new was made (seed A35).
    deduplicated: bool,
}

impl From<&Job> for Glance {
    fn from(job: &Job) -> Self {
        Self { id: job.id.clone(), status: job.status.clone(), progress: job.progress }
    }
}

impl From<Job> for Shown {
    fn from(job: Job) -> Self {
        // Only this app writes these columns, and as JSON.
        let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
        Self {
            glance: Glance::from(&job),
            arguments: json(&job.arguments),
            kind: job.kind,
            attempts: job.attempts,
            requested_by: job.requested_by,
            requested_as: job.requested_as,
            requested_run: job.requested_run,
            idempotency_key: job.idempotency_key,
            created_at: instant(job.created_at),
            started_at: job.started_at.map(instant),
            finished_at: job.finished_at.map(instant),
            result: job.result.as_deref().map(json),
            error: job.error,
        }
    }
}

impl<J> Accepted<J> {
    pub(super) fn new(job: J, deduplicated: bool) -> Self {
        Self { job, deduplicated }
    }
}
