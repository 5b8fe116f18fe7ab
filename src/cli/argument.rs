//! What people write on the command line, read with errors that say how to write it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use url::Url;

use crate::job::settings_zone;

/// An instant in RFC 3339.
pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let wrong = |error| format!("{error}: write date, time and offset (RFC 3339), such as 2026-03-29T01:00:00Z");
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(wrong)
}

/// A time zone, as `timezone` in jobs.toml takes it.
pub(super) fn zone(text: &str) -> Result<Tz, String> {
    settings_zone(text)
}

/// An address that can be asked.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let how = "write a whole address, such as http://127.0.0.1:7070";
    let url = Url::parse(text).map_err(|error| format!("{error}: {how}"))?;
    if matches!(url.scheme(), "http" | "https") {
        return Ok(url);
    }
    Err(format!("its scheme is `{}`: {how}", url.scheme()))
}
