//! What an unknown run turned out to be.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::writer::Write;
use crate::{
    run::{Change, Outcome, RunId, State, transition},
    store::StoreError,
};

/// A run to settle.
pub(super) struct Settle {
    run: RunId,
    outcome: Outcome,
}

impl Settle {
    /// # Errors
    /// [`StoreError::Illegal`] for an outcome that an unknown run cannot turn out to have.
    pub(super) fn new(run: RunId, outcome: Outcome) -> Result<Self, StoreError> {
        transition(State::Ended(Outcome::Unknown), Change::Settle(outcome))?;
        Ok(Self { run, outcome })
    }
}

#[async_trait]
impl Write for Settle {
    type Answer = bool;

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<bool, StoreError> {
        let settled = sqlx::query("UPDATE runs SET settled = ?2 WHERE id = ?1 AND state = ?3 AND settled IS NULL")
            .bind(self.run.to_string())
            .bind(self.outcome.as_str())
            .bind(Outcome::Unknown.as_str())
            .execute(&mut *ledger)
            .await?
            .rows_affected()
            == 1;
        if settled {
            sqlx::query("DELETE FROM slots WHERE run = ?1").bind(self.run.to_string()).execute(ledger).await?;
        }
        Ok(settled)
    }
}
