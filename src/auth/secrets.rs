//! The secrets that are accepted now.

use super::{
    config::{Config, Source, TOKEN, TOKEN_FILE, Value},
    reread::Reread,
};
use crate::{
    clock::SharedClock,
    secret::{SecretError, SharedSecrets},
};

/// The secrets that are accepted now.
#[derive(Debug)]
pub(super) enum Accepted {
    /// None: the path is off.
    Off,
    /// Those of the environment, for as long as the process lives.
    Fixed(SharedSecrets),
    /// Those of a file, and the one before a rotation.
    File { file: Reread<SharedSecrets, SecretError>, previous: Option<SharedSecrets> },
}

impl Accepted {
    /// Judges what the environment held. What is unusable is said once, with the variable and the length, and turns the
    /// path off; it never stops the app (seeds A1 and A2).
    pub(super) async fn load(config: Config, clock: &SharedClock) -> Self {
        let previous = config.previous.and_then(|value| match judge(&value) {
            Ok(secrets) => Some(secrets),
            Err(error) => {
                tracing::warn!(%error, "the secret before the rotation is not accepted");
                None
            }
        });
        match config.current {
            None => {
                tracing::warn!("{TOKEN} is not set (length 0): the scheduler's path is off, its requests get 401");
                Self::Off
            }
            Some(Source::Value(value)) => match judge(&value) {
                Ok(current) => Self::Fixed(with(current, previous)),
                Err(error) => {
                    tracing::warn!(%error, "the scheduler's path is off, its requests get 401");
                    Self::Off
                }
            },
            Some(Source::File(path)) => {
                let (file, trouble) = Reread::start(path, SharedSecrets::from_file, clock).await;
                if let Some(error) = trouble {
                    tracing::warn!(%error, variable = TOKEN_FILE, "the scheduler's path is off until the file is good");
                }
                Self::File { file, previous }
            }
        }
    }

    /// Whether a request could be the scheduler's at all.
    pub(super) async fn usable(&self, clock: &SharedClock) -> bool {
        match self {
            Self::Off => false,
            Self::Fixed(_) => true,
            Self::File { file, .. } => file.current(clock).await.is_some(),
        }
    }

    /// Whether `bearer` is one of the secrets, in constant time. A file is read again first when that was over a second
    /// ago: a new secret is known, and a dropped one forgotten, without a restart.
    pub(super) async fn accept(&self, bearer: &[u8], clock: &SharedClock) -> bool {
        match self {
            Self::Off => false,
            Self::Fixed(secrets) => secrets.accept(bearer),
            Self::File { file, previous } => {
                let current = file.current(clock).await;
                let previous = previous.as_ref().is_some_and(|secrets| secrets.accept(bearer));
                current.is_some_and(|secrets| secrets.accept(bearer) | previous)
            }
        }
    }
}

fn judge(value: &Value) -> Result<SharedSecrets, SecretError> {
    SharedSecrets::from_value(value.source.clone(), value.secret.expose())
}

fn with(current: SharedSecrets, previous: Option<SharedSecrets>) -> SharedSecrets {
    match previous {
        Some(previous) => current.accepting(previous),
        None => current,
    }
}
