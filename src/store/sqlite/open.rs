//! Putting a ledger in order before anybody uses it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{SqliteStore, blocking::blocking, corrupt, lock::LedgerLock, read, writer::Writer};
use crate::store::{FreshBecause, Opened, RunStore, StoreError};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// `PRAGMA application_id`, which the first migration sets.
const APPLICATION_ID: i64 = 0x5345_5854;

/// How long a call waits for another program's lock (an operator's `sqlite3`, a backup) before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that read. A page and a command at a time need no more.
const READERS: u32 = 4;

/// Rows that SQLite's thread may be ahead of ours: more of them, fewer turns.
const ROWS_AHEAD: usize = 1024;

/// Opens `path` for the one sidecar that writes it; see [`crate::store::open`].
pub(in crate::store) async fn open(path: PathBuf, now: DateTime<Utc>) -> Result<Opened, StoreError> {
    blocking(move || open_here(path, now)).await?
}

async fn open_here(path: PathBuf, now: DateTime<Utc>) -> Result<Opened, StoreError> {
    let path = resolved(&path)?;
    let lock = LedgerLock::take(&path)?;
    let options = writing(&path);
    let (connection, fresh_because) = match prepared(&path, &options).await {
        Ok(connection) => (connection, None),
        Err(Unfit::Corrupt(problem)) => begun_anew(&path, &options, problem, now).await?,
        Err(Unfit::Unusable(error)) => return Err(error),
    };
    let writer = Writer::start(connection, options, lock);
    let store = Arc::new(SqliteStore { reads: readers(&path), path, writer: Some(writer) });
    Ok(Opened { store, fresh_because })
}

/// Opens `path` for reading; see [`crate::store::open_read_only`].
pub(in crate::store) async fn open_read_only(path: PathBuf) -> Result<Arc<dyn RunStore>, StoreError> {
    blocking(move || async move {
        if !path.exists() {
            return Err(StoreError::Missing(path));
        }
        let path = resolved(&path)?;
        let mut connection = reading(&path).connect().await?;
        match schema(&path, &mut connection).await? {
            None => return Err(StoreError::Missing(path)),
            Some(found) if found < newest() => return Err(StoreError::Older { path, found, known: newest() }),
            Some(_) => {}
        }
        connection.close().await?;
        let store: Arc<dyn RunStore> = Arc::new(SqliteStore { reads: readers(&path), path, writer: None });
        Ok(store)
    })
    .await?
}

