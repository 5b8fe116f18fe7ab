//! `GET /api/v1/definitions`: what is in force, as far as a comparison needs it.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Admin;
use crate::job::{Definitions, Finding, InForce};

/// The definitions in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Shown {
    /// Counts up with each set taken into force.
    pub generation: u64,
    /// The hash of the files' texts.
    pub fingerprint: String,
    /// The errors of the newest edit, one line each; empty when it is in force.
    pub rejected: Vec<String>,
    /// The jobs, by name.
    pub jobs: Vec<ShownJob>,
}

/// A job as far as a comparison needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShownJob {
    /// Its name.
    pub name: String,
    /// Its schedule as it is written.
    pub schedule: String,
    /// The schedule's normal form with zone and DST policy: changes when the instants do.
    pub instants: String,
    /// Whether it fires.
    pub enabled: bool,
    /// Changes when what the job does changes.
    pub hash: String,
}

impl Shown {
    fn of(in_force: &InForce) -> Self {
        Self {
            generation: in_force.generation,
            fingerprint: in_force.loaded.fingerprint.clone(),
            rejected: in_force.errors().map(Finding::to_string).collect(),
            jobs: ShownJob::all(&in_force.loaded.definitions),
        }
    }
}

impl ShownJob {
    /// Every job of `definitions`.
    #[must_use]
    pub fn all(definitions: &Definitions) -> Vec<Self> {
        let shown = definitions.jobs.values().map(|job| Self {
            name: job.name.to_string(),
            schedule: job.schedule.text().to_owned(),
            instants: job.schedule.identity(),
            enabled: job.enabled,
            hash: job.hash.clone(),
        });
        shown.collect()
    }
}

/// The definitions in force.
#[utoipa::path(get, path = "/api/v1/definitions", tag = "definitions", responses((status = 200, body = Shown)))]
pub(super) async fn show(State(admin): State<Admin>) -> Json<Shown> {
    Json(Shown::of(&admin.health.definitions.borrow()))
}
