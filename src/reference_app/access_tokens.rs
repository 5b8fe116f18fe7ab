//! Access tokens: what a person's programs present. Only a logged-in person sees or makes them (seed A8).

use axum::{Extension, Json as Body, extract::State, http::StatusCode, response::IntoResponse};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    audit::Note,
    database::instant,
    input::{Json, Path},
    key::Key,
    problem::Failure,
    state::Shared,
    users::new_id,
};
use crate::auth::HumanSession;

/// What every token starts with.
const PREFIX: &str = "sxt_";

/// What minting asks for.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    /// What it is for, in the owner's words.
    name: String,
}

/// A token as a list shows it.
#[derive(Debug, Serialize)]
pub(super) struct Token {
    id: String,
    name: String,
    created_at: DateTime<Utc>,
    /// To the minute; `None` before its first use.
    last_used_at: Option<DateTime<Utc>>,
}

/// A new token. This answer is the only place that ever shows it.
#[derive(Serialize)]
struct Minted {
    #[serde(flatten)]
    about: Token,
    token: String,
}

/// `POST /api/auth/tokens`
pub(super) async fn mint(
    State(app): State<Shared>,
    HumanSession(owner): HumanSession,
    Json(Wanted { name }): Json<Wanted>,
) -> Result<impl IntoResponse, Failure> {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        let detail = "`name` says what the token is for, in 1 to 100 printable characters.";
        return Err(Failure::refused(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let (key, created_at) = (Key::new(PREFIX, app.entropy), instant(app.now_millis()));
    let about = Token { id: new_id(created_at, app.entropy), name, created_at, last_used_at: None };
    sqlx::query("INSERT INTO access_tokens (id, user_id, name, hash, created_at) VALUES (?, ?, ?, ?, ?)")
        .bind(&about.id)
        .bind(&owner.id)
        .bind(&about.name)
        .bind(key.hash().as_bytes())
        .bind(created_at.timestamp_millis())
        .execute(&app.pool)
        .await?;
    let note = Note::new().on(format!("token:{}", about.id));
    Ok((StatusCode::CREATED, Extension(note), Body(Minted { about, token: key.expose().to_owned() })))
}

/// `GET /api/auth/tokens`
pub(super) async fn list(
    State(app): State<Shared>,
    HumanSession(owner): HumanSession,
) -> Result<Body<Vec<Token>>, Failure> {
    let rows: Vec<(String, String, i64, Option<i64>)> =
        sqlx::query_as("SELECT id, name, created_at, last_used_at FROM access_tokens WHERE user_id = ? ORDER BY id")
            .bind(&owner.id)
            .fetch_all(&app.pool)
            .await?;
    let token = |(id, name, created_at, used): (_, _, _, Option<_>)| Token {
        id,
        name,
        created_at: instant(created_at),
        last_used_at: used.map(instant),
    };
    Ok(Body(rows.into_iter().map(token).collect()))
}

/// `DELETE /api/auth/tokens/{id}`. Somebody else's token is as unknown as one that never was.
pub(super) async fn revoke(
    State(app): State<Shared>,
    HumanSession(owner): HumanSession,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let deleted = sqlx::query("DELETE FROM access_tokens WHERE id = ? AND user_id = ?")
        .bind(&id)
        .bind(&owner.id)
        .execute(&app.pool)
        .await?;
    if deleted.rows_affected() == 0 {
        return Err(Failure::refused(StatusCode::NOT_FOUND, "You have no token with this id."));
    }
    Ok(StatusCode::NO_CONTENT)
}
