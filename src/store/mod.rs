//! The ledger. [`RunStore`] is what the scheduler asks of it; one conformance suite holds every implementation to it.
//!
//! The store keeps and compares; it decides nothing. Every change is one transaction, durable when the call returns, and
//! every change of a run's state goes through [`crate::run::transition`] by compare-and-set.

mod around;
mod error;
mod model;
mod sqlite;

use std::{
    fmt::Debug,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    job::JobName,
    run::{Attempt, Outcome, Run, RunId},
};

pub use error::StoreError;
pub use model::{
    Accounted, Accounting, Asked, Begin, Begun, Claim, Cursor, End, Entry, Evidence, Finish, Follow, GroupSlot, Pause,
    Period, RunQuery, Slot, Span, Then,
};

/// Keeps the ledger. All instants come from the caller.
///
/// A write that was called and polled once is carried out, also when the caller goes away before the answer (seed D11).
/// A batch is one transaction: it is written as a whole or, with an error, not at all.
#[async_trait]
pub trait RunStore: Debug + Send + Sync + 'static {
    /// Every job the ledger knows, by name.
    async fn cursors(&self) -> Result<Vec<Cursor>, StoreError>;

    /// Writes cursors of jobs that are new or whose schedule changed; replaces what stood there, and begins a [`Period`]
    /// for each. A job's fence goes on growing. A sign of life from after an anchor was given by a clock that has been set
    /// back since: it becomes the anchor's instant.
    async fn anchor(&self, cursors: Vec<Cursor>) -> Result<(), StoreError>;

    /// Writes the rows of occurrences, but for what has one ([`Accounting::around`]), and moves the cursors past them; an
    /// answer for each accounting, in order. One stale accounting does not hinder the others. `now` is when the spans' rows got their outcome.
    async fn account(&self, now: DateTime<Utc>, batch: Vec<Accounting>) -> Result<Vec<Accounted>, StoreError>;

    /// Claims runs that no schedule demanded, for jobs that have a cursor. They account for nothing, and may be for an
    /// instant that an occurrence has too.
    async fn claim(&self, asked: Vec<Asked>) -> Result<(), StoreError>;

    /// Claims a run of an instant of the past in the same way, unless a run of its job and instant has no outcome yet or,
    /// without `again`, one has succeeded: then `false`, and nothing is written.
    async fn claim_past(&self, asked: Asked, again: bool) -> Result<bool, StoreError>;

    /// What is held back, all jobs first, then by job.
    async fn pauses(&self) -> Result<Vec<Pause>, StoreError>;

    /// Holds jobs back; takes the place of a pause that is there for the same.
    async fn pause(&self, pauses: Vec<Pause>) -> Result<(), StoreError>;

    /// Ends pauses, if they are there: of a job, or of all (`None`), which leaves those of single jobs.
    async fn resume(&self, jobs: Vec<Option<JobName>>) -> Result<(), StoreError>;

    /// Turns waiting runs (claimed, queued, or waiting for their next attempt) to `sending`; an answer for each, in order. A slot whose time is over (`until` at `now` or
    /// before) counts as free.
    async fn begin(&self, now: DateTime<Utc>, batch: Vec<Begin>) -> Result<Vec<Begun>, StoreError>;

    /// Lines claimed runs up behind an earlier run of their job, over restarts: `queued`. `false` for one that is not
    /// claimed any more: it is left alone.
    async fn queue(&self, runs: Vec<RunId>) -> Result<Vec<bool>, StoreError>;

    /// Turns sent runs to `polling`, or writes down how far those are that poll already; their attempt stays open, and their
    /// slots are kept longer. `false` for one that is neither: it is left alone.
    async fn follow(&self, batch: Vec<Follow>) -> Result<Vec<bool>, StoreError>;

    /// Ends waiting runs; what is known of their attempts stays. A skipped or missed occurrence joins the row before it when
    /// that was never sent and ended the same way, for the same reason, under the same definition: its own row goes, the
    /// other one's `through`, `count` and `finished_at` grow. It does not where rows were pruned after that one, nor past the
    /// cursor, where occurrences between the two may be yet to get theirs. A run that does not wait any more, or cannot end
    /// so from where it stands, is left alone.
    ///
    /// # Errors
    /// Also [`StoreError::Illegal`], before anything is written, for an outcome that no waiting run can have.
    async fn end(&self, now: DateTime<Utc>, batch: Vec<End>) -> Result<(), StoreError>;

    /// Ends the open attempts of open runs (sending or polling), and the runs too unless another attempt is to follow; gives
    /// back or extends the slots that they still have. `false` for one that is not open any more, or cannot end so from where it stands: it is left alone.
    ///
    /// # Errors
    /// Also [`StoreError::Illegal`], before anything is written, for an outcome that no open run can have.
    async fn finish(&self, now: DateTime<Utc>, batch: Vec<Finish>) -> Result<Vec<bool>, StoreError>;

    /// Writes down what an unknown run turned out to be, `succeeded` or `failed`, and gives back the slots that it still
    /// has. Its state and reason stay. `false` for a run that is not unknown, or was settled before: it is left alone.
    ///
    /// # Errors
    /// Also [`StoreError::Illegal`] for another outcome.
    async fn settle(&self, run: RunId, outcome: Outcome) -> Result<bool, StoreError>;

    /// Notes that the scheduler was alive at `now`, and that no occurrence up to it still waits to be accounted for. Also
    /// tells whether the ledger can be written.
    async fn tick(&self, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// When the scheduler was last alive, as it said itself; `None` before its first sign of life.
    async fn last_tick(&self) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// The runs without an outcome, oldest first.
    async fn unfinished(&self) -> Result<Vec<Run>, StoreError>;

    /// The slots of jobs that end after `t`, by job: after now, those that are taken. One that is over stays until somebody
    /// takes it.
    async fn slots(&self, t: DateTime<Utc>) -> Result<Vec<Slot>, StoreError>;

    /// The history, newest `scheduled_for` first.
    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>, StoreError>;

    /// What proves a job's accounting; `None` for a job that the ledger does not know.
    async fn evidence(&self, job: JobName) -> Result<Option<Evidence>, StoreError>;

    /// One run with its attempts, oldest first.
    async fn run(&self, id: RunId) -> Result<Option<(Run, Vec<Attempt>)>, StoreError>;

    /// Removes runs whose last instant is more than `keep` before `now`, and all but the newest `per_job` rows of each job;
    /// says how many. A run without an outcome stays, and so does one that has a slot at `now`; one that is unknown and was
    /// not settled goes by its age alone, so that `keep` is the time there is for that. Cursors and fences are not touched; the periods say up to where rows went. Unlike other writes it is several transactions, so that no other has to wait for it.
    async fn prune(&self, now: DateTime<Utc>, keep: Duration, per_job: u64) -> Result<u64, StoreError>;

    /// Writes a copy of the ledger as it is at one instant, which is a ledger itself. Replaces nothing.
    ///
    /// # Errors
    /// Also [`StoreError::BackupExists`], and [`StoreError::Backup`] when the file cannot be written.
    async fn backup(&self, copy: &Path) -> Result<(), StoreError>;

    /// Finishes the writes that wait and closes. Calls after it fail with [`StoreError::Closed`].
    async fn close(&self);
}

