//! The keys that tokens are verified with.

use std::{collections::HashMap, path::PathBuf};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse, ThumbprintHash},
};

use crate::{protocol::crypto, secret::SharedSecrets};

/// Secrets for HS256: a token may be signed with any of them (seed C9).
#[derive(Debug)]
pub(super) struct Secrets(Vec<DecodingKey>);

/// Ed25519 keys by their `kid`.
#[derive(Debug, Default)]
pub(super) struct PublicKeys(HashMap<String, DecodingKey>);

/// Why there are no public keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read.
    #[error("cannot read the keys in {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// What was read is no JWK Set.
    #[error("{origin} is no JWK Set, as `sexton secret ensure --ed25519 KEY` writes one to `KEY.jwks`: {source}")]
    NoSet {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// No key of it is of use.
    #[error("{origin} holds no public Ed25519 key (`kty` OKP, `crv` Ed25519) for signatures")]
    NoKey {
        /// Where it came from.
        origin: String,
    },
    /// The app's own function failed.
    #[error("the keys cannot be fetched: {0}")]
    Unfetched(String),
}

impl From<(PathBuf, std::io::Error)> for KeysError {
    fn from((path, source): (PathBuf, std::io::Error)) -> Self {
        Self::Unreadable { path, source }
    }
}

impl Secrets {
    pub(super) fn new(secrets: &SharedSecrets) -> Self {
        Self(secrets.iter().map(|secret| DecodingKey::from_secret(secret.expose().as_bytes())).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &DecodingKey> {
        self.0.iter()
    }
}

impl PublicKeys {
    /// Reads a JWK Set. Keys of other kinds are passed over: a symmetric one in it must never become a key for HS256.
    pub(super) fn parse(origin: &str, text: &[u8]) -> Result<Self, KeysError> {
        crypto::install();
        let origin = || origin.to_owned();
        let set: JwkSet =
            serde_json::from_slice(text).map_err(|source| KeysError::NoSet { origin: origin(), source })?;
        let keys: HashMap<_, _> = set.keys.iter().filter_map(of_use).collect();
        if keys.is_empty() { Err(KeysError::NoKey { origin: origin() }) } else { Ok(Self(keys)) }
    }

    pub(super) fn get(&self, kid: &str) -> Option<&DecodingKey> {
        self.0.get(kid)
    }
}

fn of_use(jwk: &Jwk) -> Option<(String, DecodingKey)> {
    let AlgorithmParameters::OctetKeyPair(parameters) = &jwk.algorithm else { return None };
    let for_signatures = jwk.common.public_key_use.as_ref().is_none_or(|r#use| *r#use == PublicKeyUse::Signature);
    let eddsa = jwk.common.key_algorithm.is_none_or(|algorithm| algorithm == KeyAlgorithm::EdDSA);
    if parameters.curve != EllipticCurve::Ed25519 || !for_signatures || !eddsa {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok().filter(|key| key.family() == Algorithm::EdDSA.family())?;
    let kid = match &jwk.common.key_id {
        Some(kid) => kid.clone(),
        None => jwk.thumbprint(ThumbprintHash::SHA256).ok()?,
    };
    Some((kid, key))
}
