//! What a job sends (`json`, `body`) and what it expects back (`expect`).

use serde_json::{Map, Number, Value};
use toml::{Spanned, de::DeValue};

use super::{
    Body, ExpectedStatus, StatusClass,
    finding::{At, Notes},
    keys,
    reader::{Field, Found, Section, clip, describe},
};

/// `json` or `body`, whichever is there.
pub(super) fn body(section: &Section, notes: &mut Notes) -> Option<Found<Body>> {
    let (json, text) = (section.get("json"), section.get("body"));
    if let (Some(json), Some(text)) = (json, text) {
        let (at, other) = (section.at_key(json.key), section.at_key(text.key));
        let (first, second) = if at.span.start < other.span.start { (at, other) } else { (other, at) };
        let first = notes.place(&first);
        notes
            .error(&second, format!("{} has both `json` and `body`", section.title))
            .related(first)
            .help("keep one: json is sent as application/json, body as it is");
        return None;
    }
    match (json, text) {
        (Some(json), _) => json_body(&json, notes),
        (_, Some(text)) => {
            let text = text.text(notes, "a string")?;
            Some(Found { value: Body::Text(text.value.to_owned()), at: text.at })
        }
        (None, None) => None,
    }
}

fn json_body(field: &Field, notes: &mut Notes) -> Option<Found<Body>> {
    let value = to_json(field.node.file, field.node.value, notes)?;
    let nested = |text: &str| serde_json::from_str(text).is_ok_and(|v: Value| v.is_object() || v.is_array());
    if value.as_str().is_some_and(nested) {
        notes
            .warning(&field.at(), "`json` is a string that holds JSON: it will be sent as one quoted string")
            .help("write it as TOML, json = { kind = \"data-refresh\" }, or send the text with body");
    }
    Some(Found { value: Body::Json(value.to_string()), at: field.at() })
}

/// TOML to JSON; dates become strings. What JSON cannot hold is noted.
fn to_json(file: usize, value: &Spanned<DeValue>, notes: &mut Notes) -> Option<Value> {
    match value.get_ref() {
        DeValue::String(text) => Some(Value::String(text.to_string())),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        DeValue::Datetime(value) => Some(Value::String(value.to_string())),
        DeValue::Integer(written) => i64::from_str_radix(written.as_str(), written.radix())
            .map(Value::from)
            .or_else(|_| u64::from_str_radix(written.as_str(), written.radix()).map(Value::from))
            .ok()
            .or_else(|| not_json(file, value, notes)),
        DeValue::Float(written) => written
            .as_str()
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map(Value::Number)
            .or_else(|| not_json(file, value, notes)),
        DeValue::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| to_json(file, item, notes)).collect();
            items.into_iter().collect::<Option<_>>().map(Value::Array)
        }
        DeValue::Table(table) => {
            let entries: Vec<_> = table
                .iter()
                .map(|(key, value)| Some((key.get_ref().to_string(), to_json(file, value, notes)?)))
                .collect();
            entries.into_iter().collect::<Option<Map<_, _>>>().map(Value::Object)
        }
    }
}

fn not_json(file: usize, value: &Spanned<DeValue>, notes: &mut Notes) -> Option<Value> {
    let at = At { file, span: value.span() };
    notes
        .error(&at, format!("`json` holds {}, which JSON has no number for", describe(value.get_ref())))
        .help("send it as a string");
    None
}

/// `expect`: which answers are a success.
pub(super) fn expect(field: &Field, notes: &mut Notes) -> Option<Vec<ExpectedStatus>> {
    const WANTED: &str = "a list such as [\"2xx\", 204]";
    let section = Section::of(field, keys::EXPECT, notes)?;
    let status = section.get("status")?;
    let DeValue::Array(items) = status.node.value.get_ref() else {
        status.wrong_type(notes, WANTED);
        return None;
    };
    if items.is_empty() {
        notes.error(&status.at(), "`status` is an empty list: no answer could succeed").help(format!("write {WANTED}"));
        return None;
    }
    let statuses: Vec<_> = items
        .iter()
        .map(|item| one_status(item.get_ref()).or_else(|| not_expected(status.node.file, item, notes)))
        .collect();
    statuses.into_iter().collect()
}

/// An exact status or a class. A 1xx is never the answer, and a 5xx never a success (seed E14).
fn one_status(value: &DeValue) -> Option<ExpectedStatus> {
    match value {
        DeValue::Integer(written) => {
            let status = u16::from_str_radix(written.as_str(), written.radix()).ok()?;
            (200..500).contains(&status).then_some(ExpectedStatus::Exact(status))
        }
        DeValue::String(text) => match text.as_bytes() {
            [class @ b'2'..=b'4', b'x', b'x'] => Some(ExpectedStatus::Class(StatusClass(class - b'0'))),
            _ => None,
        },
        _ => None,
    }
}

fn not_expected(file: usize, item: &Spanned<DeValue>, notes: &mut Notes) -> Option<ExpectedStatus> {
    let help = match item.get_ref() {
        DeValue::String(text) if text.parse::<u16>().is_ok() => format!("write {} without quotes", clip(text)),
        _ => {
            "accepted: \"2xx\", \"3xx\", \"4xx\" and whole numbers from 200 to 499; a 5xx is never a success".to_owned()
        }
    };
    let found = describe(item.get_ref());
    notes.error(&At { file, span: item.span() }, format!("`status` cannot expect {found}")).help(help);
    None
}
