//! The table of jobs as those see it who ask for them; [`super::lease`] has what workers do to it.

use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use super::{kind::Work, status::Status};

/// A row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) arguments: String,
    pub(super) status: String,
    pub(super) requested_by: String,
    pub(super) requested_as: String,
    /// The run whose token asked for it.
    pub(super) requested_run: Option<String>,
    pub(super) idempotency_key: Option<String>,
    pub(super) attempts: i64,
    pub(super) progress: f64,
    pub(super) result: Option<String>,
    pub(super) error: Option<String>,
    pub(super) created_at: i64,
    pub(super) started_at: Option<i64>,
    pub(super) finished_at: Option<i64>,
}

/// The columns of [`Job`].
const COLUMNS: &str = "id, kind, arguments, status, requested_by, requested_as, requested_run, idempotency_key, attempts, progress, result, error, created_at, started_at, finished_at";

/// A job to be made.
#[derive(Debug)]
pub(super) struct New<'a> {
    pub(super) id: String,
    pub(super) work: &'a Work,
    pub(super) requested_by: &'a str,
    pub(super) requested_as: &'a str,
    pub(super) requested_run: Option<&'a str>,
    pub(super) idempotency_key: Option<&'a str>,
    pub(super) now: i64,
}

/// What became of asking for a job.
#[derive(Debug)]
pub(super) enum Enqueued {
    /// There is a new one.
    New(Job),
    /// The key names one that is not over (seed A35).
    Existing(Job),
}

/// Which jobs to list.
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    pub(super) status: Option<Status>,
    pub(super) kind: Option<&'a str>,
    /// None of these: any job.
    pub(super) whose: Vec<(&'static str, &'a str)>,
}

/// Makes a job, unless its key names one that is not over.
pub(super) async fn enqueue(pool: &SqlitePool, new: New<'_>) -> Result<Enqueued, sqlx::Error> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let inserted = sqlx::query(
        "INSERT INTO jobs (id, kind, arguments, status, requested_by, requested_as, requested_run, idempotency_key,
             run_after, created_at)
         VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6, ?7, ?8, ?8)
         ON CONFLICT (requested_by, idempotency_key)
             WHERE idempotency_key IS NOT NULL AND status IN ('pending', 'claimed', 'running') DO NOTHING",
    )
    .bind(&new.id)
    .bind(new.work.kind())
    .bind(new.work.arguments())
    .bind(new.requested_by)
    .bind(new.requested_as)
    .bind(new.requested_run)
    .bind(new.idempotency_key)
    .bind(new.now)
    .execute(&mut *transaction)
    .await?;
    let is_new = inserted.rows_affected() > 0;
    let mut query = QueryBuilder::<Sqlite>::new(format!("SELECT {COLUMNS} FROM jobs WHERE "));
    if is_new {
        query.push("id = ").push_bind(&new.id);
    } else {
        query.push("status IN ('pending', 'claimed', 'running') AND requested_by = ").push_bind(new.requested_by);
        query.push(" AND idempotency_key = ").push_bind(new.idempotency_key);
    }
    let job = query.build_query_as().fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(if is_new { Enqueued::New(job) } else { Enqueued::Existing(job) })
}

/// The job of an id.
pub(super) async fn find(pool: &SqlitePool, id: &str) -> Result<Option<Job>, sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(format!("SELECT {COLUMNS} FROM jobs WHERE id = "));
    query.push_bind(id).build_query_as().fetch_optional(pool).await
}

/// The newest `limit` jobs that pass the filter, newest first.
pub(super) async fn list(pool: &SqlitePool, filter: &Filter<'_>, limit: u32) -> Result<Vec<Job>, sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(format!("SELECT {COLUMNS} FROM jobs WHERE TRUE"));
    let status = filter.status.map(|status| ("status", status.as_str()));
    let kind = filter.kind.map(|kind| ("kind", kind));
    for (column, value) in status.into_iter().chain(kind).chain(filter.whose.iter().copied()) {
        query.push(format!(" AND {column} = ")).push_bind(value);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
    query.build_query_as().fetch_all(pool).await
}
