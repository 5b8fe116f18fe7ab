//! What needs no writer.

use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, SqlitePool};

use super::rows::{self, Fields, micros};
use crate::{
    run::{Attempt, Run, RunId},
    store::{Cursor, Pause, RunQuery, Slot, StoreError},
};

/// A run with what its attempts say of it.
const RUN: &str = "SELECT runs.*, (SELECT count(*) FROM attempts WHERE run = runs.id) AS attempts,
     (SELECT outcome FROM attempts WHERE run = runs.id ORDER BY number DESC LIMIT 1) AS tried FROM runs";

pub(super) async fn cursors(pool: SqlitePool) -> Result<Vec<Cursor>, StoreError> {
    let found = sqlx::query("SELECT job, definition, schedule, anchored_at, accounted_to FROM jobs ORDER BY job")
        .fetch_all(&pool)
        .await?;
    found.iter().map(rows::cursor).collect()
}

pub(super) async fn last_tick(pool: SqlitePool) -> Result<Option<DateTime<Utc>>, StoreError> {
    let found = sqlx::query("SELECT key, value FROM meta WHERE key = 'last_tick'").fetch_optional(&pool).await?;
    found.map(|row| Fields::of("meta", "key", &row)?.instant("value")).transpose()
}

pub(super) async fn unfinished(pool: SqlitePool) -> Result<Vec<Run>, StoreError> {
    // The condition is that of the index runs_unfinished, word for word: otherwise SQLite would read the whole history.
    let mut sql = QueryBuilder::new(RUN);
    sql.push(" WHERE state IN ('claimed', 'queued', 'sending', 'polling', 'retry_wait') ORDER BY scheduled_for, id");
    let found = sql.build().fetch_all(&pool).await?;
    found.iter().map(rows::run).collect()
}

pub(super) async fn slots(pool: SqlitePool, t: DateTime<Utc>) -> Result<Vec<Slot>, StoreError> {
    let found = sqlx::query(
        "SELECT runs.job, slots.run, runs.state, slots.until FROM slots JOIN runs ON runs.id = slots.run
         WHERE slots.name = 'job:' || runs.job AND slots.until > ?1 ORDER BY runs.job",
    )
    .bind(micros(t))
    .fetch_all(&pool)
    .await?;
    found.iter().map(rows::slot).collect()
}

pub(super) async fn pauses(pool: SqlitePool) -> Result<Vec<Pause>, StoreError> {
    let found =
        sqlx::query("SELECT job, since, until, note, asked_by FROM pauses ORDER BY job").fetch_all(&pool).await?;
    found.iter().map(rows::pause).collect()
}

pub(super) async fn runs(pool: SqlitePool, query: RunQuery) -> Result<Vec<Run>, StoreError> {
    // Only the conditions that are asked for, so that each combination uses its own index.
    let mut sql = QueryBuilder::new(RUN);
    sql.push(" WHERE true");
    if let Some(job) = &query.job {
        sql.push(" AND job = ").push_bind(job.as_str().to_owned());
    }
    if let Some(outcome) = query.outcome {
        // A plus sign keeps the index of outcomes out: a job's own history is shorter than that of `succeeded`.
        let column = if query.job.is_some() { "+outcome" } else { "outcome" };
        sql.push(format_args!(" AND {column} = ")).push_bind(outcome.as_str());
    }
    if let Some((first, last)) = query.within {
        sql.push(" AND scheduled_for BETWEEN ").push_bind(micros(first)).push(" AND ").push_bind(micros(last));
    }
    if let Some((instant, id)) = query.before {
        sql.push(" AND (scheduled_for, id) < (")
            .push_bind(micros(instant))
            .push(", ")
            .push_bind(id.to_string())
            .push(")");
    }
    sql.push(" ORDER BY scheduled_for DESC, id DESC LIMIT ").push_bind(query.limit);
    let found = sql.build().fetch_all(&pool).await?;
    found.iter().map(rows::run).collect()
}

pub(super) async fn run(pool: SqlitePool, id: RunId) -> Result<Option<(Run, Vec<Attempt>)>, StoreError> {
    // One transaction, or the run and its attempts could be read on either side of a write.
    let mut snapshot = pool.begin().await?;
    let mut sql = QueryBuilder::new(RUN);
    sql.push(" WHERE id = ").push_bind(id.to_string());
    let found = sql.build().fetch_optional(&mut *snapshot).await?;
    let Some(found) = found else { return Ok(None) };
    let attempts = sqlx::query("SELECT * FROM attempts WHERE run = ?1 ORDER BY number")
        .bind(id.to_string())
        .fetch_all(&mut *snapshot)
        .await?;
    let attempts = attempts.iter().map(rows::attempt).collect::<Result<_, _>>()?;
    Ok(Some((rows::run(&found)?, attempts)))
}
