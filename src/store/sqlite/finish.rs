//! Open runs get their outcome.

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

/// Runs to finish.
pub(super) struct FinishRuns {
    now: DateTime<Utc>,
    batch: Vec<Finish>,
}

impl FinishRuns {
    /// # Errors
    /// [`StoreError::Illegal`] for an outcome that no open run can have.
    pub(super) fn new(now: DateTime<Utc>, batch: Vec<Finish>) -> Result<Self, StoreError> {
        // Whatever polling can lead to, sending can too.
        batch.iter().try_for_each(|finish| transition(State::Sending, Change::End(finish.outcome)).map(drop))?;
        Ok(Self { now, batch })
    }

    /// The rows of the batch that are marked.
    fn rows_where(&self, marked: &[bool]) -> Result<String, StoreError> {
        let rows = self.batch.iter().zip(marked).filter(|(_, marked)| **marked);
        json::rows(&rows.map(|(finish, _)| finish_row(finish)).collect::<Vec<_>>())
    }
}

#[async_trait]
impl Write for FinishRuns {
    type Answer = Vec<bool>;

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<Vec<bool>, StoreError> {
        // Of two answers for one run the first counts, in one batch as in two.
        let mut seen = HashSet::new();
        let first: Vec<bool> = self.batch.iter().map(|finish| seen.insert(finish.run)).collect();
        let ended = end_runs(ledger, &self.rows_where(&first)?, self.now).await?;

        let done = first.iter().zip(&self.batch).map(|(first, finish)| *first && ended.contains(&finish.run));
        let done: Vec<bool> = done.collect();
        let rows = self.rows_where(&done)?;
        end_attempts(ledger, &rows, self.now).await?;
        release_slots(ledger, &rows).await?;
        Ok(done)
    }
}

/// id, outcome, reason, status, excerpt, lateness, duration, end of the hold, the states it can end from
type FinishRow<'a> = (
    String,
    &'static str,
    Option<&'static str>,
    Option<u16>,
    Option<&'a str>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Vec<&'static str>,
);

fn finish_row(finish: &Finish) -> FinishRow<'_> {
    let can_end = |from: &&State| from.is_open() && transition(**from, Change::End(finish.outcome)).is_ok();
    (
        finish.run.to_string(),
        State::Ended(finish.outcome).as_str(),
        finish.reason.map(Reason::as_str),
        finish.status,
        finish.excerpt.as_deref(),
        finish.lateness.map(span_micros),
        finish.duration.map(span_micros),
        finish.hold_until.map(micros),
        State::OPEN.iter().filter(can_end).map(|from| from.as_str()).collect(),
    )
}

/// The runs that were open.
async fn end_runs(ledger: &mut SqliteConnection, rows: &str, now: DateTime<Utc>) -> Result<HashSet<RunId>, StoreError> {
    let ended = sqlx::query(
        "UPDATE runs SET state = value ->> 1, reason = value ->> 2, status = value ->> 3, excerpt = value ->> 4,
             lateness = value ->> 5, duration = value ->> 6, wake_at = NULL, finished_at = ?2
         FROM json_each(?1) AS done
         WHERE runs.id = done.value ->> 0 AND runs.state IN (SELECT value FROM json_each(done.value -> 8))
         RETURNING runs.id",
    )
    .bind(rows)
    .bind(micros(now))
    .fetch_all(ledger)
    .await?;
    ended.iter().map(|row| Fields::of("run", "id", row)?.word("id")).collect()
}

/// Only a run that was open until now has an open attempt.
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
