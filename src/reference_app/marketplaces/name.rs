//! Names of marketplaces. They become folders and parts of addresses.

use std::{fmt, str::FromStr};

use axum::http::StatusCode;

use crate::reference_app::problem::Failure;

/// A name: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`. `sync-all` is an address of its own, and a name that ends in `_all` would
/// look like a bulk action in the audit log (seed A9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::reference_app) struct Name(String);

/// Why a text is no name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`name` is `{0}`: it starts with a letter or digit and goes on with letters, digits, `.`, `_` or `-`, 64 characters at \
     most; `sync-all` and names that end in `_all` are reserved."
)]
pub(in crate::reference_app) struct NameError(String);

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut bytes = text.bytes();
        let valid = text.len() <= 64
            && bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let lower = text.to_ascii_lowercase();
        let reserved = lower == "sync-all" || lower.ends_with("_all");
        if valid && !reserved { Ok(Self(text.to_owned())) } else { Err(NameError(text.chars().take(80).collect())) }
    }
}

impl Name {
    pub(in crate::reference_app) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::refused(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::Name;

    #[test]
    fn a_name_is_one_safe_segment() {
        for good in ["a", "acme-tools", "Acme.Tools_2", "0"] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
        let long = "x".repeat(65);
        for bad in ["", ".", "..", ".git", "-u", "a/b", "a b", "ä", "a\n", "sync-all", "Sync-All", "tools_all", &long]
        {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
