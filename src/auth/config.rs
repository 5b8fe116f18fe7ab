//! What the app is told about the shared secret.

use std::{ffi::OsString, path::PathBuf};

use crate::secret::{Secret, SecretSource};

/// The variable that holds the secret.
pub(super) const TOKEN: &str = "SCHEDULER_API_TOKEN";
/// The variable that names a file of accepted secrets, one a line.
pub(super) const TOKEN_FILE: &str = "SCHEDULER_API_TOKEN_FILE";
/// The variable that holds the secret before a rotation.
const TOKEN_PREVIOUS: &str = "SCHEDULER_API_TOKEN_PREVIOUS";

/// Where the shared secret comes from. Reading it is free of judgement; [`Auth::start`](super::Auth::start) judges.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The secret, or the file that holds it. `None` turns the path off.
    pub(super) current: Option<Source>,
    /// Accepted as well: the value before a rotation.
    pub(super) previous: Option<Value>,
}

/// A value with the variable that held it.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) source: SecretSource,
    pub(super) secret: Secret,
}

/// A value, or a file that is read again while the app runs.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Value(Value),
    File(PathBuf),
}

impl Config {
    /// The variables `SCHEDULER_API_TOKEN`, `SCHEDULER_API_TOKEN_FILE` and `SCHEDULER_API_TOKEN_PREVIOUS` of an
    /// environment, looked up by name. A blank variable counts as unset, as compose files leave them; when both are set
    /// the value wins over the file.
    #[must_use]
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name| lookup(name).filter(|value| !value.to_string_lossy().trim().is_empty());
        let value = |name| set(name).map(|text| Value::new(name, &text.to_string_lossy()));
        let file = || set(TOKEN_FILE).map(|path| Source::File(path.into()));
        Self { current: value(TOKEN).map(Source::Value).or_else(file), previous: value(TOKEN_PREVIOUS) }
    }
}

impl Value {
    fn new(name: &str, text: &str) -> Self {
        Self { source: SecretSource::Variable(name.to_owned()), secret: Secret::new(text) }
    }
}
