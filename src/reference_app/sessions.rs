//! Logging in and out.

use axum::{
    Extension, Json as Body,
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;

use super::{
    audit::{Doer, Note},
    email::Email,
    groups,
    input::Json,
    key::{Key, KeyHash},
    problem::Failure,
    state::{App, Shared},
    users::{Credentials, User},
};

/// The cookie's name.
const COOKIE: &str = "session";
/// How long a session lasts.
const LIFE: TimeDelta = TimeDelta::days(7);

/// `POST /api/auth/login`. A wrong password and an unknown address look the same, also to a stopwatch.
pub(super) async fn log_in(
    State(app): State<Shared>,
    headers: HeaderMap,
    Json(tried): Json<Credentials>,
) -> Result<Response, Failure> {
    let email = Email::parse(&tried.email)?;
    let row: Option<(String, String, String)> = sqlx::query_as(
        "SELECT id, name, password FROM users WHERE email = ? AND kind = 'user' AND disabled_at IS NULL",
    )
    .bind(email.as_str())
    .fetch_optional(&app.pool)
    .await?;
    let stored = row.as_ref().map(|(_, _, password)| password.clone());
    let right = app.passwords.verify(tried.password, stored).await?;
    let resource = format!("user:{email}");
    let Some((id, name, _)) = row.filter(|_| right) else {
        // The same row for both, or the time of writing it would tell them apart.
        let note = Note::new().by(Doer::nobody()).on(resource);
        return Ok((Extension(note), wrong()).into_response());
    };
    let key = start(&app, &id).await?;
    let groups = groups::of_user(&app.pool, &id).await?;
    let user = User { id, email: email.to_string(), name, kind: "user", groups };
    let note = Note::new().by(Doer::known(&user.email, user.kind)).on(resource);
    Ok((Extension(note), cookie(key.expose(), LIFE, &headers), Body(user)).into_response())
}

fn wrong() -> Failure {
    Failure::refused(StatusCode::UNAUTHORIZED, "The address or the password is wrong.")
}

async fn start(app: &App, user: &str) -> Result<Key, sqlx::Error> {
    let key = Key::new("", app.entropy);
    let now = app.now_millis();
    sqlx::query("DELETE FROM sessions WHERE expires_at <= ?").bind(now).execute(&app.pool).await?;
    sqlx::query("INSERT INTO sessions (hash, user_id, expires_at) VALUES (?, ?, ?)")
        .bind(key.hash().as_bytes())
        .bind(user)
        .bind(now + LIFE.num_milliseconds())
        .execute(&app.pool)
        .await?;
    Ok(key)
}

/// `POST /api/auth/logout`. Also without a session: then there is nothing to end.
pub(super) async fn log_out(State(app): State<Shared>, headers: HeaderMap) -> Result<impl IntoResponse, Failure> {
    for cookies in headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()) {
        if let Some(id) = id_in(cookies) {
            sqlx::query("DELETE FROM sessions WHERE hash = ?")
                .bind(KeyHash::of(id).as_bytes())
                .execute(&app.pool)
                .await?;
        }
    }
    Ok((StatusCode::NO_CONTENT, cookie("", TimeDelta::zero(), &headers)))
}

/// The session id in the text of a `Cookie` header.
pub(super) fn id_in(cookies: &str) -> Option<&str> {
    cookies
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, id)| (name == COOKIE).then_some(id))
}

/// The header that sets the cookie. Out of reach of scripts, never sent from other sites, and never over plain http when
/// the client came by https through a proxy.
fn cookie(id: &str, life: TimeDelta, headers: &HeaderMap) -> [(HeaderName, String); 1] {
    let https = headers.get("x-forwarded-proto").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"https"));
    let secure = if https { "; Secure" } else { "" };
    let seconds = life.num_seconds();
    [(header::SET_COOKIE, format!("{COOKIE}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"))]
}
