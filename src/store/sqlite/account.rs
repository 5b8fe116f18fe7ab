//! The rows of occurrences, and the cursors that move past them.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::{
    json,
    rows::{Fields, micros},
    writer::Write,
};
use crate::{
    job::JobName,
    run::State,
    store::{Accounted, Accounting, Claim, Span, StoreError},
};

/// Occurrences to write, and cursors to move.
pub(super) struct Account {
    pub(super) now: DateTime<Utc>,
    pub(super) batch: Vec<Accounting>,
}

#[async_trait]
impl Write for Account {
    type Answer = Vec<Accounted>;

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<Vec<Accounted>, StoreError> {
        let mut standings = standings(ledger, &self.batch).await?;
        let mut answers = Vec::with_capacity(self.batch.len());
        for accounting in &self.batch {
            let standing = standings.get_mut(accounting.job.as_str());
            answers.push(judge(ledger, accounting, standing).await?);
        }
        Page::of(&self.batch, &answers).write(ledger, self.now).await?;
        move_cursors(ledger, &standings).await?;
        Ok(answers)
    }
}

/// Where a job stands before and after the batch.
struct Standing {
    before: DateTime<Utc>,
    after: DateTime<Utc>,
    /// The last instant that any row of the job accounts for.
    newest: Option<DateTime<Utc>>,
}

async fn standings(
    ledger: &mut SqliteConnection,
    batch: &[Accounting],
) -> Result<HashMap<String, Standing>, StoreError> {
    let jobs: Vec<&str> = batch.iter().map(|accounting| accounting.job.as_str()).collect();
    let found = sqlx::query(
        r#"SELECT job, accounted_to, (
               SELECT through FROM runs
               WHERE runs.job = jobs.job AND "trigger" IN ('schedule', 'catch_up')
               ORDER BY scheduled_for DESC LIMIT 1
           ) AS newest
           FROM jobs WHERE job IN (SELECT value FROM json_each(?1))"#,
    )
    .bind(json::rows(&jobs)?)
    .fetch_all(ledger)
    .await?;
    found
        .iter()
        .map(|row| {
            let fields = Fields::of("job", "job", row)?;
            let before = fields.instant("accounted_to")?;
            Ok((fields.get("job")?, Standing { before, after: before, newest: fields.optional_instant("newest")? }))
        })
        .collect()
}

/// Decides on one accounting.
async fn judge(
    ledger: &mut SqliteConnection,
    accounting: &Accounting,
    standing: Option<&mut Standing>,
) -> Result<Accounted, StoreError> {
    let Some(standing) = standing else { return Ok(Accounted::Stale(None)) };
    if micros(standing.after) != micros(accounting.from) {
        return Ok(Accounted::Stale(Some(standing.after)));
    }
    let there = rows_in_the_way(ledger, accounting, standing.newest).await?;
    standing.after = accounting.to;
    Ok(accounting.around(&there))
}

/// The job's rows that lie where the accounting wants to write. Normally its newest row lies before, and there are none.
async fn rows_in_the_way(
    ledger: &mut SqliteConnection,
    accounting: &Accounting,
    newest: Option<DateTime<Utc>>,
) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>)>, StoreError> {
    let spans = accounting.spans.iter().map(|span| (span.scheduled_for, span.through));
    let claims = accounting.claims.iter().map(|claim| (claim.scheduled_for, claim.scheduled_for));
    let all = spans.chain(claims).reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)));
    let (Some((first, last)), Some(newest)) = (all, newest) else { return Ok(Vec::new()) };
    if newest < first {
        return Ok(Vec::new());
    }
    let found = sqlx::query(
        r#"SELECT id, scheduled_for, through FROM runs
           WHERE job = ?1 AND scheduled_for <= ?3 AND through >= ?2 AND "trigger" IN ('schedule', 'catch_up')
           ORDER BY scheduled_for"#,
    )
    .bind(accounting.job.as_str())
    .bind(micros(first))
    .bind(micros(last))
    .fetch_all(ledger)
    .await?;
    found
        .iter()
        .map(|row| {
            let fields = Fields::of("run", "id", row)?;
            Ok((fields.instant("scheduled_for")?, fields.instant("through")?))
        })
        .collect()
}

