//! Sent runs get their outcome.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::{
    json,
    rows::{Fields, micros, span_micros},
    writer::Write,
};
use crate::{
    run::{Change, Reason, RunId, State, transition},
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

    /// The rows of the batch that are marked.
    fn rows_where(&self, marked: &[bool]) -> Result<String, StoreError> {
        let rows = self.batch.iter().zip(marked).filter(|(_, marked)| **marked);
        json::rows(&rows.map(|((state, finish), _)| finish_row(*state, finish)).collect::<Vec<_>>())
    }
}

#[async_trait]
impl Write for FinishRuns {
    type Answer = Vec<bool>;

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<Vec<bool>, StoreError> {
        // Of two answers for one run the first counts, in one batch as in two.
        let mut seen = HashSet::new();
        let first: Vec<bool> = self.batch.iter().map(|(_, finish)| seen.insert(finish.run)).collect();
        let ended = end_runs(ledger, &self.rows_where(&first)?, self.now).await?;

        let done = first.iter().zip(&self.batch).map(|(first, (_, finish))| *first && ended.contains(&finish.run));
        let done: Vec<bool> = done.collect();
        let rows = self.rows_where(&done)?;
        end_attempts(ledger, &rows, self.now).await?;
        release_slots(ledger, &rows).await?;
        Ok(done)
    }
}

/// id, state, reason, status, excerpt, lateness, duration, end of the hold
type FinishRow<'a> =
    (String, &'static str, Option<&'static str>, Option<u16>, Option<&'a str>, Option<i64>, Option<i64>, Option<i64>);

fn finish_row(state: State, finish: &Finish) -> FinishRow<'_> {
    (
        finish.run.to_string(),
        state.as_str(),
        finish.reason.map(Reason::as_str),
        finish.status,
        finish.excerpt.as_deref(),
        finish.lateness.map(span_micros),
        finish.duration.map(span_micros),
        finish.hold_until.map(micros),
    )
}

/// The runs that were `sending`.
async fn end_runs(ledger: &mut SqliteConnection, rows: &str, now: DateTime<Utc>) -> Result<HashSet<RunId>, StoreError> {
    let ended = sqlx::query(
        "UPDATE runs SET state = value ->> 1, reason = value ->> 2, status = value ->> 3, excerpt = value ->> 4,
             lateness = value ->> 5, duration = value ->> 6, finished_at = ?2
         FROM json_each(?1) AS done WHERE runs.id = done.value ->> 0 AND runs.state = ?3
         RETURNING runs.id",
    )
    .bind(rows)
    .bind(micros(now))
    .bind(State::Sending.as_str())
    .fetch_all(ledger)
    .await?;
    ended.iter().map(|row| Fields::of("run", "id", row)?.word("id")).collect()
}

/// Only a run that was `sending` until now has an open attempt.
async fn end_attempts(ledger: &mut SqliteConnection, rows: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET outcome = value ->> 1, reason = value ->> 2, status = value ->> 3, excerpt = value ->> 4,
             finished_at = ?2
         FROM json_each(?1) AS done WHERE attempts.run = done.value ->> 0 AND attempts.finished_at IS NULL",
    )
    .bind(rows)
    .bind(micros(now))
    .execute(ledger)
    .await?;
    Ok(())
}

/// A slot that another run took after its time was over is not this run's any more.
async fn release_slots(ledger: &mut SqliteConnection, rows: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM slots WHERE run IN (SELECT value ->> 0 FROM json_each(?1) WHERE value ->> 7 IS NULL)")
        .bind(rows)
        .execute(&mut *ledger)
        .await?;
    sqlx::query(
        "UPDATE slots SET until = value ->> 7 FROM json_each(?1) AS done
         WHERE slots.run = done.value ->> 0 AND done.value ->> 7 IS NOT NULL",
    )
    .bind(rows)
    .execute(ledger)
    .await?;
    Ok(())
}
