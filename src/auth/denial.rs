//! Why nobody is known behind a request, and how a [`Problem`] becomes a response.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::protocol::Problem;

/// Why nobody is known behind a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Denial {
    /// No credential came, or none that can be read.
    Missing,
    /// The bearer or the cookie is nobody's.
    Unknown,
    /// The secret is right, and the scheduler's row cannot be made or read (seed A6).
    NotProvisioned,
    /// The secret is right, and an operator disabled the scheduler (seed A16).
    Disabled,
    /// The app could not look.
    Failed(Problem),
}

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        let unauthorized = |detail: &str| Self::new(401, "Unauthorized", detail);
        match denial {
            Denial::Missing => unauthorized("This needs a log-in, or a credential as `Authorization: Bearer …`."),
            Denial::Unknown => unauthorized("The credential is not known here: it is wrong, expired or revoked."),
            Denial::NotProvisioned => unauthorized("Scheduler user not provisioned"),
            Denial::Disabled => unauthorized("The scheduler's account is disabled."),
            Denial::Failed(problem) => problem,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, Self::CONTENT_TYPE)], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 11.6.1: a 401 names a challenge.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