/// id, job, first instant, last instant, count, state, reason, definition
type SpanRow<'a> = (String, &'a str, i64, i64, u64, &'static str, &'static str, &'a str);

fn span_row<'a>(job: &'a JobName, span: &'a Span) -> SpanRow<'a> {
    let state = State::Ended(span.outcome).as_str();
    let (first, last) = (micros(span.scheduled_for), micros(span.through));
    (span.id.to_string(), job.as_str(), first, last, span.count, state, span.reason.as_str(), &span.definition)
}

/// id, job, instant, trigger, state, definition
type ClaimRow<'a> = (String, &'a str, i64, &'static str, &'static str, &'a str);

fn claim_row<'a>(job: &'a JobName, claim: &'a Claim) -> ClaimRow<'a> {
    let (instant, trigger) = (micros(claim.scheduled_for), claim.trigger.as_str());
    (claim.id.to_string(), job.as_str(), instant, trigger, State::Claimed.as_str(), &claim.definition)
}

/// The rows of a batch, to be written in as few statements as there are kinds.
#[derive(Default)]
struct Page<'a> {
    spans: Vec<SpanRow<'a>>,
    claims: Vec<ClaimRow<'a>>,
}

impl<'a> Page<'a> {
    fn of(batch: &'a [Accounting], answers: &'a [Accounted]) -> Self {
        let mut page = Self::default();
        for (Accounting { job, claims, .. }, answer) in batch.iter().zip(answers) {
            let Accounted::Done { spans, left_out } = answer else { continue };
            let new = claims.iter().filter(|claim| !left_out.contains(&claim.id));
            page.spans.extend(spans.iter().map(|span| span_row(job, span)));
            page.claims.extend(new.map(|claim| claim_row(job, claim)));
        }
        page
    }

    async fn write(&self, ledger: &mut SqliteConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        if !self.spans.is_empty() {
            sqlx::query(
                r#"INSERT INTO runs
                       (id, job, scheduled_for, through, count, state, reason, definition, "trigger", finished_at)
                   SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                       value ->> 7, 'schedule', ?2
                   FROM json_each(?1)"#,
            )
            .bind(json::rows(&self.spans)?)
            .bind(micros(now))
            .execute(&mut *ledger)
            .await?;
        }
        if !self.claims.is_empty() {
            sqlx::query(
                r#"INSERT INTO runs (id, job, scheduled_for, through, count, "trigger", state, definition)
                   SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 2, 1, value ->> 3, value ->> 4, value ->> 5
                   FROM json_each(?1) WHERE true
                   ON CONFLICT (job, scheduled_for) WHERE "trigger" IN ('schedule', 'catch_up') DO NOTHING"#,
            )
            .bind(json::rows(&self.claims)?)
            .execute(ledger)
            .await?;
        }
        Ok(())
    }
}

async fn move_cursors(ledger: &mut SqliteConnection, standings: &HashMap<String, Standing>) -> Result<(), StoreError> {
    let moves: Vec<_> = standings
        .iter()
        .map(|(job, standing)| (job, micros(standing.before), micros(standing.after)))
        .filter(|(_, before, after)| before != after)
        .collect();
    if moves.is_empty() {
        return Ok(());
    }
    let moved = sqlx::query(
        "UPDATE jobs SET accounted_to = value ->> 2 FROM json_each(?1) AS moves
         WHERE jobs.job = moves.value ->> 0 AND jobs.accounted_to = moves.value ->> 1",
    )
    .bind(json::rows(&moves)?)
    .execute(ledger)
    .await?;
    json::all_changed("cursors", moves.len(), &moved)
}
