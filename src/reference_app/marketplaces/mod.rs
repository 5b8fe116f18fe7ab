//! Marketplaces: git repositories that the app keeps a copy of.

mod access;
mod name;
mod sync;
mod table;

use axum::{Extension, Json as Body, extract::State, http::StatusCode, response::IntoResponse};
use serde::Deserialize;

use self::name::Name;
pub(super) use self::{
    access::may_sync,
    sync::{Reports, SyncAllError, Syncs, sync_all, sync_one, sync_queued},
    table::TableError,
};
use super::{
    audit::Note,
    git::{Address, AddressError},
    input,
    input::{Json, Path},
    problem::Failure,
    state::Shared,
};
use crate::{
    auth::{Admin, Principal},
    secret::Secret,
};

/// What adding a marketplace asks for.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    name: String,
    #[serde(deserialize_with = "input::secret")]
    url: Secret,
}

/// `GET /api/marketplaces`
pub(super) async fn list(State(app): State<Shared>, who: Principal) -> Result<Body<Vec<table::Shown>>, Failure> {
    who.require_of_token(access::READ)?;
    let seen = table::all(&app.pool).await?.into_iter().filter(|one| access::may_see(&who, &one.name));
    Ok(Body(seen.map(table::Shown::from).collect()))
}

/// `POST /api/marketplaces`. Nothing is fetched yet; a sync does that.
pub(super) async fn add(
    State(app): State<Shared>,
    _: Admin,
    Json(wanted): Json<Wanted>,
) -> Result<impl IntoResponse, Failure> {
    let name: Name = wanted.name.parse()?;
    let address: Address = wanted.url.expose().parse()?;
    let note = Note::new().on(format!("marketplace:{name}"));
    match table::insert(&app.pool, &name, &address, app.now_millis()).await? {
        Some(added) => Ok((StatusCode::CREATED, Extension(note), Body(table::Shown::from(added)))),
        None => Err(Failure::refused(StatusCode::CONFLICT, format!("There is a marketplace `{name}` already."))),
    }
}

/// `DELETE /api/marketplaces/{name}`. Its copy goes too.
pub(super) async fn remove(
    State(app): State<Shared>,
    _: Admin,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    let _turn = app.syncs.turn()?;
    let found = table::find(&app.pool, &name).await?.ok_or_else(|| unknown(&name))?;
    app.syncs.repository(&found).remove().await?;
    table::delete(&app.pool, &found.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn unknown(name: &str) -> Failure {
    Failure::refused(StatusCode::NOT_FOUND, format!("There is no marketplace `{name}`."))
}

impl From<AddressError> for Failure {
    fn from(error: AddressError) -> Self {
        Self::refused(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}
