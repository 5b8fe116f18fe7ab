//! `/api/sources…`

use axum::{Extension, Json as Body, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};

use super::{
    data,
    name::{Name, NameError},
    origin::{Format, FormatError, Origin, OriginError},
    table::{self, Source},
};
use crate::{
    auth::{Admin, Principal},
    protocol::Problem,
    reference_app::{
        audit::Note,
        input::{self, Json, Path},
        problem::Failure,
        reach::reaches,
        state::Shared,
    },
    secret::Secret,
};

/// The scope to see sources.
const READ: &[&str] = &["sources:read"];
/// What a token that is bound to some sources lists as `source:NAME`.
const KIND: &str = "source";

/// Whether a token that is bound to some sources is to this one.
fn may_see(who: &Principal, name: &Name) -> bool {
    reaches(who, KIND, Some(name.as_str())).is_ok()
}

/// Passes who may have these sources imported, or all of them.
pub(in crate::reference_app) fn may_import(who: &Principal, names: Option<&[String]>) -> Result<(), Problem> {
    match names {
        None => reaches(who, KIND, None),
        Some(names) => names.iter().try_for_each(|name| reaches(who, KIND, Some(name))),
    }
}

/// What adding a source asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::reference_app) struct Wanted {
    name: String,
    #[serde(default, deserialize_with = "input::maybe_secret")]
    url: Option<Secret>,
    file: Option<String>,
    format: Option<String>,
}

/// A source as answers show it.
#[derive(Debug, Serialize)]
pub(in crate::reference_app) struct Shown {
    name: String,
    from: String,
    format: Format,
    /// `None` until it was imported.
    import: Option<data::Shown>,
}

impl Shown {
    fn new(source: &Source, import: Option<data::Import>) -> Self {
        let (name, from) = (source.name.to_string(), source.origin.shown());
        Self { name, from, format: source.format, import: import.map(data::Shown::from) }
    }
}

/// `GET /api/sources`
pub(in crate::reference_app) async fn list(
    State(app): State<Shared>,
    who: Principal,
) -> Result<Body<Vec<Shown>>, Failure> {
    who.require_of_token(READ)?;
    let mut shown = Vec::new();
    for source in table::all(&app.pool).await?.into_iter().filter(|one| may_see(&who, &one.name)) {
        let import = data::last(&app.imports.data, &source.name).await?;
        shown.push(Shown::new(&source, import));
    }
    Ok(Body(shown))
}

/// `POST /api/sources`. Nothing is fetched yet; a job does that.
pub(in crate::reference_app) async fn add(
    State(app): State<Shared>,
    _: Admin,
    Json(wanted): Json<Wanted>,
) -> Result<impl IntoResponse, Failure> {
    let name: Name = wanted.name.parse()?;
    let origin = Origin::of(wanted.url.as_ref(), wanted.file.as_deref())?;
    let format = Format::of(wanted.format.as_deref(), origin.ending())?;
    let source = Source { name, origin, format };
    if !table::insert(&app.pool, &source, app.now_millis()).await? {
        return Err(Failure::refused(StatusCode::CONFLICT, format!("There is a source `{}` already.", source.name)));
    }
    let note = Note::new().on(format!("source:{}", source.name));
    Ok((StatusCode::CREATED, Extension(note), Body(Shown::new(&source, None))))
}

/// `DELETE /api/sources/{name}`. Its table goes too.
pub(in crate::reference_app) async fn remove(
    State(app): State<Shared>,
    _: Admin,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    let Some(_turn) = app.imports.turn() else {
        let detail = "Sources are being imported; this one was not removed. Try again when the job is over.";
        return Err(Failure::refused(StatusCode::CONFLICT, detail));
    };
    let Some(source) = table::find(&app.pool, &name).await? else {
        return Err(Failure::refused(StatusCode::NOT_FOUND, format!("There is no source `{name}`.")));
    };
    data::forget(&app.imports.data, &source.name).await?;
    table::delete(&app.pool, &source.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::invalid(StatusCode::UNPROCESSABLE_ENTITY, "name", error.to_string())
    }
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        Self::invalid(StatusCode::UNPROCESSABLE_ENTITY, "format", error.to_string())
    }
}

impl From<OriginError> for Failure {
    fn from(error: OriginError) -> Self {
        let member = match error {
            OriginError::File => "file",
            OriginError::NotOne | OriginError::Address => "url",
        };
        Self::invalid(StatusCode::UNPROCESSABLE_ENTITY, member, error.to_string())
    }
}
