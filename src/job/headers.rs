//! `headers`: names, plain values and values from the environment.

use toml::de::{DeTable, DeValue};

use super::{
    Auth, HeaderText, LoadContext, Target,
    address::{is_token, variable_error},
    context::VariableError,
    finding::{At, Notes},
    keys::{self, Form},
    reader::{Field, Found, Node, Section, clip, describe, entries},
};
use crate::{protocol::header, secret::Secret};

/// The shortest value that can be found and blacked out in a captured answer.
const SHORTEST_SECRET: usize = 8;

/// Headers that make the message itself, or that Sexton sends with every request.
const RESERVED: [&str; 8] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    header::IDEMPOTENCY_KEY,
    header::REQUEST_ID,
    header::TRACEPARENT,
    "upgrade",
];

/// A header as the file has it, read.
#[derive(Debug, Clone)]
pub(super) struct HeaderDraft {
    pub(super) name: Found<String>,
    pub(super) text: HeaderText,
    /// What it is, without a secret's value: for the job's hash.
    pub(super) identity: String,
}

/// The name of the header that carries the target's credential.
pub(super) fn name<'a>(field: &Field<'a>, notes: &mut Notes) -> Option<Found<&'a str>> {
    let text = field.text(notes, "the name of a header such as \"X-Api-Key\"")?;
    name_is_allowed(text.value, &text.at, notes).then_some(text)
}

/// `headers = { … }`, in the order written.
pub(super) fn headers(field: &Field, context: &LoadContext, notes: &mut Notes) -> Option<Vec<HeaderDraft>> {
    let DeValue::Table(table) = field.node.value.get_ref() else {
        field.wrong_type(notes, "a table such as { \"X-Org\" = \"acme\" }");
        return None;
    };
    Some(read(field.node.file, table, context, notes))
}

fn read(file: usize, table: &DeTable, context: &LoadContext, notes: &mut Notes) -> Vec<HeaderDraft> {
    let mut drafts: Vec<HeaderDraft> = Vec::new();
    for (name, node) in entries(file, table) {
        let allowed = name_is_allowed(name.value, &name.at, notes);
        let first = drafts.iter().find(|draft| draft.name.value.eq_ignore_ascii_case(name.value));
        if let Some(first) = first.map(|first| notes.place(&first.name.at)) {
            notes
                .error(&name.at, format!("the header `{}` is set twice", clip(name.value)))
                .related(first)
                .help("upper and lower case are the same in names of headers");
        } else if let (true, Some(Value::Sent(text, identity))) = (allowed, value(&name, node, context, notes)) {
            drafts.push(HeaderDraft { name: Found { value: name.value.to_owned(), at: name.at }, text, identity });
        }
    }
    drafts
}

fn name_is_allowed(name: &str, at: &At, notes: &mut Notes) -> bool {
    let lower = name.to_ascii_lowercase();
    let shown = clip(name);
    if name.is_empty() || !name.bytes().all(is_token) {
        notes
            .error(at, format!("`{shown}` is no name of a header"))
            .help("names are letters, digits and `-`; write \"X-Org\" = \"acme\", the value behind the `=`");
    } else if RESERVED.contains(&lower.as_str()) || lower.starts_with("sexton-") {
        notes.error(at, format!("the header `{shown}` is set by Sexton itself")).help("take it out");
    } else {
        return true;
    }
    false
}

/// Refuses the headers that carry the target's own credential.
pub(super) fn leave_the_credential_alone(headers: &[HeaderDraft], target: &Target, notes: &mut Notes) {
    if target.auth == Auth::None {
        return;
    }
    let carrier = target.auth.header().unwrap_or("Authorization");
    for HeaderDraft { name, .. } in headers {
        let taken = name.value.eq_ignore_ascii_case(carrier) || name.value.eq_ignore_ascii_case("Authorization");
        if taken {
            notes
                .error(
                    &name.at,
                    format!("the header `{}` belongs to the credential of target `{}`", name.value, target.name),
                )
                .help("take it out, or give the job a target with auth = \"none\"");
        }
    }
}

/// A header's value, and what stands for it in the job's hash.
enum Value {
    Sent(HeaderText, String),
    /// Optional, and its variable is unset (seed D7).
    LeftOut,
}

