//! `GET /api/v1/runs`: the history.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    Admin, RunDetail, RunPage, RunRow,
    input::{Path, Query},
    not_found, refusal,
};
use crate::{
    job::JobName,
    protocol::Problem,
    run::{Attempt, NoRunId, Outcome, Run, RunId},
    store::RunQuery,
};

/// At most so many runs in one answer.
const MOST: u32 = 1000;

/// Which runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    job: Option<String>,
    outcome: Option<String>,
    limit: Option<u32>,
    before: Option<String>,
}

/// The history, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(
    ("job" = Option<String>, Query, description = "Of this job only."),
    ("outcome" = Option<String>, Query, description = "With this outcome only."),
    ("limit" = Option<u32>, Query, description = "At most so many, up to 1000; without it 50."),
    ("before" = Option<String>, Query, description = "Older than this run only: the `next` of the answer before.")
), responses(
    (status = 200, body = RunPage),
    (status = 400, description = "A parameter that is none.", body = Problem, content_type = "application/problem+json")
))]
pub(super) async fn list(State(admin): State<Admin>, Query(asked): Query<Asked>) -> Result<Json<RunPage>, Problem> {
    let limit = asked.limit.unwrap_or(50).min(MOST);
    let query = RunQuery {
        job: asked.job.as_deref().map(|job| JobName::new(job).map_err(bad)).transpose()?,
        outcome: asked.outcome.as_deref().map(|outcome| outcome.parse::<Outcome>().map_err(bad)).transpose()?,
        before: match &asked.before {
            Some(run) => Some(place_of(&admin, run).await?),
            None => None,
        },
        limit,
        within: None,
    };
    let runs = admin.store.runs(query).await.map_err(|error| admin.failed(&error))?;
    let more = usize::try_from(limit).is_ok_and(|limit| runs.len() == limit);
    let next = runs.last().filter(|_| more).map(|run| run.id.to_string());
    Ok(Json(RunPage { runs: runs.iter().map(RunRow::from).collect(), next }))
}

/// One run with its attempts.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", responses(
    (status = 200, body = RunDetail),
    (status = 404, description = "No run has this id.", body = Problem, content_type = "application/problem+json")
), params(("id" = String, Path, description = "The run's id.")))]
pub(super) async fn show(State(admin): State<Admin>, Path(id): Path) -> Result<Json<RunDetail>, Problem> {
    let (run, attempts) = admin.run(&id).await?;
    Ok(Json(RunDetail::of(&run, &attempts)))
}

async fn place_of(admin: &Admin, run: &str) -> Result<(DateTime<Utc>, RunId), Problem> {
    let (run, _) = admin.run(run).await?;
    Ok((run.scheduled_for, run.id))
}

fn bad(error: impl std::error::Error) -> Problem {
    refusal(axum::http::StatusCode::BAD_REQUEST, error.to_string())
}

impl Admin {
    /// The run of this id, with its attempts.
    pub(super) async fn run(&self, id: &str) -> Result<(Run, Vec<Attempt>), Problem> {
        let id: RunId = id.parse().map_err(|_no_id: NoRunId| not_found(format!("`{id}` is no run's id")))?;
        let found = self.store.run(id).await.map_err(|error| self.failed(&error))?;
        found.ok_or_else(|| {
            not_found(format!(
                "the ledger holds no run {id}: old ones are pruned, and a skipped one may have joined the row before it"
            ))
        })
    }
}
