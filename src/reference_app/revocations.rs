//! Tokens that were taken back, in the app's database. `sexton token revoke` writes there too, while the app runs.

use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::SqlitePool;

use super::{
    DatabaseError,
    database::{self, instant},
};
use crate::auth::{Revocation, Revocations, Revoked};

/// The table of revocations.
#[derive(Debug, Clone)]
pub(super) struct RevocationTable {
    pub(super) pool: SqlitePool,
}

type Row = (Option<String>, Option<String>, Option<i64>, i64, Option<String>);

impl Revocations for RevocationTable {
    type Error = sqlx::Error;

    async fn in_force(&self, now: DateTime<Utc>) -> Result<Vec<Revocation>, sqlx::Error> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT jti, subject, issued_before, until, reason FROM revocations WHERE until > ?")
                .bind(now.timestamp_millis())
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().filter_map(entry).collect())
    }

    /// What is over is forgotten on the way.
    async fn revoke(&self, revocation: Revocation) -> Result<(), sqlx::Error> {
        let Revocation { revoked, until, reason } = revocation;
        let (column, name, issued_before) = match revoked {
            Revoked::Token(jti) => ("jti", jti, None),
            Revoked::Subject { subject, issued_before } => ("subject", subject, Some(issued_before.timestamp_millis())),
        };
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM revocations WHERE until <= unixepoch('subsec') * 1000")
            .execute(&mut *transaction)
            .await?;
        let insert = match column {
            "jti" => {
                "INSERT INTO revocations (jti, issued_before, until, reason) VALUES (?, ?, ?, ?)
                 ON CONFLICT (jti) DO UPDATE SET until = excluded.until, reason = excluded.reason
                 WHERE excluded.until >= until"
            }
            _ => {
                "INSERT INTO revocations (subject, issued_before, until, reason) VALUES (?, ?, ?, ?)
                 ON CONFLICT (subject) DO UPDATE SET
                     issued_before = excluded.issued_before, until = excluded.until, reason = excluded.reason
                 WHERE excluded.until >= until"
            }
        };
        sqlx::query(insert)
            .bind(name)
            .bind(issued_before)
            .bind(until.timestamp_millis())
            .bind(reason)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }
}

fn entry((jti, subject, issued_before, until, reason): Row) -> Option<Revocation> {
    let revoked = match (jti, subject, issued_before) {
        (Some(jti), _, _) => Revoked::Token(jti),
        (None, Some(subject), Some(before)) => Revoked::Subject { subject, issued_before: instant(before) },
        _ => return None,
    };
    Some(Revocation { revoked, until: instant(until), reason })
}

/// Takes tokens back in the database of a data folder. The app may be running; it knows within a second.
///
/// # Errors
/// The folder is that of no app, or its database fails.
pub async fn revoke(data: &Path, revocation: Revocation) -> Result<(), DatabaseError> {
    let pool = database::beside(data).await?;
    let revoked = RevocationTable { pool: pool.clone() }.revoke(revocation).await;
    pool.close().await;
    Ok(revoked?)
}
