//! Syncing: one at a time in the whole app, several repositories at once, and each on its own.
//!
//! What the scheduler sees:
//!
//! | what happened | answer |
//! |---|---|
//! | every repository is up to date now, or there is none | 200, `"errors": 0` |
//! | some failed, others did not | 200 with `"errors"` above 0: the pass was made; a job that must know sets `expect = { json = { "/errors" = 0 } }` |
//! | all failed | 500 as a problem with the same members: the pass failed. Not 502 or 504, which would leave it open whether the app is still at it |
//! | a sync is running already | 409: the scheduler counts it as skipped |

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Extension, Json as Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinError, JoinSet},
    time,
};
use tracing::Instrument;

use super::{
    table::{self, Marketplace, TableError},
    unknown,
};
use crate::{
    protocol::Problem,
    reference_app::{
        audit::Note,
        git::{Git, GitError, Repository, Synced},
        input::Path,
        lifecycle::Work,
        observe::{Panic, caught},
        problem::{Failure, problem},
        progress::Progress,
        state::{App, Shared},
    },
};

/// How syncs are done, and whether one runs.
#[derive(Debug)]
pub(in crate::reference_app) struct Syncs {
    git: Git,
    folder: PathBuf,
    limit: Duration,
    at_once: Arc<Semaphore>,
    turn: Arc<Semaphore>,
}

/// What became of one repository.
#[derive(Debug, Serialize)]
struct Report {
    name: String,
    status: Status,
    old: Option<String>,
    new: Option<String>,
    error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Updated,
    Unchanged,
    Failed,
}

/// What became of all of them.
#[derive(Debug, Serialize)]
pub(in crate::reference_app) struct Reports {
    updated: usize,
    unchanged: usize,
    errors: usize,
    repositories: Vec<Report>,
}

/// Reports within a problem: extension members (RFC 9457 section 3.2).
#[derive(Debug, Serialize)]
struct FailedReports {
    #[serde(flatten)]
    problem: Problem,
    #[serde(flatten)]
    reports: Reports,
}

/// Why a pass was not made at all.
#[derive(Debug, thiserror::Error)]
pub(in crate::reference_app) enum SyncAllError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("a sync ended without a report: {0}")]
    Join(#[from] JoinError),
}

/// Why one repository is not up to date.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error("{0}")]
    Git(#[from] GitError),
    #[error("not done within {} s, so it was given up", .0.as_secs_f32())]
    Late(Duration),
    #[error("given up: the app is stopping")]
    Stopping,
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Panic(Panic),
}

/// `POST /api/marketplaces/sync-all`
pub(in crate::reference_app) async fn sync_all(State(app): State<Shared>) -> Result<Response, Failure> {
    let _turn = app.syncs.turn()?;
    let all = table::all(&app.pool).await?;
    Ok(sync(&app, all, &Progress::unseen()).await?.into_answer(&app))
}

/// The same pass as a queued job makes it: it waits for its turn.
pub(in crate::reference_app) async fn sync_queued(app: &Shared, progress: &Progress) -> Result<Reports, SyncAllError> {
    let _turn = app.syncs.next_turn().await;
    let all = table::all(&app.pool).await?;
    Ok(sync(app, all, progress).await?)
}

/// `POST /api/marketplaces/{name}/sync`
pub(in crate::reference_app) async fn sync_one(
    State(app): State<Shared>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    // The turn first: what is found then cannot be removed meanwhile.
    let _turn = app.syncs.turn()?;
    let found = table::find(&app.pool, &name).await?.ok_or_else(|| unknown(&name))?;
    Ok(sync(&app, vec![found], &Progress::unseen()).await?.into_answer(&app))
}

async fn sync(app: &Shared, marketplaces: Vec<Marketplace>, progress: &Progress) -> Result<Reports, JoinError> {
    let total = marketplaces.len();
    let mut running = JoinSet::new();
    for marketplace in marketplaces {
        let app = Arc::clone(app);
        running.spawn(async move { one(&app, &marketplace).await }.in_current_span());
    }
    let mut repositories = Vec::new();
    while let Some(report) = running.join_next().await {
        repositories.push(report?);
        progress.at(repositories.len(), 0.0, total);
    }
    repositories.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Reports::new(repositories))
}

