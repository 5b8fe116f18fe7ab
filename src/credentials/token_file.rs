//! A token that somebody else issues and rotates, in a file (seeds D1 to D4).

use std::{
    fs::File,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{CredentialError, TokenError, error::TokenFault, kept::Source};
use crate::secret::Secret;

/// The shortest token that can be found and blacked out in a captured answer.
const SHORTEST: usize = 8;

/// The longest token: servers take headers of 8 to 16 KiB.
const LONGEST: usize = 16 * 1024;

/// The file of one target.
#[derive(Debug, Clone)]
pub(super) struct TokenFile(pub(super) PathBuf);

/// A token as it is sent.
#[derive(Debug, Clone)]
pub struct Token(Secret);

impl Token {
    /// The value, for the one place that sends it.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

/// Judges a text as a token file holds it: trimmed, one token of visible ASCII. How good the token is, is the business of
/// whoever issues it.
///
/// # Errors
/// Why it is none.
pub fn judge_token(text: &str) -> Result<Token, TokenFault> {
    let token = text.trim();
    if token.is_empty() {
        return Err(TokenFault::Empty);
    }
    if let Some(position) = token.chars().position(|c| !c.is_ascii_graphic()) {
        return Err(TokenFault::NotVisibleAscii(position + 1));
    }
    match token.len() {
        length @ ..SHORTEST => Err(TokenFault::Short(length)),
        SHORTEST..=LONGEST => Ok(Token(Secret::new(token))),
        _ => Err(TokenFault::Long),
    }
}

impl Source for TokenFile {
    type Value = Token;

    fn read(&self) -> Result<Token, CredentialError> {
        let Self(path) = self;
        let text = text_of(path).map_err(|source| TokenError::Unreadable { path: path.clone(), source })?;
        Ok(judge_token(&text).map_err(|fault| TokenError::Unusable { path: path.clone(), fault })?)
    }

    fn can_change(&self) -> bool {
        true
    }

    fn same_to_an_app(one: &Token, other: &Token) -> bool {
        one.0.matches(other.0.expose().as_bytes())
    }

    fn secrets(value: &Token) -> Vec<Secret> {
        vec![value.0.clone()]
    }
}

/// The beginning of the file, enough to see that it is too long. Warns when others than the owner can read it: the mode
/// is asked of the open file, so it is that of what was read.
fn text_of(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        tracing::warn!(
            path = %path.display(), mode = format_args!("{mode:04o}"),
            "others than its owner can read or change the token file: chmod 600 it"
        );
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 4));
    file.take(LONGEST as u64 + 3).read_to_end(&mut bytes)?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}
