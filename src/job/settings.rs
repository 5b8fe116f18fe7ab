//! `[sexton]`.

use std::time::Duration;

use chrono_tz::Tz;

use super::{
    LoadContext, Settings,
    duration::{format_duration, parse_duration},
    finding::Notes,
    keys::{Bounds, Form, SEXTON},
    reader::{Field, Found, Section, clip},
    scopes,
    suggest::nearest,
};

/// Reads `[sexton]`; what is not there, or overridden from outside, comes from `context` and the defaults.
pub(super) fn settings(section: Option<&Section>, context: &LoadContext, notes: &mut Notes) -> Settings {
    let field = |key| section.and_then(|section| section.get(key));
    let mut duration =
        |key, unset| field(key).and_then(|field| field.duration(notes)).map_or(unset, |found| found.value);
    let shutdown_grace = duration("shutdown_grace", Duration::from_secs(30));
    let late_limit = duration("late_limit", Duration::from_secs(60));
    let max_in_flight = field("max_in_flight").and_then(|field| field.count(notes));
    let timezone = field("timezone").and_then(|field| zone(&field, notes));
    let issuer = field("issuer").and_then(|field| scopes::visible(&field, "\"https://cron.example.org\"", notes));
    let overrides = context.overrides;
    Settings {
        timezone: overrides.timezone.unwrap_or(timezone.map_or(Tz::UTC, |zone| zone.value)),
        shutdown_grace: overrides.shutdown_grace.unwrap_or(shutdown_grace),
        late_limit: overrides.late_limit.unwrap_or(late_limit),
        max_in_flight: overrides.max_in_flight.unwrap_or(max_in_flight.map_or(512, |count| count.value as usize)),
        issuer: overrides.issuer.clone().or(issuer.map(|issuer| issuer.value.to_owned())),
    }
}

/// An IANA zone. Zone names are matched exactly: `europe/prague` is a near miss, not a match.
pub(super) fn zone(field: &Field, notes: &mut Notes) -> Option<Found<Tz>> {
    let text = field.text(notes, "an IANA time zone such as \"Europe/Prague\"")?;
    match text.value.parse::<Tz>() {
        Ok(zone) => Some(Found { value: zone, at: text.at }),
        Err(_) => {
            let names: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
            let near = nearest(text.value, &names).map_or(String::new(), |near| format!("did you mean `{near}`? "));
            notes
                .error(&text.at, format!("`{} = \"{}\"` is no time zone", field.key, clip(text.value)))
                .help(format!("{near}accepted: IANA names such as UTC, Europe/Prague, America/New_York"));
            None
        }
    }
}

/// Reads what a variable says instead of a duration of `[sexton]`.
///
/// # Errors
/// What is wrong with it and what is allowed, in words: the same as in the file.
pub fn settings_duration(key: &str, text: &str) -> Result<Duration, String> {
    let Form::Duration(Bounds { least, most }) = form(key) else { return Err(format!("`{key}` is no duration")) };
    let allowed = || format!("from {} to {}", format_duration(least), format_duration(most));
    match parse_duration(text) {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        Ok(_) => Err(format!("it is out of range: write a duration {}", allowed())),
        Err(error) => Err(format!("it {error}: write a duration such as 90s, 15m or 1h30m, {}", allowed())),
    }
}

/// Reads what a variable says instead of a number of `[sexton]`.
///
/// # Errors
/// What is allowed, in words: the same as in the file.
pub fn settings_count(key: &str, text: &str) -> Result<usize, String> {
    let Form::Count(least, most) = form(key) else { return Err(format!("`{key}` is no number")) };
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse::<u32>().ok().filter(|value| plain && (least..=most).contains(value));
    value.map(|value| value as usize).ok_or_else(|| format!("write a whole number from {least} to {most}"))
}

/// Reads what a variable says instead of `issuer`.
///
/// # Errors
/// What is allowed, in words: the same as in the file.
pub fn settings_issuer(text: &str) -> Result<String, String> {
    let fine = scopes::is_visible(text).then(|| text.to_owned());
    fine.ok_or_else(|| "write visible ASCII without spaces, such as https://cron.example.org".to_owned())
}

fn form(key: &str) -> Form {
    SEXTON.iter().find(|known| known.name == key).map_or(Form::Text, |known| known.form)
}
