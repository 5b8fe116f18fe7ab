//! A file that is no ledger any more is set aside, never deleted (seed A22).

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::lock::beside;
use crate::store::{
    StoreError,
    error::{SqliteCode, primary_code},
};

/// Up to this size a file is looked through when it is opened; it is read in about a second. In a larger one
/// what a start reads is read, and damage elsewhere shows when it is met, as an error of that call.
const CHECKED_UP_TO: u64 = 256 * 1024 * 1024;

/// The files that are one database.
const ENDINGS: [&str; 3] = ["", "-wal", "-shm"];

/// What is wrong with the file, if that is the trouble.
pub(super) fn problem(error: &StoreError) -> Option<String> {
    let StoreError::Database(error) = error else { return None };
    let corrupt = matches!(primary_code(error), Some(SqliteCode::CORRUPT | SqliteCode::NOT_A_DATABASE));
    corrupt
        .then(|| error.as_database_error().map_or_else(|| error.to_string(), |database| database.message().to_owned()))
}

/// Looks through the file for damage; `Some` says what was found first.
pub(super) async fn look_through(path: &Path, connection: &mut SqliteConnection) -> Result<Option<String>, StoreError> {
    let size = fs::metadata(path).map_err(|source| StoreError::Open { path: path.to_owned(), source })?.len();
    if size > CHECKED_UP_TO {
        return Ok(None);
    }
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(connection).await?;
    Ok((found != "ok").then_some(found))
}

/// Renames the file and what belongs to it, so that a fresh one can take its place. Gives the new name.
pub(super) fn set_aside(path: &Path, now: DateTime<Utc>) -> Result<PathBuf, StoreError> {
    let aside = free_name(path, now);
    for ending in ENDINGS {
        match fs::rename(beside(path, ending), beside(&aside, ending)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::Open { path: path.to_owned(), source }),
        }
    }
    Ok(aside)
}

/// A second one within the same second must not replace the first.
fn free_name(path: &Path, now: DateTime<Utc>) -> PathBuf {
    let name = beside(path, &format!(".corrupt-{}", now.format("%Y%m%dT%H%M%SZ")));
    let numbered = (2..).map(|n| beside(&name, &format!("-{n}")));
    std::iter::once(name.clone()).chain(numbered).find(|name| !name.exists()).unwrap_or(name)
}
