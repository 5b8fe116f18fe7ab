//! Why there is nothing to show. None of these ever says a value.

use std::{io, path::PathBuf, sync::Arc};

use super::{JWT_SECRETS, SIGNING_KEY_FILE, TOKEN, TOKEN_FILE};
use crate::secret::SecretError;

/// Why there is no credential to send, or why a newer one was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CredentialError {
    /// Neither variable of the shared secret is set.
    #[error(
        "no shared secret: set {TOKEN}, or {TOKEN_FILE} to the path of a file that `sexton secret ensure FILE` made, \
         to the same for Sexton and the app"
    )]
    Unset,
    /// The shared secret is of no use.
    #[error(transparent)]
    Unusable(Arc<SecretError>),
    /// The token file gives no token.
    #[error(transparent)]
    Token(Arc<TokenError>),
    /// Nothing says what run tokens are signed with.
    #[error(
        "no key to sign run tokens with: set {SIGNING_KEY_FILE} to the path of a key that `sexton secret ensure \
         --ed25519 KEY` made, or {JWT_SECRETS} to secrets that the app has too"
    )]
    NoKey,
    /// The signing key is of no use.
    #[error(transparent)]
    Key(Arc<KeyError>),
    /// A token could not be signed.
    #[error("a run token cannot be signed: {0}")]
    Signing(String),
    /// The task that read the file did not end.
    #[error("reading the file of the credential was cut short: {0}")]
    Interrupted(String),
}

/// Why a token file gives no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error("cannot read the token file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// What it holds is no token.
    #[error(
        "the token file {} {fault}; whoever issues the token has to write it there, for example with `sexton token store \
         FILE`",
        path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: TokenFault,
    },
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// Too short to be found in what an app echoes.
    #[error("holds {0} characters, too few to be blacked out where an app echoes them: 8 are needed")]
    Short(usize),
    /// Longer than any header that an app takes.
    #[error("holds more than 16384 characters, more than an app takes in a header")]
    Long,
    /// A byte outside 0x21 to 0x7e after trimming, which no header can carry safely.
    #[error(
        "holds a space, a line break or a character that is not visible ASCII at position {0}: it is to hold one token \
         on one line"
    )]
    NotVisibleAscii(usize),
}

/// Why the signing keys are of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the signing key {}: {source}; `sexton secret ensure --ed25519 KEY` makes one", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// No PKCS#8 key in it.
    #[error(
        "{} holds no private key in PEM (`-----BEGIN PRIVATE KEY-----`): `sexton secret ensure --ed25519 KEY` makes one",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A key of another kind, or a damaged one.
    #[error(
        "private key {number} in {} is no Ed25519 key in PKCS#8, or a damaged one: `sexton secret ensure --ed25519 KEY` \
         makes one",
        path.display()
    )]
    NotEd25519 {
        /// The file.
        path: PathBuf,
        /// Which of its keys, from 1.
        number: usize,
    },
    /// A secret for HS256 is of no use.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl From<TokenError> for CredentialError {
    fn from(error: TokenError) -> Self {
        Self::Token(Arc::new(error))
    }
}

impl From<KeyError> for CredentialError {
    fn from(error: KeyError) -> Self {
        Self::Key(Arc::new(error))
    }
}

impl From<SecretError> for CredentialError {
    fn from(error: SecretError) -> Self {
        Self::Unusable(Arc::new(error))
    }
}
