//! Why the ledger cannot be used.

use std::{path::PathBuf, sync::Arc};

use crate::run::IllegalChange;

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address is none that Sexton knows. Holds it without what may be a password.
    #[error("`{0}` is no ledger address: write sqlite://FILE, for example sqlite://sexton.db")]
    Address(String),
    /// The folder that the file should be in is not there.
    #[error("the folder {} does not exist, so no ledger can be kept in it: create it, or name another file with --store", .0.display())]
    NoFolder(PathBuf),
    /// There is nothing to read.
    #[error("there is no ledger at {}: `sexton run` makes one; --store names it", .0.display())]
    Missing(PathBuf),
    /// Another sidecar has it open.
    #[error("{} is in use by another sidecar ({holder}): stop that one, or give this one a ledger of its own with --store", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
        /// What the holder wrote into the lock: its process id and host.
        holder: String,
    },
    /// A newer Sexton wrote it.
    #[error("{} was written by a newer sexton (schema {found}, this one knows {known}): upgrade this one, or restore a backup", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema found.
        found: i64,
        /// The newest schema that this build knows.
        known: i64,
    },
    /// An older Sexton wrote it, and it was opened for reading only.
    #[error("{} was written by an older sexton (schema {found}, this one reads {known}): start `sexton run` once, it brings the ledger up to date", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// The schema found.
        found: i64,
        /// The schema that this build reads.
        known: i64,
    },
    /// The file is a database, and no ledger.
    #[error("{} is a database of another program: name another file with --store", .0.display())]
    Foreign(PathBuf),
    /// The file or its folder cannot be used.
    #[error("cannot open the ledger {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// There is a file where the backup should go.
    #[error("{} exists already, and a backup replaces nothing: name a new file", .0.display())]
    BackupExists(PathBuf),
    /// The backup's file cannot be written.
    #[error("cannot write the backup {}: {source}", path.display())]
    Backup {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A row that no sexton wrote.
    #[error("the ledger holds a row that cannot be read: {0}")]
    Row(String),
    /// A change that no run may make, whatever its state.
    #[error("the ledger refused a change: {0}")]
    Illegal(#[from] IllegalChange),
    /// The database failed. Shared, because one failed transaction is the answer to every call that was part of it.
    #[error("the ledger failed: {}", explained(.0))]
    Database(Arc<sqlx::Error>),
    /// The code of a write panicked; nothing of it is written.
    #[error("the ledger did not take a write, because sexton's own code panicked in it; this is a bug")]
    Panicked,
    /// It was opened for reading only.
    #[error("the ledger was opened for reading only")]
    ReadOnly,
    /// It was closed.
    #[error("the ledger is closed")]
    Closed,
    /// It took the last writes of a stop too late, or never.
    #[error(
        "the ledger did not take the last writes in time: what they said of open runs is lost, and the next start ends those as unknown"
    )]
    Unanswered,
}

impl StoreError {
    /// Whether the write is at fault and not the ledger: it would fail again however often it is told.
    #[must_use]
    pub fn is_of_the_write(&self) -> bool {
        match self {
            Self::Row(_) | Self::Illegal(_) | Self::Panicked => true,
            Self::Database(error) => match error.as_ref() {
                sqlx::Error::Database(_) => matches!(
                    primary_code(error),
                    Some(SqliteCode::ERROR | SqliteCode::TOO_BIG | SqliteCode::CONSTRAINT | SqliteCode::MISMATCH)
                ),
                sqlx::Error::RowNotFound
                | sqlx::Error::ColumnIndexOutOfBounds { .. }
                | sqlx::Error::ColumnNotFound(_)
                | sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::Encode(_)
                | sqlx::Error::Decode(_) => true,
                _ => false,
            },
            _ => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolClosed => Self::Closed,
            error => Self::Database(Arc::new(error)),
        }
    }
}

/// What SQLite said, and what to do about it where that is known.
fn explained(error: &sqlx::Error) -> String {
    let sqlx::Error::Database(database) = error else { return error.to_string() };
    let said = database.message();
    match primary_code(error) {
        Some(SqliteCode::BUSY) => format!("{said}: another program keeps it locked; close that one"),
        Some(SqliteCode::READONLY) => format!("{said}: give sexton write permission on the file and its folder"),
        Some(SqliteCode::FULL) => format!("{said}: free some space"),
        Some(SqliteCode::CANNOT_OPEN) => {
            format!("{said}: also a reader must be able to write in its folder; run it as the sidecar's user")
        }
        Some(SqliteCode::CORRUPT | SqliteCode::NOT_A_DATABASE) => {
            format!("{said}: restart `sexton run`, which sets the file aside and begins a fresh one")
        }
        _ => said.to_owned(),
    }
}

/// The result codes of SQLite that mean something to us (<https://sqlite.org/rescode.html>).
pub(super) struct SqliteCode;

impl SqliteCode {
    const ERROR: i32 = 1;
    const BUSY: i32 = 5;
    const READONLY: i32 = 8;
    pub(super) const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const CANNOT_OPEN: i32 = 14;
    const TOO_BIG: i32 = 18;
    const CONSTRAINT: i32 = 19;
    const MISMATCH: i32 = 20;
    pub(super) const NOT_A_DATABASE: i32 = 26;
}

/// The result code without the extension in its upper bits.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
