//! `[sexton]`.

use std::time::Duration;

use chrono_tz::Tz;

use super::{
    History, LoadContext, Settings,
    duration::{format_duration, parse_duration},
    finding::Notes,
    keys::{Bounds, Form, HISTORY, SEXTON},
    reader::{Field, Found, Section, clip},
    scopes,
    suggest::nearest,
};

/// Reads `[sexton]`; what is not there, or overridden from outside, comes from `context` and the defaults.
pub(super) fn settings(section: Option<&Section>, context: &LoadContext, notes: &mut Notes) -> Settings {
    let field = |key| section.and_then(|section| section.get(key));
    let mut duration =
        |key, unset| field(key).and_then(|field| field.duration(notes)).map_or(unset, |found| found.value);
    let startup_grace = duration("startup_grace", Duration::ZERO);
    let shutdown_grace = duration("shutdown_grace", Duration::from_secs(30));
    let late_limit = duration("late_limit", Duration::from_secs(60));
    let max_in_flight = field("max_in_flight").and_then(|field| field.count(notes));
    let timezone = field("timezone").and_then(|field| zone(&field, notes));
    let issuer = field("issuer").and_then(|field| scopes::visible(&field, "\"https://cron.example.org\"", notes));
    let history = history(field("history").as_ref(), notes);
    let overrides = context.overrides;
    Settings {
        startup_grace: overrides.startup_grace.unwrap_or(startup_grace),
        timezone: overrides.timezone.unwrap_or(timezone.map_or(Tz::UTC, |zone| zone.value)),
        shutdown_grace: overrides.shutdown_grace.unwrap_or(shutdown_grace),
        late_limit: overrides.late_limit.unwrap_or(late_limit),
        max_in_flight: overrides.max_in_flight.unwrap_or(max_in_flight.map_or(512, |count| count.value as usize)),
        history: History {
            keep: overrides.history_keep.unwrap_or(history.keep),
            per_job: overrides.history_per_job.unwrap_or(history.per_job),
        },
        issuer: overrides.issuer.clone().or(issuer.map(|issuer| issuer.value.to_owned())),
    }
}

fn history(field: Option<&Field>, notes: &mut Notes) -> History {
    let section = field.and_then(|field| Section::of(field, HISTORY, notes));
    let field = |key| section.as_ref().and_then(|section| section.get(key));
    History {
        keep: field("keep").and_then(|field| field.duration(notes)).map_or(NINETY_DAYS, |found| found.value),
        per_job: field("per_job").and_then(|field| field.count(notes)).map_or(10_000, |found| found.value.into()),
    }
}

const NINETY_DAYS: Duration = Duration::from_secs(90 * 86_400);

/// An IANA zone. Zone names are matched exactly: `europe/prague` is a near miss, not a match.
pub(super) fn zone(field: &Field, notes: &mut Notes) -> Option<Found<Tz>> {
    let text = field.text(notes, "an IANA time zone such as \"Europe/Prague\"")?;
    match text.value.parse::<Tz>() {
        Ok(zone) => Some(Found { value: zone, at: text.at }),
        Err(_) => {
            notes
                .error(&text.at, format!("`{} = \"{}\"` is no time zone", field.key, clip(text.value)))
                .help(zones_near(text.value));
            None
        }
    }
}

fn zones_near(written: &str) -> String {
    let names: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
    let near = nearest(written, &names).map_or(String::new(), |near| format!("did you mean `{near}`? "));
    format!("{near}accepted: IANA names such as UTC, Europe/Prague, America/New_York")
}

/// Reads what a variable or a flag says instead of a time zone.
///
/// # Errors
/// What is accepted, and the nearest of it: the same as in the file.
pub fn settings_zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_unknown| format!("no time zone has this name; {}", zones_near(text)))
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
pub fn settings_count(key: &str, text: &str) -> Result<u32, String> {
    let Form::Count(least, most) = form(key) else { return Err(format!("`{key}` is no number")) };
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse::<u32>().ok().filter(|value| plain && (least..=most).contains(value));
    value.ok_or_else(|| format!("write a whole number from {least} to {most}"))
}

/// Reads what a variable says instead of `issuer`.
///
/// # Errors
/// What is allowed, in words: the same as in the file.
pub fn settings_issuer(text: &str) -> Result<String, String> {
    let fine = scopes::is_visible(text).then(|| text.to_owned());
    fine.ok_or_else(|| "write visible ASCII without spaces, such as https://cron.example.org".to_owned())
}

/// What a key of `[sexton]` takes; one within `history` is written `history.keep`.
fn form(key: &str) -> Form {
    let (keys, name) = key.strip_prefix("history.").map_or((SEXTON, key), |name| (HISTORY, name));
    keys.iter().find(|known| known.name == name).map_or(Form::Text, |known| known.form)
}
