//! The history is kept within bounds.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{SqliteConnection, SqlitePool};

use super::{
    json,
    rows::{Fields, micros},
    writer::Write,
};
use crate::store::StoreError;

/// So many rows are removed in one transaction, so that a claim never waits long for it.
pub(super) const AT_ONCE: usize = 1000;

/// The runs that are too old or too many, finished or not. Looked for by a reader: it may take a while.
pub(super) async fn surplus(
    pool: SqlitePool,
    now: DateTime<Utc>,
    keep: Duration,
    per_job: u64,
) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    if let Some(oldest) = oldest(now, keep) {
        ids = sqlx::query_scalar("SELECT id FROM runs WHERE scheduled_for < ?1 AND through < ?1")
            .bind(micros(oldest))
            .fetch_all(&pool)
            .await?;
    }
    let jobs: Vec<String> = sqlx::query_scalar("SELECT job FROM jobs").fetch_all(&pool).await?;
    for job in jobs {
        let older: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM runs WHERE job = ?1 ORDER BY scheduled_for DESC, id DESC LIMIT -1 OFFSET ?2",
        )
        .bind(job)
        .bind(i64::try_from(per_job).unwrap_or(i64::MAX))
        .fetch_all(&pool)
        .await?;
        ids.extend(older);
    }
    Ok(ids)
}

/// Before when a run is too old. A time longer than the calendar keeps everything.
fn oldest(now: DateTime<Utc>, keep: Duration) -> Option<DateTime<Utc>> {
    now.checked_sub_signed(TimeDelta::from_std(keep).ok()?)
}

/// Runs to remove, with their attempts; the answer is how many went.
pub(super) struct Remove {
    pub(super) now: DateTime<Utc>,
    pub(super) keep: Duration,
    pub(super) ids: Vec<String>,
}

#[async_trait]
impl Write for Remove {
    type Answer = u64;

    /// A run without an outcome stays, and one that has its slot: its job would not know any more what holds it. One that is
    /// unknown and may yet be settled goes by its age alone.
    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<u64, StoreError> {
        let ids = json::rows(&self.ids)?;
        let removed = sqlx::query(
            r#"DELETE FROM runs WHERE id IN (SELECT value FROM json_each(?1)) AND outcome IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM slots WHERE slots.run = runs.id AND slots.until > ?2)
               AND (outcome <> 'unknown' OR settled IS NOT NULL OR through < ?3)
               RETURNING id, job, through, "trigger" IN ('schedule', 'catch_up') AS occurrence"#,
        )
        .bind(ids)
        .bind(micros(self.now))
        .bind(oldest(self.now, self.keep).map(micros))
        .fetch_all(&mut *ledger)
        .await?;
        let mut newest: HashMap<String, i64> = HashMap::new();
        for row in &removed {
            let fields = Fields::of("run", "id", row)?;
            if fields.get("occurrence")? {
                let (job, through): (String, i64) = (fields.get("job")?, fields.get("through")?);
                newest.entry(job).and_modify(|newest| *newest = through.max(*newest)).or_insert(through);
            }
        }
        note_pruned(ledger, newest.into_iter().collect()).await?;
        Ok(u64::try_from(removed.len()).unwrap_or(u64::MAX))
    }
}

/// The periods say up to where rows went, so that one that is missing later cannot pass for a pruned one.
async fn note_pruned(ledger: &mut SqliteConnection, newest: Vec<(String, i64)>) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE periods SET kept_after = pruned.value ->> 1 FROM json_each(?1) AS pruned
         WHERE periods.job = pruned.value ->> 0 AND periods.kept_after < pruned.value ->> 1",
    )
    .bind(json::rows(&newest)?)
    .execute(ledger)
    .await?;
    Ok(())
}
