//! `expect`: which answers are a success.

use serde_json::Value;
use toml::{Spanned, de::DeValue};

use super::{
    Expect, ExpectedStatus, StatusClass,
    finding::{At, Notes},
    keys,
    payload::to_json,
    pointer::{self, is_pointer},
    reader::{Field, Section, clip, describe, entries},
    status::status,
};

/// What `expect` of a job or of `[defaults]` says.
#[derive(Debug, Default)]
pub(super) struct ExpectDraft {
    status: Option<Vec<ExpectedStatus>>,
    json: Option<Vec<(String, Value)>>,
    contains: Option<String>,
}

/// Reads `expect`.
pub(super) fn draft(field: Option<&Field>, notes: &mut Notes) -> ExpectDraft {
    let Some(section) = field.and_then(|field| Section::of(field, keys::EXPECT, notes)) else {
        return ExpectDraft::default();
    };
    ExpectDraft {
        status: section.get("status").and_then(|field| statuses(&field, notes)),
        json: section.get("json").and_then(|field| members(&field, notes)),
        contains: section.get("contains").and_then(|field| contains(&field, notes)),
    }
}

/// A job's own keys before those of `[defaults]`, and any 2xx when nothing is said.
pub(super) fn expect(own: &ExpectDraft, defaults: &ExpectDraft) -> Expect {
    let status = own.status.as_ref().or(defaults.status.as_ref()).cloned();
    Expect {
        status: status.unwrap_or_else(|| vec![ExpectedStatus::Class(StatusClass(2))]),
        json: own.json.as_ref().or(defaults.json.as_ref()).cloned().unwrap_or_default(),
        contains: own.contains.as_ref().or(defaults.contains.as_ref()).cloned(),
    }
}

fn statuses(field: &Field, notes: &mut Notes) -> Option<Vec<ExpectedStatus>> {
    const WANTED: &str = "a list such as [\"2xx\", 204]";
    let items = field.items(WANTED, notes)?;
    if items.is_empty() {
        notes.error(&field.at(), "`status` is an empty list: no answer could succeed").help(format!("write {WANTED}"));
        return None;
    }
    // A 1xx is never the answer, and a 5xx never a success (seed E14).
    let statuses: Vec<_> = items
        .iter()
        .map(|item| status(item.get_ref(), 2..=4).or_else(|| not_expected(field.node.file, item, notes)))
        .collect();
    statuses.into_iter().collect()
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

/// `json`: pointers and the value at each, in the order written.
fn members(field: &Field, notes: &mut Notes) -> Option<Vec<(String, Value)>> {
    let DeValue::Table(table) = field.node.value.get_ref() else {
        field.wrong_type(notes, "a table such as { \"/errors\" = 0 }");
        return None;
    };
    let members: Vec<_> = entries(field.node.file, table)
        .into_iter()
        .map(|(key, node)| {
            let value = to_json(node.file, node.value, notes);
            if !is_pointer(key.value) {
                notes
                    .error(
                        &key.at,
                        format!("`json` expects a value at `{}`, which is no JSON Pointer", clip(key.value)),
                    )
                    .help(pointer::HELP);
                return None;
            }
            Some((key.value.to_owned(), value?))
        })
        .collect();
    members.into_iter().collect()
}

fn contains(field: &Field, notes: &mut Notes) -> Option<String> {
    let text = field.text(notes, "a text that the body has in it")?;
    if text.value.is_empty() {
        notes
            .error(&text.at, "`contains` is empty: every body has nothing in it")
            .help("write a text that only a good answer has, such as contains = \"ok\"");
        return None;
    }
    Some(text.value.to_owned())
}
