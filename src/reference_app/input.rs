//! Reading requests. axum's own extractors, with their refusals as problems.

use std::error::Error;

use axum::{
    extract::{FromRequest, FromRequestParts, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_path_to_error::Segment;

use super::problem::{Failure, problem};
use crate::{
    protocol::{Invalid, Problem},
    secret::Secret,
};

/// The largest body that is read. The largest sensible one is an address of 2 kB.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(match wrong_part(&rejection) {
                Some(invalid) => unprocessable(invalid),
                None => problem(rejection.status(), rejection.body_text()),
            }),
        }
    }
}

/// Which part of a body does not fit, when one does not.
fn wrong_part(rejection: &JsonRejection) -> Option<Invalid> {
    let JsonRejection::JsonDataError(_) = rejection else { return None };
    let mut cause: Option<&(dyn Error + 'static)> = Some(rejection);
    while let Some(error) = cause {
        if let Some(wrong) = error.downcast_ref::<serde_path_to_error::Error<serde_json::Error>>() {
            return Some(Invalid::new(pointer(wrong.path()), wrong.inner().to_string()));
        }
        cause = error.source();
    }
    None
}

/// A path into a body as the fragment of a URI (RFC 6901 section 6).
pub(super) fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = "#".to_owned();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => {}
        }
    }
    pointer
}

/// A 422 about one part of the body.
pub(super) fn unprocessable(invalid: Invalid) -> Problem {
    let at = invalid.pointer.trim_start_matches(['#', '/']);
    let detail = if at.is_empty() { invalid.detail.clone() } else { format!("{at}: {}", invalid.detail) };
    problem(StatusCode::UNPROCESSABLE_ENTITY, detail).with_invalid(invalid)
}

/// How many rows of a list to show: 100 unless asked for another number, 1000 at most.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Failure> {
    match asked.unwrap_or(100) {
        limit @ 1..=1000 => Ok(limit),
        _ => {
            let detail = "`limit` is a number from 1 to 1000.";
            Err(Failure::invalid(StatusCode::UNPROCESSABLE_ENTITY, "limit", detail))
        }
    }
}

/// The parameters after the `?`.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(problem(rejection.status(), rejection.body_text())),
        }
    }
}

/// The placeholders of the route.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(path)) => Ok(Self(path)),
            Err(rejection) => Err(problem(rejection.status(), rejection.body_text())),
        }
    }
}

/// For a field whose value must not be printed.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// The same for a field that may be left out.
pub(super) fn maybe_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.map(Secret::new))
}
