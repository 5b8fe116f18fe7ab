//! Names of sources. They become names of tables.

use std::{fmt, str::FromStr};

/// A name: `[a-z][a-z0-9_]{0,62}`, so that SQL needs no quotes around it. `sqlite_…` is the database's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::reference_app) struct Name(String);

/// Why a text is no name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no name of a source: it starts with a small letter and goes on with small letters, digits or `_`, 63 \
     characters at most, and does not start with `sqlite_`; it becomes the name of a table."
)]
pub(in crate::reference_app) struct NameError(String);

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut bytes = text.bytes();
        let valid = text.len() <= 63
            && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
            && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        let valid = valid && !text.starts_with("sqlite_");
        if valid { Ok(Self(text.to_owned())) } else { Err(NameError(text.chars().take(80).collect())) }
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::Name;

    #[test]
    fn a_name_is_one_safe_table() {
        for good in ["a", "prices", "prices_2026"] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
        let long = "x".repeat(64);
        for bad in ["", "_imports", "2026", "Prices", "a-b", "a b", "a\"", "ä", "a\n", "sqlite_master", &long] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
