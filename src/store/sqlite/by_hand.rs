//! What people ask for: runs that no schedule demanded, and pauses.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::{rows::micros, writer::Write};
use crate::{
    job::JobName,
    run::State,
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
        for Asked { job, claim, by } in &self.0 {
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
            .execute(&mut *ledger)
            .await?;
        }
        Ok(())
    }
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
