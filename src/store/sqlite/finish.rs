//! Open runs get their outcome.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::SqliteConnection;

use super::{
    json,
    rows::{Fields, micros, span_micros},
    writer::Write,
};
use crate::{
    run::{Change, Reason, RunId, State, transition},
    store::{Finish, StoreError, Then},
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
        json::rows(&rows.map(|(finish, _)| Row::of(self.now, finish)).collect::<Vec<_>>())
    }
}

#[async_trait]
impl Write for FinishRuns {
    type Answer = Vec<bool>;

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<Vec<bool>, StoreError> {
        // Of two answers for one run the first counts, in one batch as in two.
        let mut seen = HashSet::new();
        let first: Vec<bool> = self.batch.iter().map(|finish| seen.insert(finish.run)).collect();
        let ended = end_runs(ledger, &self.rows_where(&first)?).await?;

        let done = first.iter().zip(&self.batch).map(|(first, finish)| *first && ended.contains(&finish.run));
        let done: Vec<bool> = done.collect();
        let rows = self.rows_where(&done)?;
        end_attempts(ledger, &rows, self.now).await?;
        release_slots(ledger, &rows).await?;
        Ok(done)
    }
}

/// What is written of an attempt's end, by name.
#[derive(Serialize)]
struct Row<'a> {
    run: String,
    /// The attempt's.
    outcome: &'static str,
    /// The run's.
    state: &'static str,
    /// The states from which the run can come to it.
    from: Vec<&'static str>,
    reason: Option<&'static str>,
    status: Option<u16>,
    excerpt: Option<&'a str>,
    lateness: Option<i64>,
    duration: Option<i64>,
    wake_at: Option<i64>,
    finished_at: Option<i64>,
    hold_until: Option<i64>,
}

impl<'a> Row<'a> {
    fn of(now: DateTime<Utc>, finish: &'a Finish) -> Self {
        let (change, hold_until, wake_at) = match finish.then {
            Then::Over { hold_until } => (Change::End(finish.outcome), hold_until, None),
            Then::Again { at } => (Change::Retry, None, Some(at)),
        };
        let is_over = wake_at.is_none();
        let from = State::OPEN.iter().filter(|from| from.is_open() && transition(**from, change).is_ok());
        let state = if is_over { State::Ended(finish.outcome) } else { State::RetryWait };
        Self {
            run: finish.run.to_string(),
            outcome: finish.outcome.as_str(),
            state: state.as_str(),
            from: from.map(|from| from.as_str()).collect(),
            reason: finish.reason.map(Reason::as_str),
            status: finish.status,
            excerpt: finish.excerpt.as_deref(),
            lateness: finish.lateness.map(span_micros),
            duration: finish.duration.map(span_micros),
            wake_at: wake_at.map(micros),
            finished_at: is_over.then(|| micros(now)),
            hold_until: hold_until.map(micros),
        }
    }
}

/// The runs that were open.
async fn end_runs(ledger: &mut SqliteConnection, rows: &str) -> Result<HashSet<RunId>, StoreError> {
    let ended = sqlx::query(
        "UPDATE runs SET state = value ->> 'state', reason = value ->> 'reason', status = value ->> 'status',
             excerpt = value ->> 'excerpt', lateness = ifnull(value ->> 'lateness', runs.lateness),
             duration = value ->> 'duration', wake_at = value ->> 'wake_at', finished_at = value ->> 'finished_at'
         FROM json_each(?1) AS done
         WHERE runs.id = done.value ->> 'run' AND runs.state IN (SELECT value FROM json_each(done.value -> 'from'))
         RETURNING runs.id",
    )
    .bind(rows)
    .fetch_all(ledger)
    .await?;
    ended.iter().map(|row| Fields::of("run", "id", row)?.word("id")).collect()
}

/// Only a run that was open until now has an open attempt.
async fn end_attempts(ledger: &mut SqliteConnection, rows: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET outcome = value ->> 'outcome', reason = value ->> 'reason', status = value ->> 'status',
             excerpt = value ->> 'excerpt', finished_at = ?2
         FROM json_each(?1) AS done WHERE attempts.run = done.value ->> 'run' AND attempts.finished_at IS NULL",
    )
    .bind(rows)
    .bind(micros(now))
    .execute(ledger)
    .await?;
    Ok(())
}

/// A slot that another run took after its time was over is not this run's any more.
async fn release_slots(ledger: &mut SqliteConnection, rows: &str) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM slots
         WHERE run IN (SELECT value ->> 'run' FROM json_each(?1) WHERE value ->> 'hold_until' IS NULL)",
    )
    .bind(rows)
    .execute(&mut *ledger)
    .await?;
    sqlx::query(
        "UPDATE slots SET until = value ->> 'hold_until' FROM json_each(?1) AS done
         WHERE slots.run = done.value ->> 'run' AND done.value ->> 'hold_until' IS NOT NULL",
    )
    .bind(rows)
    .execute(ledger)
    .await?;
    Ok(())
}