/// The one true path of the file, so that two names of it are one lock.
fn resolved(path: &Path) -> Result<PathBuf, StoreError> {
    let failed = |source| StoreError::Open { path: path.to_owned(), source };
    if path.is_dir() {
        return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    if path.exists() {
        return path.canonicalize().map_err(failed);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or_else(|| failed(io::Error::from(io::ErrorKind::InvalidFilename)))?;
    match folder.canonicalize() {
        Ok(folder) if folder.is_dir() => Ok(folder.join(name)),
        Ok(_) => Err(StoreError::NoFolder(folder.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::NoFolder(folder.to_owned())),
        Err(source) => Err(failed(source)),
    }
}

/// Write-ahead log and full synchronisation: what was acknowledged is on the disk, also after a power cut.
fn writing(path: &Path) -> SqliteConnectOptions {
    common(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
}

fn reading(path: &Path) -> SqliteConnectOptions {
    copying(path).pragma("query_only", "on")
}

/// Does not write the ledger either, but another file: `query_only` would forbid that too.
pub(super) fn copying(path: &Path) -> SqliteConnectOptions {
    common(path).read_only(true)
}

fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD)
        .disable_statement_logging()
}

/// Connects on first use. No connection ever ages out: a file does not hang up.
fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(reading(path))
}

/// Why a file does not become a ledger.
enum Unfit {
    /// It is damaged: another may take its place. Says how.
    Corrupt(String),
    /// It must not be touched.
    Unusable(StoreError),
}

impl<E: Into<StoreError>> From<E> for Unfit {
    fn from(error: E) -> Self {
        let error = error.into();
        match corrupt::problem(&error) {
            Some(problem) => Self::Corrupt(problem),
            None => Self::Unusable(error),
        }
    }
}

/// A connection to a ledger that is whole, ours and up to date.
async fn prepared(path: &Path, options: &SqliteConnectOptions) -> Result<SqliteConnection, Unfit> {
    if path.exists() {
        inspect(path).await?;
    }
    let mut connection = options.connect().await?;
    let read = match MIGRATIONS.run(&mut connection).await {
        Ok(()) => read_as_a_start(path).await,
        Err(error) => Err(sqlx::Error::from(error).into()),
    };
    match read {
        Ok(()) => Ok(connection),
        Err(error) => {
            // Now, not later: closing removes the log by its name, which a fresh ledger may have by then.
            connection.close().await?;
            Err(error.into())
        }
    }
}

/// Reads what every start reads. In a file that is too large to be looked through, damage there would end each start anew.
async fn read_as_a_start(path: &Path) -> Result<(), StoreError> {
    let reads = readers(path);
    let read = async {
        read::cursors(reads.clone()).await?;
        read::unfinished(reads.clone()).await?;
        read::slots(reads.clone(), DateTime::UNIX_EPOCH).await?;
        read::pauses(reads.clone()).await.map(drop)
    };
    let read = read.await;
    reads.close().await;
    read
}

/// Reads without writing a byte: connecting for writing would turn another program's database to a write-ahead log.
async fn inspect(path: &Path) -> Result<(), Unfit> {
    let mut connection = reading(path).connect().await?;
    let verdict = judge(path, &mut connection).await;
    connection.close().await?;
    verdict
}

async fn judge(path: &Path, connection: &mut SqliteConnection) -> Result<(), Unfit> {
    schema(path, connection).await?;
    let damage = corrupt::look_through(path, connection).await?;
    damage.map_or(Ok(()), |problem| Err(Unfit::Corrupt(problem)))
}

async fn begun_anew(
    path: &Path,
    options: &SqliteConnectOptions,
    problem: String,
    now: DateTime<Utc>,
) -> Result<(SqliteConnection, Option<FreshBecause>), StoreError> {
    let set_aside = corrupt::set_aside(path, now)?;
    let because = FreshBecause::Corrupt { set_aside, problem };
    tracing::error!("{because}");
    match prepared(path, options).await {
        Ok(connection) => Ok((connection, Some(because))),
        Err(Unfit::Unusable(error)) => Err(error),
        Err(Unfit::Corrupt(problem)) => {
            Err(StoreError::Open { path: path.to_owned(), source: io::Error::other(problem) })
        }
    }
}

fn newest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// The newest migration that the file has seen; `None` for a file with nothing in it.
///
/// # Errors
/// [`StoreError::Foreign`] and [`StoreError::Newer`].
async fn schema(path: &Path, connection: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    // The table of the migrations is made before the first of them runs: alone it says that somebody stopped there.
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE tbl_name <> '_sqlx_migrations'")
        .fetch_one(&mut *connection)
        .await?;
    if tables == 0 {
        return Ok(None);
    }
    let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    if id != APPLICATION_ID {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    let found: i64 =
        sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations").fetch_one(connection).await?;
    if found > newest() {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: newest() });
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;

    async fn pragmas(options: SqliteConnectOptions) -> Vec<String> {
        let mut connection = options.connect().await.unwrap();
        let mut found = Vec::new();
        for pragma in [
            "PRAGMA journal_mode",
            "PRAGMA synchronous",
            "PRAGMA foreign_keys",
            "PRAGMA busy_timeout",
            "PRAGMA query_only",
        ] {
            let row = sqlx::query(pragma).fetch_one(&mut connection).await.unwrap();
            found.push(row.try_get_unchecked(0).unwrap());
        }
        connection.close().await.unwrap();
        found
    }

    /// FULL, which is 2, is what makes a commit outlive a power cut; SQLite's own choice in WAL mode could be less.
    #[tokio::test]
    async fn each_kind_of_connection_is_set_up_as_promised() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sexton.db");
        assert_eq!(pragmas(writing(&path)).await, ["wal", "2", "1", "5000", "0"]);
        assert_eq!(pragmas(reading(&path)).await[3..], ["5000", "1"]);
    }
}
