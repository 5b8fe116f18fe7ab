//! Who did what: one row for every request that can change something, written when its work has ended, also when the work
//! failed, panicked, or lost its client (seeds A9 and A37).

use std::borrow::Cow;

use axum::{
    Json as Body, RequestExt,
    extract::{RawPathParams, Request, State},
    http::{HeaderName, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::SqliteExecutor;

use super::{
    database::instant,
    input::{self, Query},
    observe::caught,
    problem::{Failure, internal},
    state::{App, Shared},
};
use crate::auth::{Admin, Principal};

/// Who tried to log in and failed.
pub(super) const NOBODY: &str = "anonymous";
/// Whoever works on the app's database with a command of its own.
pub(super) const OPERATOR: &str = "operator";
/// How many rows of [`NOBODY`] are kept, the newest: strangers must not fill the disk.
const NOBODYS: i64 = 10_000;

/// In the answer with an empty log: where to look (seed A39).
const HINT: HeaderName = HeaderName::from_static("x-hint");
const EMPTY: &str = "Nothing that changes something was asked for yet. Each request is in the app's own log; whether the \
                     scheduler sent any, `sexton runs` and `sexton doctor` tell.";

/// What a route does, for its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Action {
    /// Such as `marketplace.sync`.
    pub(super) name: &'static str,
    /// What it does it to: `marketplace:{name}`, with the route's placeholders.
    pub(super) resource: &'static str,
}

/// What a handler knows better than its route. It travels as an extension of the response.
#[derive(Debug, Clone, Default)]
pub(super) struct Note {
    user: Option<String>,
    resource: Option<String>,
    result: Option<&'static str>,
}

impl Note {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Who it was, where no principal was known before.
    pub(super) fn by(self, user: &str) -> Self {
        Self { user: Some(user.to_owned()), ..self }
    }

    /// What it was done to.
    pub(super) fn on(self, resource: String) -> Self {
        Self { resource: Some(resource), ..self }
    }

    /// How it ended, where the status does not tell.
    pub(super) fn result(self, result: &'static str) -> Self {
        Self { result: Some(result), ..self }
    }
}

/// A row, as answers show it too.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// When it began.
    pub(super) at: DateTime<Utc>,
    /// Whose doing it was.
    pub(super) user: String,
    pub(super) action: String,
    pub(super) resource: String,
    /// `ok`, `refused`, `failed`, or what the action says.
    pub(super) result: String,
    pub(super) duration_ms: i64,
}

/// How many rows to show.
#[derive(Debug, Deserialize)]
pub(super) struct Limit {
    limit: Option<u32>,
}

/// `GET /api/audit`: newest first; 100 rows unless `limit` asks for another number, 1000 at most. An empty list comes with a
/// hint in `X-Hint`.
pub(super) async fn list(
    State(app): State<Shared>,
    _: Admin,
    Query(Limit { limit }): Query<Limit>,
) -> Result<Response, Failure> {
    let limit = input::limit(limit)?;
    let rows: Vec<(i64, String, String, String, String, i64)> =
        sqlx::query_as("SELECT at, user, action, resource, result, duration_ms FROM audit ORDER BY id DESC LIMIT ?")
            .bind(limit)
            .fetch_all(&app.pool)
            .await?;
    let row = |(at, user, action, resource, result, duration_ms)| Row {
        at: instant(at),
        user,
        action,
        resource,
        result,
        duration_ms,
    };
    let rows: Vec<Row> = rows.into_iter().map(row).collect();
    let hint = rows.is_empty().then_some([(HINT, EMPTY)]);
    Ok((hint, Body(rows)).into_response())
}

/// Writes down that somebody who is known was refused before the work of a route.
pub(super) async fn refused(app: &App, action: Action, request: &mut Request) {
    let Some(user) = Principal::of(request.extensions()).map(|principal| principal.email.clone()) else { return };
    let resource = resource(action.resource, request).await;
    let at = instant(app.now_millis());
    write(
        app,
        Row { at, user, action: action.name.to_owned(), resource, result: "refused".to_owned(), duration_ms: 0 },
    )
    .await;
}

/// The middleware of one route.
pub(super) async fn record(
    State((app, action)): State<(Shared, Action)>,
    mut request: Request,
    next: Next,
) -> Response {
    let user = Principal::of(request.extensions()).map(|principal| principal.email.clone());
    let resource = resource(action.resource, &mut request).await;
    let (at, started) = (app.now_millis(), app.clock.monotonic());
    let mut response = match caught(next.run(request)).await {
        Ok(response) => response,
        Err(panic) => internal(&panic, app.entropy).into_response(),
    };
    let note: Note = response.extensions_mut().remove().unwrap_or_default();
    // A request of nobody's that came to nothing is the request log's.
    if let Some(user) = note.user.or(user) {
        let result = note.result.unwrap_or_else(|| result(response.status()));
        let resource = note.resource.unwrap_or(resource);
        let duration = i64::try_from((app.clock.monotonic() - started).as_millis()).unwrap_or(i64::MAX);
        let row = Row {
            at: instant(at),
            user,
            action: action.name.to_owned(),
            resource,
            result: result.to_owned(),
            duration_ms: duration,
        };
        write(&app, row).await;
    }
    response
}

/// What fails here is in the log, and fails no request.
async fn write(app: &App, row: Row) {
    let (action, is_nobodys) = (row.action.clone(), row.user == NOBODY);
    if let Err(error) = insert(&app.pool, row).await {
        tracing::error!(%error, action, "an action is missing from the audit log");
    }
    if is_nobodys && let Err(error) = bound_nobodys(&app.pool).await {
        tracing::warn!(%error, "old rows of failed log-ins cannot be forgotten");
    }
}

/// Writes a row.
pub(super) async fn insert(database: impl SqliteExecutor<'_>, row: Row) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO audit (at, user, action, resource, result, duration_ms) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(row.at.timestamp_millis())
        .bind(row.user)
        .bind(row.action)
        .bind(row.resource)
        .bind(row.result)
        .bind(row.duration_ms)
        .execute(database)
        .await?;
    Ok(())
}

/// Forgets the oldest failed log-ins that are too many. A program may have nobody's name; what it did stays.
async fn bound_nobodys(database: impl SqliteExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM audit WHERE user = ?1 AND action = 'user.login' AND id <=
             (SELECT id FROM audit WHERE user = ?1 AND action = 'user.login' ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )
    .bind(NOBODY)
    .bind(NOBODYS)
    .execute(database)
    .await?;
    Ok(())
}

/// Fills the placeholders with what the request's path holds, cut to a readable length.
async fn resource(template: &'static str, request: &mut Request) -> String {
    let Ok(params) = request.extract_parts::<RawPathParams>().await else { return template.to_owned() };
    let mut filled = Cow::Borrowed(template);
    for (name, value) in &params {
        let short: String = value.chars().take(100).collect();
        filled = filled.replace(&format!("{{{name}}}"), &short).into();
    }
    filled.into_owned()
}

fn result(status: StatusCode) -> &'static str {
    if status.is_server_error() {
        "failed"
    } else if status.is_client_error() {
        "refused"
    } else {
        "ok"
    }
}
