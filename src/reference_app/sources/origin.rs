//! Where a source's data is, and in which form.

use std::{
    fmt,
    path::{Component, Path},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::secret::Secret;

/// The most characters of an address or a path.
const MAX_LENGTH: usize = 2048;

/// Where a source's data is.
#[derive(Debug, Clone)]
pub(in crate::reference_app) enum Origin {
    /// A file below the folder of sources, by its path in there.
    File(String),
    /// An http or https address.
    Http(Address),
}

/// An http or https address. It may hold a credential, which `Debug` and [`Address::shown`] leave out.
#[derive(Clone)]
pub(in crate::reference_app) struct Address {
    url: Url,
    written: Secret,
}

/// Why an address or a path cannot be a source's. It never repeats the text, which may hold a credential.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::reference_app) enum OriginError {
    #[error(
        "A source has either a `url` or a `file`, the path of a file below the folder `sources` of the app's data."
    )]
    NotOne,
    #[error("`url` is no http or https address with a host, of {MAX_LENGTH} visible characters at most.")]
    Address,
    #[error(
        "`file` is the path of a file below the folder `sources` of the app's data: relative, without `.` and `..`, of \
         {MAX_LENGTH} characters at most."
    )]
    File,
}

/// How a source's data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::reference_app) enum Format {
    /// Comma-separated values (RFC 4180), with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// Why a text is no format.
#[derive(Debug, thiserror::Error)]
pub(in crate::reference_app) enum FormatError {
    #[error("`{0}` is no format: it is `csv` or `jsonl`.")]
    Unknown(String),
    #[error("The ending of the name does not tell the format: `format` is `csv` or `jsonl`.")]
    Untold,
}

impl Origin {
    /// From what a request says: one of the two.
    pub(in crate::reference_app) fn of(url: Option<&Secret>, file: Option<&str>) -> Result<Self, OriginError> {
        match (url, file) {
            (Some(url), None) => url.expose().parse().map(Self::Http),
            (None, Some(file)) if is_below(file) => Ok(Self::File(file.to_owned())),
            (None, Some(_)) => Err(OriginError::File),
            _ => Err(OriginError::NotOne),
        }
    }

    /// For people: any user, password and query are `***`.
    pub(in crate::reference_app) fn shown(&self) -> String {
        match self {
            Self::File(path) => format!("file:{path}"),
            Self::Http(address) => address.shown(),
        }
    }

    /// What its name ends in.
    pub(in crate::reference_app) fn ending(&self) -> Option<&str> {
        let path = match self {
            Self::File(path) => path,
            Self::Http(address) => address.url.path(),
        };
        Path::new(path).extension()?.to_str()
    }
}

/// Whether a path leads down from a folder, and nowhere else. Links are another matter, for the time of reading.
fn is_below(path: &str) -> bool {
    let mut components = Path::new(path).components().peekable();
    let plain = |component| matches!(component, Component::Normal(_));
    let printable = !path.chars().any(char::is_control);
    path.len() <= MAX_LENGTH
        && printable
        && !path.ends_with('/')
        && components.peek().is_some()
        && components.all(plain)
}

impl FromStr for Address {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let plain = text.len() <= MAX_LENGTH && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        let Some(url) = Url::parse(text).ok().filter(|_| plain) else { return Err(OriginError::Address) };
        // The parser of browsers takes any number of slashes, and looks for a host behind them.
        let written_out = |rest: &str| rest.strip_prefix("://").is_some_and(|rest| !rest.starts_with(['/', '\\']));
        let web = matches!(url.scheme(), "http" | "https") && written_out(&text[url.scheme().len()..]);
        if !web || url.host().is_none() || url.fragment().is_some() {
            return Err(OriginError::Address);
        }
        Ok(Self { url, written: Secret::new(text) })
    }
}

impl Address {
    /// For the request.
    pub(in crate::reference_app) fn url(&self) -> &Url {
        &self.url
    }

    /// As it was given, with its credential: for the database only.
    pub(in crate::reference_app) fn written(&self) -> &Secret {
        &self.written
    }

    fn shown(&self) -> String {
        let mut url = self.url.clone();
        if !url.username().is_empty() || url.password().is_some() {
            // Both fail only for addresses without a host, which are refused above.
            let _ = url.set_password(None).and_then(|()| url.set_username("***"));
        }
        if url.query().is_some() {
            url.set_query(Some("***"));
        }
        url.to_string()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown()).finish()
    }
}

impl Format {
    /// What is asked for, else what the ending tells.
    pub(in crate::reference_app) fn of(asked: Option<&str>, ending: Option<&str>) -> Result<Self, FormatError> {
        match (asked, ending) {
            (Some(asked), _) => asked.parse(),
            (None, Some("csv")) => Ok(Self::Csv),
            (None, Some("jsonl" | "ndjson")) => Ok(Self::Jsonl),
            (None, _) => Err(FormatError::Untold),
        }
    }

    /// As the table has it.
    pub(in crate::reference_app) const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        match text {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::Jsonl),
            other => Err(FormatError::Unknown(other.chars().take(40).collect())),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::{Address, Format, Origin, OriginError};

    #[test]
    fn a_file_is_below_its_folder() {
        for good in ["prices.csv", "2026/prices.csv", "a b.csv"] {
            assert!(Origin::of(None, Some(good)).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "../app.db", "a/../../app.db", "/etc/passwd", "./a", "a/", "a\0b"] {
            assert_eq!(Origin::of(None, Some(bad)).unwrap_err(), OriginError::File, "{bad}");
        }
        assert_eq!(Origin::of(None, None).unwrap_err(), OriginError::NotOne);
    }

    #[test]
    fn an_address_is_of_the_web_and_hides_its_credentials() {
        let address: Address = "https://ada:sesame@example.org/p.csv?key=sesame".parse().unwrap();
        assert_eq!(format!("{address:?}"), r#"Address("https://***@example.org/p.csv?***")"#);
        assert_eq!(Origin::Http(address).ending(), Some("csv"));
        for bad in ["", "file:///etc/passwd", "ftp://a/b", "https:a/b", "https:///a", "https://a/b c", "https://a/#b"] {
            assert_eq!(bad.parse::<Address>().unwrap_err(), OriginError::Address, "{bad}");
        }
    }

    #[test]
    fn the_ending_tells_the_format_unless_it_is_asked_for() {
        assert_eq!(Format::of(None, Some("ndjson")).unwrap(), Format::Jsonl);
        assert_eq!(Format::of(Some("csv"), Some("txt")).unwrap(), Format::Csv);
        assert!(Format::of(None, Some("txt")).is_err() && Format::of(Some("xml"), Some("csv")).is_err());
    }
}
