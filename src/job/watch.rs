//! Notices that the files of definitions changed.
//!
//! It looks instead of listening: bind mounts have no reliable notifications, and editors, Kubernetes and `git checkout`
//! swap files in ways that a watched inode does not see (seed E17).

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Attachment, Report, Source,
    files::{further_files, read_sources},
    fingerprint,
};

/// How often it looks at the files' metadata.
pub const LOOK: Duration = Duration::from_secs(1);
/// Every so many looks it reads the files whatever their metadata say.
const READ_ANYWAY: u32 = 30;
/// Two readings that far apart must agree, or an editor may be in the middle of writing.
const SETTLE: Duration = Duration::from_millis(200);
/// How often it waits for the files to settle before the next look tries again.
const PATIENCE: u32 = 3;

/// Watches one file of definitions and the `jobs.d` next to it.
#[derive(Debug)]
pub struct FileWatch {
    path: PathBuf,
    /// What the definitions name beside them.
    attached: Vec<PathBuf>,
    stamps: Vec<Option<Stamp>>,
    known: Content,
    looks: u32,
}

/// What metadata say of one file: where it is in fact, its inode, size and times.
type Stamp = (PathBuf, u64, u64, i64, i64, i64, i64);

/// The texts, or why they cannot be read.
type Content = Result<String, String>;

impl FileWatch {
    /// Watches `path`. What [`FileWatch::knows`] is told next is taken for known.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        // No stamps: the first look reads, so that a change since the load is not missed.
        let known = Err("never read".to_owned());
        Self { path, attached: Vec::new(), stamps: Vec::new(), known, looks: 0 }
    }

    /// What a load read, whether it can be used or not: only other contents are news.
    pub fn knows(&mut self, sources: &[Source], attachments: &[Attachment]) {
        self.known = Ok(fingerprint(sources, attachments));
        self.attached = attachments.iter().map(|attachment| attachment.path.clone()).collect();
    }

    /// One look, cheap when nothing changed. `Some` when the texts are others than at the last answer, or cannot be read
    /// any more, and have settled. `now` reads them whatever their metadata say.
    pub async fn look(&mut self, now: bool) -> Option<Result<Vec<Source>, Report>> {
        self.looks += 1;
        let (path, attached) = (self.path.clone(), self.attached.clone());
        let stamps = off_the_workers(move || stamps(&path, attached)).await?;
        let anyway = now || self.looks.is_multiple_of(READ_ANYWAY);
        if stamps == self.stamps && !anyway {
            return None;
        }
        let read = self.settled().await?;
        self.stamps = stamps;
        let content = content(&read, &self.attached);
        (std::mem::replace(&mut self.known, content.clone()) != content).then_some(read)
    }

    async fn settled(&self) -> Option<Result<Vec<Source>, Report>> {
        let (_, mut before) = self.read().await?;
        for _ in 0..PATIENCE {
            tokio::time::sleep(SETTLE).await;
            let (read, after) = self.read().await?;
            if before == after {
                return Some(read);
            }
            before = after;
        }
        None
    }

    async fn read(&self) -> Option<(Result<Vec<Source>, Report>, Content)> {
        let (path, attached) = (self.path.clone(), self.attached.clone());
        off_the_workers(move || {
            let read = read_sources(&path);
            let content = content(&read, &attached);
            (read, content)
        })
        .await
    }
}

/// Work that would keep a thread from the firings. `None` when the runtime ends meanwhile, or the work panicked.
pub async fn off_the_workers<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.inspect_err(|error| tracing::error!(%error, "the definitions could not be looked at")).ok()
}

fn content(read: &Result<Vec<Source>, Report>, attached: &[PathBuf]) -> Content {
    match read {
        Ok(sources) => {
            let attachments: Vec<_> = attached.iter().map(|path| Attachment::read(path)).collect();
            Ok(fingerprint(sources, &attachments))
        }
        Err(report) => Err(report.findings.iter().map(ToString::to_string).collect()),
    }
}

fn stamps(path: &Path, attached: Vec<PathBuf>) -> Vec<Option<Stamp>> {
    let more = further_files(path).unwrap_or_default();
    std::iter::once(path.to_owned()).chain(more).chain(attached).map(|file| stamp(&file)).collect()
}

fn stamp(file: &Path) -> Option<Stamp> {
    let (real, meta) = (fs::canonicalize(file).ok()?, fs::metadata(file).ok()?);
    Some((real, meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()))
}
