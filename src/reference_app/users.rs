//! Registering, and who one is.

use axum::{Extension, Json as Body, extract::State, http::StatusCode, response::IntoResponse};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Builder;

use super::{
    audit::{Doer, Note},
    email::{Email, EmailError},
    groups, input,
    input::Json,
    passwords,
    problem::Failure,
    state::{App, Shared},
};
use crate::{auth::Principal, entropy::Entropy, secret::Secret};

/// What registering and logging in ask for.
#[derive(Debug, Deserialize)]
pub(super) struct Credentials {
    pub(super) email: String,
    #[serde(deserialize_with = "input::secret")]
    pub(super) password: Secret,
}

/// A person as answers show one.
#[derive(Debug, Serialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) groups: Vec<String>,
}

/// A new id, a UUIDv7.
pub(super) fn new_id(now: DateTime<Utc>, entropy: Entropy) -> String {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &entropy.bytes()).into_uuid().to_string()
}

/// Who asks, as answers show them.
#[derive(Debug, Serialize)]
pub(super) struct Me {
    #[serde(flatten)]
    principal: Principal,
    roles: Vec<String>,
}

/// `GET /api/auth/me`
pub(super) async fn me(principal: Principal) -> Body<Me> {
    let roles = principal.roles().to_vec();
    Body(Me { principal, roles })
}

/// `POST /api/auth/register`
pub(super) async fn register(
    State(app): State<Shared>,
    Json(wanted): Json<Credentials>,
) -> Result<impl IntoResponse, Failure> {
    let email = Email::parse(&wanted.email)?;
    passwords::check(&wanted.password)?;
    let password = app.passwords.hash(wanted.password).await?;
    let Some(user) = insert(&app, &email, &password).await? else {
        return Err(Failure::refused(StatusCode::CONFLICT, format!("{email} is registered already: log in.")));
    };
    let note = Note::new().by(Doer::known(&user.email, user.kind)).on(format!("user:{email}"));
    Ok((StatusCode::CREATED, Extension(note), Body(user)))
}

/// `None` when the address is taken.
async fn insert(app: &App, email: &Email, password: &str) -> Result<Option<User>, sqlx::Error> {
    let id = new_id(app.clock.now(), app.entropy);
    let mut transaction = app.pool.begin_with("BEGIN IMMEDIATE").await?;
    let inserted = sqlx::query(
        "INSERT INTO users (id, email, name, kind, password, created_at) VALUES (?, ?, ?, 'user', ?, ?)
         ON CONFLICT (email) DO NOTHING",
    )
    .bind(&id)
    .bind(email.as_str())
    .bind(email.local_part())
    .bind(password)
    .bind(app.now_millis())
    .execute(&mut *transaction)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(None);
    }
    groups::make_first_person_admin(&mut transaction, &id).await?;
    let groups = groups::of_user(&mut *transaction, &id).await?;
    transaction.commit().await?;
    let (email, name) = (email.to_string(), email.local_part().to_owned());
    Ok(Some(User { id, email, name, kind: "user", groups }))
}

impl From<EmailError> for Failure {
    fn from(error: EmailError) -> Self {
        let status = match error {
            EmailError::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            EmailError::Reserved => StatusCode::FORBIDDEN,
        };
        Self::refused(status, error.to_string())
    }
}
