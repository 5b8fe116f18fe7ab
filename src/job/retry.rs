//! `retry`: whether and how a failed attempt is made again.

use std::time::Duration;

use toml::{Spanned, de::DeValue};

use super::{
    ExpectedStatus, Retry, RetryOn, StatusClass,
    duration::format_duration,
    finding::{At, Notes},
    keys,
    reader::{Field, Found, Section, describe},
    status::{exact, status},
};

/// What `retry` of a job or of `[defaults]` says.
#[derive(Debug, Default)]
pub(super) struct RetryDraft {
    attempts: Option<u32>,
    initial: Option<Found<Duration>>,
    factor: Option<f64>,
    max: Option<Found<Duration>>,
    on: Option<Vec<RetryOn>>,
}

/// Reads `retry`.
pub(super) fn draft(field: Option<&Field>, notes: &mut Notes) -> RetryDraft {
    let Some(section) = field.and_then(|field| Section::of(field, keys::RETRY, notes)) else {
        return RetryDraft::default();
    };
    RetryDraft {
        attempts: section.get("attempts").and_then(|field| field.count(notes)).map(|found| found.value),
        initial: section.get("initial").and_then(|field| field.duration(notes)),
        factor: section.get("factor").and_then(|field| field.number(notes)),
        max: section.get("max").and_then(|field| field.duration(notes)),
        on: section.get("on").and_then(|field| causes(&field, notes)),
    }
}

/// A job's own keys before those of `[defaults]`; what nobody says is no retry. Waits that shrink are noted.
pub(super) fn retry(own: &RetryDraft, defaults: &RetryDraft, notes: &mut Notes) -> Retry {
    let initial = own.initial.as_ref().or(defaults.initial.as_ref());
    let max = own.max.as_ref().or(defaults.max.as_ref());
    let wait = |found: Option<&Found<Duration>>, unset| found.map_or(Duration::from_secs(unset), |found| found.value);
    let (first, longest) = (wait(initial, 5), wait(max, 300));
    if let Some(Found { at, .. }) = initial.or(max).filter(|_| first > longest) {
        let (first, longest) = (format_duration(first), format_duration(longest));
        notes
            .error(at, format!("the first wait of `retry`, {first}, is longer than the longest, {longest}"))
            .help(format!("write max = \"{first}\" or more, or a shorter initial"));
    }
    Retry {
        attempts: own.attempts.or(defaults.attempts).unwrap_or(1),
        initial: first,
        factor: own.factor.or(defaults.factor).unwrap_or(2.0),
        max: longest,
        on: own.on.as_ref().or(defaults.on.as_ref()).cloned().unwrap_or_else(|| {
            let status = |status| RetryOn::Status(status);
            vec![RetryOn::Connect, status(ExpectedStatus::Class(StatusClass(5))), status(ExpectedStatus::Exact(429))]
        }),
    }
}

fn causes(field: &Field, notes: &mut Notes) -> Option<Vec<RetryOn>> {
    const WANTED: &str = "a list such as [\"connect\", \"5xx\", 429]";
    let items = field.items(WANTED, notes)?;
    if items.is_empty() {
        notes.error(&field.at(), "`on` is an empty list: nothing would be tried again").help(format!("write {WANTED}"));
        return None;
    }
    let causes: Vec<_> =
        items.iter().map(|item| cause(item.get_ref()).or_else(|| no_cause(field, item, notes))).collect();
    causes.into_iter().collect()
}

/// `connect`, a class or a status, which people write with and without quotes.
fn cause(value: &DeValue) -> Option<RetryOn> {
    let written = value.as_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match (value.as_str(), written.and_then(|text| text.parse().ok())) {
        (Some("connect"), _) => Some(RetryOn::Connect),
        (_, Some(number)) => exact(number, 3..=5).map(RetryOn::Status),
        _ => status(value, 3..=5).map(RetryOn::Status),
    }
}

fn no_cause(field: &Field, item: &Spanned<DeValue>, notes: &mut Notes) -> Option<RetryOn> {
    let help = match item.get_ref().as_str() {
        Some("timeout" | "broken" | "unknown" | "crash") => {
            "how such an attempt ended nobody knows: idempotent = true is what makes it again"
        }
        _ => "accepted: \"connect\", \"3xx\", \"4xx\", \"5xx\" and statuses from 300 to 599",
    };
    let found = describe(item.get_ref());
    let at = At { file: field.node.file, span: item.span() };
    notes.error(&at, format!("`on` cannot hold {found}")).help(help);
    None
}
