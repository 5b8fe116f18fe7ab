//! The secrets that are accepted now.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Mutex, time::Instant};

use super::config::{Config, Source, TOKEN, TOKEN_FILE, Value};
use crate::{
    clock::SharedClock,
    secret::{SecretError, SharedSecrets},
};

/// How old the reading of a secret file may be when a bearer is judged.
const FRESH: Duration = Duration::from_secs(1);
/// How long a bearer waits for the file; a hung file system must not hang every request.
const READING: Duration = Duration::from_secs(1);

/// The secrets that are accepted now.
#[derive(Debug)]
pub(super) enum Accepted {
    /// None: the path is off.
    Off,
    /// Those of the environment, for as long as the process lives.
    Fixed(SharedSecrets),
    /// Those of a file, and the one before a rotation.
    File { path: PathBuf, previous: Option<SharedSecrets>, reading: Mutex<Reading> },
}

/// What a secret file held when it was last read without an error.
#[derive(Debug)]
pub(super) struct Reading {
    secrets: Option<Arc<SharedSecrets>>,
    at: Instant,
    good: bool,
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
            Some(Source::File(path)) => Self::from_file(path, previous, clock).await,
        }
    }

    async fn from_file(path: PathBuf, previous: Option<SharedSecrets>, clock: &SharedClock) -> Self {
        let secrets = match read(&path).await {
            Ok(secrets) => Some(Arc::new(secrets)),
            Err(error) => {
                tracing::warn!(%error, variable = TOKEN_FILE, "the scheduler's path is off until the file is good");
                None
            }
        };
        let reading = Reading { good: secrets.is_some(), secrets, at: clock.monotonic() };
        Self::File { path, previous, reading: Mutex::new(reading) }
    }

    /// Whether a request could be the scheduler's at all.
    pub(super) async fn usable(&self) -> bool {
        match self {
            Self::Off => false,
            Self::Fixed(_) => true,
            Self::File { reading, .. } => reading.lock().await.secrets.is_some(),
        }
    }

    /// Whether `bearer` is one of the secrets, in constant time. A file is read again first when that was over a second
    /// ago: a new secret is known, and a dropped one forgotten, without a restart.
    pub(super) async fn accept(&self, bearer: &[u8], clock: &SharedClock) -> bool {
        match self {
            Self::Off => false,
            Self::Fixed(secrets) => secrets.accept(bearer),
            Self::File { path, previous, reading } => {
                let current = Self::refreshed(path, reading, clock).await;
                let previous = previous.as_ref().is_some_and(|secrets| secrets.accept(bearer));
                current.is_some_and(|secrets| secrets.accept(bearer) | previous)
            }
        }
    }

    async fn refreshed(path: &Path, reading: &Mutex<Reading>, clock: &SharedClock) -> Option<Arc<SharedSecrets>> {
        let mut reading = reading.lock().await;
        if clock.monotonic() - reading.at >= FRESH {
            match read(path).await {
                Ok(secrets) => {
                    reading.secrets = Some(Arc::new(secrets));
                    reading.good = true;
                }
                Err(error) if reading.good => {
                    tracing::warn!(%error, "the secret file turned bad: the last good one is kept");
                    reading.good = false;
                }
                Err(_) => {}
            }
            reading.at = clock.monotonic();
        }
        reading.secrets.clone()
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

async fn read(path: &Path) -> Result<SharedSecrets, SecretError> {
    let owned = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || SharedSecrets::from_file(&owned));
    let failed = |source: std::io::Error| SecretError::Unreadable { path: path.to_owned(), source };
    match tokio::time::timeout(READING, reading).await {
        Ok(Ok(result)) => result,
        Ok(Err(join)) => Err(failed(join.into())),
        Err(elapsed) => Err(failed(elapsed.into())),
    }
}
