//! Where the shared secret comes from.

use std::path::PathBuf;

use crate::secret::{Secret, SecretError, SecretSource, SharedSecrets};

/// The variable that holds the shared secret itself.
pub const TOKEN: &str = "SCHEDULER_API_TOKEN";
/// The variable that holds the path of a file with the shared secret: one a line, the first is sent, all are accepted.
pub const TOKEN_FILE: &str = "SCHEDULER_API_TOKEN_FILE";

/// Where the shared secret comes from.
#[derive(Debug, Clone)]
pub struct Config(Source);

#[derive(Debug, Clone)]
enum Source {
    Unset,
    Value(Secret),
    File(PathBuf),
}

/// The environment names two places for one secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{TOKEN} and {TOKEN_FILE} are both set, and nobody could say which one is sent: unset one of them")]
pub struct ConfigError;

impl Config {
    /// Asks `lookup` for [`TOKEN`] and [`TOKEN_FILE`]. A blank variable counts as unset next to one that is not, because
    /// compose files pass unset variables on as empty ones.
    ///
    /// # Errors
    /// Both are set: a secret that one of them outlived would be sent, and nobody could say which.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let blank = |text: &String| text.trim().is_empty();
        let (value, file) = (lookup(TOKEN), lookup(TOKEN_FILE).filter(|path| !blank(path)));
        match (value, file) {
            (Some(value), Some(_)) if !blank(&value) => Err(ConfigError),
            (_, Some(path)) => Ok(Self::file(path)),
            (Some(value), None) => Ok(Self(Source::Value(Secret::new(value)))),
            (None, None) => Ok(Self(Source::Unset)),
        }
    }

    /// The file at `path`, whatever the environment says.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// Whether the secret can change while running: only a file is ever read again.
    pub(super) fn is_file(&self) -> bool {
        matches!(self.0, Source::File(_))
    }

    /// Reads and judges the secrets. `None`: nothing says where they are.
    pub(super) fn read(&self) -> Option<Result<SharedSecrets, SecretError>> {
        match &self.0 {
            Source::Unset => None,
            Source::Value(value) => {
                Some(SharedSecrets::from_value(SecretSource::Variable(TOKEN.to_owned()), value.expose()))
            }
            Source::File(path) => Some(SharedSecrets::from_file(path)),
        }
    }
}
