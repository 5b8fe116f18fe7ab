//! The ledger. [`RunStore`] is what the scheduler asks of it; one conformance suite holds every implementation to it.
//!
//! The store keeps and compares; it decides nothing. Every change is one transaction, durable when the call returns, and
//! every change of a run's state goes through [`crate::run::transition`] by compare-and-set.

use std::{fmt::Debug, path::PathBuf};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    job::JobName,
    run::{Attempt, Outcome, Reason, Run, RunId, State, Trigger},
};

/// What the ledger knows of a job: up to where its occurrences are accounted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Whose cursor.
    pub job: JobName,
    /// The hash of the definition it belongs to.
    pub definition: String,
    /// What the schedule was, in words that change when its instants do.
    pub schedule: String,
    /// From when on (exclusive) this schedule is accounted for.
    pub anchored_at: DateTime<Utc>,
    /// Up to when (inclusive) every occurrence has its row.
    pub accounted_to: DateTime<Utc>,
}

/// Rows for one job and the cursor's move past them, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounting {
    /// Whose occurrences.
    pub job: JobName,
    /// Where the caller believes the cursor stands; elsewhere, nothing is written ([`Accounted::Stale`]).
    pub from: DateTime<Utc>,
    /// Where it stands afterwards.
    pub to: DateTime<Utc>,
    /// Occurrences that ended before anything was sent.
    pub spans: Vec<Span>,
    /// Occurrences to be sent.
    pub claims: Vec<Claim>,
}

/// Consecutive occurrences that ended before anything was sent, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The id of the row.
    pub id: RunId,
    /// The first occurrence.
    pub scheduled_for: DateTime<Utc>,
    /// The last occurrence.
    pub through: DateTime<Utc>,
    /// How many there are, both ends included.
    pub count: u64,
    /// `missed` or `skipped`.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// The definition's hash.
    pub definition: String,
}

/// An occurrence taken in order to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The id of the row.
    pub id: RunId,
    /// The occurrence.
    pub scheduled_for: DateTime<Utc>,
    /// `schedule` or `catch_up`.
    pub trigger: Trigger,
    /// The definition's hash.
    pub definition: String,
}

/// What became of an [`Accounting`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accounted {
    /// Its rows are written and its cursor moved.
    Done {
        /// Claims and spans that were not written because an occurrence of theirs has its row already (the cursor had
        /// been set back).
        already: Vec<RunId>,
    },
    /// The cursor stood elsewhere, at this instant, or the job has no cursor (`None`): nothing was written.
    Stale(Option<DateTime<Utc>>),
}

/// A claimed run that is to become `sending`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// Which run.
    pub run: RunId,
    /// Why it is sent; a claim found stale turns from `schedule` to `catch_up` here.
    pub trigger: Trigger,
    /// The hash of the definition it is sent with.
    pub definition: String,
    /// Until when the job's slot is taken should nothing more be heard of the run; `None` takes no slot.
    pub slot_until: Option<DateTime<Utc>>,
    /// Method and URL, without secrets.
    pub request: String,
}

/// What became of a [`Begin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The run is `sending`, its attempt is written, its slot is taken.
    Sending {
        /// The attempt's number within the job: greater than every one before.
        fence: u64,
        /// The attempt's number within the run, from 1.
        attempt: u32,
    },
    /// Another run has the job's slot; nothing changed.
    Occupied {
        /// That run.
        by: RunId,
        /// Where it stands.
        state: State,
        /// Until when its slot is taken.
        until: DateTime<Utc>,
    },
    /// The run is no longer `claimed`; nothing changed.
    Lost,
}

/// A claimed run that ends without being sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Which run.
    pub run: RunId,
    /// `skipped`, `missed` or `cancelled`.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
}

