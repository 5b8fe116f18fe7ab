//! What people ask for: runs that no schedule demanded, and pauses.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::{json, rows::micros, writer::Write};
use crate::{
    job::JobName,
    run::{Outcome, State},
    store::{Asked, Pause, StoreError},
};

/// In place of a job's name: all jobs.
pub(super) const ALL: &str = "*";

/// Runs to claim.
pub(super) struct ClaimAsked(pub(super) Vec<Asked>);

#[async_trait]
impl Write for ClaimAsked {
    type Answer = ();

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<(), StoreError> {
        for asked in &self.0 {
            claim(ledger, asked).await?;
        }
        Ok(())
    }
}

/// A run of an instant of the past to claim, unless another one of that instant is in the way.
pub(super) struct ClaimPast {
    pub(super) asked: Asked,
    pub(super) again: bool,
}

#[async_trait]
impl Write for ClaimPast {
    type Answer = bool;

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<bool, StoreError> {
        let done = [Outcome::Succeeded.as_str()];
        let done: &[_] = if self.again { &[] } else { &done };
        let in_the_way: Vec<&str> = State::OPEN.iter().map(|open| open.as_str()).chain(done.iter().copied()).collect();
        let is_taken: bool = sqlx::query_scalar(
            "SELECT EXISTS (
                 SELECT 1 FROM runs WHERE job = ?1 AND scheduled_for = ?2
                 AND ifnull(settled, state) IN (SELECT value FROM json_each(?3))
             )",
        )
        .bind(self.asked.job.as_str())
        .bind(micros(self.asked.claim.scheduled_for))
        .bind(json::rows(&in_the_way)?)
        .fetch_one(&mut *ledger)
        .await?;
        if !is_taken {
            claim(ledger, &self.asked).await?;
        }
        Ok(!is_taken)
    }
}

async fn claim(ledger: &mut SqliteConnection, Asked { job, claim, by }: &Asked) -> Result<(), StoreError> {
    sqlx::query(
        r#"INSERT INTO runs (id, job, scheduled_for, through, count, "trigger", state, definition, asked_by)
           VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5, ?6, ?7)"#,
    )
    .bind(claim.id.to_string())
    .bind(job.as_str())
    .bind(micros(claim.scheduled_for))
    .bind(claim.trigger.as_str())
    .bind(State::Claimed.as_str())
    .bind(&claim.definition)
    .bind(by)
    .execute(ledger)
    .await?;
    Ok(())
}

/// Pauses to begin, or to put in place of those that are there.
pub(super) struct BeginPauses(pub(super) Vec<Pause>);

#[async_trait]
impl Write for BeginPauses {
    type Answer = ();

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<(), StoreError> {
        for pause in &self.0 {
            sqlx::query(
                "INSERT INTO pauses (job, since, until, note, asked_by) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (job) DO UPDATE SET since = excluded.since, until = excluded.until, note = excluded.note,
                     asked_by = excluded.asked_by",
            )
            .bind(name(pause.job.as_ref()))
            .bind(micros(pause.since))
            .bind(pause.until.map(micros))
            .bind(&pause.note)
            .bind(&pause.by)
            .execute(&mut *ledger)
            .await?;
        }
        Ok(())
    }
}

/// Pauses to end.
pub(super) struct EndPauses(pub(super) Vec<Option<JobName>>);

#[async_trait]
impl Write for EndPauses {
    type Answer = ();

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<(), StoreError> {
        for job in &self.0 {
            sqlx::query("DELETE FROM pauses WHERE job = ?1").bind(name(job.as_ref())).execute(&mut *ledger).await?;
        }
        Ok(())
    }
}

fn name(job: Option<&JobName>) -> &str {
    job.map_or(ALL, JobName::as_str)
}
