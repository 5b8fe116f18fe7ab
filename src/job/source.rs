//! The texts that definitions are read from, and where in them something stands.

use std::{fmt, ops::Range, sync::Arc};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Attachment;

/// One file of definitions: its name as messages show it, and its text.
#[derive(Debug, Clone)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
    line_starts: Arc<[usize]>,
}

/// Where something stands: a file, and the place in it when it has one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file's name.
    pub file: Arc<str>,
    /// The place in it; `None` for the file as a whole.
    #[serde(flatten)]
    pub position: Option<Position>,
}

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The line it starts on, from 1.
    pub line: usize,
    /// The character of that line it starts at, from 1.
    pub column: usize,
    /// Its first byte in the text.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

impl Source {
    /// A text and the name that messages give it.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text, line_starts }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole file, for what has no place in it.
    #[must_use]
    pub fn whole(&self) -> Place {
        Place { file: self.name.clone(), position: None }
    }

    /// Line and column of a stretch of bytes. A stretch outside the text is cut to it.
    #[must_use]
    pub fn place(&self, span: Range<usize>) -> Place {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end).max(start);
        let line = self.line_at(start);
        let before = &self.text[self.line_starts[line]..start];
        let column = before.trim_start_matches('\u{feff}').chars().count() + 1;
        Place { file: self.name.clone(), position: Some(Position { line: line + 1, column, start, end }) }
    }

    /// The line, counted from 0, that holds a byte.
    pub(super) fn line_at(&self, byte: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= byte) - 1
    }

    pub(super) fn line_count(&self) -> usize {
        self.line_starts.len()
    }

    /// The bytes of the lines `first` to `last`, counted from 0; lines past the end are left out.
    pub(super) fn lines(&self, first: usize, last: usize) -> Range<usize> {
        let end = self.line_starts.get(last + 1).copied().unwrap_or(self.text.len());
        self.line_starts[first]..end
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.position {
            Some(Position { line, column, .. }) => write!(f, "{}:{line}:{column}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// A hash over the names and contents of all files: equal when, and only when, a load would read the same.
#[must_use]
pub fn fingerprint(sources: &[Source], attachments: &[Attachment]) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    };
    for source in sources {
        add(source.name.as_bytes());
        add(source.text.as_bytes());
    }
    for Attachment { path, content } in attachments {
        add(path.as_os_str().as_encoded_bytes());
        add(content.as_deref().unwrap_or(b"no content"));
    }
    hex(&hash.finalize())
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
