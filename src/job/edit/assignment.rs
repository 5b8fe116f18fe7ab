//! `KEY=VALUE` from a command line, as TOML.

use serde_json::Value as Json;
use toml_edit::{Array, InlineTable, Key, Value};

use super::EditError;
use crate::job::keys::{self, Form};

/// A key of a job and its new value.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The key, and the keys within it: `dst.gap`, `headers.X-Org`.
    pub(super) path: Vec<String>,
    pub(super) value: Value,
}

impl Assignment {
    /// Reads `timeout=5m`, `dst.gap=skip`, `headers.X-Key={ env = "KEY" }`, `json={"full":false}`. What the key takes
    /// decides how the value is read: text needs no quotes, `json` is JSON, lists and tables are TOML.
    ///
    /// # Errors
    /// No `=`, no key, or a list or table that is none.
    pub fn parse(text: &str) -> Result<Self, EditError> {
        let (key, value) = text.split_once('=').ok_or_else(|| EditError::Assignment(text.to_owned()))?;
        let path = key_path(key)?;
        let value = value_of(&path, value.trim()).map_err(|reason| EditError::Value {
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
            reason,
        })?;
        Ok(Self { path, value })
    }
}

/// A dotted key as TOML writes it.
///
/// # Errors
/// It is none.
pub fn key_path(text: &str) -> Result<Vec<String>, EditError> {
    let keys = Key::parse(text.trim()).map_err(|_no_key| EditError::Assignment(text.to_owned()))?;
    Ok(keys.iter().map(|key| key.get().to_owned()).collect())
}

fn value_of(path: &[String], text: &str) -> Result<Value, String> {
    let form = form_of(path);
    match form {
        Some(Form::Json) => serde_json::from_str::<Json>(text).map_err(|error| error.to_string()).and_then(from_json),
        Some(Form::Boolean | Form::Count(..)) => Ok(text.parse().unwrap_or_else(|_| text.into())),
        Some(Form::Number(..)) => Ok(number(text)),
        Some(Form::Schedules | Form::Statuses | Form::RetryOn | Form::Texts(_)) if text.starts_with('[') => toml(text),
        Some(Form::Statuses | Form::RetryOn) => Ok(of_commas(text, whole_number)),
        Some(Form::Texts(_)) => Ok(of_commas(text, |item| item.into())),
        Some(Form::Table(_) | Form::Headers | Form::Members) => toml(text),
        Some(_) => Ok(text.into()),
        // A header's value, or a key that the check will refuse.
        None if text.starts_with('{') => toml(text),
        None => Ok(text.into()),
    }
}

/// What the key tables say about a path; `None` for a header, and for what they do not know.
fn form_of(path: &[String]) -> Option<Form> {
    let find = |keys: &[keys::Key], name: &str| keys.iter().find(|key| key.name == name).map(|key| key.form);
    let first = find(keys::JOB, path.first()?)?;
    match (first, path.get(1), path.get(2)) {
        (Form::Json, ..) => Some(Form::Json),
        (form, None, _) => Some(form),
        (Form::Table(keys), Some(name), None) => find(keys, name),
        (Form::Table(keys), Some(name), Some(_)) if matches!(find(keys, name), Some(Form::Members)) => Some(Form::Json),
        (Form::Headers, Some(_), Some(name)) => find(keys::HEADER, name),
        _ => None,
    }
}

fn toml(text: &str) -> Result<Value, String> {
    text.parse::<Value>().map_err(|error| error.message().to_owned())
}

fn of_commas(text: &str, item: impl Fn(&str) -> Value) -> Value {
    Value::Array(text.split(',').map(|part| item(part.trim())).collect::<Array>())
}

fn whole_number(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
}

fn number(text: &str) -> Value {
    text.parse::<i64>()
        .map(Value::from)
        .or_else(|_| text.parse::<f64>().map(Value::from))
        .unwrap_or_else(|_| text.into())
}

/// JSON as a TOML value.
pub(in crate::job) fn from_json(json: Json) -> Result<Value, String> {
    match json {
        Json::Null => Err("TOML has no null: leave the key out".to_owned()),
        Json::Bool(value) => Ok(value.into()),
        Json::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_f64().filter(|_| number.is_f64()).map(Value::from))
            .ok_or_else(|| format!("{number} is too large for TOML")),
        Json::String(text) => Ok(text.into()),
        Json::Array(items) => {
            let items = items.into_iter().map(from_json).collect::<Result<Array, _>>()?;
            Ok(Value::Array(items))
        }
        Json::Object(members) => {
            let mut table = InlineTable::new();
            for (key, value) in members {
                table.insert(key, from_json(value)?);
            }
            Ok(Value::InlineTable(table))
        }
    }
}
