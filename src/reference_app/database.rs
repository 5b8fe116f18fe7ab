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
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::sources::clear;

/// The app's own database in a data folder.
const FILE: &str = "app.db";

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

/// The open databases. Other apps are kept out until it is dropped.
#[derive(Debug)]
pub(super) struct Database {
    /// The app's own tables.
    pub(super) pool: SqlitePool,
    /// What it imported: a file of its own, since an import may take long and a file has one writer at a time.
    pub(super) data: SqlitePool,
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
        let (app, data) = (folder.join(FILE), folder.join("data.db"));
        let lock = claim(folder, [&app, &data])?;
        let pool = connect(app, sqlx::migrate!("./migrations/app")).await?;
        let data = connect(data, sqlx::migrate!("./migrations/data")).await?;
        Ok(Self { pool, data, _lock: lock })
    }

    /// Waits for what is under way, and closes both.
    pub(super) async fn close(&self) {
        self.pool.close().await;
        self.data.close().await;
    }
}

async fn connect(file: PathBuf, migrator: Migrator) -> Result<SqlitePool, DatabaseError> {
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options(&file)).await?;
    match migrator.run(&pool).await {
        Ok(()) => Ok(pool),
        Err(MigrateError::VersionMissing(_)) => Err(DatabaseError::Newer(file)),
        Err(other) => Err(DatabaseError::Migration(other)),
    }
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
}

/// Opens the database of an app that ran before, beside the app if that runs now. It is made by no command.
pub(super) async fn beside(folder: &Path) -> Result<SqlitePool, DatabaseError> {
    let file = folder.join(FILE);
    if let Err(source) = fs::metadata(&file) {
        return Err(DatabaseError::Folder { path: file, source });
    }
    Ok(SqlitePoolOptions::new().max_connections(1).connect_with(options(&file)).await?)
}

/// Makes the folder and its files for their owner only (they hold password hashes and repository credentials) and takes
/// the lock.
fn claim(folder: &Path, databases: [&Path; 2]) -> Result<Lock, DatabaseError> {
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
    for database in databases {
        private(database)?;
    }
    for folder in [repositories(folder), sources(folder)] {
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
    }
    let spool = spool(folder);
    clear(&spool).map_err(failed(&spool))?;
    Ok(lock)
}

/// Where the repositories of a data folder are.
pub(super) fn repositories(folder: &Path) -> PathBuf {
    folder.join("repositories")
}

/// Where the files of a data folder are that may be imported.
pub(super) fn sources(folder: &Path) -> PathBuf {
    folder.join("sources")
}

/// Where copies of what is imported are while it is.
pub(super) fn spool(folder: &Path) -> PathBuf {
    folder.join("spool")
}

/// Turns the milliseconds of a table back into an instant.
pub(super) fn instant(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
