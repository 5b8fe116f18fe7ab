//! Who is asking.

use axum::http::Extensions;
use serde::{Serialize, Serializer};

use super::denial::Denial;
use crate::protocol::identity::ADMIN_GROUP;

/// Who is asking, as the app resolved it. As an extractor it answers 401 when nobody is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Principal {
    /// The id of the user's row.
    pub id: String,
    /// The user's address, which the audit log names.
    pub email: String,
    /// A name for people to read.
    pub name: String,
    /// What it is, and how it proved so. Gates match on this and on nothing else (seed A17).
    pub kind: Kind,
    /// The groups it is a member of.
    pub groups: Vec<String>,
}

impl Principal {
    /// Whether it is a member of the group `Admin`.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.groups.iter().any(|group| group == ADMIN_GROUP)
    }

    /// Who the layer found behind a request, for a middleware; a handler takes a `Principal` as an argument.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<Resolved>().and_then(|resolved| resolved.0.as_ref().ok())
    }
}

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The scheduler, which presented the shared secret. It has no password, no session and no access token.
    Service,
    /// A person.
    User(Credential),
}

impl Kind {
    /// `service` or `user`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::User(_) => "user",
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How a person proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// Logged in with a password.
    Session,
    /// An access token, which a program holds.
    AccessToken,
}

/// What the layer leaves in a request's extensions.
#[derive(Debug, Clone)]
pub(super) struct Resolved(pub(super) Result<Principal, Denial>);
