//! `body_file`: files beside the definitions whose content is sent.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs, io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use super::{
    Body, Source,
    finding::Notes,
    reader::{Field, Found, clip},
};

/// The longest body that is kept in memory for each of its jobs' requests.
const LONGEST: u64 = 1 << 20;

/// A file that a load read besides the definitions, or could not read.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it; `None` when it is of no use.
    pub content: Option<Arc<[u8]>>,
}

impl Attachment {
    /// Reads a file.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        Self { path: path.to_owned(), content: content(path).ok() }
    }
}

/// What a file held, or why it cannot be read.
type Content = Result<Arc<[u8]>, String>;

/// Reads each file once, however many jobs send it.
#[derive(Debug)]
pub(super) struct Attachments {
    folder: PathBuf,
    files: RefCell<BTreeMap<PathBuf, Content>>,
}

impl Attachments {
    /// Those of the definitions whose main file is the first of `sources`.
    pub(super) fn of(sources: &[Source]) -> Self {
        let main = sources.first().map(|source| Path::new(source.name().as_ref()));
        let folder = main.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
        Self { folder: folder.unwrap_or(Path::new(".")).to_owned(), files: RefCell::default() }
    }

    /// The body that `body_file` names.
    pub(super) fn body(&self, field: &Field, notes: &mut Notes) -> Option<Found<Body>> {
        let text = field.text(notes, "the name of a file next to jobs.toml, such as \"body.json\"")?;
        let plain = |component| matches!(component, Component::Normal(_) | Component::CurDir);
        if text.value.is_empty() || !Path::new(text.value).components().all(plain) {
            notes
                .error(&text.at, format!("`body_file = \"{}\"` leads out of the folder of jobs.toml", clip(text.value)))
                .help("write a name relative to that folder, such as \"bodies/refresh.json\"");
            return None;
        }
        let path = self.folder.join(text.value);
        let mut files = self.files.borrow_mut();
        match files.entry(path).or_insert_with_key(|path| self.inside(path)) {
            Ok(bytes) => {
                let media_type = media_type(text.value, bytes);
                Some(Found { value: Body::File { bytes: Arc::clone(bytes), media_type }, at: text.at })
            }
            Err(why) => {
                notes
                    .error(&text.at, format!("`body_file = \"{}\"` {why}", clip(text.value)))
                    .help("name a file of 1 MiB at most under the folder of jobs.toml");
                None
            }
        }
    }

    /// Whatever links the way is made of, the file itself lies under the folder: jobs.toml may be written by somebody who
    /// may not read everything that Sexton may.
    fn inside(&self, path: &Path) -> Result<Arc<[u8]>, String> {
        let words = |error: io::Error| format!("cannot be read: {error}");
        let (real, folder) = (fs::canonicalize(path).map_err(words)?, fs::canonicalize(&self.folder).map_err(words)?);
        if !real.starts_with(folder) {
            return Err("is a link that leads out of the folder of jobs.toml".to_owned());
        }
        content(path).map_err(words)
    }

    pub(super) fn into_list(self) -> Vec<Attachment> {
        let files = self.files.into_inner().into_iter();
        files.map(|(path, content)| Attachment { path, content: content.ok() }).collect()
    }
}

fn content(path: &Path) -> io::Result<Arc<[u8]>> {
    let meta = fs::metadata(path)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if meta.len() > LONGEST {
        return Err(io::Error::other(format!("it has {} bytes, more than 1 MiB", meta.len())));
    }
    fs::read(path).map(Arc::from)
}

fn media_type(name: &str, bytes: &[u8]) -> &'static str {
    if Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
        "application/json"
    } else if str::from_utf8(bytes).is_ok() {
        "text/plain; charset=utf-8"
    } else {
        "application/octet-stream"
    }
}
