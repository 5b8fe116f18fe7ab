//! Changes to the text of `jobs.toml` that leave comments, order and blank lines as they are.
//!
//! The result is text, not yet known to be valid: who writes it to a file loads it first.

mod assignment;
mod sections;

use toml_edit::{Document, DocumentMut, InlineTable, Item, TableLike, Value};

pub(super) use self::assignment::from_json;
pub use self::assignment::{Assignment, key_path};
use self::sections::Outline;

/// Why a change cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is no TOML.
    #[error("the file is no TOML, mend it first: {0}")]
    Syntax(String),
    /// A job of that name is there already.
    #[error("there is a job `{0}` already: `sexton set` changes it")]
    Exists(String),
    /// No job has that name.
    #[error("there is no job `{0}`")]
    Missing(String),
    /// Not `KEY=VALUE`.
    #[error("`{0}` is no change: write KEY=VALUE, such as timeout=5m or headers.X-Org=acme")]
    Assignment(String),
    /// A value that the key cannot take.
    #[error("`{key}` cannot be \"{value}\": {reason}")]
    Value {
        /// The key.
        key: String,
        /// What it was to be.
        value: String,
        /// Why not.
        reason: String,
    },
    /// Part of a key's path is something other than a table.
    #[error("`{0}` is not a table: unset it first, or edit the file")]
    NotATable(String),
    /// A key to be taken out is not there.
    #[error("job `{job}` has no key `{key}`")]
    NoSuchKey {
        /// The job.
        job: String,
        /// The key.
        key: String,
    },
}

/// Adds the job `name` behind the other jobs.
///
/// # Errors
/// The text is no TOML, or has the job.
pub fn add(text: &str, name: &str, assignments: &[Assignment]) -> Result<String, EditError> {
    let document = parse(text)?;
    if job_of(document.as_table(), name).is_some() {
        return Err(EditError::Exists(name.to_owned()));
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut block = fresh(name, assignments)?;
    if newline != "\n" {
        block = block.replace('\n', newline);
    }
    let at = Outline::of(&document, text).end_of_jobs();
    let (before, after) = text.split_at(at);
    let mut edited = before.to_owned();
    if !before.is_empty() {
        if !before.ends_with('\n') {
            edited.push_str(newline);
        }
        edited.push_str(newline);
    }
    edited.push_str(&block);
    if !after.trim().is_empty() && !after.starts_with(['\r', '\n']) {
        edited.push_str(newline);
    }
    edited.push_str(after);
    Ok(edited)
}

/// Changes keys of the job `name`, and takes those of `unset` out.
///
/// # Errors
/// The text is no TOML, or lacks the job, a key to be taken out, or a table on the way to a key.
pub fn set(text: &str, name: &str, assignments: &[Assignment], unset: &[Vec<String>]) -> Result<String, EditError> {
    let mut document = parse(text)?.into_mut();
    let job = job_of_mut(&mut document, name).ok_or_else(|| EditError::Missing(name.to_owned()))?;
    for path in unset {
        let gone = take_out(job, path);
        if !gone {
            return Err(EditError::NoSuchKey { job: name.to_owned(), key: path.join(".") });
        }
    }
    for assignment in assignments {
        assign(job, assignment)?;
    }
    Ok(as_before(text, &document))
}

/// Takes the job `name` out, with the comments directly above it and directly below its keys.
///
/// # Errors
/// The text is no TOML, or lacks the job.
pub fn remove(text: &str, name: &str) -> Result<String, EditError> {
    let document = parse(text)?;
    if job_of(document.as_table(), name).is_none() {
        return Err(EditError::Missing(name.to_owned()));
    }
    let stretches = Outline::of(&document, text).stretches_of_job(name);
    if stretches.is_empty() {
        // Written inline or with dotted keys.
        let mut document = document.into_mut();
        if let Some(jobs) = document.get_mut("jobs").and_then(Item::as_table_like_mut) {
            jobs.remove(name);
        }
        return Ok(as_before(text, &document));
    }
    let mut edited = text.to_owned();
    for stretch in stretches.into_iter().rev() {
        edited.replace_range(stretch, "");
    }
    Ok(edited)
}

/// Whether a text defines the job `name`. A text that is no TOML defines none.
#[must_use]
pub fn defines(text: &str, name: &str) -> bool {
    parse(text).is_ok_and(|document| job_of(document.as_table(), name).is_some())
}

fn parse(text: &str) -> Result<Document<&str>, EditError> {
    Document::parse(text).map_err(|error| EditError::Syntax(error.message().to_owned()))
}

fn job_of<'a>(root: &'a toml_edit::Table, name: &str) -> Option<&'a Item> {
    root.get("jobs")?.as_table_like()?.get(name)
}

