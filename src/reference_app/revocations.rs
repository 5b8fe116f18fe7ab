//! Tokens that were taken back, in the app's database. `sexton token revoke` writes there too, while the app runs.

use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::{SqliteConnection, SqlitePool};

use super::{
    DatabaseError, audit,
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

    async fn revoke(&self, revocation: Revocation) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        insert(&mut transaction, revocation).await?;
        transaction.commit().await
    }
}

/// What is over is forgotten on the way.
async fn insert(database: &mut SqliteConnection, revocation: Revocation) -> Result<(), sqlx::Error> {
    let Revocation { revoked, until, reason } = revocation;
    let (column, name, issued_before) = match revoked {
        Revoked::Token(jti) => ("jti", jti, None),
        Revoked::Subject { subject, issued_before } => ("subject", subject, Some(issued_before.timestamp_millis())),
    };
    sqlx::query("DELETE FROM revocations WHERE until <= unixepoch('subsec') * 1000").execute(&mut *database).await?;
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
        .execute(database)
        .await?;
    Ok(())
}

fn entry((jti, subject, issued_before, until, reason): Row) -> Option<Revocation> {
    let revoked = match (jti, subject, issued_before) {
        (Some(jti), _, _) => Revoked::Token(jti),
        (None, Some(subject), Some(before)) => Revoked::Subject { subject, issued_before: instant(before) },
        _ => return None,
    };
    Some(Revocation { revoked, until: instant(until), reason })
}

/// Takes tokens back in the database of a data folder, at `now`. The app may be running; it knows within a second. Its audit
/// log has a row of it.
///
/// # Errors
/// The folder is that of no app, or its database fails.
pub async fn revoke(data: &Path, revocation: Revocation, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    let pool = database::beside(data).await?;
    let resource = match &revocation.revoked {
        Revoked::Token(jti) => format!("token:{jti}"),
        Revoked::Subject { subject, .. } => format!("subject:{subject}"),
    };
    let row = audit::Row {
        at: now,
        by: audit::Doer::operator(),
        action: "token.revoke".to_owned(),
        resource,
        result: "ok".to_owned(),
        duration_ms: 0,
    };
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    insert(&mut transaction, revocation).await?;
    audit::insert(&mut *transaction, row).await?;
    transaction.commit().await?;
    pool.close().await;
    Ok(())
}
