//! What a verified token allows.

use std::{collections::BTreeSet, sync::Arc};

use crate::protocol::{TokenClaims, TokenClass};

/// The scope that a person's token needs to pass [`Admin`](super::super::Admin), besides the group.
pub const ADMIN_SCOPE: &str = "admin";

/// A verified token: who, what for, until when. Never the token itself (seed C16). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    claims: Arc<TokenClaims>,
    scopes: Arc<BTreeSet<String>>,
}

impl Grant {
    /// The claims, with the scopes of the bundles that `bundles` spells out for the groups of a program.
    pub(super) fn new<'a>(claims: TokenClaims, bundles: impl Fn(&str) -> Option<&'a [String]>) -> Self {
        let own = claims.scope.split_ascii_whitespace().map(str::to_owned);
        let groups = claims.service_groups.iter().filter(|_| claims.token_class == TokenClass::Service);
        let bundled = groups.filter_map(|group| bundles(group)).flatten().cloned();
        let scopes = Arc::new(own.chain(bundled).collect());
        Self { claims: Arc::new(claims), scopes }
    }

    /// Everything the token says.
    #[must_use]
    pub fn claims(&self) -> &TokenClaims {
        &self.claims
    }

    /// Its class.
    #[must_use]
    pub fn class(&self) -> TokenClass {
        self.claims.token_class
    }

    /// Whether it has exactly this scope: none stands in for another (seed C3).
    #[must_use]
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// Every scope it has.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(String::as_str)
    }

    /// Whether it names this resource: a run as its `run_id`, anything as `kind:id` in `resources` (seed C6).
    #[must_use]
    pub fn names(&self, kind: &str, id: &str) -> bool {
        let run = kind == "run" && self.claims.run_id.as_deref() == Some(id);
        let listed = |resource: &String| resource.split_once(':') == Some((kind, id));
        run || self.claims.resources.iter().any(listed)
    }
}
