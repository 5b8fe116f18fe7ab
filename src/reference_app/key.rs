//! Session ids and access tokens: random, shown once, kept as hashes.

use sha2::{Digest, Sha256};

use crate::{entropy::Entropy, secret::Secret};

/// A random credential of 256 bits. It needs no slow hash: there is nothing to guess.
#[derive(Debug, Clone)]
pub(super) struct Key(Secret);

/// What is kept of a [`Key`]: its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyHash(Vec<u8>);

impl Key {
    /// A new one. `prefix` lets people and secret scanners see what it is.
    pub(super) fn new(prefix: &str, entropy: Entropy) -> Self {
        Self(Secret::new(format!("{prefix}{}", entropy.hex::<32>())))
    }

    /// For the one answer that shows it.
    pub(super) fn expose(&self) -> &str {
        self.0.expose()
    }

    pub(super) fn hash(&self) -> KeyHash {
        KeyHash::of(self.expose())
    }
}

impl KeyHash {
    /// The hash of what a client presented.
    pub(super) fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).to_vec())
    }

    /// For the database.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
