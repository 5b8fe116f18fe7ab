//! Hashing passwords with Argon2id, off the threads that serve requests.

use std::sync::Arc;

use argon2::{
    Argon2, PasswordHasher, PasswordVerifier,
    password_hash::phc::{Output, PasswordHash, Salt},
};
use axum::http::StatusCode;
use tokio::sync::{AcquireError, Semaphore};

use super::problem::Failure;
use crate::{entropy::Entropy, secret::Secret};

/// The fewest characters of a password (the floor of NIST SP 800-63B, section 5.1.1.1 of its third revision).
const MIN_CHARS: usize = 8;
/// The most bytes of a password: beyond any passphrase, and cheap to hash.
const MAX_BYTES: usize = 1024;
/// How many passwords are hashed at once; each takes 19 MiB and a core for tens of milliseconds.
const AT_ONCE: usize = 2;

/// How many more may wait for their turn: nobody has to be known to make one wait, so there must be an end to it.
const WAITING: usize = 64;

/// Hashes and verifies passwords.
#[derive(Debug, Clone)]
pub(super) struct Passwords {
    entropy: Entropy,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

/// Why a password could not be hashed or verified.
#[derive(Debug, thiserror::Error)]
pub(super) enum PasswordError {
    /// The client may try again.
    #[error("too many passwords wait to be hashed")]
    Busy,
    #[error("argon2: {0}")]
    Hash(#[from] argon2::password_hash::Error),
    #[error("the hash in the database cannot be read: {0}")]
    Stored(#[from] argon2::password_hash::phc::Error),
    #[error("the hashing task did not end: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error("no more turns: {0}")]
    Turns(#[from] AcquireError),
}

impl Passwords {
    pub(super) fn new(entropy: Entropy) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { entropy, turns: semaphore(AT_ONCE), places: semaphore(AT_ONCE + WAITING) }
    }

    /// A new password as the database keeps it: a PHC string with its salt and its cost.
    pub(super) async fn hash(&self, password: Secret) -> Result<String, PasswordError> {
        let salt = self.entropy.bytes::<16>();
        self.run(move |argon2| {
            let hash: PasswordHash = argon2.hash_password_with_salt(password.expose().as_bytes(), &salt)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` is the one that `stored` was made of. Without `stored` it takes the same time and is false, so
    /// that the time of an answer does not tell who has an account.
    pub(super) async fn verify(&self, password: Secret, stored: Option<String>) -> Result<bool, PasswordError> {
        let salt = self.entropy.bytes::<16>();
        self.run(move |argon2| {
            let known = stored.is_some();
            let stored = match stored {
                Some(text) => PasswordHash::new(&text)?,
                None => unmatchable(argon2, &salt)?,
            };
            Ok(argon2.verify_password(password.expose().as_bytes(), &stored).is_ok() && known)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let Ok(_place) = self.places.try_acquire() else { return Err(PasswordError::Busy) };
        let _turn = self.turns.acquire().await?;
        tokio::task::spawn_blocking(move || work(&Argon2::default())).await?
    }
}

/// A hash of the usual cost that no known password has.
fn unmatchable(argon2: &Argon2<'_>, salt: &[u8]) -> Result<PasswordHash, PasswordError> {
    Ok(PasswordHash {
        algorithm: argon2::Algorithm::default().ident(),
        version: Some(argon2::Version::default().into()),
        params: argon2.params().try_into()?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(&[0; argon2::Params::DEFAULT_OUTPUT_LEN])?),
    })
}

/// Refuses a new password that is too short to be one or too long to be hashed.
pub(super) fn check(password: &Secret) -> Result<(), Failure> {
    let text = password.expose();
    if text.chars().count() < MIN_CHARS || text.len() > MAX_BYTES {
        let detail = format!("`password` has {MIN_CHARS} characters at least and {MAX_BYTES} bytes at most.");
        return Err(Failure::refused(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    Ok(())
}
