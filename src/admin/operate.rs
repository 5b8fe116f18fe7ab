//! What changes something: fire, settle, pause, resume. Only with the admin token.

use axum::{
    Extension, Json,
    extract::{ConnectInfo, FromRequestParts, State},
    http::{HeaderName, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Admin, input, input::Path, jobs::unknown_job, refusal};
use crate::{
    job::JobName,
    protocol::Problem,
    run::{Outcome, State as RunState},
    scheduler::decisions::{Command, Done, Refused},
    store::Pause,
};

/// The header by which a client says who asks. It is written down, and proves nothing: the admin token does.
pub const OPERATOR: &str = "sexton-operator";
/// How long a name may be.
const NAME: usize = 64;

/// How to fire a job.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Fire {
    /// Only show the request, without its secrets; nothing is sent.
    #[serde(default)]
    pub dry_run: bool,
}

/// A run that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fired {
    /// Its id; none of a dry run.
    pub run: Option<String>,
    /// Whose.
    pub job: String,
    /// Its instant.
    pub scheduled_for: DateTime<Utc>,
    /// Of a dry run, the request as it would be sent, without its secrets.
    pub request: Option<String>,
}

/// What an unknown run turned out to be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// `succeeded` or `failed`.
    pub r#as: String,
}

/// How to hold jobs back.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Why, for people.
    pub note: Option<String>,
    /// Until when; without it, until it is ended.
    pub until: Option<DateTime<Utc>>,
}

/// A job, or all of them, is held back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PauseRow {
    /// Which job; absent: all.
    pub job: Option<String>,
    /// Occurrences that are due after here are skipped.
    pub since: DateTime<Utc>,
    /// Until when; absent: until it is ended.
    pub until: Option<DateTime<Utc>>,
    /// Why.
    pub note: Option<String>,
    /// Who asked for it, as `class:name`.
    pub asked_by: Option<String>,
}

impl From<&Pause> for PauseRow {
    fn from(pause: &Pause) -> Self {
        Self {
            job: pause.job.as_ref().map(ToString::to_string),
            since: pause.since,
            until: pause.until,
            note: pause.note.clone(),
            asked_by: pause.by.clone(),
        }
    }
}

/// Who asks, as `class:name` (seed C16): whoever has the admin token is an admin, by the name that they give or the address
/// that they have.
pub(super) struct Asker(pub(super) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let peer = Extension::<ConnectInfo<std::net::SocketAddr>>::from_request_parts(parts, state).await;
        let given = parts.headers.get(HeaderName::from_static(OPERATOR)).and_then(|name| name.to_str().ok());
        let name = match (given, peer) {
            (Some(name), _) if !name.is_empty() && name.len() <= NAME => name.to_owned(),
            (_, Ok(Extension(ConnectInfo(peer)))) => peer.ip().to_string(),
            (_, Err(_no_address)) => "local".to_owned(),
        };
        Ok(Self(Some(format!("admin:{name}"))))
    }
}

/// Fire a job now, whatever its schedule says. Its run is no occurrence; overlap, groups and holds count as always.
#[utoipa::path(post, path = "/api/v1/jobs/{name}/fire", tag = "jobs", request_body = Fire, responses(
    (status = 200, description = "A dry run.", body = Fired),
    (status = 202, description = "The run is claimed; `Location` is its address.", body = Fired),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")
), params(("name" = String, Path, description = "The job's name, percent-encoded.")))]
pub(super) async fn fire(
    State(admin): State<Admin>,
    Path(name): Path,
    Asker(by): Asker,
    input::Json(fire): input::Json<Fire>,
) -> Result<Response, Problem> {
    let job = admin.job(&name)?;
    if fire.dry_run {
        let (run, scheduled_for) = (None, admin.clock.now());
        let request = admin.health.scheduler.preview(&job, scheduled_for, admin.entropy);
        let request = request.map_err(|why| refusal(StatusCode::UNPROCESSABLE_ENTITY, why))?;
        return Ok(Json(Fired { run, job: name, scheduled_for, request: Some(request) }).into_response());
    }
    let command = Command::Fire { job: job.name.clone(), by };
    admin.claim(name, command).await
}

/// Cancel a run that has no outcome yet. Where the app may be at it, it is asked to stop, and the run ends when it has: with
/// its request, or at once and with a hold when the app does not confirm.
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", tag = "runs", responses(
    (status = 202, description = "It ends, as its address will tell.", body = super::RunDetail),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is over.", body = Problem, content_type = "application/problem+json")
), params(("id" = String, Path, description = "The run's id.")))]
pub(super) async fn cancel(State(admin): State<Admin>, Path(id): Path) -> Result<Response, Problem> {
    let (run, attempts) = admin.run(&id).await?;
    if run.state.outcome().is_some() {
        let why = format!("run {} is {} already: only a run without an outcome can be cancelled", run.id, run.state);
        return Err(refusal(StatusCode::CONFLICT, why));
    }
    admin.ask(Command::Cancel { run: run.id }).await?;
    Ok((StatusCode::ACCEPTED, Json(super::RunDetail::of(&run, &attempts))).into_response())
}

