//! Who is asking.

use axum::http::Extensions;
use serde::{Serialize, Serializer};

use super::{
    denial::Denial,
    token::{ADMIN_SCOPE, Grant},
};
use crate::protocol::{Problem, TokenClass, identity::ADMIN_GROUP};

/// Who is asking, as the app resolved it. As an extractor it answers 401 when nobody is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Principal {
    /// The id of the user's row; of a token its subject.
    pub id: String,
    /// The user's address, which the audit log names; of a program its subject.
    pub email: String,
    /// A name for people to read.
    pub name: String,
    /// What it is, and how it proved so. Gates match on this and on nothing else (seed A17).
    pub kind: Kind,
    /// The groups it is a member of. A token of a program, a session or a run has none: its scopes are what it may do.
    pub groups: Vec<String>,
}

impl Principal {
    /// Whoever a token stands for: its subject. Groups and another address are a person's only.
    pub(super) fn of_grant(grant: Grant) -> Self {
        let claims = grant.claims();
        let id = claims.sub.clone();
        let email = claims.email.clone().filter(|_| grant.class() == TokenClass::User).unwrap_or_else(|| id.clone());
        let name = claims.name.clone().unwrap_or_else(|| id.clone());
        let (groups, kind) = match grant.class() {
            TokenClass::User => (claims.groups.clone(), Kind::User(Credential::Token(grant))),
            TokenClass::Service => (Vec::new(), Kind::ServiceToken(grant)),
            TokenClass::Session => (Vec::new(), Kind::Session(grant)),
            TokenClass::Run => (Vec::new(), Kind::Run(grant)),
        };
        Self { id, email, name, kind, groups }
    }

    /// The roles that the issuer of a person's token vouches for; nobody else has any. What they mean is the app's to say: no
    /// gate here looks at them.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        match &self.kind {
            Kind::User(Credential::Token(grant)) => &grant.claims().roles,
            _ => &[],
        }
    }

    /// Whether it is an admin: a member of the group `Admin`, and, when it came with a token, one whose scopes say so.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        let member = self.groups.iter().any(|group| group == ADMIN_GROUP);
        member
            && match &self.kind {
                Kind::Service | Kind::User(Credential::Session | Credential::AccessToken) => true,
                Kind::User(Credential::Token(grant)) => grant.allows(ADMIN_SCOPE),
                Kind::ServiceToken(_) | Kind::Session(_) | Kind::Run(_) => false,
            }
    }

    /// Passes a principal that may do all of `scopes`: a token by its own scopes, whoever came without one as an admin.
    ///
    /// # Errors
    /// 403, naming what is missing.
    pub fn require(&self, scopes: &[&str]) -> Result<(), Problem> {
        let Some(grant) = self.kind.grant() else {
            let refused = || Problem::new(403, "Forbidden", "Only members of the group `Admin` may do this.");
            return if self.is_admin() { Ok(()) } else { Err(refused()) };
        };
        let missing: Vec<&str> = scopes.iter().copied().filter(|scope| !grant.allows(scope)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let detail = format!("The token lacks the scope {}.", missing.join(" "));
        Err(Problem::new(403, "Forbidden", detail))
    }

    /// Passes whoever came without a token, and a token that may do all of `scopes`: for what everybody who is known may
    /// see, but not everything that they hold.
    ///
    /// # Errors
    /// 403, naming what is missing.
    pub fn require_of_token(&self, scopes: &[&str]) -> Result<(), Problem> {
        if self.kind.grant().is_some() { self.require(scopes) } else { Ok(()) }
    }

    /// Passes a machine's token only for a resource that it names, by `run_id` or in `resources` (seed C6). Whom a person
    /// or the scheduler may touch is for the app's own checks to say: they pass here.
    ///
    /// # Errors
    /// 403.
    pub fn require_resource(&self, kind: &str, id: &str) -> Result<(), Problem> {
        match &self.kind {
            Kind::Service | Kind::User(_) => Ok(()),
            Kind::ServiceToken(grant) | Kind::Session(grant) | Kind::Run(grant) if grant.names(kind, id) => Ok(()),
            Kind::ServiceToken(_) | Kind::Session(_) | Kind::Run(_) => {
                let detail = format!("The token was not issued for this {kind}.");
                Err(Problem::new(403, "Forbidden", detail))
            }
        }
    }

    /// [`Self::require_resource`], but the scheduler's tokens pass too: one for a run lists no resources, and its scopes say
    /// what it may do.
    ///
    /// # Errors
    /// 403.
    pub fn require_within(&self, kind: &str, id: &str) -> Result<(), Problem> {
        match &self.kind {
            Kind::Run(_) => Ok(()),
            _ => self.require_resource(kind, id),
        }
    }

    /// Who the layer found behind a request, for a middleware; a handler takes a `Principal` as an argument.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<Resolved>().and_then(|resolved| resolved.0.as_ref().ok())
    }
}

/// What a principal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The scheduler, which presented the shared secret. It has no password, no session and no access token.
    Service,
    /// A person.
    User(Credential),
    /// A program of somebody's, with a token of class `service`.
    ServiceToken(Grant),
    /// Whoever holds the session token of one run of the app's.
    Session(Grant),
    /// The scheduler, with a token for one run.
    Run(Grant),
}

impl Kind {
    /// `service`, `user`, `service-token`, `session` or `run`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::User(_) => "user",
            Self::ServiceToken(_) => "service-token",
            Self::Session(_) => "session",
            Self::Run(_) => "run",
        }
    }

    /// The token that it came with.
    #[must_use]
    pub const fn grant(&self) -> Option<&Grant> {
        match self {
            Self::Service | Self::User(Credential::Session | Credential::AccessToken) => None,
            Self::User(Credential::Token(grant))
            | Self::ServiceToken(grant)
            | Self::Session(grant)
            | Self::Run(grant) => Some(grant),
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How a person proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Logged in with a password.
    Session,
    /// An access token, which a program holds.
    AccessToken,
    /// A token of class `user`.
    Token(Grant),
}

/// What the layer leaves in a request's extensions.
#[derive(Debug, Clone)]
pub(super) struct Resolved(pub(super) Result<Principal, Denial>);
