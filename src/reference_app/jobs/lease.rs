//! What workers do to the table. From the claim on every statement names the lease, so that a worker that lost it changes
//! nothing any more (seeds A36 and B11).

use std::time::Duration;

use sqlx::SqlitePool;

use super::status::Status;
use crate::reference_app::audit;

/// How long a claim holds when it is not renewed.
pub(super) const LEASE: Duration = Duration::from_secs(120);
/// How often it is renewed.
pub(super) const RENEWAL: Duration = Duration::from_secs(LEASE.as_secs() / 3);
/// How often a job is tried.
pub(super) const ATTEMPTS: i64 = 3;

const LEASE_MILLIS: i64 = 120_000;

/// A job that a worker has.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Claimed {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) arguments: String,
    pub(super) requested_by: String,
    pub(super) requested_as: String,
    pub(super) attempts: i64,
    pub(super) lease: String,
    /// When the first attempt began; `None` before it did.
    pub(super) started_at: Option<i64>,
}

/// How a job ends.
#[derive(Debug)]
pub(super) struct End {
    pub(super) status: Status,
    pub(super) result: Option<String>,
    pub(super) error: Option<String>,
}

/// Takes the oldest job that may run, under a new lease.
pub(super) async fn claim(pool: &SqlitePool, lease: &str, now: i64) -> Result<Option<Claimed>, sqlx::Error> {
    sqlx::query_as(
        "UPDATE jobs SET status = 'claimed', lease = ?1, lease_until = ?2, attempts = attempts + 1
         WHERE status = 'pending'
           AND id = (SELECT id FROM jobs WHERE status = 'pending' AND run_after <= ?3 ORDER BY id LIMIT 1)
         RETURNING id, kind, arguments, requested_by, requested_as, attempts, lease, started_at",
    )
    .bind(lease)
    .bind(now + LEASE_MILLIS)
    .bind(now)
    .fetch_optional(pool)
    .await
}

/// Whether the worker may begin: the job is still its own.
pub(super) async fn start(pool: &SqlitePool, claimed: &Claimed, now: i64) -> Result<bool, sqlx::Error> {
    let started = sqlx::query(
        "UPDATE jobs SET status = 'running', started_at = coalesce(started_at, ?3), lease_until = ?4, progress = 0
         WHERE id = ?1 AND lease = ?2 AND status = 'claimed'",
    )
    .bind(&claimed.id)
    .bind(&claimed.lease)
    .bind(now)
    .bind(now + LEASE_MILLIS)
    .execute(pool)
    .await?;
    Ok(started.rows_affected() > 0)
}

/// Whether the job is still the worker's, for another [`LEASE`].
pub(super) async fn renew(pool: &SqlitePool, claimed: &Claimed, now: i64) -> Result<bool, sqlx::Error> {
    let renewed = sqlx::query("UPDATE jobs SET lease_until = ?3 WHERE id = ?1 AND lease = ?2")
        .bind(&claimed.id)
        .bind(&claimed.lease)
        .bind(now + LEASE_MILLIS)
        .execute(pool)
        .await?;
    Ok(renewed.rows_affected() > 0)
}

/// Notes how much is done.
pub(super) async fn advance(pool: &SqlitePool, claimed: &Claimed, progress: f64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE jobs SET progress = ?3 WHERE id = ?1 AND lease = ?2 AND status = 'running'")
        .bind(&claimed.id)
        .bind(&claimed.lease)
        .bind(progress)
        .execute(pool)
        .await?;
    Ok(())
}

