//! Session tokens of one job: what a person hands to a page or a program that is to look after that job and nothing else,
//! for a short time (seed C17).

use axum::{Extension, Json as Body, extract::State, http::StatusCode, response::IntoResponse};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::SqlitePool;

use super::{access, api::unknown, table};
use crate::{
    auth::{Grant, HumanSession, Issuer, Wanted},
    protocol::TokenClass,
    reference_app::{
        audit::Note,
        database::instant,
        input::Path,
        key::{Key, KeyHash},
        problem::Failure,
        state::{App, Shared},
    },
};

/// How long a session token holds.
const LIFE: TimeDelta = TimeDelta::hours(1);

/// A new session token. This answer is the only place that ever shows it.
#[derive(Serialize)]
struct Issued {
    token: String,
    scope: String,
    expires_at: DateTime<Utc>,
}

/// `POST /api/jobs/{id}/session`
pub(in crate::reference_app) async fn open(
    State(app): State<Shared>,
    HumanSession(who): HumanSession,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Failure> {
    let job = table::find(&app.pool, &id).await?.ok_or_else(|| unknown(&id))?;
    access::to(&who, &job)?;
    let Some(issuer) = issuer(&app).await? else {
        let detail = "This app signs no tokens: it needs SEXTON_JWT_SECRETS, SEXTON_ISSUER and SEXTON_AUDIENCE.";
        return Err(Failure::refused(StatusCode::CONFLICT, detail));
    };
    let now = app.clock.now();
    let marker = Key::new("", app.entropy);
    let scopes = vec![access::READ.to_owned(), access::CANCEL.to_owned()];
    let wanted = Wanted { class: TokenClass::Session, subject: who.email, scopes, life: LIFE };
    let mut claims = issuer.claims(wanted, now, app.entropy);
    claims.run_id = Some(job.id.clone());
    claims.session_id = Some(marker.expose().to_owned());
    let expires_at = instant(claims.exp.saturating_mul(1000));
    mark(&app.pool, &marker.hash(), &job.id, now, expires_at).await?;
    let token = issuer.sign(&claims)?.expose().to_owned();
    let note = Note::new().on(format!("job:{}", job.id));
    Ok((StatusCode::CREATED, Extension(note), Body(Issued { token, scope: claims.scope, expires_at })))
}

/// Who signs, with the secrets as they are now.
async fn issuer(app: &App) -> Result<Option<Issuer>, Failure> {
    let Some(tokens) = app.tokens.clone() else { return Ok(None) };
    Ok(tokio::task::spawn_blocking(move || tokens.issuer()).await??)
}

/// `DELETE /api/jobs/{id}/session`: every session token of the job, at once.
pub(in crate::reference_app) async fn close(
    State(app): State<Shared>,
    HumanSession(who): HumanSession,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let job = table::find(&app.pool, &id).await?.ok_or_else(|| unknown(&id))?;
    access::to(&who, &job)?;
    sqlx::query("DELETE FROM job_sessions WHERE job_id = ?").bind(&job.id).execute(&app.pool).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn mark(
    pool: &SqlitePool,
    marker: &KeyHash,
    job: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM job_sessions WHERE expires_at <= ?").bind(now.timestamp_millis()).execute(pool).await?;
    sqlx::query("INSERT INTO job_sessions (hash, job_id, expires_at) VALUES (?, ?, ?)")
        .bind(marker.as_bytes())
        .bind(job)
        .bind(expires_at.timestamp_millis())
        .execute(pool)
        .await?;
    Ok(())
}

/// Whether the marker of a session token is here still, and the person it stands for not disabled.
pub(in crate::reference_app) async fn is_alive(pool: &SqlitePool, grant: &Grant) -> Result<bool, sqlx::Error> {
    let claims = grant.claims();
    let (Some(session), Some(job)) = (&claims.session_id, &claims.run_id) else { return Ok(false) };
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM job_sessions JOIN users ON users.email = ?3 AND disabled_at IS NULL
         WHERE hash = ?1 AND job_id = ?2)",
    )
    .bind(KeyHash::of(session).as_bytes())
    .bind(job)
    .bind(&claims.sub)
    .fetch_one(pool)
    .await
}