/// Write down what an unknown run turned out to be. Its job may be sent again.
#[utoipa::path(post, path = "/api/v1/runs/{id}/settle", tag = "runs", request_body = Settle, responses(
    (status = 200, body = super::RunDetail),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is not unknown, or was settled before.", body = Problem, content_type = "application/problem+json")
), params(("id" = String, Path, description = "The run's id.")))]
pub(super) async fn settle(
    State(admin): State<Admin>,
    Path(id): Path,
    input::Json(settle): input::Json<Settle>,
) -> Result<Json<super::RunDetail>, Problem> {
    let (run, _) = admin.run(&id).await?;
    let outcome = match settle.r#as.parse() {
        Ok(outcome @ (Outcome::Succeeded | Outcome::Failed)) => outcome,
        _ => {
            let why = format!("a run is settled as `succeeded` or `failed`, not as `{}`", settle.r#as);
            return Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, why));
        }
    };
    match (run.state, run.settled) {
        (RunState::Ended(Outcome::Unknown), None) => {}
        (_, Some(settled)) => {
            return Err(refusal(StatusCode::CONFLICT, format!("run {} was settled as {settled} before", run.id)));
        }
        (state, None) => {
            let why = format!("run {} is {state}: only an unknown run can be settled", run.id);
            return Err(refusal(StatusCode::CONFLICT, why));
        }
    }
    admin.ask(Command::Settle { run: run.id, job: run.job, outcome }).await?;
    let (run, attempts) = admin.run(&id).await?;
    Ok(Json(super::RunDetail::of(&run, &attempts)))
}

/// Hold a job back: what falls due is skipped and not caught up.
#[utoipa::path(post, path = "/api/v1/jobs/{name}/pause", tag = "jobs", request_body = Hold, responses(
    (status = 200, body = PauseRow),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json")
), params(("name" = String, Path, description = "The job's name, percent-encoded.")))]
pub(super) async fn pause(
    State(admin): State<Admin>,
    Path(name): Path,
    Asker(by): Asker,
    input::Json(hold): input::Json<Hold>,
) -> Result<Json<PauseRow>, Problem> {
    let job = admin.job(&name)?.name.clone();
    admin.pause(Some(job), hold, by).await
}

/// Hold all jobs back.
#[utoipa::path(post, path = "/api/v1/pause", tag = "jobs", request_body = Hold, responses(
    (status = 200, body = PauseRow),
    (status = 403, body = Problem, content_type = "application/problem+json")
))]
pub(super) async fn pause_all(
    State(admin): State<Admin>,
    Asker(by): Asker,
    input::Json(hold): input::Json<Hold>,
) -> Result<Json<PauseRow>, Problem> {
    admin.pause(None, hold, by).await
}

/// End a job's pause. What fell due meanwhile is not caught up.
#[utoipa::path(post, path = "/api/v1/jobs/{name}/resume", tag = "jobs", responses(
    (status = 204),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is not paused.", body = Problem, content_type = "application/problem+json")
), params(("name" = String, Path, description = "The job's name, percent-encoded.")))]
pub(super) async fn resume(State(admin): State<Admin>, Path(name): Path) -> Result<StatusCode, Problem> {
    let job = admin.job(&name)?.name.clone();
    admin.ask(Command::Resume { job: Some(job) }).await.map(|_| StatusCode::NO_CONTENT)
}

/// End the pause of all jobs. A job that has one of its own keeps it.
#[utoipa::path(post, path = "/api/v1/resume", tag = "jobs", responses(
    (status = 204),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "They are not paused.", body = Problem, content_type = "application/problem+json")
))]
pub(super) async fn resume_all(State(admin): State<Admin>) -> Result<StatusCode, Problem> {
    admin.ask(Command::Resume { job: None }).await.map(|_| StatusCode::NO_CONTENT)
}

impl Admin {
    async fn pause(&self, job: Option<JobName>, hold: Hold, by: Option<String>) -> Result<Json<PauseRow>, Problem> {
        let Hold { note, until } = hold;
        match self.ask(Command::Pause { job, until, note, by }).await? {
            Done::Paused(pause) => Ok(Json(PauseRow::from(&pause))),
            other => Err(self.unexpected(other)),
        }
    }

    /// Has a run claimed.
    pub(super) async fn claim(&self, job: String, command: Command) -> Result<Response, Problem> {
        match self.ask(command).await? {
            Done::Claimed { run, scheduled_for } => {
                let place = format!("/api/v1/runs/{run}");
                let fired = Fired { run: Some(run.to_string()), job, scheduled_for, request: None };
                Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(fired)).into_response())
            }
            other => Err(self.unexpected(other)),
        }
    }

    /// Has the scheduler do something.
    pub(super) async fn ask(&self, command: Command) -> Result<Done, Problem> {
        self.try_ask(command).await.map_err(|refused| self.refused(&refused))
    }

    /// The same, for who knows what to do about a refusal.
    pub(super) async fn try_ask(&self, command: Command) -> Result<Done, Refused> {
        if self.health.not_ready() == Some("starting") {
            return Err(Refused::NotFiring);
        }
        self.handle.ask(command).await
    }

    pub(super) fn unexpected(&self, answer: Done) -> Problem {
        self.failed(&Unexpected(answer))
    }

    pub(super) fn refused(&self, refused: &Refused) -> Problem {
        let status = match refused {
            Refused::UnknownJob(job) => {
                let in_force = self.health.definitions.borrow();
                let known: Vec<&str> = in_force.loaded.definitions.jobs.keys().map(JobName::as_str).collect();
                return super::not_found(unknown_job(job.as_str(), &known));
            }
            Refused::NotOpen(_)
            | Refused::Changing(_)
            | Refused::NotUnknown(_)
            | Refused::NotPaused { .. }
            | Refused::Taken(_) => StatusCode::CONFLICT,
            Refused::PauseOver(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refused::NotFiring | Refused::Unwritable | Refused::Interrupted => return self.unavailable(refused),
        };
        refusal(status, refused.to_string())
    }
}

/// An answer to another question.
#[derive(Debug, thiserror::Error)]
#[error("the scheduler answered another question: {0:?}")]
struct Unexpected(Done);
