//! The secrets in force, and every one that was.

use std::sync::Arc;

use tokio::sync::{Mutex, watch};

use super::{Config, TOKEN, TOKEN_FILE};
use crate::secret::{Secret, SecretError, SharedSecrets};

/// Why there is no secret to send, or why a newer one was not taken. It never says a value.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CredentialError {
    /// Neither variable is set.
    #[error(
        "no shared secret: set {TOKEN}, or {TOKEN_FILE} to the path of a file that `sexton secret ensure FILE` made, \
         to the same for Sexton and the app"
    )]
    Unset,
    /// The value or the file is of no use.
    #[error(transparent)]
    Unusable(Arc<SecretError>),
    /// The task that read the file did not end.
    #[error("reading the secret file was cut short: {0}")]
    Interrupted(String),
}

/// The shared secret in force. What turns bad while running changes nothing but [`Credentials::trouble`]: the last good
/// one is kept.
#[derive(Debug)]
pub struct Credentials {
    config: Config,
    state: watch::Sender<State>,
    /// Held while the file is read, so that a burst of refusals reads it once.
    reading: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    secrets: Option<Arc<SharedSecrets>>,
    /// Replaced ones that are no longer accepted: an app may still echo them.
    retired: Vec<Secret>,
    trouble: Option<CredentialError>,
}

impl Credentials {
    /// Loads what `config` names. Whether having no usable secret matters is the caller's to say: see
    /// [`Self::current`].
    #[must_use]
    pub fn load(config: Config) -> Self {
        let state = match read(&config) {
            Ok(secrets) => State { secrets: Some(Arc::new(secrets)), ..State::default() },
            Err(trouble) => State { trouble: Some(trouble), ..State::default() },
        };
        Self { config, state: watch::Sender::new(state), reading: Mutex::new(()) }
    }

    /// The secrets in force; the first of them is the one to send. Touches no disk.
    ///
    /// # Errors
    /// There never was a usable one: why.
    pub fn current(&self) -> Result<Arc<SharedSecrets>, CredentialError> {
        let state = self.state.borrow();
        match (&state.secrets, &state.trouble) {
            (Some(secrets), _) => Ok(Arc::clone(secrets)),
            (None, Some(trouble)) => Err(trouble.clone()),
            (None, None) => Err(CredentialError::Unset),
        }
    }

    /// What was wrong with the newest reading; `None` when it was fine. With a secret in force this is a degraded state.
    #[must_use]
    pub fn trouble(&self) -> Option<CredentialError> {
        self.state.borrow().trouble.clone()
    }

    /// Every secret that is or was in force: nothing that leaves the process may hold one (guarantee G5).
    #[must_use]
    pub fn known(&self) -> Vec<Secret> {
        self.state.borrow().known().cloned().collect()
    }

    /// Reads the file again because an app refused `refused`. Whether there is another secret to send now: only then is
    /// sending again any use (seed D3). A value from a variable never changes.
    ///
    /// A file that cannot be used keeps the last good secret (seed D4) and is logged once per kind of trouble.
    pub async fn reread(&self, refused: &Secret) -> bool {
        if !self.config.is_file() {
            return false;
        }
        let _one_at_a_time = self.reading.lock().await;
        if self.differs_from(refused) {
            return true;
        }
        let config = self.config.clone();
        match tokio::task::spawn_blocking(move || read(&config)).await {
            Ok(Ok(secrets)) => self.take(secrets),
            Ok(Err(trouble)) => self.keep(trouble),
            Err(error) => self.keep(CredentialError::Interrupted(error.to_string())),
        }
        self.differs_from(refused)
    }

    fn differs_from(&self, refused: &Secret) -> bool {
        self.current().is_ok_and(|secrets| !secrets.current().matches(refused.expose().as_bytes()))
    }

    fn take(&self, secrets: SharedSecrets) {
        self.state.send_modify(|state| {
            if state.trouble.take().is_some() {
                tracing::info!(source = %secrets.source(), "the secret is usable again");
            }
            let known: Vec<Secret> = state.known().cloned().collect();
            state.retired = known.into_iter().filter(|old| !secrets.accept(old.expose().as_bytes())).collect();
            state.secrets = Some(Arc::new(secrets));
        });
    }

    fn keep(&self, trouble: CredentialError) {
        self.state.send_modify(|state| {
            let known = state.trouble.as_ref().map(ToString::to_string);
            if known != Some(trouble.to_string()) {
                tracing::error!(%trouble, "the secret cannot be read again; the last good one stays in force");
            }
            state.trouble = Some(trouble);
        });
    }
}

impl State {
    fn known(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.iter().flat_map(|secrets| secrets.iter()).chain(&self.retired)
    }
}

fn read(config: &Config) -> Result<SharedSecrets, CredentialError> {
    config.read().ok_or(CredentialError::Unset)?.map_err(|error| CredentialError::Unusable(Arc::new(error)))
}
