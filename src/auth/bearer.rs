//! Reading the credential out of a request's headers.

use axum::http::{HeaderMap, header};

use crate::secret::Secret;

/// A credential that is not the shared secret, for the app's own people.
#[derive(Debug, Clone)]
pub enum Presented {
    /// `Authorization: Bearer …`. Cookies of such a request do not count.
    Bearer(Secret),
    /// The `Cookie` header, as it came, of a request without a bearer.
    Cookies(Secret),
}

/// What the headers hold.
pub(super) enum Found<'a> {
    /// Neither a bearer nor a cookie.
    Nothing,
    /// A bearer header that no reader should guess about: several of them, or not exactly two parts (seed C5).
    Malformed,
    /// The bytes after the scheme.
    Bearer(&'a [u8]),
    /// The cookies, in one text.
    Cookies(Secret),
}

/// The secret is taken from the `Authorization` header and from nowhere else (seed A15).
pub(super) fn find(headers: &HeaderMap) -> Found<'_> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter().map(|value| value.as_bytes());
    match (values.next(), values.next()) {
        (Some(_), Some(_)) => Found::Malformed,
        (Some(value), None) => parts(value).unwrap_or_else(|| cookies(headers)),
        (None, _) => cookies(headers),
    }
}

/// `None` when the scheme is another: such a header may be meant for a proxy in front of the app.
fn parts(value: &[u8]) -> Option<Found<'_>> {
    let mut parts = value.split(|byte| *byte == b' ').filter(|part| !part.is_empty());
    let scheme = parts.next()?;
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return None;
    }
    Some(match (parts.next(), parts.next()) {
        (Some(token), None) => Found::Bearer(token),
        _ => Found::Malformed,
    })
}

fn cookies(headers: &HeaderMap) -> Found<'_> {
    let texts: Vec<&str> = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    if texts.is_empty() { Found::Nothing } else { Found::Cookies(Secret::new(texts.join("; "))) }
}
