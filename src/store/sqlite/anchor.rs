//! Cursors, and the periods that begin with them.

use std::collections::HashSet;

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::{json, rows::micros, writer::Write};
use crate::store::{Cursor, StoreError};

/// Cursors to write.
pub(super) struct Anchor(pub(super) Vec<Cursor>);

#[async_trait]
impl Write for Anchor {
    type Answer = ();

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<(), StoreError> {
        for cursors in each_job_once(&self.0) {
            let rows: Vec<_> = cursors.iter().map(cursor_row).collect();
            let rows = json::rows(&rows)?;
            end_periods(ledger, &rows).await?;
            write_cursors(ledger, &rows).await?;
            begin_periods(ledger, &rows).await?;
        }
        let Some(earliest) = self.0.iter().map(|cursor| cursor.anchored_at).min() else { return Ok(()) };
        sqlx::query("UPDATE meta SET value = ?1 WHERE key = 'last_tick' AND value > ?1")
            .bind(micros(earliest))
            .execute(ledger)
            .await?;
        Ok(())
    }
}

/// Cuts a batch where a job comes again: it was anchored twice in short order, and each begins a period.
fn each_job_once(mut cursors: &[Cursor]) -> Vec<&[Cursor]> {
    let mut parts = Vec::new();
    while !cursors.is_empty() {
        let mut seen = HashSet::new();
        let end = cursors.iter().position(|cursor| !seen.insert(&cursor.job)).unwrap_or(cursors.len());
        let (part, rest) = cursors.split_at(end);
        parts.push(part);
        cursors = rest;
    }
    parts
}

/// job, definition, schedule, anchor, cursor
fn cursor_row(cursor: &Cursor) -> (&str, &str, &str, i64, i64) {
    (cursor.job.as_str(), &cursor.definition, &cursor.schedule, micros(cursor.anchored_at), micros(cursor.accounted_to))
}

async fn end_periods(ledger: &mut SqliteConnection, rows: &str) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE periods SET accounted_to = jobs.accounted_to
         FROM json_each(?1) AS anchored JOIN jobs ON jobs.job = anchored.value ->> 0
         WHERE periods.job = jobs.job AND periods.accounted_to IS NULL",
    )
    .bind(rows)
    .execute(ledger)
    .await?;
    Ok(())
}

async fn write_cursors(ledger: &mut SqliteConnection, rows: &str) -> Result<(), StoreError> {
    // The fence is not touched: it must grow over every change of the definition.
    sqlx::query(
        "INSERT INTO jobs (job, definition, schedule, anchored_at, accounted_to)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?1) WHERE true
         ON CONFLICT (job) DO UPDATE SET definition = excluded.definition, schedule = excluded.schedule,
             anchored_at = excluded.anchored_at, accounted_to = excluded.accounted_to",
    )
    .bind(rows)
    .execute(ledger)
    .await?;
    Ok(())
}

async fn begin_periods(ledger: &mut SqliteConnection, rows: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO periods (job, schedule, anchored_at, kept_after)
         SELECT value ->> 0, value ->> 2, value ->> 3, value ->> 3 FROM json_each(?1)",
    )
    .bind(rows)
    .execute(ledger)
    .await?;
    Ok(())
}
