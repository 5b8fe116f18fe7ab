//! The one outward form of an error: RFC 9457 `application/problem+json`.

#[cfg(any(feature = "auth", feature = "sidecar"))]
use axum::{
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};

/// An error as a client sees it. It carries no internals: what went wrong inside is logged where it is handled, under the
/// same `error_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sidecar", derive(utoipa::ToSchema))]
pub struct Problem {
    /// What kind of problem; `about:blank` says no more than the status does.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: String,
    /// A short summary, the same for every problem of this kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// On 5xx only: the id under which the cause was logged (seed C15).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_id: Option<String>,
    /// What is wrong with single parts of the request, as in the example of RFC 9457 section 3 (seed C15).
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub errors: Box<[Invalid]>,
}

/// A part of a request that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sidecar", derive(utoipa::ToSchema))]
pub struct Invalid {
    /// Where it is: a JSON pointer into the body as a fragment, `#/schedule`, or the name of a parameter in the same form.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Invalid {
    /// `detail` about the part at `pointer`.
    #[must_use]
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl Problem {
    /// The media type of the body.
    pub const CONTENT_TYPE: &'static str = "application/problem+json";

    /// A problem that its status and `detail` describe.
    #[must_use]
    pub fn new(status: u16, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: about_blank(),
            title: title.to_owned(),
            status,
            detail: Some(detail.into()),
            error_id: None,
            errors: Box::default(),
        }
    }

    /// Adds a part that cannot be taken.
    #[must_use]
    pub fn with_invalid(mut self, invalid: Invalid) -> Self {
        self.errors = self.errors.into_iter().chain([invalid]).collect();
        self
    }

    /// Adds the id under which the cause was logged.
    #[must_use]
    pub fn with_error_id(mut self, id: impl Into<String>) -> Self {
        self.error_id = Some(id.into());
        self
    }
}

#[cfg(any(feature = "auth", feature = "sidecar"))]
impl<B: From<String>> From<Problem> for Response<B> {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Self::new(serde_json::to_string(&problem).unwrap_or_default().into());
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(Problem::CONTENT_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 11.6.1: a 401 names a challenge.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(any(feature = "auth", feature = "sidecar"))]
impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        self.into()
    }
}

fn about_blank() -> String {
    "about:blank".to_owned()
}
