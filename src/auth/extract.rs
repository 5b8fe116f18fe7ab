//! Gates, as arguments of a handler.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{Credential, Kind, Principal, principal::Resolved};
use crate::{entropy::Entropy, protocol::Problem};

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Resolved>() {
            Some(Resolved(Ok(principal))) => Ok(principal.clone()),
            Some(Resolved(Err(denial))) => Err(denial.clone().into()),
            None => Err(without_layer()),
        }
    }
}

/// Closed when it was put together wrongly, never open (guarantee G8).
fn without_layer() -> Problem {
    let error_id = Entropy::System.hex::<8>();
    tracing::error!(error_id, "a handler asks for a principal, and its route has no `Auth` layer: add `.layer(auth)`");
    Problem::new(500, "Internal Server Error", "The server failed; its log has the cause.").with_error_id(error_id)
}

/// A member of the group `Admin`: a person, an access token of one, or the scheduler. Others get 403.
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
            Kind::Service => Err(refused("The scheduler")),
        }
    }
}
