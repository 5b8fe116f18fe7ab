//! All that proves a job's accounting.

use sqlx::SqlitePool;

use super::rows::{self, Fields};
use crate::{
    job::JobName,
    store::{Evidence, StoreError},
};

pub(super) async fn evidence(pool: SqlitePool, job: JobName) -> Result<Option<Evidence>, StoreError> {
    // One transaction: a row, its cursor and its period on two sides of a write would contradict each other.
    let mut snapshot = pool.begin().await?;
    let found = sqlx::query(
        "SELECT job, accounted_to, (SELECT value FROM meta WHERE key = 'last_tick') AS last_tick
         FROM jobs WHERE job = ?1",
    )
    .bind(job.as_str().to_owned())
    .fetch_optional(&mut *snapshot)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let periods = sqlx::query(
        "SELECT job, schedule, anchored_at, kept_after, accounted_to FROM periods WHERE job = ?1 ORDER BY number",
    )
    .bind(job.as_str().to_owned())
    .fetch_all(&mut *snapshot)
    .await?;
    // Not the whole rows: ten thousand excerpts are 80 MB.
    let entries = sqlx::query(
        r#"SELECT id, scheduled_for, through, count, state, settled FROM runs
           WHERE job = ?1 AND "trigger" IN ('schedule', 'catch_up') ORDER BY scheduled_for, id"#,
    )
    .bind(job.as_str().to_owned())
    .fetch_all(&mut *snapshot)
    .await?;
    let fields = Fields::of("job", "job", &found)?;
    Ok(Some(Evidence {
        periods: periods.iter().map(rows::period).collect::<Result<_, _>>()?,
        accounted_to: fields.instant("accounted_to")?,
        last_tick: fields.optional_instant("last_tick")?,
        entries: entries.iter().map(rows::entry).collect::<Result<_, _>>()?,
        job,
    }))
}
