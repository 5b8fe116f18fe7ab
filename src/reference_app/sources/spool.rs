//! A copy of a source's data as it was at one moment: hashed while it is written, bounded, and gone when it is dropped.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tokio::{fs::File, io::AsyncWriteExt};

/// A copy that is complete.
#[derive(Debug)]
pub(super) struct Snapshot {
    file: Removed,
    /// SHA-256, in hex digits.
    pub(super) hash: String,
    pub(super) bytes: u64,
}

/// A copy that is being written.
pub(super) struct Spool {
    file: File,
    path: Removed,
    hash: Sha256,
    bytes: u64,
    limit: u64,
}

/// Why a copy cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the copy cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// A file that is removed when this is dropped.
#[derive(Debug)]
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "a copy of a source cannot be removed");
        }
    }
}

/// Makes the folder of copies, without those that a crash left.
pub(in crate::reference_app) fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::DirBuilder::new().mode(0o700).create(folder)
}

impl Spool {
    /// An empty copy in `folder`, under a name that is nobody else's, of `limit` bytes at most.
    pub(super) async fn new(folder: &Path, name: &str, limit: u64) -> Result<Self, SpoolError> {
        let path = folder.join(name);
        let file = File::create_new(&path).await?;
        Ok(Self { file, path: Removed(path), hash: Sha256::new(), bytes: 0, limit })
    }

    /// Adds what comes next.
    pub(super) async fn write(&mut self, chunk: &[u8]) -> Result<(), SpoolError> {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        if self.bytes > self.limit {
            return Err(SpoolError::TooLarge(self.limit));
        }
        self.hash.update(chunk);
        Ok(self.file.write_all(chunk).await?)
    }

    /// The whole copy.
    pub(super) async fn finish(mut self) -> Result<Snapshot, SpoolError> {
        self.file.flush().await?;
        let hash = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Snapshot { file: self.path, hash, bytes: self.bytes })
    }
}

impl Snapshot {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.file.0
    }
}