/// Ends the job and notes it in the audit log, both or neither. Whether it was still the worker's to end.
pub(super) async fn end(
    pool: &SqlitePool,
    claimed: &Claimed,
    end: &End,
    row: audit::Row,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let ended = sqlx::query(
        "UPDATE jobs SET status = ?3, result = ?4, error = ?5, finished_at = ?6, lease = NULL, lease_until = NULL,
             progress = iif(?3 = 'completed', 1, progress)
         WHERE id = ?1 AND lease = ?2",
    )
    .bind(&claimed.id)
    .bind(&claimed.lease)
    .bind(end.status.as_str())
    .bind(&end.result)
    .bind(&end.error)
    .bind(now)
    .execute(&mut *transaction)
    .await?;
    if ended.rows_affected() == 0 {
        return Ok(false);
    }
    audit::insert(&mut *transaction, row).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Puts the job back, to be tried again after `run_after`, with what went wrong.
pub(super) async fn put_back(
    pool: &SqlitePool,
    claimed: &Claimed,
    error: &str,
    run_after: i64,
) -> Result<bool, sqlx::Error> {
    let put_back = sqlx::query(
        "UPDATE jobs SET status = 'pending', lease = NULL, lease_until = NULL, error = ?3, run_after = ?4
         WHERE id = ?1 AND lease = ?2",
    )
    .bind(&claimed.id)
    .bind(&claimed.lease)
    .bind(error)
    .bind(run_after)
    .execute(pool)
    .await?;
    Ok(put_back.rows_affected() > 0)
}

/// Puts the job back as if it had not been claimed: the app stops, which is not the job's fault.
pub(super) async fn hand_back(pool: &SqlitePool, claimed: &Claimed) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE jobs SET status = 'pending', lease = NULL, lease_until = NULL, attempts = attempts - 1
         WHERE id = ?1 AND lease = ?2",
    )
    .bind(&claimed.id)
    .bind(&claimed.lease)
    .execute(pool)
    .await?;
    Ok(())
}

/// The jobs whose lease is over, so that nobody is at them (seed B12). `ours` are leases that live workers of this process
/// hold: a suspended machine wakes with all of them over, and each worker renews its own.
pub(super) async fn expired(pool: &SqlitePool, ours: &[&str], now: i64) -> Result<Vec<Claimed>, sqlx::Error> {
    let all: Vec<Claimed> = sqlx::query_as(
        "SELECT id, kind, arguments, requested_by, requested_as, attempts, lease, started_at FROM jobs
         WHERE status IN ('claimed', 'running') AND lease_until <= ?",
    )
    .bind(now)
    .fetch_all(pool)
    .await?;
    Ok(all.into_iter().filter(|claimed| !ours.contains(&claimed.lease.as_str())).collect())
}

/// When the next lease of somebody else is over or, with `pending`, the next job may be claimed.
pub(super) async fn next_instant(pool: &SqlitePool, ours: &[&str], pending: bool) -> Result<Option<i64>, sqlx::Error> {
    let leased: Vec<(i64, String)> =
        sqlx::query_as("SELECT lease_until, lease FROM jobs WHERE status IN ('claimed', 'running')")
            .fetch_all(pool)
            .await?;
    let others = leased.iter().filter(|(_, lease)| !ours.contains(&lease.as_str())).map(|(until, _)| *until).min();
    if !pending {
        return Ok(others);
    }
    let next: Option<i64> =
        sqlx::query_scalar("SELECT min(run_after) FROM jobs WHERE status = 'pending'").fetch_one(pool).await?;
    Ok(others.into_iter().chain(next).min())
}

/// Takes a job out of the hands of whoever has it, a worker that is gone or nobody. Whether it was not over yet.
pub(super) async fn cancel(pool: &SqlitePool, id: &str, now: i64) -> Result<bool, sqlx::Error> {
    let cancelled = sqlx::query(
        "UPDATE jobs SET status = 'cancelled', lease = NULL, lease_until = NULL, finished_at = ?2
         WHERE id = ?1 AND status IN ('pending', 'claimed', 'running')",
    )
    .bind(id)
    .bind(now)
    .execute(pool)
    .await?;
    Ok(cancelled.rows_affected() > 0)
}

/// Forgets the jobs that were over before `before`.
pub(super) async fn forget(pool: &SqlitePool, before: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM jobs WHERE finished_at < ?").bind(before).execute(pool).await?;
    Ok(())
}
