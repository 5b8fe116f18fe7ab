//! What the app is told.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use super::jobs::BUNDLE;
use crate::auth::{self, Mode, UnknownMode, VerifierConfig, VerifierError};

/// The variables of the environment that `git` gets; everything else, secrets above all, stays out of its reach.
const FOR_GIT: [&str; 14] = [
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "NO_PROXY",
    "no_proxy",
];

/// What the reference app is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of the databases and the repositories; files in its `sources` may be imported. It is made when it is not
    /// there, for its owner only.
    pub data: PathBuf,
    /// Where the shared secret comes from.
    pub secret: auth::Config,
    /// The environment that `git` runs in.
    pub git_environment: Vec<(OsString, OsString)>,
    /// After how long the sync of one repository is given up. A job that syncs needs a longer timeout.
    pub sync_limit: Duration,
    /// How many repositories are synced at once.
    pub sync_concurrency: usize,
    /// How many queued jobs are done at once. With 0 none is, and asking for one is refused.
    pub workers: usize,
    /// After how long one attempt at a queued job is given up.
    pub job_limit: Duration,
    /// How long getting the data of one source may take.
    pub source_timeout: Duration,
    /// How many bytes the data of one source may have.
    pub source_bytes: u64,
    /// How long open requests and running syncs have to end after the shutdown began; then syncs are killed.
    pub shutdown_grace: Duration,
    /// Which tokens are taken; without it none.
    pub tokens: Option<VerifierConfig>,
    /// Whether credentials are demanded.
    pub mode: Mode,
}

/// A variable that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// One about tokens.
    #[error(transparent)]
    Tokens(#[from] VerifierError),
    /// The mode.
    #[error(transparent)]
    Mode(#[from] UnknownMode),
}

impl Config {
    /// The defaults for the folder `data`, and what an environment, looked up by name, says about the secret and for
    /// `git`.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>, lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let git_environment = FOR_GIT.iter().filter_map(|name| Some((OsString::from(name), lookup(name)?))).collect();
        Self {
            data: data.into(),
            secret: auth::Config::from_lookup(lookup),
            git_environment,
            sync_limit: Duration::from_secs(600),
            sync_concurrency: 4,
            workers: 2,
            job_limit: Duration::from_secs(1800),
            source_timeout: Duration::from_secs(120),
            source_bytes: 256 * 1024 * 1024,
            shutdown_grace: Duration::from_secs(10),
            tokens: None,
            mode: Mode::default(),
        }
    }

    /// Adds what the environment says about tokens and about the mode.
    ///
    /// # Errors
    /// Half a configuration of tokens, or an unknown mode: the app must not start, for it would be another than was meant.
    pub fn with_tokens(self, lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let (group, scopes) = BUNDLE;
        let tokens = VerifierConfig::from_lookup(&lookup)?.map(|config| config.with_bundle(group, &scopes));
        Ok(Self { tokens, mode: Mode::from_lookup(&lookup)?, ..self })
    }
}
