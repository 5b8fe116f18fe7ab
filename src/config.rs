//! Flags and environment into each room's own Config. The only reader of the environment.
//!
//! A flag goes before its variable, a variable before the file, the file before the default. A variable that is set to
//! nothing is an error (seed A28): nobody can say whether it was meant.

use std::{collections::HashMap, fmt, path::PathBuf, str::FromStr};

use crate::{
    admin::Address,
    credentials,
    job::{Overrides, settings_count, settings_duration, settings_issuer, settings_zone},
    secret::{SecretError, SecretSource, SharedSecrets},
};

/// The variable with the admin token of the listener.
pub const ADMIN_TOKEN: &str = "SEXTON_ADMIN_TOKEN";
/// The variable with the path of a file that holds it.
pub const ADMIN_TOKEN_FILE: &str = "SEXTON_ADMIN_TOKEN_FILE";

/// The variables of one process, read once.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// The variables of this process. A value that is not UTF-8 keeps its readable part, so that it is refused where it
    /// is used and not ignored.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one reader")]
    pub fn of_process() -> Self {
        let text = |raw: std::ffi::OsString| raw.to_string_lossy().into_owned();
        Self(std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect())
    }

    /// The value of a variable, as it is.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// A variable's value in its own type.
    ///
    /// # Errors
    /// It is blank, or no `T`.
    pub fn parsed<T>(&self, name: &'static str) -> Result<Option<T>, ConfigError>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        self.read_by(name, |value| value.parse())
    }

    fn read_by<T, E: fmt::Display>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ConfigError> {
        match self.0.get(name).map(|value| value.trim()) {
            None => Ok(None),
            Some("") => Err(ConfigError::Blank(name)),
            Some(value) => read(value).map(Some).map_err(|error| ConfigError::Unusable {
                name,
                value: value.to_owned(),
                why: error.to_string(),
            }),
        }
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

/// A variable that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Set to nothing.
    #[error("{0} is set to nothing: unset it, or give it a value")]
    Blank(&'static str),
    /// Not of its type.
    #[error("{name}={value:?} cannot be used: {why}")]
    Unusable {
        /// The variable.
        name: &'static str,
        /// What it is set to.
        value: String,
        /// Why not.
        why: String,
    },
    /// Two variables say where the shared secret is.
    #[error(transparent)]
    Credentials(#[from] credentials::ConfigError),
    /// Two variables say where the admin token is.
    #[error(
        "{ADMIN_TOKEN} and {ADMIN_TOKEN_FILE} are both set, and nobody could say which one counts: unset one of them"
    )]
    TwoAdminTokens,
    /// The admin token is of no use.
    #[error("the admin token cannot be used: {0}")]
    AdminToken(#[from] SecretError),
}

/// What `sexton run` was told on the command line.
#[derive(Debug, Clone, Default)]
pub struct RunFlags {
    /// `--jobs`.
    pub jobs: Option<PathBuf>,
    /// `--store`.
    pub store: Option<String>,
    /// `--listen`, each.
    pub listen: Vec<Address>,
}

/// Everything that `sexton run` needs to know besides the definitions.
#[derive(Debug)]
pub struct RunConfig {
    /// The definitions.
    pub jobs: PathBuf,
    /// The ledger.
    pub store: String,
    /// Where to listen; none: not at all.
    pub listen: Vec<Address>,
    /// What variables say instead of the definitions' `[sexton]` table and `app` target.
    pub overrides: Overrides,
    /// The shared secret.
    pub credentials: credentials::Config,
    /// Who may see what the listener does not show to all.
    pub admin_token: Option<SharedSecrets>,
}

impl RunConfig {
    /// Flags before variables (`SEXTON_JOBS`, `SEXTON_STORE`, `SEXTON_LISTEN` with commas) before defaults.
    ///
    /// # Errors
    /// A variable that cannot be used.
    pub fn assemble(flags: RunFlags, environment: &Environment) -> Result<Self, ConfigError> {
        let variable_jobs = environment.parsed::<PathBuf>("SEXTON_JOBS")?;
        let variable_store = environment.parsed::<String>("SEXTON_STORE")?;
        let variable_listen = environment.parsed::<Addresses>("SEXTON_LISTEN")?;
        Ok(Self {
            jobs: flags.jobs.or(variable_jobs).unwrap_or_else(|| PathBuf::from("jobs.toml")),
            store: flags.store.or(variable_store).unwrap_or_else(|| "sqlite://sexton.db".to_owned()),
            listen: match (flags.listen, variable_listen) {
                (flags, _) if !flags.is_empty() => flags,
                (_, Some(Addresses(addresses))) => addresses,
                _ => vec![Address::Tcp(([127, 0, 0, 1], 7070).into())],
            },
            overrides: overrides(environment)?,
            credentials: credentials::Config::from_lookup(|name| environment.get(name))?,
            admin_token: admin_token(environment)?,
        })
    }
}

/// The variables that go before keys of jobs.toml: `SEXTON_BASE_URL`, `SEXTON_TIMEZONE`, `SEXTON_STARTUP_GRACE`,
/// `SEXTON_SHUTDOWN_GRACE`, `SEXTON_LATE_LIMIT`, `SEXTON_MAX_IN_FLIGHT`, `SEXTON_HISTORY_KEEP`,
/// `SEXTON_HISTORY_PER_JOB`, `SEXTON_ISSUER`. Each takes what its key takes, and nothing else.
///
/// # Errors
/// One that cannot be used.
pub fn overrides(environment: &Environment) -> Result<Overrides, ConfigError> {
    let duration = |name, key| environment.read_by(name, |text| settings_duration(key, text));
    let count = |name, key| environment.read_by(name, |text| settings_count(key, text));
    Ok(Overrides {
        base_url: environment.parsed("SEXTON_BASE_URL")?,
        timezone: environment.read_by("SEXTON_TIMEZONE", settings_zone)?,
        startup_grace: duration("SEXTON_STARTUP_GRACE", "startup_grace")?,
        shutdown_grace: duration("SEXTON_SHUTDOWN_GRACE", "shutdown_grace")?,
        late_limit: duration("SEXTON_LATE_LIMIT", "late_limit")?,
        max_in_flight: count("SEXTON_MAX_IN_FLIGHT", "max_in_flight")?.map(|most| most as usize),
        history_keep: duration("SEXTON_HISTORY_KEEP", "history.keep")?,
        history_per_job: count("SEXTON_HISTORY_PER_JOB", "history.per_job")?.map(u64::from),
        issuer: environment.read_by("SEXTON_ISSUER", settings_issuer)?,
    })
}

struct Addresses(Vec<Address>);

impl FromStr for Addresses {
    type Err = crate::admin::AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

/// `SEXTON_ADMIN_TOKEN`, or the file that `SEXTON_ADMIN_TOKEN_FILE` names; through the one loader.
///
/// # Errors
/// It is of no use.
pub fn admin_token(environment: &Environment) -> Result<Option<SharedSecrets>, ConfigError> {
    match (environment.get(ADMIN_TOKEN), environment.parsed::<PathBuf>(ADMIN_TOKEN_FILE)?) {
        (Some(value), Some(_)) if !value.trim().is_empty() => Err(ConfigError::TwoAdminTokens),
        (_, Some(path)) => Ok(Some(SharedSecrets::from_file(&path)?)),
        (Some(value), None) => {
            let source = SecretSource::Variable(ADMIN_TOKEN.to_owned());
            Ok(Some(SharedSecrets::from_value(source, &value)?))
        }
        (None, None) => Ok(None),
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("it is `text` or `json`"),
        }
    }
}

/// How and how much is logged.
#[derive(Debug, Clone, Default)]
pub struct LogConfig {
    /// `SEXTON_LOG`.
    pub format: LogFormat,
    /// `RUST_LOG`: which levels of which rooms.
    pub filter: Option<String>,
}

impl LogConfig {
    /// Reads `SEXTON_LOG` and `RUST_LOG`.
    ///
    /// # Errors
    /// `SEXTON_LOG` is something else than `text` or `json`.
    pub fn assemble(environment: &Environment) -> Result<Self, ConfigError> {
        let format = environment.parsed("SEXTON_LOG")?.unwrap_or_default();
        Ok(Self { format, filter: environment.get("RUST_LOG").filter(|filter| !filter.trim().is_empty()) })
    }
}
