//! The JSON Schema agrees with the loader as far as a schema can.

use jsonschema::Validator;
use serde_json::Value;
use sexton::{cli, job};

use super::{APP, load_text, mistakes::MISTAKES};

fn validator() -> Validator {
    jsonschema::draft7::new(&job::schema()).unwrap()
}

/// TOML as the JSON that editors hand to a schema; `None` when it is no TOML.
fn as_json(text: &str) -> Option<Value> {
    fn convert(item: &toml_edit::Item) -> Value {
        match item {
            toml_edit::Item::Value(value) => of_value(value),
            toml_edit::Item::ArrayOfTables(tables) => tables.iter().map(of_table).collect(),
            other => other.as_table_like().map_or(Value::Null, of_table),
        }
    }
    fn of_table(table: &(impl toml_edit::TableLike + ?Sized)) -> Value {
        table.iter().map(|(key, item)| (key.to_owned(), convert(item))).collect()
    }
    fn of_value(value: &toml_edit::Value) -> Value {
        match value {
            toml_edit::Value::String(text) => text.value().as_str().into(),
            toml_edit::Value::Integer(number) => (*number.value()).into(),
            toml_edit::Value::Float(number) => (*number.value()).into(),
            toml_edit::Value::Boolean(value) => (*value.value()).into(),
            toml_edit::Value::Datetime(value) => value.value().to_string().into(),
            toml_edit::Value::Array(items) => items.iter().map(of_value).collect(),
            toml_edit::Value::InlineTable(table) => of_table(table),
        }
    }
    let document: toml_edit::DocumentMut = text.parse().ok()?;
    Some(of_table(document.as_table()))
}

#[test]
fn the_committed_schema_is_current() {
    let mut printed = Vec::new();
    cli::schema::run(&cli::schema::Args {}, &mut printed).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs.schema.json");
    let committed: Value = serde_json::from_slice(&std::fs::read(path).unwrap_or_default()).unwrap_or_default();
    let current: Value = serde_json::from_slice(&printed).unwrap();
    assert!(committed == current, "jobs.schema.json is old: sexton schema > jobs.schema.json");
}

#[test]
fn the_schema_is_a_valid_schema_and_accepts_the_example() {
    assert!(jsonschema::meta::is_valid(&job::schema()));
    let example = include_str!("../../../jobs.toml");
    assert_eq!(example.lines().next(), Some("#:schema ./jobs.schema.json"));
    assert_eq!(validator().iter_errors(&as_json(example).unwrap()).count(), 0);
}

/// What only a load can know: other tables, the environment, schedules, the bounds of durations, credentials.
const BEYOND_A_SCHEMA: &[&str] = &[
    "duration out of range",
    "bad schedule",
    "never fires",
    "unknown target",
    "path that climbs",
    "header of Sexton's own",
    "credential in a header",
    "unset variable",
    "Sexton's own variable",
    "target without address",
    "credentials in the address",
    "header without a secret",
    "certificate without a key",
    "authority of a plain address",
    "proxy to a socket",
    "proxy with credentials",
    "proxy with a path",
    "socket without a root",
    "no patience",
    "token file without a path",
    "key of another way to authenticate",
    "scope that the target has not",
    "scopes without run tokens",
    "body file elsewhere",
    "unknown group",
    "replace without cancel",
    "path of cancel that nothing fills",
    "braces without a name",
    "poll without completion",
    "state of both kinds",
    "first wait over the longest",
    "window without catching up",
    "nothing to contain",
    "jitter over a day",
];

#[test]
fn the_schema_refuses_what_the_loader_refuses() {
    let validator = validator();
    for (name, text) in MISTAKES {
        let Some(json) = as_json(&format!("{APP}{text}")) else { continue };
        assert_eq!(validator.is_valid(&json), BEYOND_A_SCHEMA.contains(name), "{name}");
    }
}

