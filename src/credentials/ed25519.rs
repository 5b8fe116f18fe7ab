//! The Ed25519 keys of run tokens: a PEM file in which the first key signs, and their public halves for apps.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde::Serialize;
use zeroize::Zeroizing;

use super::KeyError;
use crate::{entropy::Entropy, protocol::crypto, secret::Secret};

/// What stands before the 32 bytes of a key in PKCS#8 (RFC 8410, section 7; version 1, which every library reads).
const PKCS8_V1: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----\n";
const PEM_END: &str = "-----END PRIVATE KEY-----\n";

/// Keys that are accepted, one or more; the first is the one that signs, as soon as apps can know it.
#[derive(Debug)]
pub struct Ed25519Keys {
    first: Key,
    older: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    private: EncodingKey,
    public: Jwk,
    kid: String,
}

/// The public halves, as apps fetch or pin them: a JWK Set (RFC 7517).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PublicKeys(JwkSet);

impl Ed25519Keys {
    /// One new key.
    #[must_use]
    pub fn new(entropy: Entropy) -> Self {
        let mut der = Zeroizing::new([0; 48]);
        der[..16].copy_from_slice(&PKCS8_V1);
        der[16..].copy_from_slice(Zeroizing::new(entropy.bytes::<32>()).as_slice());
        #[expect(clippy::expect_used, reason = "any 32 bytes are a key (RFC 8032, section 5.1.5)")]
        let first = Key::from_pkcs8(der.as_slice()).expect("32 bytes are a key");
        Self { first, older: Vec::new() }
    }

    /// Reads a PEM file of PKCS#8 keys. Warns when everybody can read it.
    ///
    /// # Errors
    /// Unreadable, without a key, or with one that is not Ed25519: one bad key refuses the file, or a rotation could half
    /// fail unseen.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read(path)
            .map(Zeroizing::new)
            .map_err(|source| KeyError::Unreadable { path: path.to_owned(), source })?;
        if fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0) {
            tracing::warn!(path = %path.display(), "every user of this machine can read the signing key: chmod 600 it");
        }
        let mut keys = Vec::new();
        for (index, der) in PrivatePkcs8KeyDer::pem_slice_iter(&text).enumerate() {
            let key = der.ok().and_then(|der| Key::from_pkcs8(der.secret_pkcs8_der()));
            keys.push(key.ok_or_else(|| KeyError::NotEd25519 { path: path.to_owned(), number: index + 1 })?);
        }
        if keys.is_empty() {
            return Err(KeyError::NoKey { path: path.to_owned() });
        }
        Ok(Self { first: keys.remove(0), older: keys })
    }

    /// These keys above `old` ones, which stay accepted.
    #[must_use]
    pub fn above(mut self, old: Self) -> Self {
        self.older.push(old.first);
        self.older.extend(old.older);
        self
    }

    /// The one that signs alone.
    #[must_use]
    pub fn without_older(mut self) -> Self {
        self.older.clear();
        self
    }

    /// The name of the key that signs: its RFC 7638 thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.first.kid
    }

    /// How many there are besides the one that signs.
    #[must_use]
    pub fn older(&self) -> usize {
        self.older.len()
    }

    /// The public halves, that of the signing key first.
    #[must_use]
    pub fn public(&self) -> PublicKeys {
        PublicKeys(JwkSet { keys: self.iter().map(|key| key.public.clone()).collect() })
    }

    /// The text of the file that holds them.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let bodies: Vec<Secret> = self.secrets();
        let frame = PEM_BEGIN.len() + PEM_END.len() + 1;
        let mut text =
            Zeroizing::new(String::with_capacity(bodies.iter().map(|body| body.expose().len() + frame).sum()));
        for body in &bodies {
            [PEM_BEGIN, body.expose(), "\n", PEM_END].iter().for_each(|part| text.push_str(part));
        }
        text
    }

    /// What must never be seen: the keys in base64.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        self.iter().map(|key| Secret::new(BASE64_STANDARD.encode(key.private.as_bytes()))).collect()
    }

    /// Signs with the key named `kid`, the first when there is none of that name.
    pub(super) fn sign(&self, kid: &str, claims: &impl Serialize) -> Result<Secret, jsonwebtoken::errors::Error> {
        let key = self.iter().find(|key| key.kid == kid).unwrap_or(&self.first);
        let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &key.private).map(Secret::new)
    }

    /// The names of the keys, the newest first.
    pub(super) fn kids(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|key| key.kid.as_str())
    }

    fn iter(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.older)
    }
}

impl Key {
    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        crypto::install();
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()?;
        let public = DecodingKey::from_ed_der(pair.public_key().as_ref());
        let mut public = Jwk::from_decoding_key(&public, Some(Algorithm::EdDSA)).ok()?;
        let kid = public.thumbprint(ThumbprintHash::SHA256).ok()?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Some(Self { private: EncodingKey::from_ed_der(der), public, kid })
    }
}
