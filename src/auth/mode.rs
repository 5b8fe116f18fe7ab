//! Whether credentials are demanded.

use std::{ffi::OsString, str::FromStr};

/// The variable that says it.
const VARIABLE: &str = "SEXTON_AUTH_MODE";

/// Whether credentials are demanded (seed C12). Each mode is closed: none opens what a gate guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// The layer itself refuses a request of nobody's, also where no gate asks: health probes need a credential then, and
    /// nobody can register or log in. For an app that programs call and people do not.
    Required,
    /// The layer notes who is there and the gates judge: open endpoints are open.
    #[default]
    Optional,
    /// No credential is looked at, so every gate refuses: what is left is what is open to anybody.
    Disabled,
}

/// No mode has this name. It stops the start, for any guess would be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{VARIABLE}={0:?} is no mode: it is `required`, `optional` (as when it is unset) or `disabled`")]
pub struct UnknownMode(String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        match text {
            "required" => Ok(Self::Required),
            "optional" => Ok(Self::Optional),
            "disabled" => Ok(Self::Disabled),
            other => Err(UnknownMode(other.to_owned())),
        }
    }
}

impl Mode {
    /// What `SEXTON_AUTH_MODE` of an environment says, looked up by name; `optional` when it is unset or blank.
    ///
    /// # Errors
    /// An unknown word.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, UnknownMode> {
        let value = lookup(VARIABLE).unwrap_or_default();
        match value.to_string_lossy().trim() {
            "" => Ok(Self::default()),
            word => word.parse(),
        }
    }
}