fn value(name: &Found<&str>, node: Node, context: &LoadContext, notes: &mut Notes) -> Option<Value> {
    match node.value.get_ref() {
        DeValue::String(text) => {
            let valid = value_is_valid(text, &node.at(), name.value, notes);
            valid.then(|| Value::Sent(HeaderText::Plain(text.to_string()), format!("plain:{text}")))
        }
        DeValue::Table(_) => {
            from_environment(&Field { key: name.value, form: Form::Table(keys::HEADER), node }, context, notes)
        }
        other => {
            let found = describe(other);
            notes
                .error(&node.at(), format!("the header `{}` must be a string, found {found}", clip(name.value)))
                .help("write \"X-Org\" = \"acme\", or \"X-Key\" = { env = \"PARTNER_KEY\" } for a secret");
            None
        }
    }
}

fn from_environment(field: &Field, context: &LoadContext, notes: &mut Notes) -> Option<Value> {
    let section = Section::of(field, keys::HEADER, notes)?;
    let flag = |key, unset, notes: &mut Notes| match section.get(key) {
        Some(field) => field.boolean(notes).map(|found| found.value),
        None => Some(unset),
    };
    let optional = flag("optional", false, notes);
    let secret = flag("secret", true, notes);
    let format = match section.get("format") {
        Some(field) => template(&field, notes),
        None => Some("{}"),
    };
    let Some(variable) = section.get("env") else {
        let message = format!("the header `{}` names no variable", clip(field.key));
        notes.error(&field.at(), message).help("write { env = \"PARTNER_KEY\" }");
        return None;
    };
    let variable = variable.text(notes, "the name of an environment variable")?;
    let (optional, secret, format) = (optional?, secret?, format?);
    let value = match context.variable(variable.value) {
        Ok(value) => value,
        Err(VariableError::Unset(_)) if optional => return Some(Value::LeftOut),
        Err(error) => {
            variable_error(&error, ", or write optional = true to leave the header out", &variable.at, notes);
            return None;
        }
    };
    let text = format.replace("{}", &value);
    if !fits(&variable, &value, &text, secret, notes) {
        return None;
    }
    let named = format!("{}:{format}:{secret}", variable.value);
    Some(if secret {
        Value::Sent(HeaderText::Secret { text: Secret::new(text), value: Secret::new(value) }, format!("env:{named}"))
    } else {
        let identity = format!("env:{named}={text}");
        Value::Sent(HeaderText::Plain(text), identity)
    })
}

/// Whether a variable's value can be blacked out and sent. The messages say the length, never the value.
fn fits(variable: &Found<&str>, value: &str, text: &str, secret: bool, notes: &mut Notes) -> bool {
    let (name, length) = (variable.value, value.chars().count());
    if secret && length < SHORTEST_SECRET {
        notes
            .error(&variable.at, format!("the value of `{name}` has {length} characters, too few to be blacked out"))
            .help(format!("give it {SHORTEST_SECRET} or more, or write secret = false when it may be shown"));
    } else if let Some(position) = invalid(text) {
        notes
            .error(&variable.at, format!("the value of `{name}` cannot travel in a header (character {position})"))
            .help("only visible ASCII, spaces and tabs can; does it hold a line break?");
    } else {
        return true;
    }
    false
}

fn template<'a>(field: &Field<'a>, notes: &mut Notes) -> Option<&'a str> {
    let text = field.text(notes, "a text with {} in it, such as \"Key {}\"")?;
    if text.value.matches("{}").count() != 1 {
        notes
            .error(&text.at, format!("`format = \"{}\"` must hold {{}} exactly once", clip(text.value)))
            .help("{} is where the variable's value goes: format = \"Key {}\"");
        return None;
    }
    value_is_valid(text.value, &text.at, "format", notes).then_some(text.value)
}

fn value_is_valid(text: &str, at: &At, name: &str, notes: &mut Notes) -> bool {
    let Some(position) = invalid(text) else { return true };
    notes
        .error(at, format!("the value of `{}` cannot travel in a header (character {position})", clip(name)))
        .help("only visible ASCII, spaces and tabs can");
    false
}

/// The first character, counted from 1, that no header value may hold.
fn invalid(text: &str) -> Option<usize> {
    text.chars().position(|c| !matches!(c, '\t' | ' '..='~')).map(|index| index + 1)
}
