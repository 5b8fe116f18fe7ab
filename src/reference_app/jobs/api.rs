//! `/api/jobs…`

use std::time::Duration;

use axum::{
    Extension, Json as Body,
    extract::State,
    http::{Extensions, HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    CancelError, access,
    kind::{Sources, Work, WorkError},
    shown::{Accepted, Glance, Shown},
    status::{Status, StatusError},
    table::{self, Enqueued, Filter, New},
};
use crate::{
    auth::Principal,
    protocol::{Invalid, Problem, header::IDEMPOTENCY_KEY},
    reference_app::{
        audit::Note,
        input::{self, Json, Path, Query},
        problem::Failure,
        sources,
        state::{App, Shared},
        users::new_id,
    },
};

/// When to look at a job that is not over, in seconds.
const RETRY_AFTER: &str = "2";
/// How long a cancellation waits for the work to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most characters of an idempotency key.
const MAX_KEY: usize = 255;

/// `POST /api/jobs`: the kind, the key, and beside them the kind's own arguments. 202 as soon as there is a row.
pub(in crate::reference_app) async fn enqueue(
    State(app): State<Shared>,
    who: Principal,
    headers: HeaderMap,
    Json(wanted): Json<Map<String, Value>>,
) -> Result<Response, Failure> {
    let (work, key) = read(wanted)?;
    let key = key.or_else(|| key_in(&headers));
    if let Some(key) = &key {
        check_key(key)?;
    }
    check_sources(&app, &work).await?;
    if !app.jobs.has_executor() {
        let detail = "Nobody is there to do it: this app runs without workers, or is stopping. Nothing was queued.";
        return Err(Failure::refused(StatusCode::CONFLICT, detail));
    }
    let new = New {
        id: new_id(app.clock.now(), app.entropy),
        work: &work,
        requested_by: &who.email,
        requested_as: who.kind.as_str(),
        requested_run: access::run_of(&who),
        idempotency_key: key.as_deref(),
        now: app.now_millis(),
    };
    match table::enqueue(&app.pool, new).await? {
        Enqueued::New(job) => {
            app.jobs.notice();
            Ok(accepted(&job.id.clone(), Accepted::new(Shown::from(job), false)))
        }
        Enqueued::Existing(job) if job.kind != work.kind() || job.arguments != work.arguments() => {
            let detail =
                "The key names a job of another kind, or with other arguments, that is not over: take another.";
            Err(Failure::invalid(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key", detail))
        }
        // It may be another's: one key space is one user's, whatever that user came with.
        Enqueued::Existing(job) if access::may_read(&who, &job) => {
            Ok(accepted(&job.id.clone(), Accepted::new(Shown::from(job), true)))
        }
        Enqueued::Existing(job) => Ok(accepted(&job.id, Accepted::new(Glance::from(&job), true))),
    }
}

/// Passes who may have done what a body asks for. A body that asks for nothing that can be done is the handler's to refuse.
pub(in crate::reference_app) fn may_ask_for(who: &Principal, body: &[u8]) -> Result<(), Problem> {
    let wanted = serde_json::from_slice(body).ok();
    match wanted.and_then(|wanted| read(wanted).ok()) {
        Some((work, _)) => access::may_have_done(who, &work),
        None => Ok(()),
    }
}

/// What a body asks for, and the key that it gives.
fn read(mut wanted: Map<String, Value>) -> Result<(Work, Option<String>), Failure> {
    let kind = text(&mut wanted, "kind")?.ok_or_else(|| {
        let kinds = Work::KINDS.join(", ");
        Failure::invalid(StatusCode::BAD_REQUEST, "kind", format!("`kind` is missing: the kinds are {kinds}."))
    })?;
    let key = text(&mut wanted, "idempotency_key")?;
    Ok((Work::read(&kind, wanted)?, key))
}

/// Seed B10: where to look, and when.
fn accepted(id: &str, body: Accepted<impl Serialize>) -> Response {
    let note = Note::new().on(format!("job:{id}"));
    let place = [(header::LOCATION, format!("/api/jobs/{id}")), (header::RETRY_AFTER, RETRY_AFTER.to_owned())];
    (StatusCode::ACCEPTED, place, Extension(note), Body(body)).into_response()
}

/// Takes a member that is a text.
fn text(wanted: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Failure> {
    match wanted.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => {
            let detail = format!("`{name}` is a text.");
            Err(Failure::invalid(StatusCode::UNPROCESSABLE_ENTITY, name, detail))
        }
    }
}

/// The key of the header, without the quotes that its draft wants around it.
fn key_in(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(IDEMPOTENCY_KEY)?.to_str().ok()?.trim();
    let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    Some(bare.to_owned())
}

fn check_key(key: &str) -> Result<(), Failure> {
    if (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let detail = format!("`idempotency_key` has 1 to {MAX_KEY} visible ASCII characters.");
    Err(Failure::invalid(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key", detail))
}

/// A name that is no source's would be a job that does nothing.
async fn check_sources(app: &App, work: &Work) -> Result<(), Failure> {
    let Work::DataRefresh(Sources { sources: Some(names) }) = work else { return Ok(()) };
    if names.is_empty() {
        let detail = "`sources` names none: leave it out for all of them.";
        return Err(Failure::invalid(StatusCode::UNPROCESSABLE_ENTITY, "sources", detail));
    }
    for (index, name) in names.iter().enumerate() {
        if !sources::exists(&app.pool, name).await? {
            let detail = format!("There is no source `{}`.", name.chars().take(80).collect::<String>());
            return Err(Failure::invalid(StatusCode::UNPROCESSABLE_ENTITY, &format!("sources/{index}"), detail));
        }
    }
    Ok(())
}

/// `GET /api/jobs/{id}`: anybody sees the status, who may look after the job sees the rest (seed C13).
pub(in crate::reference_app) async fn show(
    State(app): State<Shared>,
    Path(id): Path<String>,
    extensions: Extensions,
) -> Result<Response, Failure> {
    let job = table::find(&app.pool, &id).await?.ok_or_else(|| unknown(&id))?;
    let over = job.status.parse().is_ok_and(Status::is_final);
    let trusted = Principal::of(&extensions).is_some_and(|who| access::may_read(who, &job));
    let body = if trusted { Body(Shown::from(job)).into_response() } else { Body(Glance::from(&job)).into_response() };
    Ok(if over { body } else { ([(header::RETRY_AFTER, RETRY_AFTER)], body).into_response() })
}

/// Which jobs to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::reference_app) struct Wanted {
    status: Option<String>,
    kind: Option<String>,
    limit: Option<u32>,
}

/// `GET /api/jobs?status=…&kind=…&limit=100`: newest first.
pub(in crate::reference_app) async fn list(
    State(app): State<Shared>,
    who: Principal,
    Query(wanted): Query<Wanted>,
) -> Result<Body<Vec<Shown>>, Failure> {
    who.require(&[access::READ])?;
    let status = wanted.status.as_deref().map(str::parse).transpose()?;
    let limit = input::limit(wanted.limit)?;
    let filter = Filter { status, kind: wanted.kind.as_deref(), whose: access::visible(&who) };
    let jobs = table::list(&app.pool, &filter, limit).await?;
    Ok(Body(jobs.into_iter().map(Shown::from).collect()))
}

/// `POST /api/jobs/{id}/cancel`: 200 when nothing of it is running any more, however it ended; so a scheduler that wants to
/// start the next run may rely on it.
pub(in crate::reference_app) async fn cancel(
    State(app): State<Shared>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Body<Shown>, Failure> {
    who.require(&[access::CANCEL])?;
    let job = table::find(&app.pool, &id).await?.ok_or_else(|| unknown(&id))?;
    access::to(&who, &job)?;
    match tokio::time::timeout(PATIENCE, app.jobs.cancel(&id)).await {
        Ok(cancelled) => cancelled?,
        Err(_elapsed) => {
            let detail = "The job was told to end and has not ended yet: look again.";
            return Err(Failure::refused(StatusCode::CONFLICT, detail));
        }
    }
    let job = table::find(&app.pool, &id).await?.ok_or_else(|| unknown(&id))?;
    Ok(Body(Shown::from(job)))
}

pub(super) fn unknown(id: &str) -> Failure {
    let shown: String = id.chars().take(40).collect();
    Failure::refused(StatusCode::NOT_FOUND, format!("There is no job `{shown}`."))
}

impl From<WorkError> for Failure {
    fn from(error: WorkError) -> Self {
        match &error {
            WorkError::Kind => Self::invalid(StatusCode::BAD_REQUEST, "kind", error.to_string()),
            WorkError::Arguments(wrong) => {
                let invalid = Invalid::new(input::pointer(wrong.path()), wrong.inner().to_string());
                Self::Refused(input::unprocessable(invalid))
            }
        }
    }
}

impl From<StatusError> for Failure {
    fn from(error: StatusError) -> Self {
        Self::invalid(StatusCode::UNPROCESSABLE_ENTITY, "status", error.to_string())
    }
}

impl From<CancelError> for Failure {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::Closed => {
                Self::refused(StatusCode::CONFLICT, "The app is stopping; the job goes on after its next start.")
            }
            CancelError::Database(error) => error.into(),
        }
    }
}
