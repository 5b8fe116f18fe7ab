//! Where the shared secret and the signing keys come from.

use std::path::PathBuf;

use crate::secret::Secret;

/// The variable that holds the shared secret itself.
pub const TOKEN: &str = "SCHEDULER_API_TOKEN";
/// The variable that holds the path of a file with the shared secret: one a line, the first is sent, all are accepted.
pub const TOKEN_FILE: &str = "SCHEDULER_API_TOKEN_FILE";
/// The variable that holds the path of the Ed25519 key of run tokens: PKCS#8 in PEM; the first signs, all are published.
pub const SIGNING_KEY_FILE: &str = "SEXTON_SIGNING_KEY_FILE";
/// The variable that holds the secrets of run tokens under HS256, parted by commas or line breaks: the first signs, all
/// verify.
pub const JWT_SECRETS: &str = "SEXTON_JWT_SECRETS";
/// The variable that holds the path of a file with such secrets, one a line.
pub const JWT_SECRETS_FILE: &str = "SEXTON_JWT_SECRETS_FILE";

/// Where the shared secret and the signing keys come from.
#[derive(Debug, Clone)]
pub struct Config {
    pub(super) shared: SharedSource,
    pub(super) signing: SigningSource,
}

#[derive(Debug, Clone)]
pub(super) enum SharedSource {
    Unset,
    Value(Secret),
    File(PathBuf),
}

#[derive(Debug, Clone)]
pub(super) enum SigningSource {
    Unset,
    Ed25519File(PathBuf),
    Secrets(Secret),
    SecretsFile(PathBuf),
}

/// The environment names two places for one thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} and {1} are both set, and nobody could say which one counts: unset one of them")]
pub struct ConfigError(&'static str, &'static str);

impl Config {
    /// Asks `lookup` for [`TOKEN`], [`TOKEN_FILE`], [`SIGNING_KEY_FILE`], [`JWT_SECRETS`] and [`JWT_SECRETS_FILE`]. A
    /// blank variable counts as unset next to one that is not, because compose files pass unset variables on as empty
    /// ones.
    ///
    /// # Errors
    /// Two of one kind are set: a secret that one of them outlived would be used, and nobody could say which.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self { shared: shared(&lookup)?, signing: signing(&lookup)? })
    }

    /// The shared secret of the file at `path`, whatever the environment says, and no signing keys.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { shared: SharedSource::File(path.into()), signing: SigningSource::Unset }
    }
}

fn shared(lookup: impl Fn(&str) -> Option<String>) -> Result<SharedSource, ConfigError> {
    let (value, file) = (lookup(TOKEN), lookup(TOKEN_FILE).filter(|path| !is_blank(path)));
    match (value, file) {
        (Some(value), Some(_)) if !is_blank(&value) => Err(ConfigError(TOKEN, TOKEN_FILE)),
        (_, Some(path)) => Ok(SharedSource::File(path.into())),
        (Some(value), None) => Ok(SharedSource::Value(Secret::new(value))),
        (None, None) => Ok(SharedSource::Unset),
    }
}

fn signing(lookup: impl Fn(&str) -> Option<String>) -> Result<SigningSource, ConfigError> {
    let set: Vec<(&str, String)> = [SIGNING_KEY_FILE, JWT_SECRETS, JWT_SECRETS_FILE]
        .into_iter()
        .filter_map(|name| Some((name, lookup(name).filter(|value| !is_blank(value))?)))
        .collect();
    match &set[..] {
        [] => Ok(SigningSource::Unset),
        [(SIGNING_KEY_FILE, path)] => Ok(SigningSource::Ed25519File(path.into())),
        [(JWT_SECRETS_FILE, path)] => Ok(SigningSource::SecretsFile(path.into())),
        [(_, secrets)] => Ok(SigningSource::Secrets(Secret::new(secrets.clone()))),
        [(first, _), (second, _), ..] => Err(ConfigError(first, second)),
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
