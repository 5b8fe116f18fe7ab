//! Gates, as arguments of a handler.

use std::fmt::Display;

use axum::{
    extract::FromRequestParts,
    http::{Extensions, request::Parts},
};

use super::{Credential, Kind, Principal, denial::Denial, principal::Resolved};
use crate::{entropy::Entropy, protocol::Problem};

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        resolved(&parts.extensions)?.clone().map_err(Problem::from)
    }
}

/// Whom the layer found; `None` when it found nobody.
///
/// # Errors
/// 500 when there is no layer.
pub(super) fn found(extensions: &Extensions) -> Result<Option<&Principal>, Problem> {
    resolved(extensions).map(|resolved| resolved.as_ref().ok())
}

/// Closed when it was put together wrongly, never open (guarantee G8).
pub(super) fn resolved(extensions: &Extensions) -> Result<&Result<Principal, Denial>, Problem> {
    let layered = extensions.get::<Resolved>().map(|Resolved(resolved)| resolved);
    layered.ok_or_else(|| failed(500, &"its route has no `Auth` layer: add `.layer(auth)`", "nobody can be known"))
}

/// Logs `cause` under a new id, and keeps it from the client.
pub(super) fn failed(status: u16, cause: &impl Display, what: &str) -> Problem {
    let error_id = Entropy::System.hex::<8>();
    tracing::error!(error_id, %cause, what, "a request failed");
    let (title, detail) = match status {
        503 => ("Service Unavailable", "The server cannot say now; try again soon. Its log has the cause."),
        _ => ("Internal Server Error", "The server failed; its log has the cause."),
    };
    Problem::new(status, title, detail).with_error_id(error_id)
}

/// A member of the group `Admin`: a person, an access token of one, or the scheduler with the shared secret. A token needs
/// the scope `admin` besides the group; those of programs, sessions and runs have no groups: name a scope for them with
/// [`require`](super::require). Others get 403.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin(pub Principal);

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let principal = Principal::from_request_parts(parts, state).await?;
        if principal.is_admin() {
            Ok(Self(principal))
        } else {
            Err(Problem::new(403, "Forbidden", "Only members of the group `Admin` may do this."))
        }
    }
}

/// A person who logged in. The scheduler and access tokens get 403 (seed A8): what a program holds must not mint more of
/// its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HumanSession(pub Principal);

impl<S: Sync> FromRequestParts<S> for HumanSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let principal = Principal::from_request_parts(parts, state).await?;
        let refused = |who| Problem::new(403, "Forbidden", format!("{who} may not do this: log in with a password."));
        match principal.kind {
            Kind::User(Credential::Session) => Ok(Self(principal)),
            Kind::User(Credential::AccessToken) => Err(refused("An access token")),
            Kind::User(Credential::Token(_)) | Kind::ServiceToken(_) | Kind::Session(_) => Err(refused("A token")),
            Kind::Service | Kind::Run(_) => Err(refused("The scheduler")),
        }
    }
}
