//! From what went wrong to what a client sees.

use std::{error::Error, fmt::Display, sync::Arc};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{marketplaces::TableError, passwords::PasswordError, sources};
use crate::{
    entropy::Entropy,
    protocol::{Invalid, Problem},
    secret::SecretError,
};

/// Why a handler has no good answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client gets to see this.
    Refused(Problem),
    /// The client gets an id; the log gets the cause.
    Internal(Arc<dyn Error + Send + Sync>),
}

/// In a response's extensions: why it is a 500. [`super::observe`] logs it and writes the body.
#[derive(Debug, Clone)]
pub(super) struct Cause(pub(super) Arc<dyn Error + Send + Sync>);

impl Failure {
    /// A 4xx with words for the client.
    pub(super) fn refused(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::Refused(problem(status, detail))
    }

    /// A 4xx about one member of the body or one parameter.
    pub(super) fn invalid(status: StatusCode, member: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let invalid = Invalid::new(format!("#/{member}"), detail.clone());
        Self::Refused(problem(status, detail).with_invalid(invalid))
    }
}

/// Errors that are never the client's fault. Each is named, so that one that a client should see cannot slip in here.
macro_rules! internal_errors {
    ($($error:ty),+) => {
        $(impl From<$error> for Failure {
            fn from(cause: $error) -> Self {
                Self::Internal(Arc::new(cause))
            }
        })+
    };
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<PasswordError> for Failure {
    fn from(cause: PasswordError) -> Self {
        match cause {
            PasswordError::Busy => {
                Self::refused(StatusCode::TOO_MANY_REQUESTS, "Too many passwords are being checked: try again soon.")
            }
            cause => Self::Internal(Arc::new(cause)),
        }
    }
}

internal_errors!(
    SecretError,
    jsonwebtoken::errors::Error,
    sqlx::Error,
    std::io::Error,
    tokio::task::JoinError,
    TableError,
    sources::TableError
);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(problem) => problem.into_response(),
            Self::Internal(cause) => {
                let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
                response.extensions_mut().insert(Cause(cause));
                response
            }
        }
    }
}

/// A problem whose title is its status.
pub(super) fn problem(status: StatusCode, detail: impl Into<String>) -> Problem {
    Problem::new(status.as_u16(), status.canonical_reason().unwrap_or("Error"), detail)
}

/// Logs `cause` under a new id, and keeps everything else about it from the client.
pub(super) fn internal(cause: &impl Display, entropy: Entropy) -> Problem {
    let detail = "The app failed; its log has the cause under the error id.";
    logged(StatusCode::INTERNAL_SERVER_ERROR, detail, cause, entropy)
}

/// The same where a credential cannot be looked up now: it may be good (seed C4).
pub(super) fn unavailable(cause: &impl Display, entropy: Entropy) -> Problem {
    let detail = "The app cannot say now who asks; try again soon. Its log has the cause under the error id.";
    logged(StatusCode::SERVICE_UNAVAILABLE, detail, cause, entropy)
}

fn logged(status: StatusCode, detail: &str, cause: &impl Display, entropy: Entropy) -> Problem {
    let error_id = entropy.hex::<8>();
    tracing::error!(error_id, %cause, "a request failed");
    problem(status, detail).with_error_id(error_id)
}
