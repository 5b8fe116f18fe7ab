//! The database that sources are imported into: a table for each, by its name, and one that tells of the imports. It is a
//! file of its own, `data.db`, so that a long import keeps no request of the app waiting for the other one.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::mpsc;

use super::{
    name::Name,
    read::{Cell, ContentError, Piece},
};
use crate::reference_app::database::instant;

/// Under what name a table grows until it is complete. No source has such a name.
const GROWING: &str = "_growing";

/// What is known of a source's last import.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Import {
    pub(super) hash: String,
    pub(super) etag: Option<String>,
    pub(super) rows: i64,
    pub(super) bytes: i64,
    imported_at: i64,
    checked_at: i64,
}

/// An import as answers show it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    rows: i64,
    bytes: i64,
    imported_at: DateTime<Utc>,
    /// When it was last found to be unchanged, or imported.
    checked_at: DateTime<Utc>,
}

/// Why a source is not imported. The table before it stays as it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImportError {
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

/// What is imported.
#[derive(Debug)]
pub(super) struct New<'a> {
    pub(super) name: &'a Name,
    pub(super) hash: &'a str,
    pub(super) etag: Option<&'a str>,
    pub(super) bytes: u64,
    pub(super) now: i64,
}

/// The last import of a source.
pub(super) async fn last(data: &SqlitePool, name: &Name) -> Result<Option<Import>, sqlx::Error> {
    sqlx::query_as("SELECT hash, etag, rows, bytes, imported_at, checked_at FROM _imports WHERE source = ?")
        .bind(name.as_str())
        .fetch_optional(data)
        .await
}

/// Notes that a source is what it was.
pub(super) async fn unchanged(data: &SqlitePool, name: &Name, etag: Option<&str>, now: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE _imports SET checked_at = ?2, etag = coalesce(?3, etag) WHERE source = ?1")
        .bind(name.as_str())
        .bind(now)
        .bind(etag)
        .execute(data)
        .await?;
    Ok(())
}

/// Replaces a source's table by what `pieces` bring, as a whole: readers see the old one until the new one is complete.
/// `advance` is told how many bytes are read. How many rows there are.
pub(super) async fn replace(
    data: &SqlitePool,
    new: New<'_>,
    mut pieces: mpsc::Receiver<Result<Piece, ContentError>>,
    advance: impl Fn(u64) + Send,
) -> Result<i64, ImportError> {
    let mut transaction = data.begin_with("BEGIN IMMEDIATE").await?;
    execute(&mut transaction, format!("DROP TABLE IF EXISTS {GROWING}")).await?;
    let mut rows: i64 = 0;
    while let Some(piece) = pieces.recv().await {
        match piece? {
            Piece::Columns(columns) => {
                let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
                execute(&mut transaction, format!("CREATE TABLE {GROWING} ({})", columns.join(", "))).await?;
            }
            Piece::Rows(batch, read) => {
                rows = rows.saturating_add(i64::try_from(batch.len()).unwrap_or(i64::MAX));
                insert(&mut transaction, batch).await?;
                advance(read);
            }
        }
    }
    let table = quoted(new.name.as_str());
    execute(&mut transaction, format!("DROP TABLE IF EXISTS {table}")).await?;
    execute(&mut transaction, format!("ALTER TABLE {GROWING} RENAME TO {table}")).await?;
    sqlx::query(
        "INSERT OR REPLACE INTO _imports (source, hash, etag, rows, bytes, imported_at, checked_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
    )
    .bind(new.name.as_str())
    .bind(new.hash)
    .bind(new.etag)
    .bind(rows)
    .bind(i64::try_from(new.bytes).unwrap_or(i64::MAX))
    .bind(new.now)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows)
}

/// Forgets a source's table and its imports.
pub(super) async fn forget(data: &SqlitePool, name: &Name) -> Result<(), sqlx::Error> {
    let mut transaction = data.begin_with("BEGIN IMMEDIATE").await?;
    execute(&mut transaction, format!("DROP TABLE IF EXISTS {}", quoted(name.as_str()))).await?;
    sqlx::query("DELETE FROM _imports WHERE source = ?").bind(name.as_str()).execute(&mut *transaction).await?;
    transaction.commit().await
}

async fn insert(database: &mut SqliteConnection, rows: Vec<Vec<Cell>>) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::<Sqlite>::new(format!("INSERT INTO {GROWING} "));
    query.push_values(rows, |mut values, row| {
        for cell in row {
            match cell {
                Cell::Null => values.push("NULL"),
                Cell::Integer(integer) => values.push_bind(integer),
                Cell::Real(real) => values.push_bind(real),
                Cell::Text(text) => values.push_bind(text),
            };
        }
    });
    query.build().persistent(false).execute(database).await?;
    Ok(())
}

/// Runs a statement whose names are [`quoted`].
async fn execute(database: &mut SqliteConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(statement)).persistent(false).execute(database).await?;
    Ok(())
}

/// A name as SQL takes it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl From<Import> for Shown {
    fn from(import: Import) -> Self {
        Self {
            rows: import.rows,
            bytes: import.bytes,
            imported_at: instant(import.imported_at),
            checked_at: instant(import.checked_at),
        }
    }
}
