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
use crate::auth::{Admin, Kind, Principal};

/// How many rows of what strangers were refused are kept, the newest: they must not fill the disk.
const STRANGERS: i64 = 10_000;

/// The result of what was asked for and not done, for a reason of the client's.
const REFUSED: &str = "refused";

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

/// Whose doing it was.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Doer {
    user: String,
    /// What that user proved to be: a program may bear a person's name. `None`: nothing was proved.
    kind: Option<String>,
    /// Anybody can become one.
    #[serde(skip)]
    is_stranger: bool,
}

impl Doer {
    fn of(who: &Principal) -> Self {
        let is_stranger = matches!(who.kind, Kind::User(_)) && !who.is_admin();
        Self { is_stranger, ..Self::known(&who.email, who.kind.as_str()) }
    }

    /// Who proved to be that kind of principal.
    pub(super) fn known(user: &str, kind: &str) -> Self {
        Self { user: user.to_owned(), kind: Some(kind.to_owned()), is_stranger: false }
    }

    /// Who tried to log in and failed.
    pub(super) fn nobody() -> Self {
        Self { user: "anonymous".to_owned(), kind: None, is_stranger: true }
    }

    /// Whoever works on the app's database with a command of its own.
    pub(super) fn operator() -> Self {
        Self { user: "operator".to_owned(), kind: None, is_stranger: false }
    }
}

/// What a handler knows better than its route. It travels as an extension of the response.
#[derive(Debug, Clone, Default)]
pub(super) struct Note {
    by: Option<Doer>,
    resource: Option<String>,
    result: Option<&'static str>,
}

impl Note {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Who it was, where no principal was known before.
    pub(super) fn by(self, doer: Doer) -> Self {
        Self { by: Some(doer), ..self }
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
    #[serde(flatten)]
    pub(super) by: Doer,
    pub(super) action: String,
    pub(super) resource: String,
    /// `ok`, `refused`, `failed`, or what the action says.
    pub(super) result: String,
    pub(super) duration_ms: i64,
}

impl Row {
    /// Whether it is one of what strangers were refused.
    fn is_strangers(&self) -> bool {
        self.by.is_stranger && self.result == REFUSED
    }
}

/// `at`, `user`, `kind`, `action`, `resource`, `result` and `duration_ms` of the table.
type Stored = (i64, String, Option<String>, String, String, String, i64);

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
    let rows: Vec<Stored> = sqlx::query_as(
        "SELECT at, user, kind, action, resource, result, duration_ms FROM audit ORDER BY id DESC LIMIT ?",
    )
    .bind(limit)
    .fetch_all(&app.pool)
    .await?;
    let row = |(at, user, kind, action, resource, result, duration_ms)| Row {
        at: instant(at),
        by: Doer { user, kind, is_stranger: false },
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
    let Some(by) = Principal::of(request.extensions()).map(Doer::of) else { return };
    let resource = resource(action.resource, request).await;
    let (at, action, result) = (instant(app.now_millis()), action.name.to_owned(), REFUSED.to_owned());
    write(app, Row { at, by, action, resource, result, duration_ms: 0 }).await;
}

/// The middleware of one route.
pub(super) async fn record(
    State((app, action)): State<(Shared, Action)>,
    mut request: Request,
    next: Next,
) -> Response {
    let known = Principal::of(request.extensions()).map(Doer::of);
    let resource = resource(action.resource, &mut request).await;
    let (at, started) = (app.now_millis(), app.clock.monotonic());
    let mut response = match caught(next.run(request)).await {
        Ok(response) => response,
        Err(panic) => internal(&panic, app.entropy).into_response(),
    };
    let note: Note = response.extensions_mut().remove().unwrap_or_default();
    // A request of nobody's that came to nothing is the request log's.
    if let Some(by) = note.by.or(known) {
        let result = note.result.unwrap_or_else(|| result(response.status()));
        let resource = note.resource.unwrap_or(resource);
        let duration = i64::try_from((app.clock.monotonic() - started).as_millis()).unwrap_or(i64::MAX);
        let row = Row {
            at: instant(at),
            by,
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
    let (action, is_strangers) = (row.action.clone(), row.is_strangers());
    if let Err(error) = insert(&app.pool, row).await {
        tracing::error!(%error, action, "an action is missing from the audit log");
    }
    if is_strangers && let Err(error) = bound_strangers(&app.pool).await {
        tracing::warn!(%error, "old rows of what strangers were refused cannot be forgotten");
    }
}

/// Writes a row.
pub(super) async fn insert(database: impl SqliteExecutor<'_>, row: Row) -> Result<(), sqlx::Error> {
    let strangers = row.is_strangers();
    sqlx::query(
        "INSERT INTO audit (at, user, kind, action, resource, result, duration_ms, strangers)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(row.at.timestamp_millis())
    .bind(row.by.user)
    .bind(row.by.kind)
    .bind(row.action)
    .bind(row.resource)
    .bind(row.result)
    .bind(row.duration_ms)
    .bind(strangers)
    .execute(database)
    .await?;
    Ok(())
}

/// Forgets the oldest of what strangers were refused when that is too much. What anybody did stays.
async fn bound_strangers(database: impl SqliteExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM audit WHERE strangers = 1 AND id <=
             (SELECT id FROM audit WHERE strangers = 1 ORDER BY id DESC LIMIT 1 OFFSET ?)",
    )
    .bind(STRANGERS)
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
        REFUSED
    } else {
        "ok"
    }
}
