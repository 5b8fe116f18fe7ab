//! Claimed runs that end without being sent.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    rows::{Fields, micros},
    writer::Write,
};
use crate::{
    run::{Change, Outcome, State, transition},
    store::{End, StoreError},
};

/// Runs to end, each with the state it comes to.
pub(super) struct EndRuns {
    now: DateTime<Utc>,
    batch: Vec<(State, End)>,
}

impl EndRuns {
    /// # Errors
    /// [`StoreError::Illegal`] for an outcome that no claimed run can have.
    pub(super) fn new(now: DateTime<Utc>, batch: Vec<End>) -> Result<Self, StoreError> {
        let target = |end: &End| transition(State::Claimed, Change::End(end.outcome));
        let batch = batch.into_iter().map(|end| Ok((target(&end)?, end))).collect::<Result<_, StoreError>>()?;
        Ok(Self { now, batch })
    }
}

#[async_trait]
impl Write for EndRuns {
    type Answer = ();

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<(), StoreError> {
        for (state, end) in &self.batch {
            let Some(ended) = end_run(ledger, self.now, end, *state).await? else { continue };
            if matches!(end.outcome, Outcome::Skipped | Outcome::Missed) {
                join_row_before(ledger, self.now, end, &ended).await?;
            }
        }
        Ok(())
    }
}

/// What joining needs to know of the row that just ended.
struct Ended {
    job: String,
    scheduled_for: i64,
    definition: String,
}

/// `None` when the run was not claimed any more.
async fn end_run(
    ledger: &mut SqliteConnection,
    now: DateTime<Utc>,
    end: &End,
    state: State,
) -> Result<Option<Ended>, StoreError> {
    let row = sqlx::query(
        "UPDATE runs SET state = ?3, reason = ?4, finished_at = ?5 WHERE id = ?1 AND state = ?2
         RETURNING id, job, scheduled_for, definition",
    )
    .bind(end.run.to_string())
    .bind(State::Claimed.as_str())
    .bind(state.as_str())
    .bind(end.reason.as_str())
    .bind(micros(now))
    .fetch_optional(ledger)
    .await?;
    row.as_ref().map(ended).transpose()
}

fn ended(row: &SqliteRow) -> Result<Ended, StoreError> {
    let fields = Fields::of("run", "id", row)?;
    Ok(Ended {
        job: fields.get("job")?,
        scheduled_for: fields.get("scheduled_for")?,
        definition: fields.get("definition")?,
    })
}

/// Makes one row of the ended run and the one before it if they tell the same: a job that is held for a day is one row of
/// its history, not a thousand. A row that was sent tells of its request and joins nothing.
async fn join_row_before(
    ledger: &mut SqliteConnection,
    now: DateTime<Utc>,
    end: &End,
    ended: &Ended,
) -> Result<(), StoreError> {
    let joined = sqlx::query(
        r#"UPDATE runs SET through = ?2, count = count + 1, finished_at = ?3
           WHERE id = (
               SELECT id FROM runs
               WHERE job = ?1 AND scheduled_for < ?2 AND "trigger" IN ('schedule', 'catch_up')
               ORDER BY scheduled_for DESC LIMIT 1
           ) AND state = ?4 AND reason = ?5 AND definition = ?6 AND fence IS NULL"#,
    )
    .bind(&ended.job)
    .bind(ended.scheduled_for)
    .bind(micros(now))
    .bind(end.outcome.as_str())
    .bind(end.reason.as_str())
    .bind(&ended.definition)
    .execute(&mut *ledger)
    .await?;
    if joined.rows_affected() == 1 {
        sqlx::query("DELETE FROM runs WHERE id = ?1").bind(end.run.to_string()).execute(ledger).await?;
    }
    Ok(())
}
