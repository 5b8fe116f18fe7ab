//! The lock that keeps a second sidecar from the same file.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    process,
};

use crate::store::StoreError;

/// How much of a lock file is believed: a process id and a host name fit.
const HOLDER_LIMIT: u64 = 256;

/// The exclusive lock on `FILE.lock`. The operating system takes it back when the process ends, however it ends, so a
/// file that is left over locks nothing. It is not removed: somebody else may have it open to wait for the lock.
#[derive(Debug)]
pub(super) struct LedgerLock(File);

impl LedgerLock {
    /// Takes the lock of the ledger `ledger` and writes down who has it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] naming the holder, or [`StoreError::Open`].
    pub(super) fn take(ledger: &Path) -> Result<Self, StoreError> {
        let path = beside(ledger, ".lock");
        let failed = |source| StoreError::Open { path: path.clone(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse { path: ledger.to_owned(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        sign(&mut file).map_err(failed)?;
        Ok(Self(file))
    }
}

/// Closing the file is not enough: a process that is being started at this moment has a copy of it until it runs its own
/// program, and the lock is the file's, not ours.
impl Drop for LedgerLock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the ledger's lock was not given back, it goes when the process ends");
        }
    }
}

/// The path with `ending` after its last character: `sexton.db` and `sexton.db.lock`.
pub(super) fn beside(ledger: &Path, ending: &str) -> PathBuf {
    let mut path = ledger.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}

fn sign(file: &mut File) -> io::Result<()> {
    let host = rustix::system::uname();
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {} on {}", process::id(), host.nodename().to_string_lossy())
}

/// What the holder wrote, as far as it can be read: the error is about the lock, not about this.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(HOLDER_LIMIT).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "which did not say who it is".to_owned(),
    }
}
