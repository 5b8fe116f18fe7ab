//! A batch as one bound parameter.
//!
//! A statement costs a trip to SQLite's thread and back, so a batch of a thousand is not a thousand statements: its rows
//! travel as one JSON array, which `json_each` turns into a table.

use serde::Serialize;
use sqlx::sqlite::SqliteQueryResult;

use crate::store::StoreError;

/// The rows as a JSON array; each row is a tuple, so that SQL finds a value by its position.
pub(super) fn rows<T: Serialize>(rows: &[T]) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|error| StoreError::from(sqlx::Error::Encode(error.into())))
}

/// Holds a batch's compare-and-set to what was read in the same transaction. They can only part when a row was damaged.
pub(super) fn all_changed(what: &str, wanted: usize, done: &SqliteQueryResult) -> Result<(), StoreError> {
    if u64::try_from(wanted).is_ok_and(|wanted| wanted == done.rows_affected()) {
        return Ok(());
    }
    Err(StoreError::Row(format!("{} of {wanted} {what} changed", done.rows_affected())))
}