/// A ledger that was opened, and what is to be told about it.
#[derive(Debug)]
pub struct Opened {
    /// The ledger.
    pub store: Arc<dyn RunStore>,
    /// Why it is a fresh one although there was one before; health shows it.
    pub fresh_because: Option<FreshBecause>,
}

/// Why a ledger was begun anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FreshBecause {
    /// The file could not be read as a ledger any more (seed A22).
    #[error(
        "the ledger was corrupt ({problem}) and was set aside as {}: the history is fresh, and no occurrence from before \
         it is caught up",
        set_aside.display()
    )]
    Corrupt {
        /// Where the old file is now.
        set_aside: PathBuf,
        /// What the database said of it.
        problem: String,
    },
}

/// Opens the ledger at `address` for the one sidecar that writes it, and makes it when there is none. `now` names the
/// file that a corrupt ledger is set aside as.
///
/// # Errors
/// An address that is none, a folder that is not there, a ledger that another sidecar has open or a newer one wrote, or
/// whatever the file system says.
pub async fn open(address: &str, now: DateTime<Utc>) -> Result<Opened, StoreError> {
    sqlite::open(sqlite::file_of(address)?, now).await
}

/// Opens the ledger at `address` for reading, beside a running sidecar or without one. It takes no lock and makes no
/// file; writes are refused with [`StoreError::ReadOnly`].
///
/// # Errors
/// An address that is none, no ledger there, or one that this build cannot read.
pub async fn open_read_only(address: &str) -> Result<Arc<dyn RunStore>, StoreError> {
    sqlite::open_read_only(sqlite::file_of(address)?).await
}
