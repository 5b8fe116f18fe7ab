//! Where a repository is.

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::secret::Secret;

/// The most characters of an address.
const MAX_LENGTH: usize = 2048;

/// The address of a git repository: https, ssh or file. It may hold a credential, which `Debug` and [`Address::shown`]
/// leave out.
#[derive(Clone)]
pub(in crate::reference_app) struct Address {
    written: Secret,
    for_git: String,
    shown: String,
    login: Option<Secret>,
}

/// Why a text is no address of a repository. It never repeats the text, which may hold a credential.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::reference_app) enum AddressError {
    #[error("`url` is longer than {MAX_LENGTH} characters.")]
    Long,
    #[error("`url` holds white space or a control character (also as %XX): percent-encode a space as %20.")]
    Control,
    #[error(
        "`url` is no https, ssh or file address: write https://host/path, ssh://user@host/path or file:///path \
         (user@host:path is ssh://user@host/path)."
    )]
    Scheme,
    #[error("`url` has a query or a fragment, which no repository has.")]
    Query,
    #[error("`url` has no host, or one that starts with `-`.")]
    Host,
    #[error("`url` names a host; a file address starts with three slashes: file:///path.")]
    FileHost,
    #[error("`url` has no path.")]
    Path,
    #[error("`url` has a password, which ssh does not take: let the app's user have a key.")]
    SshPassword,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() > MAX_LENGTH {
            return Err(AddressError::Long);
        }
        let url = parse(text)?;
        let login = match url.scheme() {
            "https" => login(&url),
            "ssh" => check_ssh(&url)?,
            "file" if url.host().is_some() => return Err(AddressError::FileHost),
            "file" => None,
            _ => return Err(AddressError::Scheme),
        };
        if matches!(url.path(), "" | "/") {
            return Err(AddressError::Path);
        }
        let for_git = if url.scheme() == "https" { with_user(&url, "") } else { url.to_string() };
        let shown = if url.username().is_empty() && url.password().is_none() {
            url.to_string()
        } else {
            with_user(&url, "***")
        };
        Ok(Self { written: Secret::new(text), for_git, shown, login })
    }
}

fn parse(text: &str) -> Result<Url, AddressError> {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    if text.chars().any(char::is_whitespace) || decoded.chars().any(char::is_control) {
        return Err(AddressError::Control);
    }
    let Ok(url) = Url::parse(text) else { return Err(AddressError::Scheme) };
    // `https:host` and `ext::sh` parse as well.
    if !text[url.scheme().len()..].starts_with("://") {
        return Err(AddressError::Scheme);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError::Query);
    }
    Ok(url)
}

/// ssh would take what starts with a dash for an option.
fn check_ssh(url: &Url) -> Result<Option<Secret>, AddressError> {
    if url.password().is_some() {
        return Err(AddressError::SshPassword);
    }
    let dash = |text: &str| percent_decode_str(text).next() == Some(b'-');
    match url.host_str() {
        Some(host) if !host.is_empty() && !dash(host) && !dash(url.username()) => Ok(None),
        _ => Err(AddressError::Host),
    }
}

/// `user:password`, decoded.
fn login(url: &Url) -> Option<Secret> {
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
    (!user.is_empty() || !password.is_empty()).then(|| Secret::new(format!("{user}:{password}")))
}

fn with_user(url: &Url, user: &str) -> String {
    let mut url = url.clone();
    // Both fail only for addresses without a host, which have no user either.
    if url.set_password(None).is_ok() && url.set_username(user).is_ok() { url.to_string() } else { String::new() }
}

impl Address {
    /// As it was given, with its credential: for the database only.
    pub(in crate::reference_app) fn written(&self) -> &Secret {
        &self.written
    }

    /// For people: any user and password are `***`.
    pub(in crate::reference_app) fn shown(&self) -> &str {
        &self.shown
    }

    /// For the command line of `git`: without the credential of an https address, with the user of an ssh address.
    pub(super) fn for_git(&self) -> &str {
        &self.for_git
    }

    /// `user:password` of an https address.
    pub(super) fn login(&self) -> Option<&Secret> {
        self.login.as_ref()
    }

    /// Takes the credential out of a text that a server or a tool may have put it into.
    pub(super) fn redact(&self, text: &str) -> String {
        let Some(login) = &self.login else { return text.to_owned() };
        let (user, password) = login.expose().split_once(':').unwrap_or_default();
        // Forges take a token as the user's name as well; beside a password it is just a name.
        let secret = if password.is_empty() { user } else { password };
        text.replace(secret, "***")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown).finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::{Address, AddressError};

    fn parse(text: &str) -> Result<Address, AddressError> {
        text.parse()
    }

    #[test]
    fn three_transports_are_taken() {
        for good in
            ["https://example.org/r.git", "ssh://git@example.org:2222/r", "file:///srv/r.git", "https://[::1]:8443/r"]
        {
            assert_eq!(parse(good).unwrap().for_git(), good);
        }
    }

    #[test]
    fn what_could_run_a_program_or_smuggle_an_option_is_refused() {
        for (bad, why) in [
            ("ext::sh -c touch% /tmp/x", AddressError::Control),
            ("ext::sh", AddressError::Scheme),
            ("--upload-pack=touch", AddressError::Scheme),
            ("-u/tmp/x", AddressError::Scheme),
            ("http://example.org/r", AddressError::Scheme),
            ("git://example.org/r", AddressError::Scheme),
            ("https:example.org/r", AddressError::Scheme),
            ("file:/srv/r", AddressError::Scheme),
            ("git@example.org:r.git", AddressError::Scheme),
            ("/srv/r", AddressError::Scheme),
            ("", AddressError::Scheme),
            ("https://example.org/r\n", AddressError::Control),
            ("https://example.org/%0ar", AddressError::Control),
            ("https://example.org/r?token=x", AddressError::Query),
            ("https://example.org/r#x", AddressError::Query),
            ("https://example.org/", AddressError::Path),
            ("file://other/srv/r", AddressError::FileHost),
            ("ssh://-oProxyCommand=x/r", AddressError::Host),
            ("ssh://%2doProxyCommand=x/r", AddressError::Host),
            ("ssh://-x@example.org/r", AddressError::Host),
            ("ssh://git:pass@example.org/r", AddressError::SshPassword),
        ] {
            assert_eq!(parse(bad).unwrap_err(), why, "{bad}");
        }
    }

    #[test]
    fn a_credential_is_not_shown() {
        let address = parse("https://ada:sesame@example.org/r.git").unwrap();
        assert_eq!(address.shown(), "https://***@example.org/r.git");
        assert_eq!(format!("{address:?}"), r#"Address("https://***@example.org/r.git")"#);
        assert_eq!(address.redact("no entry for ada with sesame"), "no entry for ada with ***");
        let token = parse("https://token@example.org/r").unwrap();
        assert_eq!(token.shown(), "https://***@example.org/r");
        assert_eq!(token.redact("no entry for token"), "no entry for ***");
    }
}
