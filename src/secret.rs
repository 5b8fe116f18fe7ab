//! Secrets: a type that cannot be printed, the one loader of both halves (seed A14), and equality in constant time.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// The fewest characters a shared secret may have (seed A2).
pub const MIN_LENGTH: usize = 32;

/// Fragments of values that templates and tutorials carry, in lower case; a secret that holds one was never made (seed B6).
pub const PLACEHOLDERS: [&str; 11] = [
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "replace-me",
    "replace_me",
    "replaceme",
    "your-secret",
    "your_secret",
    "yoursecret",
    "example",
];

/// A secret value. It has no `Display` and no `Serialize`, its `Debug` says only the length, and it is wiped when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a value as it is; [`SharedSecrets`] is what normalises and judges.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value itself, for the one place that sends or hashes it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Compares bytes in a time that depends only on the lengths (seeds A3 and A13).
    #[must_use]
    pub fn matches(&self, other: &[u8]) -> bool {
        bool::from(self.expose().as_bytes().ct_eq(other))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} characters)", self.expose().len())
    }
}

/// Where a secret was looked for, in words fit for an error message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The value of an environment variable.
    Variable(String),
    /// A file, and the variable that named it when there is one.
    File(PathBuf),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Why there is no usable secret. It says the length, never the value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Nothing but white space.
    #[error("{0} is empty: set it to at least {MIN_LENGTH} characters, for example with `sexton secret ensure FILE`")]
    Empty(SecretSource),
    /// Under [`MIN_LENGTH`] characters.
    #[error(
        "{source_name} has {length} characters, at least {MIN_LENGTH} are needed: `sexton secret ensure FILE` makes a good one"
    )]
    Short {
        /// Where it came from.
        source_name: SecretSource,
        /// Its length after trimming, in characters.
        length: usize,
    },
    /// A byte outside 0x21 to 0x7e, which no HTTP header can carry safely.
    #[error(
        "{source_name} ({length} characters) holds a space, a control character or a non-ASCII character at position {position}: \
         only visible ASCII can travel in a header; `sexton secret ensure FILE` makes a good one"
    )]
    NotVisibleAscii {
        /// Where it came from.
        source_name: SecretSource,
        /// Its length after trimming, in characters.
        length: usize,
        /// The first bad character, counted from 1.
        position: usize,
    },
    /// A value known from templates, or one character repeated.
    #[error(
        "{source_name} ({length} characters) is a placeholder, not a secret: `sexton secret ensure FILE` makes a good one"
    )]
    Placeholder {
        /// Where it came from.
        source_name: SecretSource,
        /// Its length after trimming, in characters.
        length: usize,
    },
    /// The file cannot be read.
    #[error("cannot read the secret file {}: {source}{}", path.display(), remedy(source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl From<(PathBuf, std::io::Error)> for SecretError {
    fn from((path, source): (PathBuf, std::io::Error)) -> Self {
        Self::Unreadable { path, source }
    }
}

/// The shared secret of an app and its sidecar: the first is sent, all are accepted, so it can be rotated without a
/// restart.
#[derive(Debug, Clone)]
pub struct SharedSecrets {
    source: SecretSource,
    secrets: Vec<Secret>,
}

impl SharedSecrets {
    /// Judges one value, as an environment variable holds it. Trims it first (seed A1).
    ///
    /// # Errors
    /// Empty, too short, not visible ASCII, or a placeholder.
    pub fn from_value(source: SecretSource, value: &str) -> Result<Self, SecretError> {
        let secret = judge(&source, value)?;
        Ok(Self { source, secrets: vec![secret] })
    }

    /// Judges several values in one text, as a variable holds them: parted by commas or line breaks (seed C9). What is
    /// blank between two of them does not count.
    ///
    /// # Errors
    /// None in it, or one that [`Self::from_value`] refuses.
    pub fn from_list(source: SecretSource, list: &str) -> Result<Self, SecretError> {
        Self::all_of(source, list.split([',', '\n']))
    }

    /// Reads a file of one secret a line; blank lines do not count. Warns when others than the owner can read it.
    ///
    /// # Errors
    /// Unreadable, without a line, or with a line that [`Self::from_value`] refuses: one bad line refuses the file, or a
    /// rotation could half fail unseen.
    pub fn from_file(path: &Path) -> Result<Self, SecretError> {
        let text = std::fs::read(path)
            .map(|bytes| Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
            .map_err(|source| SecretError::Unreadable { path: path.to_owned(), source })?;
        warn_when_world_readable(path);
        Self::all_of(SecretSource::File(path.to_owned()), text.lines())
    }

    fn all_of<'a>(source: SecretSource, values: impl Iterator<Item = &'a str>) -> Result<Self, SecretError> {
        let secrets = values
            .filter(|value| !value.trim().is_empty())
            .map(|value| judge(&source, value))
            .collect::<Result<Vec<_>, _>>()?;
        if secrets.is_empty() {
            return Err(SecretError::Empty(source));
        }
        Ok(Self { source, secrets })
    }

    /// Also accepts (never sends) what `other` holds: the value before a rotation.
    #[must_use]
    pub fn accepting(mut self, other: Self) -> Self {
        self.secrets.extend(other.secrets);
        self
    }

    /// The one to send.
    #[must_use]
    pub fn current(&self) -> &Secret {
        &self.secrets[0]
    }

    /// Every accepted secret, the current one first.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.iter()
    }

    /// Where it was loaded from.
    #[must_use]
    pub fn source(&self) -> &SecretSource {
        &self.source
    }

    /// Whether `candidate` is one of the accepted secrets. Looks at all of them whatever it finds, in constant time.
    #[must_use]
    pub fn accept(&self, candidate: &[u8]) -> bool {
        let found = self
            .secrets
            .iter()
            .fold(Choice::from(0), |found, secret| found | secret.expose().as_bytes().ct_eq(candidate));
        bool::from(found)
    }
}

/// What helps when there is no file.
fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => "; `sexton secret ensure FILE` makes one",
        _ => "",
    }
}

fn judge(source: &SecretSource, value: &str) -> Result<Secret, SecretError> {
    let value = value.trim();
    let length = value.chars().count();
    if value.is_empty() {
        return Err(SecretError::Empty(source.clone()));
    }
    if let Some(position) = value.chars().position(|c| !matches!(c, '\x21'..='\x7e')) {
        return Err(SecretError::NotVisibleAscii { source_name: source.clone(), length, position: position + 1 });
    }
    if is_placeholder(value) {
        return Err(SecretError::Placeholder { source_name: source.clone(), length });
    }
    if length < MIN_LENGTH {
        return Err(SecretError::Short { source_name: source.clone(), length });
    }
    Ok(Secret::new(value))
}

fn is_placeholder(value: &str) -> bool {
    let lower = Zeroizing::new(value.to_ascii_lowercase());
    let mut bytes = lower.bytes();
    let first = bytes.next();
    PLACEHOLDERS.iter().any(|known| lower.contains(known)) || bytes.all(|byte| Some(byte) == first)
}

#[cfg(unix)]
fn warn_when_world_readable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let readable = std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0);
    if readable {
        tracing::warn!(path = %path.display(), "every user of this machine can read the secret file: chmod 600 it");
    }
}

#[cfg(not(unix))]
fn warn_when_world_readable(_: &Path) {}
