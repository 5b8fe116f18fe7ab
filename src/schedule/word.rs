//! The text of a schedule, cut into words that know where they stand.

use std::ops::Range;

use super::ScheduleError;

/// A piece of the text and its place in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
}

impl<'a> Word<'a> {
    pub(super) fn at(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// The part behind the first `bytes` bytes.
    pub(super) fn behind(&self, bytes: usize) -> Self {
        Self { text: &self.text[bytes..], start: self.start + bytes }
    }

    /// The part before `bytes`.
    pub(super) fn before(&self, bytes: usize) -> Self {
        Self { text: &self.text[..bytes], start: self.start }
    }

    /// Both sides of the first `separator`.
    pub(super) fn split_once(&self, separator: char) -> Option<(Self, Self)> {
        let found = self.text.find(separator)?;
        Some((self.before(found), self.behind(found + separator.len_utf8())))
    }

    /// The items of a comma list.
    pub(super) fn items(&self) -> Result<Vec<Self>, ScheduleError> {
        let mut start = self.start;
        let mut items = Vec::new();
        for text in self.text.split(',') {
            if text.is_empty() {
                return Err(ScheduleError::new(self.at(), format!("an item of the list `{}` is empty", self.text))
                    .help("write it with single commas and no spaces, like `1,3`"));
            }
            items.push(Self { text, start });
            start += text.len() + 1;
        }
        Ok(items)
    }

    /// A number of ASCII digits alone. `None` when it is not one.
    pub(super) fn number(&self) -> Option<Result<u32, ScheduleError>> {
        let digits = !self.text.is_empty() && self.text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| {
            self.text
                .parse()
                .map_err(|_overflow| ScheduleError::new(self.at(), format!("the number `{}` is too large", self.text)))
        })
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ScheduleError {
        ScheduleError::new(self.at(), message)
    }
}

/// The words of `text`. They are parted by spaces and tabs; anything else that is not visible ASCII is refused
/// (seed A30: a trailing newline, digits of other scripts).
pub(super) fn words(text: &str) -> Result<Vec<Word<'_>>, ScheduleError> {
    if let Some((start, c)) = text.char_indices().find(|(_, c)| !matches!(c, ' '..='~' | '\t')) {
        let what = if matches!(c, '\n' | '\r') { "a line break".to_owned() } else { format!("the character {c:?}") };
        return Err(ScheduleError::new(start..start + c.len_utf8(), format!("{what} has no place in a schedule"))
            .help("write it on one line, in ASCII letters, digits and signs"));
    }
    let mut words = Vec::new();
    let mut start = 0;
    for piece in text.split([' ', '\t']) {
        if !piece.is_empty() {
            words.push(Word { text: piece, start });
        }
        start += piece.len() + 1;
    }
    Ok(words)
}
