//! The file that an import writes.

use std::fmt::Write;

use toml_edit::{DocumentMut, Item, Table, Value};
use url::Url;

use super::{ImportError, Imported, Lost};
use crate::job::{JobName, reader::clip};

/// A `jobs.toml` in the making.
#[derive(Default)]
pub(super) struct JobsFile {
    /// Comment lines at the top.
    pub(super) head: Vec<String>,
    /// `[sexton] timezone`.
    pub(super) timezone: Option<String>,
    targets: Vec<Entry>,
    jobs: Vec<Piece>,
    lost: Vec<Lost>,
}

/// A table with the comments above it.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) comments: Vec<String>,
    pub(super) keys: Vec<(&'static str, Value)>,
}

enum Piece {
    Job(Entry),
    /// Comments in the place of a job that did not carry over.
    Comment(String),
}

impl JobsFile {
    /// A file whose schedules are read as UTC, with these lines at its top.
    pub(super) fn in_utc(head: &[&str]) -> Self {
        let head = head.iter().map(|line| (*line).to_owned()).collect();
        Self { head, timezone: Some("UTC".to_owned()), ..Self::default() }
    }

    pub(super) fn target(&mut self, entry: Entry) {
        self.targets.push(entry);
    }

    /// Adds a job under its name, or the nearest that is free.
    pub(super) fn job(&mut self, entry: Entry) {
        let wished = as_name(&entry.name);
        let taken = |name: &str| self.jobs.iter().any(|piece| matches!(piece, Piece::Job(job) if job.name == name));
        let numbered = (2..).map(|n| format!("{wished}-{n}"));
        let name = std::iter::once(wished.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(wished);
        self.jobs.push(Piece::Job(Entry { name, ..entry }));
    }

    /// Notes something that is left out of a job that is there; returns the comment for it.
    pub(super) fn lose(&mut self, line: Option<usize>, what: impl Into<String>) -> String {
        let lost = Lost { line, what: what.into() };
        let comment = format!("not carried over: {}", lost.what);
        self.lost.push(lost);
        comment
    }

    /// Notes a job that is left out, in the place where it would stand.
    pub(super) fn lose_job(&mut self, line: Option<usize>, what: impl Into<String>) {
        self.lose(line, what);
        let lost = self.lost.last().map(ToString::to_string).unwrap_or_default();
        self.jobs.push(Piece::Comment(format!("not carried over: {lost}")));
    }

    pub(super) fn finish(self) -> Imported {
        let mut text = comments(&self.head);
        if let Some(zone) = &self.timezone {
            push_block(&mut text, &format!("[sexton]\ntimezone = {}\n", Value::from(zone.as_str())));
        }
        for target in &self.targets {
            push_block(&mut text, &table("targets", target));
        }
        for piece in &self.jobs {
            match piece {
                Piece::Job(job) => push_block(&mut text, &table("jobs", job)),
                Piece::Comment(comment) => push_block(&mut text, &comments(std::slice::from_ref(comment))),
            }
        }
        Imported { text, lost: self.lost }
    }
}

/// Joins blocks with one blank line.
fn push_block(text: &mut String, block: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(block);
}

fn comments(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "# {}", line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>());
        text
    })
}

fn table(kind: &str, entry: &Entry) -> String {
    let mut inner = Table::new();
    for (key, value) in &entry.keys {
        inner.insert(key, Item::Value(value.clone()));
    }
    let mut outer = Table::new();
    outer.set_implicit(true);
    outer.insert(&entry.name, Item::Table(inner));
    let mut document = DocumentMut::new();
    document.insert(kind, Item::Table(outer));
    comments(&entry.comments) + document.to_string().trim_start()
}

/// The nearest text that is a name: other characters become `-`.
pub(super) fn as_name(wished: &str) -> String {
    let plain: String = wished
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._:-".contains(c) { c } else { '-' })
        .skip_while(|c| !c.is_ascii_alphanumeric())
        .take(120)
        .collect();
    let plain = plain.trim_end_matches('-');
    if JobName::new(plain).is_ok() { plain.to_owned() } else { "job".to_owned() }
}

/// A name for a job that calls `path`: its segments without `api` and the query.
pub(super) fn name_from_path(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').filter(|segment| !matches!(*segment, "" | "api")).collect();
    if segments.is_empty() { "root".to_owned() } else { segments.join("-") }
}

/// A text from the input, for a comment.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", clip(text))
}

/// An address that a target can have: `base_url` without the slash at its end.
///
/// # Errors
/// It is none; credentials in it are refused and not shown.
pub(super) fn address(text: &str) -> Result<String, ImportError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let plain = url.filter(|url| url.query().is_none() && url.fragment().is_none());
    let plain = plain.filter(|url| url.username().is_empty() && url.password().is_none());
    let shown = if text.contains('@') { "the address of the app".to_owned() } else { quoted(text) };
    let wanted = "is none: write http://HOST:PORT, without credentials and query";
    plain
        .map(|url| url.as_str().trim_end_matches('/').to_owned())
        .ok_or_else(|| ImportError::Shape(format!("{shown} {wanted}")))
}
