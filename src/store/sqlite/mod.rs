//! The ledger of one machine: a SQLite file in WAL mode, one task that writes it, and a few connections that read it.
//!
//! `address` reads `--store`, `lock` keeps a second sidecar out, `open` puts a ledger in order, `corrupt` sets one aside
//! that cannot be. `writer` owns the write connection; `anchor`, `account`, `begin`, `queue`, `follow`, `end`, `finish`,
//! `settle`, `by_hand`, `tick` and `prune` are what it does. `read`, `evidence` and `backup` need no writer, `rows` and
//! `json` translate.

mod account;
mod address;
mod anchor;
mod backup;
mod begin;
mod blocking;
mod by_hand;
mod corrupt;
mod end;
mod evidence;
mod finish;
mod follow;
mod json;
mod lock;
mod open;
mod prune;
mod queue;
mod read;
mod rows;
mod settle;
mod tick;
mod writer;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqlitePool;

use self::{
    account::Account,
    anchor::Anchor,
    begin::BeginRuns,
    blocking::blocking,
    by_hand::{BeginPauses, ClaimAsked, ClaimPast, EndPauses},
    end::EndRuns,
    finish::FinishRuns,
    follow::FollowRuns,
    prune::Remove,
    queue::Queue,
    settle::Settle,
    tick::Tick,
    writer::{Write, Writer},
};
use super::{
    Accounted, Accounting, Asked, Begin, Begun, Cursor, End, Evidence, Finish, Follow, Pause, RunQuery, RunStore, Slot,
    StoreError,
};
use crate::{
    job::JobName,
    run::{Attempt, Outcome, Run, RunId},
};

pub(super) use address::file_of;
pub(super) use open::{open, open_read_only};

/// A [`RunStore`] in a SQLite file.
#[derive(Debug)]
struct SqliteStore {
    path: PathBuf,
    reads: SqlitePool,
    /// `None` when it was opened for reading only.
    writer: Option<Writer>,
}

impl SqliteStore {
    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or(StoreError::ReadOnly)
    }

    async fn write<W: Write>(&self, write: W) -> Result<W::Answer, StoreError> {
        self.writer()?.carry_out(write).await
    }

    async fn read<T, F>(&self, query: impl FnOnce(SqlitePool) -> F + Send + 'static) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>>,
    {
        let reads = self.reads.clone();
        blocking(move || query(reads)).await?
    }
}

#[async_trait]
impl RunStore for SqliteStore {
    async fn cursors(&self) -> Result<Vec<Cursor>, StoreError> {
        self.read(read::cursors).await
    }

    async fn anchor(&self, cursors: Vec<Cursor>) -> Result<(), StoreError> {
        self.write(Anchor(cursors)).await
    }

    async fn account(&self, now: DateTime<Utc>, batch: Vec<Accounting>) -> Result<Vec<Accounted>, StoreError> {
        self.write(Account { now, batch }).await
    }

    async fn begin(&self, now: DateTime<Utc>, batch: Vec<Begin>) -> Result<Vec<Begun>, StoreError> {
        self.write(BeginRuns { now, batch }).await
    }

    async fn queue(&self, runs: Vec<RunId>) -> Result<Vec<bool>, StoreError> {
        self.write(Queue(runs)).await
    }

    async fn follow(&self, batch: Vec<Follow>) -> Result<Vec<bool>, StoreError> {
        self.write(FollowRuns(batch)).await
    }

    async fn end(&self, now: DateTime<Utc>, batch: Vec<End>) -> Result<(), StoreError> {
        self.write(EndRuns::new(now, batch)?).await
    }

    async fn finish(&self, now: DateTime<Utc>, batch: Vec<Finish>) -> Result<Vec<bool>, StoreError> {
        self.write(FinishRuns::new(now, batch)?).await
    }

    async fn claim(&self, asked: Vec<Asked>) -> Result<(), StoreError> {
        self.write(ClaimAsked(asked)).await
    }

    async fn claim_past(&self, asked: Asked, again: bool) -> Result<bool, StoreError> {
        self.write(ClaimPast { asked, again }).await
    }

    async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        self.read(read::pauses).await
    }

    async fn pause(&self, pauses: Vec<Pause>) -> Result<(), StoreError> {
        self.write(BeginPauses(pauses)).await
    }

    async fn resume(&self, jobs: Vec<Option<JobName>>) -> Result<(), StoreError> {
        self.write(EndPauses(jobs)).await
    }

    async fn settle(&self, run: RunId, outcome: Outcome) -> Result<bool, StoreError> {
        self.write(Settle::new(run, outcome)?).await
    }

    async fn tick(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(Tick(now)).await
    }

    async fn last_tick(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.read(read::last_tick).await
    }

    async fn unfinished(&self) -> Result<Vec<Run>, StoreError> {
        self.read(read::unfinished).await
    }

    async fn slots(&self, t: DateTime<Utc>) -> Result<Vec<Slot>, StoreError> {
        self.read(move |pool| read::slots(pool, t)).await
    }

    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>, StoreError> {
        self.read(move |pool| read::runs(pool, query)).await
    }

    async fn evidence(&self, job: JobName) -> Result<Option<Evidence>, StoreError> {
        self.read(move |pool| evidence::evidence(pool, job)).await
    }

    async fn run(&self, id: RunId) -> Result<Option<(Run, Vec<Attempt>)>, StoreError> {
        self.read(move |pool| read::run(pool, id)).await
    }

    async fn prune(&self, now: DateTime<Utc>, keep: Duration, per_job: u64) -> Result<u64, StoreError> {
        let writer = self.writer()?;
        let ids = self.read(move |pool| prune::surplus(pool, now, keep, per_job)).await?;
        let mut removed = 0;
        for ids in ids.chunks(prune::AT_ONCE) {
            removed += writer.carry_out(Remove { now, keep, ids: ids.to_vec() }).await?;
        }
        Ok(removed)
    }

    async fn backup(&self, copy: &Path) -> Result<(), StoreError> {
        let (ledger, copy) = (self.path.clone(), copy.to_owned());
        blocking(move || backup::backup(ledger, copy)).await?
    }

    async fn close(&self) {
        let reads = self.reads.clone();
        if blocking(move || async move { reads.close().await }).await.is_err() {
            tracing::warn!("the runtime went down before the ledger was closed");
        }
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}
