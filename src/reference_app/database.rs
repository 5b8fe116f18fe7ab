//! Opening the database of a data folder, for one app at a time.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use sqlx::{
    SqlitePool,
    migrate::MigrateError,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The folder or a file in it cannot be made or opened.
    #[error("cannot use {}: {source}; choose another folder with --data, or change who owns it", path.display())]
    Folder {
        /// The folder or the file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another app runs on it.
    #[error("{} is in use by another app: stop that one, or give this one a folder of its own with --data", .0.display())]
    InUse(PathBuf),
    /// A newer sexton wrote it.
    #[error("{} was written by a newer sexton: upgrade this one, or choose another folder with --data", .0.display())]
    Newer(PathBuf),
    /// The database failed.
    #[error("the app's database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// Its tables cannot be brought up to date.
    #[error("the app's database cannot be brought up to date: {0}")]
    Migration(MigrateError),
}

/// An open database. Other apps are kept out until it is dropped.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) pool: SqlitePool,
    _lock: Lock,
}

/// The lock of a data folder. Closing the file would not always do: a child that is being started holds a copy of it until
/// it runs its program.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock of the data folder could not be given back");
        }
    }
}

impl Database {
    /// Makes what is not there yet, and brings the tables up to date.
    pub(super) async fn open(folder: &Path) -> Result<Self, DatabaseError> {
        let file = folder.join("app.db");
        let lock = claim(folder, &file)?;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        match sqlx::migrate!("./migrations/app").run(&pool).await {
            Ok(()) => Ok(Self { pool, _lock: lock }),
            Err(MigrateError::VersionMissing(_)) => Err(DatabaseError::Newer(file)),
            Err(other) => Err(DatabaseError::Migration(other)),
        }
    }
}

/// Makes the folder and its files for their owner only (they hold password hashes and repository credentials) and takes
/// the lock.
fn claim(folder: &Path, database: &Path) -> Result<Lock, DatabaseError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| DatabaseError::Folder { path, source }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
    let private = |path: &Path| {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600).open(path).map_err(failed(path))
    };
    let lock_path = folder.join("app.lock");
    let file = private(&lock_path)?;
    let lock = match file.try_lock() {
        Ok(()) => Lock(file),
        Err(TryLockError::WouldBlock) => return Err(DatabaseError::InUse(folder.to_owned())),
        Err(TryLockError::Error(source)) => return Err(DatabaseError::Folder { path: lock_path, source }),
    };
    private(database)?;
    let repositories = repositories(folder);
    fs::create_dir_all(&repositories).map_err(failed(&repositories))?;
    Ok(lock)
}

/// Where the repositories of a data folder are.
pub(super) fn repositories(folder: &Path) -> PathBuf {
    folder.join("repositories")
}

/// Turns the milliseconds of a table back into an instant.
pub(super) fn instant(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
