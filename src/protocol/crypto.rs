//! The signatures of tokens: `jsonwebtoken` with ring, which does the TLS too.
//!
//! The crate's own choices are aws-lc (a C++ build) or a dozen further crates; of what they do only HS256 and EdDSA with
//! Ed25519 (RFC 8032) are wanted here, and anything else is refused.

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
    jwk::{EllipticCurve, ThumbprintHash},
    signature::{Error, Signer, Verifier},
};
use ring::{
    digest,
    hmac::{self, HMAC_SHA256},
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use serde::Serialize;

static RING: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| unsupported(),
        rsa_pub_components_from_public_key: |_| unsupported(),
        ec_pub_components_from_private_key: |_, _| unsupported(),
        ed_pub_components_from_private_key: public_of,
        compute_digest: sha256,
    },
};

/// Makes `jsonwebtoken` sign and verify with ring. Called before its first use; again is fine, and a program that chose
/// another provider before keeps it.
pub fn install() {
    if RING.install_default().is_err() {
        tracing::trace!("a provider is there already");
    }
}

/// A token under HS256. It has no `kid`: the thumbprint of a secret would help to guess it (RFC 7638, section 7).
///
/// # Errors
/// The claims are no JSON object.
pub fn sign_hs256(claims: &impl Serialize, secret: &[u8]) -> Result<String> {
    install();
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret))
}

fn unsupported<T>() -> Result<T> {
    Err(ErrorKind::UnsupportedAlgorithm.into())
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256(hmac::Key::new(HMAC_SHA256, key.as_bytes())))),
        Algorithm::EdDSA => Ok(Box::new(EdSigner(key_pair(key.as_bytes())?))),
        _ => unsupported(),
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    let bytes = key.try_get_as_bytes()?;
    match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256(hmac::Key::new(HMAC_SHA256, bytes)))),
        Algorithm::EdDSA => Ok(Box::new(EdVerifier(UnparsedPublicKey::new(&ED25519, bytes.to_vec())))),
        _ => unsupported(),
    }
}

/// PKCS#8 of either version: openssl writes the first, without the public key.
fn key_pair(pkcs8: &[u8]) -> Result<Ed25519KeyPair> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|_rejected| ErrorKind::InvalidEddsaKey.into())
}

fn public_of(pkcs8: &[u8], _: &EllipticCurve) -> Result<Vec<u8>> {
    Ok(key_pair(pkcs8)?.public_key().as_ref().to_vec())
}

#[expect(clippy::needless_pass_by_value, reason = "jsonwebtoken calls it so")]
fn sha256(data: &[u8], hash: ThumbprintHash) -> Result<Vec<u8>> {
    match hash {
        ThumbprintHash::SHA256 => Ok(digest::digest(&digest::SHA256, data).as_ref().to_vec()),
        _ => unsupported(),
    }
}

struct Hs256(hmac::Key);
struct EdSigner(Ed25519KeyPair);
struct EdVerifier(UnparsedPublicKey<Vec<u8>>);

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        hmac::verify(&self.0, message, signature).map_err(|_wrong| Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Signer<Vec<u8>> for EdSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for EdSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl Verifier<Vec<u8>> for EdVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        self.0.verify(message, signature).map_err(|_wrong| Error::new())
    }
}

impl JwtVerifier for EdVerifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
