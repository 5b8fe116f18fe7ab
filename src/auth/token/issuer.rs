//! Tokens that the app itself issues, under HS256.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    entropy::Entropy,
    protocol::{Audience, TokenClaims, TokenClass, crypto},
    secret::{Secret, SharedSecrets},
};

/// Issues tokens in one name for one audience. A verifier with the same secrets takes them.
#[derive(Debug, Clone)]
pub struct Issuer {
    name: String,
    audience: String,
    secrets: SharedSecrets,
}

/// What a token is to say.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What it stands for.
    pub class: TokenClass,
    /// Whom it stands for.
    pub subject: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// How long it holds.
    pub life: TimeDelta,
}

impl Issuer {
    /// Signs with the first of `secrets` (seed C9).
    #[must_use]
    pub fn new(name: impl Into<String>, audience: impl Into<String>, secrets: SharedSecrets) -> Self {
        Self { name: name.into(), audience: audience.into(), secrets }
    }

    /// The claims of a new token; add what its class demands, then [`Self::sign`] them.
    #[must_use]
    pub fn claims(&self, wanted: Wanted, now: DateTime<Utc>, entropy: Entropy) -> TokenClaims {
        wanted.into_claims(&self.name, Audience::One(self.audience.clone()), now, entropy)
    }

    /// The token.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn sign(&self, claims: &TokenClaims) -> Result<Secret, jsonwebtoken::errors::Error> {
        crypto::sign_hs256(claims, self.secrets.current().expose().as_bytes()).map(Secret::new)
    }
}

impl Wanted {
    /// Everything that a token of any class must say (seed C1), with an id of its own.
    #[must_use]
    pub fn into_claims(self, issuer: &str, audience: Audience, now: DateTime<Utc>, entropy: Entropy) -> TokenClaims {
        let iat = now.timestamp();
        TokenClaims {
            iss: issuer.to_owned(),
            aud: audience,
            sub: self.subject,
            iat,
            nbf: Some(iat),
            exp: iat.saturating_add(self.life.num_seconds()),
            jti: entropy.hex::<16>(),
            scope: self.scopes.join(" "),
            token_class: self.class,
            groups: Vec::new(),
            roles: Vec::new(),
            email: None,
            name: None,
            service_groups: Vec::new(),
            resources: Vec::new(),
            run_id: None,
            session_id: None,
            job: None,
            fence: None,
        }
    }
}
