//! Waiting runs that end without being sent, or without being sent again.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    rows::{Fields, micros},
    writer::Write,
};
use crate::{
    run::{Change, Outcome, State, Trigger, transition},
    store::{End, StoreError},
};

/// Runs to end.
pub(super) struct EndRuns {
    now: DateTime<Utc>,
    batch: Vec<End>,
}

impl EndRuns {
    /// # Errors
    /// [`StoreError::Illegal`] for an outcome that no waiting run can have.
    pub(super) fn new(now: DateTime<Utc>, batch: Vec<End>) -> Result<Self, StoreError> {
        for end in &batch {
            let possible = |from: &State| transition(*from, Change::End(end.outcome)).is_ok();
            if !State::OPEN.iter().filter(|state| state.is_waiting()).any(possible) {
                transition(State::Claimed, Change::End(end.outcome))?;
            }
        }
        Ok(Self { now, batch })
    }
}

#[async_trait]
impl Write for EndRuns {
    type Answer = ();

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<(), StoreError> {
        for end in &self.batch {
            let Some(ended) = end_run(ledger, self.now, end).await? else { continue };
            if ended.trigger.is_occurrence() && matches!(end.outcome, Outcome::Skipped | Outcome::Missed) {
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
    trigger: Trigger,
    definition: String,
}

/// `None` when the run was not waiting any more. What ends after an attempt keeps what is known of that.
async fn end_run(ledger: &mut SqliteConnection, now: DateTime<Utc>, end: &End) -> Result<Option<Ended>, StoreError> {
    let standing: Option<String> = sqlx::query_scalar("SELECT state FROM runs WHERE id = ?1")
        .bind(end.run.to_string())
        .fetch_optional(&mut *ledger)
        .await?;
    let from: Option<State> = standing.and_then(|word| word.parse().ok());
    let Some(from) = from.filter(|from| from.is_waiting()) else { return Ok(None) };
    let Ok(state) = transition(from, Change::End(end.outcome)) else { return Ok(None) };
    let row = sqlx::query(
        r#"UPDATE runs SET state = ?3, reason = ?4, finished_at = ?5, wake_at = NULL WHERE id = ?1 AND state = ?2
           RETURNING id, job, scheduled_for, "trigger", definition"#,
    )
    .bind(end.run.to_string())
    .bind(from.as_str())
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
        trigger: fields.word("trigger")?,
        definition: fields.get("definition")?,
    })
}

/// Makes one row of the ended run and the one before it if they tell the same: a job that is held for a day is one row of
/// its history, not a thousand. A row that was sent tells of its request and joins nothing. Where some were pruned, and past
/// the cursor, where some may be yet to come, the one before may not be the neighbour.
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
           ) AND state = ?4 AND reason = ?5 AND definition = ?6 AND fence IS NULL AND NOT EXISTS (
               SELECT 1 FROM periods WHERE job = ?1 AND kept_after > anchored_at AND kept_after > through
           ) AND EXISTS (SELECT 1 FROM jobs WHERE job = ?1 AND accounted_to >= ?2)"#,
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
