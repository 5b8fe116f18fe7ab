//! What is written to the ledger and read from it.
//!
//! The ledger keeps microseconds: finer parts of an instant or a duration are cut off, also before two are compared.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    job::JobName,
    run::{Outcome, Reason, RunId, State, Trigger, Work},
    schedule::Schedule,
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

/// A schedule of a job, and when it was in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// What the schedule was, as in [`Cursor::schedule`]: an identity, or one of the three words.
    pub schedule: String,
    /// Its occurrences after here are demanded.
    pub anchored_at: DateTime<Utc>,
    /// The rows of occurrences after here are all kept; of those up to here, some may have been pruned.
    pub kept_after: DateTime<Utc>,
    /// Where the job's cursor stood when the next period began: every occurrence up to here got its row. `None` for the
    /// one in force.
    pub accounted_to: Option<DateTime<Utc>>,
}

impl Period {
    /// In place of a schedule: the job is there and does not fire.
    pub const DISABLED: &'static str = "disabled";
    /// In place of a schedule: the job is gone from the definitions.
    pub const REMOVED: &'static str = "removed";
    /// In place of a schedule: the time before the ledger kept its periods.
    pub const UNKNOWN: &'static str = "unknown";
}

/// All that the ledger knows of a job's accounting, as it was at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Whose.
    pub job: JobName,
    /// The schedules, in the order in which they came into force. Where the wall clock was set back, that is not the order
    /// of their instants.
    pub periods: Vec<Period>,
    /// Up to when (inclusive) every occurrence of the period in force has its row.
    pub accounted_to: DateTime<Utc>,
    /// The last sign of life; none was written within a scheduler's first seconds.
    pub last_tick: Option<DateTime<Utc>>,
    /// The rows of the triggers `schedule` and `catch_up`, oldest first.
    pub entries: Vec<Entry>,
}

/// A row, as far as it accounts for occurrences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub run: RunId,
    /// The first occurrence.
    pub scheduled_for: DateTime<Utc>,
    /// The last occurrence.
    pub through: DateTime<Utc>,
    /// How many there are, both ends included.
    pub count: u64,
    /// Where it stands.
    pub state: State,
    /// What an unknown run turned out to be.
    pub settled: Option<Outcome>,
}

/// Rows for one job and the cursor's move past them, in one transaction.
///
/// Occurrences that lie within a row already, as they do where a cursor was anchored behind it, get no other one (guarantee G2):
/// such a claim is left out, a span is cut around them. The answer says what was written.
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

/// Consecutive occurrences that ended before anything was sent, for one reason. Their row's trigger is `schedule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The id of the row. Where the span is cut, the first part has it, and each further one the id right behind that of
    /// the part before.
    pub id: RunId,
    /// What demanded them, whatever is in force by the time they are written.
    pub schedule: Schedule,
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

/// A run that no schedule demanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Whose run.
    pub job: JobName,
    /// The run; its trigger is neither `schedule` nor `catch_up`.
    pub claim: Claim,
    /// Who asked for it, as `class:name` (seed C16).
    pub by: Option<String>,
}

/// A job, or all of them, is held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Which job; `None`: all.
    pub job: Option<JobName>,
    /// Occurrences that are due after here are skipped.
    pub since: DateTime<Utc>,
    /// Those that are due up to here, and no later ones; `None`: until it is ended by hand.
    pub until: Option<DateTime<Utc>>,
    /// Why, for people.
    pub note: Option<String>,
    /// Who asked for it, as `class:name`.
    pub by: Option<String>,
}

impl Pause {
    /// Whether it is meant for this job.
    #[must_use]
    pub fn is_for(&self, job: &JobName) -> bool {
        self.job.as_ref().is_none_or(|own| own == job)
    }

    /// Whether what is due at `at` is held back.
    #[must_use]
    pub fn covers(&self, at: DateTime<Utc>) -> bool {
        self.since < at && self.until.is_none_or(|until| at <= until)
    }
}

/// What became of an [`Accounting`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accounted {
    /// Its rows are written and its cursor moved.
    Done {
        /// The spans as they were written: what had rows before is not in them.
        spans: Vec<Span>,
        /// The claims without a row: their occurrences had one. There is no such run.
        left_out: Vec<RunId>,
    },
    /// The cursor stood elsewhere, at this instant, or the job has no cursor (`None`): nothing was written.
    Stale(Option<DateTime<Utc>>),
}

/// A waiting run that is to become `sending`.
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
    /// The slot that it takes of its group; all that it asks for or nothing.
    pub group: Option<GroupSlot>,
    /// Method and URL, without secrets.
    pub request: String,
}

/// A slot of a group that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSlot {
    /// The group.
    pub group: String,
    /// How many slots it has.
    pub concurrency: u32,
    /// Until when it is taken should nothing more be heard of the run.
    pub until: DateTime<Utc>,
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
    /// All slots of its group are taken; nothing changed.
    Full {
        /// When the first of them is free by itself.
        until: DateTime<Utc>,
    },
    /// The run does not wait any more; nothing changed.
    Lost,
}

/// A waiting run that ends without being sent, or without being sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Which run.
    pub run: RunId,
    /// What a run that waits can end as; see [`crate::run::transition`].
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
}

/// How the attempt of an open run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// Which run.
    pub run: RunId,
    /// The attempt's outcome.
    pub outcome: Outcome,
    /// Why; `None` when it succeeded.
    pub reason: Option<Reason>,
    /// What follows for the run.
    pub then: Then,
    /// The answer's status.
    pub status: Option<u16>,
    /// The beginning of the answer's body, redacted; or what went wrong, in words.
    pub excerpt: Option<String>,
    /// From the instant it was due to the first byte sent; `None` leaves what is known of an earlier attempt.
    pub lateness: Option<TimeDelta>,
    /// From the first byte sent to the end.
    pub duration: Option<TimeDelta>,
}

/// What follows for a run when its attempt has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The outcome is the run's own.
    Over {
        /// Until when its slots stay taken (guarantee G3); `None` gives them back.
        hold_until: Option<DateTime<Utc>>,
    },
    /// It waits for another attempt, without slots.
    Again {
        /// When that is due.
        at: DateTime<Utc>,
    },
}

/// A run that the app took on and works on: it is to be asked how that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    /// Which run; sending, or polling already.
    pub run: RunId,
    /// When the app is asked next.
    pub wake_at: DateTime<Utc>,
    /// Until when its slots are taken should nothing more be heard of it.
    pub slot_until: DateTime<Utc>,
    /// What the app took on.
    pub work: Work,
    /// How far it is, in the app's words, redacted.
    pub progress: Option<String>,
    /// The status of the app's answer, where it is news.
    pub status: Option<u16>,
    /// The beginning of the app's answer, redacted, where it is news.
    pub excerpt: Option<String>,
    /// From the instant it was due to the first byte sent, where it is news.
    pub lateness: Option<TimeDelta>,
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
    /// Older than this row only: its first instant, and its id among those of one instant.
    pub before: Option<(DateTime<Utc>, RunId)>,
    /// Of which the first instant is one of these, both ends included.
    pub within: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// At most so many; 0 reads none.
    pub limit: u32,
}
