//! The scheduler's account as a row of the user table.

use sqlx::SqlitePool;

use super::{groups, users};
use crate::{
    auth::{Account, Directory},
    clock::SharedClock,
    entropy::Entropy,
    protocol::identity::{ADMIN_GROUP, SCHEDULER_EMAIL, SCHEDULER_NAME},
};

/// The scheduler's account in the user table.
pub(super) struct UserTable {
    pub(super) pool: SqlitePool,
    pub(super) clock: SharedClock,
    pub(super) entropy: Entropy,
}

/// Why there is no scheduler's account.
#[derive(Debug, thiserror::Error)]
pub(super) enum DirectoryError {
    #[error("{SCHEDULER_EMAIL} belongs to a person's row, which is never adopted: rename or remove that person")]
    HeldByPerson,
    #[error("the scheduler's row is gone as soon as it was written")]
    Gone,
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

impl Directory for UserTable {
    type Error = DirectoryError;

    async fn seed(&self) -> Result<Account, DirectoryError> {
        let now = self.clock.now();
        // A new row and one that is there get the same flags (seed B4); what an operator disabled stays disabled.
        sqlx::query(
            "INSERT INTO users (id, email, name, kind, created_at) VALUES (?, ?, ?, 'service', ?)
             ON CONFLICT (email) DO UPDATE SET
                 email = excluded.email,
                 name = excluded.name,
                 disabled_at = CASE WHEN disabled_because = 'superseded' THEN NULL ELSE disabled_at END,
                 disabled_because = NULLIF(disabled_because, 'superseded')
             WHERE kind = 'service'",
        )
        .bind(users::new_id(now, self.entropy))
        .bind(SCHEDULER_EMAIL)
        .bind(SCHEDULER_NAME)
        .bind(now.timestamp_millis())
        .execute(&self.pool)
        .await?;
        let mut account = self.load().await?.ok_or(DirectoryError::Gone)?;
        // What fails here leaves a scheduler without rights, which the log explains, and no request without a user (A6).
        match self.member(&account.id).await {
            Ok(groups) => account.groups = groups,
            Err(error) => tracing::warn!(%error, "the scheduler's membership cannot be repaired"),
        }
        if let Err(error) = self.disable_superseded(now.timestamp_millis()).await {
            tracing::warn!(%error, "accounts of the scheduler under other addresses cannot be disabled");
        }
        if !account.groups.iter().any(|group| group == ADMIN_GROUP) {
            tracing::warn!("the scheduler is no member of the group {ADMIN_GROUP}: its requests will get 403");
        }
        Ok(account)
    }

    async fn load(&self) -> Result<Option<Account>, DirectoryError> {
        let row: Option<(String, String, String, Option<i64>)> =
            sqlx::query_as("SELECT id, name, kind, disabled_at FROM users WHERE email = ?")
                .bind(SCHEDULER_EMAIL)
                .fetch_optional(&self.pool)
                .await?;
        let Some((id, name, kind, disabled_at)) = row else { return Ok(None) };
        if kind != "service" {
            return Err(DirectoryError::HeldByPerson);
        }
        let groups = groups::of_user(&self.pool, &id).await?;
        Ok(Some(Account { id, email: SCHEDULER_EMAIL.to_owned(), name, groups, disabled: disabled_at.is_some() }))
    }
}

impl UserTable {
    /// There is one scheduler, under one address: what served as one before must not go on as a second (seed B5).
    async fn disable_superseded(&self, now: i64) -> Result<(), sqlx::Error> {
        let disabled = sqlx::query(
            "UPDATE users SET disabled_at = ?, disabled_because = 'superseded'
             WHERE kind = 'service' AND email <> ? AND disabled_at IS NULL",
        )
        .bind(now)
        .bind(SCHEDULER_EMAIL)
        .execute(&self.pool)
        .await?;
        if disabled.rows_affected() > 0 {
            tracing::warn!(
                rows = disabled.rows_affected(),
                "accounts of kind service under other addresses are disabled"
            );
        }
        Ok(())
    }

    async fn member(&self, user: &str) -> Result<Vec<String>, sqlx::Error> {
        groups::repair_scheduler(&self.pool, user).await?;
        groups::of_user(&self.pool, user).await
    }
}
