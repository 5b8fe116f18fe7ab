//! Names that travel in paths and headers.

use std::{borrow::Borrow, fmt, sync::Arc};

/// A job's name: `[A-Za-z0-9][A-Za-z0-9._:-]{0,127}` (seeds A34 and D6). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobName(Arc<str>);

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a name: it starts with a letter or digit and goes on with letters, digits, `.`, `_`, `:` or `-`, \
     128 characters at most"
)]
pub struct NameError(pub String);

impl JobName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`NameError`] when it does not match the pattern.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let mut bytes = text.bytes();
        let valid = text.len() <= 128
            && bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
        if valid { Ok(Self(text.into())) } else { Err(NameError(text.to_owned())) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Borrow<str> for JobName {
    fn borrow(&self) -> &str {
        &self.0
    }
}
