//! What a load needs from outside the files.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// What a load needs from outside the files.
#[derive(Clone, Copy)]
pub struct LoadContext<'a> {
    /// Looks up an environment variable. Asked only for names that the files give, never for Sexton's own.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// What flags and variables say instead of the files.
    pub overrides: &'a Overrides,
    /// The instant of the load: warnings and "never fires" are judged from it.
    pub now: DateTime<Utc>,
}

/// What flags and `SEXTON_*` variables say instead of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `SEXTON_BASE_URL`: the address of the target `app`, which need not be in the files then.
    pub base_url: Option<String>,
    /// The zone of schedules that name none.
    pub timezone: Option<Tz>,
    /// How long after its start it fires nothing.
    pub startup_grace: Option<Duration>,
    /// How long a stop waits for open requests.
    pub shutdown_grace: Option<Duration>,
    /// Of what is found due, the newest occurrence within this is sent late.
    pub late_limit: Option<Duration>,
    /// Open requests per target.
    pub max_in_flight: Option<usize>,
    /// How old a run may become.
    pub history_keep: Option<Duration>,
    /// How many runs of one job there may be.
    pub history_per_job: Option<u64>,
    /// The `iss` of run tokens.
    pub issuer: Option<String>,
}

/// Why an environment variable gives no value. It never holds the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum VariableError {
    #[error("`{0}` is not the name of an environment variable")]
    Name(String),
    #[error("`{0}` is read by Sexton itself and never handed to a target")]
    Own(String),
    #[error("the environment variable `{0}` is unset or empty")]
    Unset(String),
}

impl LoadContext<'_> {
    /// The value of a variable that a file names, without white space around it.
    pub(super) fn variable(&self, name: &str) -> Result<String, VariableError> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(VariableError::Name(name.to_owned()));
        }
        let upper = name.to_ascii_uppercase();
        if upper.starts_with("SCHEDULER_API_TOKEN") || upper.starts_with("SEXTON_") {
            return Err(VariableError::Own(name.to_owned()));
        }
        let value = (self.environment)(name).map(|value| value.trim().to_owned());
        value.filter(|value| !value.is_empty()).ok_or_else(|| VariableError::Unset(name.to_owned()))
    }
}