/// How a sent run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// Which run.
    pub run: RunId,
    /// Its outcome.
    pub outcome: Outcome,
    /// Why; `None` when it succeeded.
    pub reason: Option<Reason>,
    /// Until when the job's slot stays taken (guarantee G3); `None` gives it back.
    pub hold_until: Option<DateTime<Utc>>,
    /// The answer's status.
    pub status: Option<u16>,
    /// The beginning of the answer's body, redacted; or what went wrong, in words.
    pub excerpt: Option<String>,
    /// From the instant it was due to the first byte sent.
    pub lateness: Option<TimeDelta>,
    /// From the first byte sent to the end.
    pub duration: Option<TimeDelta>,
}

/// A slot that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Whose slot.
    pub job: JobName,
    /// Which run has it.
    pub run: RunId,
    /// Where that run stands.
    pub state: State,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// Which rows of the history to read, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunQuery {
    /// Of this job only.
    pub job: Option<JobName>,
    /// With this outcome only.
    pub outcome: Option<Outcome>,
    /// At most so many.
    pub limit: u32,
}

/// Keeps the ledger. All instants come from the caller.
#[async_trait]
pub trait RunStore: Debug + Send + Sync + 'static {
    /// Every job the ledger knows.
    async fn cursors(&self) -> Result<Vec<Cursor>, StoreError>;

    /// Writes cursors of jobs that are new or whose schedule changed; replaces what stood there.
    async fn anchor(&self, cursors: Vec<Cursor>) -> Result<(), StoreError>;

    /// Writes the rows of occurrences and moves the cursors past them; an answer for each accounting, in order. One
    /// stale accounting does not hinder the others.
    async fn account(&self, now: DateTime<Utc>, batch: Vec<Accounting>) -> Result<Vec<Accounted>, StoreError>;

    /// Turns claimed runs to `sending`; an answer for each, in order. A slot whose time is over counts as free.
    async fn begin(&self, now: DateTime<Utc>, batch: Vec<Begin>) -> Result<Vec<Begun>, StoreError>;

    /// Ends claimed runs. A skipped or missed one joins the row before it when that ended the same way, for the same
    /// reason, under the same definition. A run that is no longer claimed is left alone.
    async fn end(&self, now: DateTime<Utc>, batch: Vec<End>) -> Result<(), StoreError>;

    /// Ends sent runs and their open attempts. `false` for one that is no longer `sending`: it is left alone.
    async fn finish(&self, now: DateTime<Utc>, batch: Vec<Finish>) -> Result<Vec<bool>, StoreError>;

    /// Notes that the scheduler was alive at `now`. Also tells whether the ledger can be written.
    async fn tick(&self, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// The runs without an outcome, oldest first.
    async fn unfinished(&self) -> Result<Vec<Run>, StoreError>;

    /// The slots that are taken at `now`.
    async fn slots(&self, now: DateTime<Utc>) -> Result<Vec<Slot>, StoreError>;

    /// The history, newest `scheduled_for` first.
    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>, StoreError>;

    /// One run with its attempts, oldest first.
    async fn run(&self, id: RunId) -> Result<Option<(Run, Vec<Attempt>)>, StoreError>;

    /// Flushes and closes. Calls after it fail.
    async fn close(&self);
}

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address is none that Sexton knows.
    #[error("`{0}` is no ledger address: write sqlite://FILE, for example sqlite://sexton.db")]
    Address(String),
    /// Another sidecar has it open.
    #[error("{} is in use by another sidecar ({holder}): stop that one, or give this one a ledger of its own with --store", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
        /// What the holder wrote into the lock: its process id and host.
        holder: String,
    },
    /// A newer Sexton wrote it.
    #[error("{} was written by a newer sexton (schema {found}, this one knows {known}): upgrade this one, or restore a backup", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema found.
        found: i64,
        /// The newest schema that this build knows.
        known: i64,
    },
    /// The file or its folder cannot be used.
    #[error("cannot open the ledger {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A row that no sexton wrote.
    #[error("the ledger holds a row that cannot be read: {0}")]
    Row(String),
    /// The database failed.
    #[error("the ledger failed: {0}")]
    Database(#[from] sqlx::Error),
    /// It was closed.
    #[error("the ledger is closed")]
    Closed,
}