/// Syncs one repository. Whatever goes wrong, a panic included, is this repository's alone.
async fn one(app: &App, marketplace: &Marketplace) -> Report {
    let name = marketplace.name.to_string();
    let outcome = caught(synced(app, marketplace)).await.unwrap_or_else(|panic| Err(SyncError::Panic(panic)));
    match outcome {
        Ok(Synced { old, new }) => {
            let status = if old == new { Status::Unchanged } else { Status::Updated };
            Report { name, status, old, new, error: None }
        }
        Err(error) => {
            tracing::warn!(marketplace = name, %error, "a sync failed");
            Report { name, status: Status::Failed, old: None, new: None, error: Some(error.shown()) }
        }
    }
}

async fn synced(app: &App, marketplace: &Marketplace) -> Result<Synced, SyncError> {
    let synced = app.syncs.bounded(marketplace, app.lifecycle.begin()).await?;
    table::synced(&app.pool, &marketplace.name, &synced, app.now_millis()).await?;
    Ok(synced)
}

impl SyncError {
    /// For the answer: git's words are the repository's business, the app's own trouble is not the client's.
    fn shown(&self) -> String {
        match self {
            Self::Git(_) | Self::Late(_) | Self::Stopping => self.to_string(),
            Self::Database(_) | Self::Panic(_) => "the app failed; its log has the cause".to_owned(),
        }
    }
}

impl Syncs {
    pub(in crate::reference_app) fn new(git: Git, folder: PathBuf, limit: Duration, at_once: usize) -> Self {
        let turn = Arc::new(Semaphore::new(1));
        Self { git, folder, limit, at_once: Arc::new(Semaphore::new(at_once.max(1))), turn }
    }

    /// The right to change repositories. It is refused, not waited for, while another has it (seed A37).
    pub(in crate::reference_app) fn turn(&self) -> Result<OwnedSemaphorePermit, Failure> {
        Arc::clone(&self.turn).try_acquire_owned().map_err(|busy| {
            tracing::debug!(%busy, "a sync is running already");
            Failure::refused(StatusCode::CONFLICT, "A sync is running already; this one was not started.")
        })
    }

    /// The right to change repositories, as soon as nobody else has it.
    async fn next_turn(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed, so it is always a permit.
        Arc::clone(&self.turn).acquire_owned().await.ok()
    }

    /// The copy of a marketplace.
    pub(in crate::reference_app) fn repository<'a>(&'a self, marketplace: &'a Marketplace) -> Repository<'a> {
        let folder = self.folder.join(format!("{}.git", marketplace.name));
        Repository { git: &self.git, address: &marketplace.address, folder }
    }

    /// Waits for a place, then syncs until done, late, or told to stop. Whatever ends it, no process is left.
    async fn bounded(&self, marketplace: &Marketplace, mut work: Work) -> Result<Synced, SyncError> {
        let repository = self.repository(marketplace);
        let placed = async {
            let _place = self.at_once.acquire().await;
            time::timeout(self.limit, repository.sync()).await
        };
        tokio::select! {
            done = placed => match done {
                Ok(synced) => Ok(synced?),
                Err(_elapsed) => Err(SyncError::Late(self.limit)),
            },
            () = work.stopped() => Err(SyncError::Stopping),
        }
    }
}

impl Reports {
    fn new(repositories: Vec<Report>) -> Self {
        let count = |status| repositories.iter().filter(|report| report.status == status).count();
        Self {
            updated: count(Status::Updated),
            unchanged: count(Status::Unchanged),
            errors: count(Status::Failed),
            repositories,
        }
    }

    /// How many repositories could not be brought up to date, of how many.
    pub(in crate::reference_app) fn errors(&self) -> (usize, usize) {
        (self.errors, self.repositories.len())
    }

    fn into_answer(self, app: &App) -> Response {
        let total = self.repositories.len();
        if self.errors == 0 {
            return Body(self).into_response();
        }
        if self.errors < total {
            let note = Note::new().result("partly_failed");
            return (Extension(note), Body(self)).into_response();
        }
        let error_id = app.entropy.hex::<8>();
        tracing::error!(error_id, "the sync failed for every repository");
        let problem = problem(StatusCode::INTERNAL_SERVER_ERROR, "No repository could be brought up to date.");
        let body = FailedReports { problem: problem.with_error_id(error_id), reports: self };
        let content_type = [(header::CONTENT_TYPE, Problem::CONTENT_TYPE)];
        (StatusCode::INTERNAL_SERVER_ERROR, content_type, Body(body)).into_response()
    }
}
