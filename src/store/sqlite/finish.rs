//! Sent runs get their outcome.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::{
    rows::{micros, span_micros},
    writer::Write,
};
use crate::{
    run::{Change, Reason, State, transition},
    store::{Finish, StoreError},
};

/// Runs to finish, each with the state it comes to.
pub(super) struct FinishRuns {
    now: DateTime<Utc>,
    batch: Vec<(State, Finish)>,
}

impl FinishRuns {
    /// # Errors
    /// [`StoreError::Illegal`] for an outcome that no sent run can have.
    pub(super) fn new(now: DateTime<Utc>, batch: Vec<Finish>) -> Result<Self, StoreError> {
        let target = |finish: &Finish| transition(State::Sending, Change::End(finish.outcome));
        let batch =
            batch.into_iter().map(|finish| Ok((target(&finish)?, finish))).collect::<Result<_, StoreError>>()?;
        Ok(Self { now, batch })
    }
}

#[async_trait]
impl Write for FinishRuns {
    type Answer = Vec<bool>;

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<Vec<bool>, StoreError> {
        let mut answers = Vec::with_capacity(self.batch.len());
        for (state, finish) in &self.batch {
            let ended = end_run(ledger, self.now, finish, *state).await?;
            if ended {
                end_attempt(ledger, self.now, finish).await?;
                release_slots(ledger, finish).await?;
            }
            answers.push(ended);
        }
        Ok(answers)
    }
}

async fn end_run(
    ledger: &mut SqliteConnection,
    now: DateTime<Utc>,
    finish: &Finish,
    state: State,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE runs SET state = ?3, reason = ?4, status = ?5, excerpt = ?6, lateness = ?7, duration = ?8, finished_at = ?9
         WHERE id = ?1 AND state = ?2",
    )
    .bind(finish.run.to_string())
    .bind(State::Sending.as_str())
    .bind(state.as_str())
    .bind(finish.reason.map(Reason::as_str))
    .bind(finish.status)
    .bind(finish.excerpt.as_deref())
    .bind(finish.lateness.map(span_micros))
    .bind(finish.duration.map(span_micros))
    .bind(micros(now))
    .execute(ledger)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn end_attempt(ledger: &mut SqliteConnection, now: DateTime<Utc>, finish: &Finish) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET finished_at = ?2, outcome = ?3, reason = ?4, status = ?5, excerpt = ?6
         WHERE run = ?1 AND finished_at IS NULL",
    )
    .bind(finish.run.to_string())
    .bind(micros(now))
    .bind(finish.outcome.as_str())
    .bind(finish.reason.map(Reason::as_str))
    .bind(finish.status)
    .bind(finish.excerpt.as_deref())
    .execute(ledger)
    .await?;
    Ok(())
}

/// A slot that another run took after its time was over is not this run's any more.
async fn release_slots(ledger: &mut SqliteConnection, finish: &Finish) -> Result<(), StoreError> {
    let slots = match finish.hold_until {
        None => sqlx::query("DELETE FROM slots WHERE run = ?1").bind(finish.run.to_string()),
        Some(until) => {
            sqlx::query("UPDATE slots SET until = ?2 WHERE run = ?1").bind(finish.run.to_string()).bind(micros(until))
        }
    };
    slots.execute(ledger).await?;
    Ok(())
}
