//! Keys, answers and fences of [`idempotency`](crate::auth::idempotency) as tables.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use sqlx::SqlitePool;

use crate::auth::idempotency::{Answer, Answers, Begun, Fingerprint, Key, Lane};

/// The tables of answers and fences.
#[derive(Debug)]
pub(super) struct AnswerTable(SqlitePool);

/// Why an answer cannot be kept or given again.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswersError {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("a row's headers: {0}")]
    Headers(#[from] serde_json::Error),
    #[error("a row's status or a header's value is none")]
    Row,
}

type Row = (Vec<u8>, Option<i64>, Option<String>, Option<Vec<u8>>);

impl AnswerTable {
    /// Frees what a process that died was at: one app has the folder.
    pub(super) async fn open(pool: SqlitePool) -> Result<Self, sqlx::Error> {
        sqlx::query("DELETE FROM answers WHERE status IS NULL").execute(&pool).await?;
        Ok(Self(pool))
    }
}

impl Answers for AnswerTable {
    type Error = AnswersError;

    async fn begin(
        &self,
        key: &Key,
        request: &Fingerprint,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Begun, AnswersError> {
        let mut transaction = self.0.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM answers WHERE until <= ?")
            .bind(now.timestamp_millis())
            .execute(&mut *transaction)
            .await?;
        let found: Option<Row> = sqlx::query_as(
            "SELECT fingerprint, status, headers, body FROM answers WHERE principal = ? AND endpoint = ? AND key = ?",
        )
        .bind(&key.principal)
        .bind(&key.endpoint)
        .bind(&key.value)
        .fetch_optional(&mut *transaction)
        .await?;
        let begun = match found {
            Some((fingerprint, ..)) if fingerprint != request.as_bytes() => Begun::Other,
            Some((_, Some(status), Some(headers), body)) => Begun::Done(answer(status, &headers, body)?),
            Some(_) => Begun::InProgress,
            None => {
                sqlx::query(
                    "INSERT INTO answers (principal, endpoint, key, fingerprint, until) VALUES (?, ?, ?, ?, ?)",
                )
                .bind(&key.principal)
                .bind(&key.endpoint)
                .bind(&key.value)
                .bind(&request.as_bytes()[..])
                .bind(until.timestamp_millis())
                .execute(&mut *transaction)
                .await?;
                Begun::New
            }
        };
        transaction.commit().await?;
        Ok(begun)
    }

    async fn finish(&self, key: &Key, answer: Answer, until: DateTime<Utc>) -> Result<(), AnswersError> {
        let headers: Vec<(String, String)> =
            answer.headers.into_iter().map(|(name, value)| (name, hex(&value))).collect();
        sqlx::query(
            "UPDATE answers SET status = ?, headers = ?, body = ?, until = ?
             WHERE principal = ? AND endpoint = ? AND key = ?",
        )
        .bind(answer.status)
        .bind(serde_json::to_string(&headers)?)
        .bind(answer.body)
        .bind(until.timestamp_millis())
        .bind(&key.principal)
        .bind(&key.endpoint)
        .bind(&key.value)
        .execute(&self.0)
        .await?;
        Ok(())
    }

    async fn free(&self, key: &Key) -> Result<(), AnswersError> {
        sqlx::query("DELETE FROM answers WHERE principal = ? AND endpoint = ? AND key = ? AND status IS NULL")
            .bind(&key.principal)
            .bind(&key.endpoint)
            .bind(&key.value)
            .execute(&self.0)
            .await?;
        Ok(())
    }

    async fn raise(
        &self,
        lane: &Lane,
        fence: u64,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<u64, AnswersError> {
        // SQLite's integers end where no fence ever comes.
        let fence = i64::try_from(fence).unwrap_or(i64::MAX);
        let mut transaction = self.0.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM fences WHERE until <= ?")
            .bind(now.timestamp_millis())
            .execute(&mut *transaction)
            .await?;
        let highest: i64 = sqlx::query_scalar(
            "INSERT INTO fences (principal, job, fence, until) VALUES (?, ?, ?, ?)
             ON CONFLICT (principal, job) DO UPDATE SET fence = max(fence, excluded.fence), until = excluded.until
             RETURNING fence",
        )
        .bind(&lane.principal)
        .bind(&lane.job)
        .bind(fence)
        .bind(until.timestamp_millis())
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(highest.unsigned_abs())
    }
}

fn answer(status: i64, headers: &str, body: Option<Vec<u8>>) -> Result<Answer, AnswersError> {
    let status = u16::try_from(status).ok().ok_or(AnswersError::Row)?;
    let headers: Vec<(String, String)> = serde_json::from_str(headers)?;
    let headers = headers.into_iter().map(|(name, value)| Some((name, unhex(&value)?))).collect::<Option<_>>();
    Ok(Answer { status, headers: headers.ok_or(AnswersError::Row)?, body })
}

/// A header's value may be no UTF-8.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}
