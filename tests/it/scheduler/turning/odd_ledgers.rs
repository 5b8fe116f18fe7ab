//! Ledgers that break.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sexton::{
    job::JobName,
    run::{Attempt, Outcome, Run, RunId},
    store::{
        self, Accounted, Accounting, Asked, Begin, Begun, Cursor, End, Evidence, Finish, Follow, Pause, RunQuery,
        RunStore, Slot, StoreError,
    },
};
use tokio::sync::watch;

/// What is wrong with a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// There is no room on the disk.
    Full,
    /// There is none for these writes.
    Refuses(&'static str),
    /// These writes are not taken before something else is wrong.
    Hangs(&'static [&'static str]),
    /// The next such write panics, once.
    Panics(&'static str),
}

/// A real ledger with faults.
#[derive(Debug)]
pub(super) struct OddLedger {
    ledger: Arc<dyn RunStore>,
    fault: watch::Sender<Fault>,
    /// The write that hangs.
    hanging: watch::Sender<Option<&'static str>>,
    /// How many writes were refused.
    refused: watch::Sender<usize>,
}

impl OddLedger {
    pub(super) async fn open(folder: &Path, now: DateTime<Utc>) -> Arc<Self> {
        let address = format!("sqlite://{}", folder.join("sexton.db").display());
        let ledger = store::open(&address, now).await.unwrap().store;
        let (fault, hanging) = (watch::Sender::new(Fault::None), watch::Sender::new(None));
        Arc::new(Self { ledger, fault, hanging, refused: watch::Sender::new(0) })
    }

    pub(super) fn now(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Ends when such a write hangs.
    pub(super) async fn hangs(&self, write: &'static str) {
        let mut seen = self.hanging.subscribe();
        let hanging = seen.wait_for(|hanging| *hanging == Some(write));
        tokio::time::timeout(super::PATIENCE, hanging).await.expect("it hangs in time").unwrap();
    }

    /// Ends when so many more writes were refused.
    pub(super) async fn refuses(&self, more: usize) {
        let mut seen = self.refused.subscribe();
        let wanted = *seen.borrow() + more;
        let refused = seen.wait_for(|refused| *refused >= wanted);
        tokio::time::timeout(super::PATIENCE, refused).await.expect("it refuses in time").unwrap();
    }

    async fn write(&self, write: &'static str) -> Result<&dyn RunStore, StoreError> {
        let hangs = |fault: &Fault| matches!(fault, Fault::Hangs(writes) if writes.contains(&write));
        if hangs(&self.fault.borrow()) {
            self.hanging.send_replace(Some(write));
            self.fault.subscribe().wait_for(|fault| !hangs(fault)).await.unwrap();
        }
        let panics = self.fault.send_if_modified(|fault| {
            let panics = *fault == Fault::Panics(write);
            if panics {
                *fault = Fault::None;
            }
            panics
        });
        assert!(!panics, "this write was told to panic");
        let refuses = match *self.fault.borrow() {
            Fault::Full => true,
            Fault::Refuses(writes) => writes == write,
            _ => false,
        };
        if refuses {
            self.refused.send_modify(|refused| *refused += 1);
            return Err(StoreError::ReadOnly);
        }
        Ok(self.ledger.as_ref())
    }
}

#[async_trait]
impl RunStore for OddLedger {
    async fn cursors(&self) -> Result<Vec<Cursor>, StoreError> {
        self.ledger.cursors().await
    }
    async fn anchor(&self, cursors: Vec<Cursor>) -> Result<(), StoreError> {
        self.write("anchor").await?.anchor(cursors).await
    }
    async fn account(&self, now: DateTime<Utc>, batch: Vec<Accounting>) -> Result<Vec<Accounted>, StoreError> {
        self.write("account").await?.account(now, batch).await
    }
    async fn begin(&self, now: DateTime<Utc>, batch: Vec<Begin>) -> Result<Vec<Begun>, StoreError> {
        self.write("begin").await?.begin(now, batch).await
    }
    async fn queue(&self, runs: Vec<RunId>) -> Result<Vec<bool>, StoreError> {
        self.write("queue").await?.queue(runs).await
    }
    async fn follow(&self, batch: Vec<Follow>) -> Result<Vec<bool>, StoreError> {
        self.write("follow").await?.follow(batch).await
    }
    async fn end(&self, now: DateTime<Utc>, batch: Vec<End>) -> Result<(), StoreError> {
        self.write("end").await?.end(now, batch).await
    }
    async fn finish(&self, now: DateTime<Utc>, batch: Vec<Finish>) -> Result<Vec<bool>, StoreError> {
        self.write("finish").await?.finish(now, batch).await
    }
    async fn tick(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write("tick").await?.tick(now).await
    }
    async fn last_tick(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.ledger.last_tick().await
    }
    async fn unfinished(&self) -> Result<Vec<Run>, StoreError> {
        self.ledger.unfinished().await
    }
    async fn slots(&self, now: DateTime<Utc>) -> Result<Vec<Slot>, StoreError> {
        self.ledger.slots(now).await
    }
    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>, StoreError> {
        self.ledger.runs(query).await
    }
    async fn run(&self, id: RunId) -> Result<Option<(Run, Vec<Attempt>)>, StoreError> {
        self.ledger.run(id).await
    }
    async fn claim(&self, asked: Vec<Asked>) -> Result<(), StoreError> {
        self.write("claim").await?.claim(asked).await
    }
    async fn claim_past(&self, asked: Asked, again: bool) -> Result<bool, StoreError> {
        self.write("claim").await?.claim_past(asked, again).await
    }
    async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        self.ledger.pauses().await
    }
    async fn pause(&self, pauses: Vec<Pause>) -> Result<(), StoreError> {
        self.write("pause").await?.pause(pauses).await
    }
    async fn resume(&self, jobs: Vec<Option<JobName>>) -> Result<(), StoreError> {
        self.write("resume").await?.resume(jobs).await
    }
    async fn settle(&self, run: RunId, outcome: Outcome) -> Result<bool, StoreError> {
        self.write("settle").await?.settle(run, outcome).await
    }
    async fn prune(&self, now: DateTime<Utc>, keep: Duration, per_job: u64) -> Result<u64, StoreError> {
        self.write("prune").await?.prune(now, keep, per_job).await
    }
    async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.ledger.backup(to).await
    }
    async fn evidence(&self, job: JobName) -> Result<Option<Evidence>, StoreError> {
        self.ledger.evidence(job).await
    }
    async fn close(&self) {
        self.ledger.close().await;
    }
}
