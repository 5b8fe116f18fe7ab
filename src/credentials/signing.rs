//! What run tokens are signed with: Ed25519 keys, or secrets for HS256. The first signs, an Ed25519 key once apps can know
//! it; all verify (seed C9).

use serde::Serialize;

use super::{
    CredentialError, Ed25519Keys, JWT_SECRETS, KeyError, PublicKeys, config::SigningSource, kept::Source,
    published::Published,
};
use crate::{
    protocol::crypto,
    secret::{Secret, SecretSource, SharedSecrets},
};

/// What run tokens are signed with.
#[derive(Debug)]
pub(super) enum SigningKeys {
    /// Apps know the public halves.
    Ed25519(Box<Published>),
    /// Apps know them too.
    Hs256(SharedSecrets),
}

impl SigningKeys {
    /// Empty under HS256, where nothing is public.
    pub(super) fn public(&self) -> PublicKeys {
        match self {
            Self::Ed25519(published) => published.keys().public(),
            Self::Hs256(_) => PublicKeys::default(),
        }
    }

    /// The name of the key that signs what an app is to verify now, and not the one that it has just `refused` when there is
    /// another. Secrets have no names.
    pub(super) fn kid<'a>(&'a self, refused: Option<&'a str>) -> Option<&'a str> {
        match self {
            Self::Ed25519(published) => published.kid(refused).or(refused),
            Self::Hs256(_) => None,
        }
    }

    /// Whether there is another key than the one named `kid`.
    pub(super) fn has_another_than(&self, kid: &str) -> bool {
        matches!(self, Self::Ed25519(published) if published.kid(Some(kid)).is_some())
    }

    /// Signs with the key named `kid`, with the first one when it has no name.
    pub(super) fn sign(&self, kid: Option<&str>, claims: &impl Serialize) -> Result<Secret, CredentialError> {
        let signed = match self {
            Self::Ed25519(published) => {
                let keys = published.keys();
                keys.sign(kid.unwrap_or(keys.kid()), claims)
            }
            Self::Hs256(secrets) => crypto::sign_hs256(claims, secrets.current().expose().as_bytes()).map(Secret::new),
        };
        signed.map_err(|error| CredentialError::Signing(error.to_string()))
    }
}

impl Source for SigningSource {
    type Value = SigningKeys;

    /// Placeholders and short secrets are refused by the one loader (seed B6).
    fn read(&self) -> Result<SigningKeys, CredentialError> {
        let hs256 = |secrets: Result<SharedSecrets, _>| secrets.map(SigningKeys::Hs256).map_err(KeyError::Secret);
        let keys = match self {
            Self::Unset => return Err(CredentialError::NoKey),
            Self::Ed25519File(path) => {
                Ed25519Keys::from_file(path).map(|keys| SigningKeys::Ed25519(Box::new(Published::now(keys))))
            }
            Self::SecretsFile(path) => hs256(SharedSecrets::from_file(path)),
            Self::Secrets(list) => {
                hs256(SharedSecrets::from_list(SecretSource::Variable(JWT_SECRETS.to_owned()), list.expose()))
            }
        };
        Ok(keys?)
    }

    fn can_change(&self) -> bool {
        matches!(self, Self::Ed25519File(_) | Self::SecretsFile(_))
    }

    fn same_to_an_app(one: &SigningKeys, other: &SigningKeys) -> bool {
        match (one, other) {
            (SigningKeys::Ed25519(one), SigningKeys::Ed25519(other)) => one.keys().kids().eq(other.keys().kids()),
            (SigningKeys::Hs256(one), SigningKeys::Hs256(other)) => {
                one.current().matches(other.current().expose().as_bytes())
            }
            _ => false,
        }
    }

    fn follows(value: SigningKeys, earlier: &SigningKeys) -> SigningKeys {
        match (value, earlier) {
            (SigningKeys::Ed25519(value), SigningKeys::Ed25519(earlier)) => {
                SigningKeys::Ed25519(Box::new(value.after(earlier)))
            }
            (value, _) => value,
        }
    }

    fn secrets(value: &SigningKeys) -> Vec<Secret> {
        match value {
            SigningKeys::Ed25519(published) => published.keys().secrets(),
            SigningKeys::Hs256(secrets) => secrets.iter().cloned().collect(),
        }
    }
}
