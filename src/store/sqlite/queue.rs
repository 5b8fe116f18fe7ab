//! Claimed runs that line up behind an earlier run of their job.

use std::collections::HashSet;

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::{json, rows::Fields, writer::Write};
use crate::{
    run::{Change, RunId, State, transition},
    store::StoreError,
};

/// Runs to line up.
pub(super) struct Queue(pub(super) Vec<RunId>);

#[async_trait]
impl Write for Queue {
    type Answer = Vec<bool>;

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<Vec<bool>, StoreError> {
        let queued = transition(State::Claimed, Change::Queue)?;
        let ids: Vec<String> = self.0.iter().map(RunId::to_string).collect();
        let moved = sqlx::query(
            "UPDATE runs SET state = ?2 WHERE id IN (SELECT value FROM json_each(?1)) AND state = ?3 RETURNING id",
        )
        .bind(json::rows(&ids)?)
        .bind(queued.as_str())
        .bind(State::Claimed.as_str())
        .fetch_all(ledger)
        .await?;
        let moved: HashSet<RunId> =
            moved.iter().map(|row| Fields::of("run", "id", row)?.word("id")).collect::<Result<_, StoreError>>()?;
        Ok(self.0.iter().map(|run| moved.contains(run)).collect())
    }
}
