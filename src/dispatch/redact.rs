//! Takes secrets out of text that is to be kept (guarantee G5), and cuts it (seed D12).
//!
//! An app may echo what it was sent in many clothes: as it is, in JSON, in an address, in a page, in a page within JSON, in
//! base64. So a secret is looked for character by character in each of these writings, whichever characters the app chose
//! to escape.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

/// How much of an answer is kept, in bytes.
const EXCERPT_LIMIT: usize = 8 * 1024;

/// What stands where a secret stood.
const MARK: &str = "[redacted]";

/// Parts of a secret value between spaces (`Key abc`) are secrets of their own from this length on; below it they are
/// words like `Bearer`. `jobs.toml` takes no secret shorter than that.
const PART: usize = 8;

/// The secrets that one attempt knows.
pub(super) struct Redactor {
    secrets: Vec<Zeroizing<String>>,
    base64: Vec<Zeroizing<String>>,
}

impl Redactor {
    /// Looks for `secrets`, and for their parts between spaces.
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all: Vec<Zeroizing<String>> = secrets
            .into_iter()
            .flat_map(|secret| {
                std::iter::once(secret).chain(secret.split_whitespace().filter(|part| part.len() >= PART))
            })
            .filter(|secret| !secret.is_empty())
            .map(|secret| Zeroizing::new(secret.to_owned()))
            .collect();
        // The longest first: a secret that begins with another one is taken out whole.
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        let base64 = all.iter().filter(|secret| secret.len() >= PART).flat_map(|secret| encoded(secret)).collect();
        Self { secrets: all, base64 }
    }

    /// The beginning of `bytes` as text without secrets, at most 8 KiB, cut on a character. What is no UTF-8 or no text
    /// shows as U+FFFD. `None` when nothing is there.
    pub(super) fn excerpt(&self, bytes: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(bytes);
        let mut rest = text.as_ref();
        let mut kept = String::new();
        while let Some(next) = rest.chars().next() {
            let (shown, taken) = match self.secret_at(rest) {
                Some(length) => (MARK, length),
                None if is_text(next) => (&rest[..next.len_utf8()], next.len_utf8()),
                None => ("\u{fffd}", next.len_utf8()),
            };
            if kept.len() + shown.len() > EXCERPT_LIMIT {
                break;
            }
            kept.push_str(shown);
            rest = &rest[taken..];
        }
        (!kept.is_empty()).then_some(kept)
    }

    /// `words` and, below them, the beginning of `body`.
    pub(super) fn excerpt_with(&self, words: &str, body: &[u8]) -> Option<String> {
        if words.is_empty() {
            return self.excerpt(body);
        }
        let mut text = format!("{words}\n").into_bytes();
        text.extend_from_slice(body);
        self.excerpt(&text)
    }

    /// Whether there is a secret in `text`.
    pub(super) fn finds(&self, text: &str) -> bool {
        text.char_indices().any(|(at, _)| self.secret_at(&text[at..]).is_some())
    }

    /// The length of the secret that `text` starts with, in bytes of `text`.
    fn secret_at(&self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let written =
            |secret: &Zeroizing<String>| WRITINGS.iter().find_map(|writing| length_of(secret, bytes, *writing));
        let in_base64 = |core: &Zeroizing<String>| {
            let inside = bytes.starts_with(core.as_bytes());
            inside.then(|| core.len() + bytes[core.len()..].iter().take_while(|byte| is_base64(**byte)).count())
        };
        self.secrets.iter().find_map(written).or_else(|| self.base64.iter().find_map(in_base64))
    }
}

/// Control characters other than line breaks and tabs have no place in a ledger or on a terminal; NUL not in Postgres.
fn is_text(c: char) -> bool {
    !c.is_control() || matches!(c, '\n' | '\r' | '\t')
}

/// How one character of a secret may be written: the number of bytes it takes at the beginning of the text, if it is there.
type Writing = fn(u8, &[u8]) -> Option<usize>;

const WRITINGS: [Writing; 5] = [as_it_is, in_json, in_an_address, in_a_page, in_a_page_in_json];

/// The length of `secret` at the beginning of `text`, when each of its bytes is there in this writing.
fn length_of(secret: &str, text: &[u8], writing: Writing) -> Option<usize> {
    let mut length = 0;
    for byte in secret.bytes() {
        length += writing(byte, text.get(length..)?)?;
    }
    Some(length)
}

fn in_a_page_in_json(byte: u8, text: &[u8]) -> Option<usize> {
    if text.starts_with(b"&") { in_a_page(byte, text) } else { in_json(byte, text) }
}

fn as_it_is(byte: u8, text: &[u8]) -> Option<usize> {
    (text.first() == Some(&byte)).then_some(1)
}

/// JSON: `\"`, `\\`, `\/`, or `\u002f`; JSON within JSON doubles the backslashes, and is not told apart.
fn in_json(byte: u8, text: &[u8]) -> Option<usize> {
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    let after = &text[slashes..];
    if byte == b'\\' {
        return escaped_unit(byte, slashes, after).or((slashes >= 2).then_some(2));
    }
    let plain = (slashes == 0 || byte.is_ascii_punctuation()).then(|| as_it_is(byte, after)).flatten();
    plain.map(|one| slashes + one).or_else(|| escaped_unit(byte, slashes, after))
}

fn escaped_unit(byte: u8, slashes: usize, after: &[u8]) -> Option<usize> {
    let digits = after.strip_prefix(b"u00").filter(|_| slashes > 0)?;
    (hex(digits)? == byte).then_some(slashes + 5)
}

/// Percent-encoding (RFC 3986), of as many characters as the app liked; a form writes the space as `+`.
fn in_an_address(byte: u8, text: &[u8]) -> Option<usize> {
    match text.strip_prefix(b"%") {
        Some(digits) => (hex(digits)? == byte).then_some(3),
        None if byte == b' ' && text.first() == Some(&b'+') => Some(1),
        None => as_it_is(byte, text),
    }
}

/// HTML: named for the five that must be escaped, or by number.
fn in_a_page(byte: u8, text: &[u8]) -> Option<usize> {
    let Some(entity) = text.strip_prefix(b"&") else { return as_it_is(byte, text) };
    let end = entity.iter().take(8).position(|byte| *byte == b';')?;
    let code = match &entity[..end] {
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        b"quot" => b'"',
        b"apos" => b'\'',
        number => numbered(number)?,
    };
    (code == byte).then_some(end + 2)
}

fn numbered(entity: &[u8]) -> Option<u8> {
    let number = std::str::from_utf8(entity.strip_prefix(b"#")?).ok()?;
    match number.strip_prefix(['x', 'X']) {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => number.parse().ok(),
    }
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits.get(..2)?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

/// What of `secret` shows in base64, in both alphabets: by itself, or within something longer at each of the three places
/// that a byte can have in a group. Only groups that hold nothing else count; the rest of the run goes with them.
fn encoded(secret: &str) -> impl Iterator<Item = Zeroizing<String>> {
    let shifted = [(0, 0), (1, 2), (2, 3)].map(|(before, shared)| {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(secret.as_bytes());
        bytes.truncate(bytes.len() / 3 * 3);
        (bytes, shared)
    });
    shifted.into_iter().flat_map(|(bytes, shared)| {
        [BASE64_STANDARD_NO_PAD.encode(&bytes), BASE64_URL_SAFE_NO_PAD.encode(&bytes)]
            .map(|text| Zeroizing::new(text[shared..].to_owned()))
    })
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte)
}

/// What an address's percent-encoded part stands for.
pub(super) fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = bytes[at..].strip_prefix(b"%").and_then(hex);
        decoded.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}