fn job_of_mut<'a>(document: &'a mut DocumentMut, name: &str) -> Option<&'a mut dyn TableLike> {
    document.get_mut("jobs")?.as_table_like_mut()?.get_mut(name)?.as_table_like_mut()
}

/// The text of a new job.
fn fresh(name: &str, assignments: &[Assignment]) -> Result<String, EditError> {
    let mut job = toml_edit::Table::new();
    for assignment in assignments {
        assign(&mut job, assignment)?;
    }
    let mut jobs = toml_edit::Table::new();
    jobs.set_implicit(true);
    jobs.insert(name, Item::Table(job));
    let mut document = DocumentMut::new();
    document.insert("jobs", Item::Table(jobs));
    Ok(document.to_string().trim_start().to_owned())
}

/// Sets one key; the comment behind the old value stays. Tables on the way are made inline.
fn assign(job: &mut dyn TableLike, Assignment { path, value }: &Assignment) -> Result<(), EditError> {
    let Some((key, within)) = path.split_first() else { return Ok(()) };
    assign_at(job, key, within, value)
}

fn assign_at(table: &mut dyn TableLike, key: &str, within: &[String], value: &Value) -> Result<(), EditError> {
    let Some((next, within)) = within.split_first() else { return put(table, key, value) };
    if !table.contains_key(key) {
        table.insert(key, toml_edit::value(InlineTable::new()));
    }
    match table.get_mut(key) {
        Some(Item::Value(Value::InlineTable(inline))) if within.is_empty() && !inline.contains_key(next) => {
            append(inline, next, value.clone());
            Ok(())
        }
        Some(item) => match item.as_table_like_mut() {
            Some(inner) => assign_at(inner, next, within, value),
            None => Err(EditError::NotATable(key.to_owned())),
        },
        None => Err(EditError::NotATable(key.to_owned())),
    }
}

fn put(table: &mut dyn TableLike, key: &str, value: &Value) -> Result<(), EditError> {
    let mut value = value.clone();
    match table.get_mut(key) {
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        Some(_) => return Err(EditError::NotATable(key.to_owned())),
        None => {
            table.insert(key, Item::Value(value));
        }
    }
    Ok(())
}

/// Adds to an inline table; the blank before its brace moves behind the new last value.
fn append(inline: &mut InlineTable, key: &str, mut value: Value) {
    if let Some((_, last)) = inline.iter_mut().last() {
        let blank = last.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default().to_owned();
        if blank.trim().is_empty() {
            last.decor_mut().set_suffix("");
            value.decor_mut().set_prefix(" ");
            value.decor_mut().set_suffix(blank);
        }
    }
    inline.insert(key, value);
}

fn take_out(job: &mut dyn TableLike, path: &[String]) -> bool {
    let Some((last, tables)) = path.split_last() else { return false };
    let mut table = job;
    for key in tables {
        match table.get_mut(key).and_then(Item::as_table_like_mut) {
            Some(inner) => table = inner,
            None => return false,
        }
    }
    table.remove(last).is_some()
}

/// The text of an edited document with the line endings and the byte order mark that it had.
fn as_before(text: &str, document: &DocumentMut) -> String {
    let mut edited = document.to_string();
    if text.contains("\r\n") {
        edited = edited.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if text.starts_with('\u{feff}') && !edited.starts_with('\u{feff}') {
        edited.insert(0, '\u{feff}');
    }
    edited
}
