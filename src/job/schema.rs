//! The JSON Schema of `jobs.toml`, made from the tables of keys that the reader uses.

use serde_json::{Map, Value, json};

use super::keys::{self, Form, Key};

/// A job's and a target's name, see [`super::JobName`].
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$";

/// A JSON Pointer, RFC 6901.
const POINTER: &str = "^(/([^~]|~[01])*)?$";

/// The JSON Schema (draft 7, which editors of TOML read) of `jobs.toml` and of the files in `jobs.d`.
///
/// What it accepts may still be refused by a load: a schema cannot read a schedule or look up a target.
#[must_use]
pub fn schema() -> Value {
    let mut job = table(keys::JOB);
    job["required"] = json!(["schedule", "path"]);
    let mut defaults = table(keys::DEFAULTS);
    for table in [&mut job, &mut defaults] {
        table["properties"]["cancel"]["required"] = json!(["path"]);
    }
    let both = |one: &str, other: &str| json!({ "required": [one, other] });
    job["not"] = json!({ "anyOf": [both("json", "body"), both("json", "body_file"), both("body", "body_file")] });
    let mut group = table(keys::GROUP);
    group["required"] = json!(["concurrency"]);
    let zones: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "jobs.toml of Sexton",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "sexton": described(table(keys::SEXTON), "The sidecar itself; only in the main file."),
            "targets": described(named(&table(keys::TARGET)), "The apps to call, by name; `app` is the default one."),
            "groups": described(named(&group), "Limits that jobs share, by name."),
            "defaults": described(defaults, "What holds for jobs that say nothing; only in the main file."),
            "jobs": described(named(&job), "The jobs, by name."),
        },
        "definitions": { "zone": { "type": "string", "enum": zones } },
    })
}

/// An object whose members' names are names of jobs or targets.
fn named(member: &Value) -> Value {
    json!({ "type": "object", "propertyNames": { "pattern": NAME }, "additionalProperties": member })
}

/// An object with these keys and no others.
fn table(keys: &[Key]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), described(value(key.form), key.about))).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// `$ref` stands alone in draft 7: what is beside it is ignored. So it goes into an `allOf`.
fn described(schema: Value, about: &str) -> Value {
    let mut schema = if schema.get("$ref").is_some() { json!({ "allOf": [schema] }) } else { schema };
    schema["description"] = about.into();
    schema
}

fn value(form: Form) -> Value {
    match form {
        Form::Text => json!({ "type": "string" }),
        Form::Boolean => json!({ "type": "boolean" }),
        Form::Count(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Form::Number(least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
        Form::Duration(_) => pattern("^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$", 2, &["30s", "15m", "1h30m", "1d"]),
        Form::Word(words) => json!({ "enum": words() }),
        Form::Zone => json!({ "$ref": "#/definitions/zone" }),
        Form::Target | Form::Group => pattern(NAME, 1, &[]),
        Form::Address => {
            let written = pattern("^([Hh][Tt][Tt][Pp][Ss]?|unix)://", 8, &["http://app:8000", "unix:///run/app.sock"]);
            json!({ "anyOf": [written, from_env(keys::ADDRESS)] })
        }
        Form::Proxy => {
            let written = pattern("^[Hh][Tt][Tt][Pp][Ss]?://", 8, &["http://proxy:3128"]);
            json!({ "anyOf": [written, from_env(keys::ADDRESS)] })
        }
        Form::Path => pattern("^/([^/# ][^# ]*)?$", 1, &["/api/sync"]),
        Form::Template => pattern("^/([^/# ][^# ]*)?$", 1, &["/api/jobs/{id}"]),
        Form::PollUrl => pattern("^(location|/([^/# ][^# ]*)?)$", 1, &["location", "/api/jobs/{id}"]),
        Form::Pointer => pattern(POINTER, 0, &["/status"]),
        Form::Members => json!({ "type": "object", "propertyNames": { "pattern": POINTER } }),
        Form::Texts(least) => {
            json!({ "type": "array", "minItems": least, "items": { "type": "string", "minLength": 1 } })
        }
        Form::RetryOn => {
            let cause = json!({ "anyOf": [
                { "enum": ["connect", "3xx", "4xx", "5xx"] },
                pattern("^[3-5][0-9][0-9]$", 3, &["429"]),
                { "type": "integer", "minimum": 300, "maximum": 599 },
            ] });
            json!({ "type": "array", "minItems": 1, "items": cause })
        }
        Form::Beside => pattern("^[^/]", 1, &["body.json"]),
        Form::File => pattern("^/", 2, &["/run/sexton/token"]),
        Form::Visible => pattern("^[!-~]+$", 1, &[]),
        Form::Scopes => {
            json!({ "type": "array", "items": pattern("^[!#-\\[\\]-~]+$", 1, &["sync:run"]) })
        }
        Form::HeaderName => pattern("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", 1, &["X-Api-Key"]),
        Form::Method => pattern("^[!#$%&'*+.^_`|~0-9A-Z-]+$", 1, &["GET", "POST", "PUT", "PATCH", "DELETE"]),
        Form::Schedules => {
            let one =
                json!({ "type": "string", "minLength": 1, "examples": ["daily 03:00", "every 15m", "0 3 * * *"] });
            json!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
        }
        Form::Json => json!({}),
        Form::Headers => {
            json!({
                "type": "object",
                "propertyNames": value(Form::HeaderName),
                "additionalProperties": { "anyOf": [{ "type": "string" }, from_env(keys::HEADER)] },
            })
        }
        Form::Table(keys) => table(keys),
        Form::Statuses => {
            let status = json!({ "anyOf": [
                { "enum": ["2xx", "3xx", "4xx"] },
                { "type": "integer", "minimum": 200, "maximum": 499 },
            ] });
            json!({ "type": "array", "minItems": 1, "items": status })
        }
        Form::Variable => pattern("^[A-Za-z0-9_]+$", 1, &["PARTNER_KEY"]),
        Form::Format => pattern("^[^{]*\\{\\}[^{]*$", 2, &["Key {}"]),
    }
}

/// A table that names an environment variable.
fn from_env(keys: &[Key]) -> Value {
    let mut table = table(keys);
    table["required"] = json!(["env"]);
    table
}

fn pattern(pattern: &str, least: usize, examples: &[&str]) -> Value {
    let mut schema = json!({ "type": "string", "pattern": pattern, "minLength": least });
    if !examples.is_empty() {
        schema["examples"] = json!(examples);
    }
    schema
}
