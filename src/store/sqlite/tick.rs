//! The sign of life.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::{rows::micros, writer::Write};
use crate::store::StoreError;

/// The scheduler was alive at this instant.
pub(super) struct Tick(pub(super) DateTime<Utc>);

#[async_trait]
impl Write for Tick {
    type Answer = ();

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO meta (key, value) VALUES ('last_tick', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(micros(self.0))
        .execute(ledger)
        .await?;
        Ok(())
    }
}
