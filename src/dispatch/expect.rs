//! Whether an answer has in it what its job demands (seed D13: 200 with an empty body, for 23 hours).

use serde_json::Value;

use super::{exchange::Answer, redact::Redactor};
use crate::job::Expect;

/// How much is shown of a value that is not the demanded one, in characters.
const SHOWN: usize = 200;

/// The first demand on the content that `answer` does not meet, in words without secrets; the status is judged elsewhere.
pub(super) fn unmet(expect: &Expect, answer: &Answer, redactor: &Redactor) -> Option<String> {
    match &expect.contains {
        Some(text) if !holds(&answer.body, text) => {
            Some(format!("the answer does not contain \"{text}\"{}", end(answer)))
        }
        _ => unmet_json(&expect.json, answer, redactor),
    }
}

fn unmet_json(wanted: &[(String, Value)], answer: &Answer, redactor: &Redactor) -> Option<String> {
    let (first, _) = wanted.first()?;
    let document: Value = match serde_json::from_slice(&answer.body) {
        Ok(document) => document,
        Err(_) if answer.body.is_empty() => {
            return Some(format!("the answer is empty, so nothing is at {}", place(first)));
        }
        Err(error) => {
            return Some(format!("the answer is no JSON, so nothing is at {}: {error}{}", place(first), end(answer)));
        }
    };
    wanted.iter().find_map(|(pointer, value)| {
        let place = place(pointer);
        match document.pointer(pointer) {
            None => Some(format!("the answer has nothing at {place}, and {value} is expected there")),
            Some(found) if is_same(found, value) => None,
            Some(found) => {
                // Redacted before it is cut: half a secret would not be found again.
                let found = redactor.excerpt(found.to_string().as_bytes()).unwrap_or_default();
                Some(format!("the answer has {} at {place}, and {value} is expected there", clip(&found)))
            }
        }
    })
}

/// Of numbers the value counts, however it is written: 0 is 0.0.
fn is_same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => a.as_f64() == b.as_f64(),
        _ => found == wanted,
    }
}

fn holds(body: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    text.is_empty() || body.windows(text.len()).any(|part| part == text)
}

fn place(pointer: &str) -> String {
    if pointer.is_empty() { "its root".to_owned() } else { format!("`{pointer}`") }
}

fn end(answer: &Answer) -> &'static str {
    if answer.cut { " (only its first 1 MiB was read)" } else { "" }
}

/// The beginning of a text that may be long.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
