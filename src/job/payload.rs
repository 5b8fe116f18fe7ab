//! What a job sends: `json`, `body` or `body_file`.

use serde_json::{Map, Number, Value};
use toml::{Spanned, de::DeValue};

use super::{
    Body,
    attachment::Attachments,
    finding::{At, Notes},
    reader::{Field, Found, Section, describe},
};

/// `json`, `body` or `body_file`, whichever is there.
pub(super) fn body(section: &Section, attachments: &Attachments, notes: &mut Notes) -> Option<Found<Body>> {
    let mut there: Vec<Field> = ["json", "body", "body_file"].iter().filter_map(|key| section.get(key)).collect();
    if there.len() > 1 {
        there.sort_by_key(|field| section.at_key(field.key).span.start);
        let (first, second) = (section.at_key(there[0].key), section.at_key(there[1].key));
        let first = notes.place(&first);
        notes
            .error(&second, format!("{} has both `{}` and `{}`", section.title, there[0].key, there[1].key))
            .related(first)
            .help("keep one: json is sent as application/json, body and what is in body_file as they are");
        return None;
    }
    let field = there.pop()?;
    match field.key {
        "json" => json_body(&field, notes),
        "body_file" => attachments.body(&field, notes),
        _ => {
            let text = field.text(notes, "a string")?;
            Some(Found { value: Body::Text(text.value.to_owned()), at: text.at })
        }
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
pub(super) fn to_json(file: usize, value: &Spanned<DeValue>, notes: &mut Notes) -> Option<Value> {
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
