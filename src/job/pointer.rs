//! JSON Pointers: where in an answer something stands.

use super::{
    finding::Notes,
    reader::{Field, Found, clip},
};

/// Why a text is no pointer, and what to write.
pub(super) const HELP: &str =
    "write a JSON Pointer such as \"/status\" or \"/job/state\"; `~` is ~0 and `/` is ~1 in it";

/// The value of a key that holds a JSON Pointer.
pub(super) fn pointer<'a>(field: &Field<'a>, notes: &mut Notes) -> Option<Found<&'a str>> {
    let text = field.text(notes, "a JSON Pointer such as \"/status\"")?;
    if is_pointer(text.value) {
        return Some(text);
    }
    notes.error(&text.at, format!("`{} = \"{}\"` is no JSON Pointer", field.key, clip(text.value))).help(HELP);
    None
}

/// RFC 6901, section 3: empty, or segments that each begin with `/`, in which `~` only begins `~0` and `~1`.
pub(super) fn is_pointer(text: &str) -> bool {
    let escaped = |tail: &str| tail.starts_with(['0', '1']);
    (text.is_empty() || text.starts_with('/')) && text.split('~').skip(1).all(escaped)
}
