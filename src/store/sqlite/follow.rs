//! Runs that the app took on.

use std::collections::HashSet;

use async_trait::async_trait;
use serde::Serialize;
use sqlx::SqliteConnection;

use super::{
    json,
    rows::{Fields, micros, span_micros},
    writer::Write,
};
use crate::{
    run::{Change, RunId, State, Work, transition},
    store::{Follow, StoreError},
};

/// Runs to follow.
pub(super) struct FollowRuns(pub(super) Vec<Follow>);

/// What is written of one, by name.
#[derive(Serialize)]
struct Row<'a> {
    run: String,
    wake_at: i64,
    slot_until: i64,
    work: &'a Work,
    progress: Option<&'a str>,
    status: Option<u16>,
    excerpt: Option<&'a str>,
    lateness: Option<i64>,
}

impl<'a> Row<'a> {
    fn of(follow: &'a Follow) -> Self {
        Self {
            run: follow.run.to_string(),
            wake_at: micros(follow.wake_at),
            slot_until: micros(follow.slot_until),
            work: &follow.work,
            progress: follow.progress.as_deref(),
            status: follow.status,
            excerpt: follow.excerpt.as_deref(),
            lateness: follow.lateness.map(span_micros),
        }
    }
}

#[async_trait]
impl Write for FollowRuns {
    type Answer = Vec<bool>;

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<Vec<bool>, StoreError> {
        let polling = transition(State::Sending, Change::Poll)?;
        let rows = json::rows(&self.0.iter().map(Row::of).collect::<Vec<_>>())?;
        let moved = sqlx::query(
            "UPDATE runs SET state = ?2, wake_at = value ->> 'wake_at', work = value -> 'work',
                 progress = value ->> 'progress', status = ifnull(value ->> 'status', runs.status),
                 excerpt = ifnull(value ->> 'excerpt', runs.excerpt),
                 lateness = ifnull(value ->> 'lateness', runs.lateness)
             FROM json_each(?1) AS follow WHERE runs.id = follow.value ->> 'run' AND runs.state IN (?2, ?3)
             RETURNING runs.id",
        )
        .bind(&rows)
        .bind(polling.as_str())
        .bind(State::Sending.as_str())
        .fetch_all(&mut *ledger)
        .await?;
        let moved: HashSet<RunId> =
            moved.iter().map(|row| Fields::of("run", "id", row)?.word("id")).collect::<Result<_, StoreError>>()?;
        // A slot of a run that was left alone is not this run's to keep.
        sqlx::query(
            "UPDATE slots SET until = max(slots.until, value ->> 'slot_until') FROM json_each(?1) AS follow, runs
             WHERE slots.run = follow.value ->> 'run' AND runs.id = slots.run AND runs.state = ?2",
        )
        .bind(&rows)
        .bind(polling.as_str())
        .execute(ledger)
        .await?;
        Ok(self.0.iter().map(|follow| moved.contains(&follow.run)).collect())
    }
}
