//! How long an app asks to be left alone.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// `Retry-After` (RFC 9110, 10.2.3): whole seconds, or an instant that has to be waited for. An instant is compared with the
/// answer's own `Date`, so that a clock that is wrong on one side does not matter; without one, with `now`. One that is
/// over means no wait; what is neither means nothing.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit say: very long.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let instant = httpdate::parse_http_date(text).ok()?;
    let from = date(headers, &DATE).unwrap_or_else(|| now.into());
    Some(instant.duration_since(from).unwrap_or_default())
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}