#[test]
fn the_schema_accepts_what_the_loader_accepts() {
    let validator = validator();
    for keys in [
        "timeout = \"1h30m\"",
        "hold = \"1d\"",
        "dst = { gap = \"skip\", overlap = \"both\" }",
        "headers = { X-A = \"1\", \"X-B\" = { env = \"B\", format = \"Key {}\", optional = true } }",
        "json = [1, \"2\", { three = 3.0 }]",
        "body = \"x\"",
        "expect = { status = [\"2xx\", 404] }",
        "method = \"PURGE\"",
        "jitter = \"5m\"\ngroup = \"db\"\nidempotent = true\nrun_on_start = true\n[groups.db]\nconcurrency = 2",
        "retry = { attempts = 3, initial = \"5s\", factor = 2, max = \"5m\", on = [\"connect\", \"5xx\", \"429\", 503] }",
        "overlap = \"replace\"\ncancel = { path = \"/cancel\" }\ncatch_up = \"all\"\ncatch_up_window = \"24h\"",
        "completion = \"poll\"\ncancel = { method = \"DELETE\", path = \"/jobs/{id}\" }\npoll = { url = \"/jobs/{id}\", \
         interval = \"2s\", state = \"\", success = [\"done\"], failure = [], timeout = \"1h\", progress = \"/a~1b\" }",
        "completion = \"poll\"\npoll = { url = \"location\" }",
        "expect = { json = { \"/errors\" = 0, \"/a/b\" = [1] }, contains = \"ok\" }",
        "[sexton]\nstartup_grace = \"10s\"\nhistory = { keep = \"30d\", per_job = 10_000 }",
        "timezone = \"Europe/Prague\"",
        "overlap = \"allow\"\ncatch_up = \"none\"\nenabled = false\ndescription = \"x\"",
        "[sexton]\nshutdown_grace = \"0s\"\nlate_limit = \"1m\"\nmax_in_flight = 7\ntimezone = \"UTC\"",
        "[targets.b]\nbase_url = \"HTTPS://b.example/prefix\"\nwhoami = \"/me\"\nheader = \"X-Api-Key\"\nauth = \"shared-secret\"",
        "[defaults]\ntimeout = \"1m\"\ntarget = \"app\"",
        "[targets.b]\nbase_url = \"http://b\"\nauth = \"token-file\"\ntoken_file = \"/run/token\"\nheader = \"X-Api-Key\"",
        "[targets.b]\nbase_url = \"https://b\"\nconnect_timeout = \"3s\"\nca_file = \"/run/ca.pem\"\n\
         client_cert = \"/run/c.pem\"\nclient_key = \"/run/c.key\"\nproxy = \"http://proxy:3128\"\n\
         [targets.c]\nbase_url = \"unix:///run/app.sock\"",
        "[sexton]\nissuer = \"https://cron\"\n[targets.b]\nbase_url = \"http://b\"\nauth = \"run-token\"\naudience = \"b\"\n\
         scopes = [\"sync:run\"]\n[jobs.b]\ntarget = \"b\"\nschedule = \"every 1h\"\npath = \"/\"\nscopes = [\"sync:run\"]",
        "[jobs.\"b:c\"]\nschedule = [\"every 1h\", \"daily 03:00\"]\npath = \"/b?x=1\"",
    ] {
        let text = format!("{APP}[jobs.a]\nschedule = \"every 1h\"\npath = \"/\"\n{keys}\n");
        load_text(&text).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&as_json(&text).unwrap()).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{keys}: {errors:?}");
    }
}

/// What some words cannot do without.
fn keys_of(word: &Value) -> &'static str {
    match word.as_str().unwrap() {
        "token-file" => "token_file = \"/run/token\"",
        "run-token" => "audience = \"app\"",
        "replace" => "cancel = { path = \"/cancel\" }",
        _ => "",
    }
}

/// Each word that the schema offers is one that the loader takes.
#[test]
fn every_word_of_the_schema_loads() {
    let schema = job::schema();
    for (table, key) in [("jobs", "overlap"), ("jobs", "catch_up"), ("jobs", "completion"), ("targets", "auth")] {
        let words = schema["properties"][table]["additionalProperties"]["properties"][key]["enum"].as_array().unwrap();
        assert!(words.len() > 1, "{key}");
        for word in words {
            let text = match table {
                "jobs" => {
                    format!("{APP}[jobs.a]\nschedule = \"every 1h\"\npath = \"/\"\n{key} = {word}\n{}\n", keys_of(word))
                }
                _ => format!("[sexton]\nissuer = \"https://cron\"\n{APP}{key} = {word}\n{}\n", keys_of(word)),
            };
            load_text(&text).unwrap();
        }
    }
}
