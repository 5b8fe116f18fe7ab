//! What the decisions are told, and what they want done.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Command, Done, Operation, Refused, Reloaded, Ticket};
use crate::{
    dispatch::{Cancelled, Inquiry, Order, Polled, Report},
    job::{Call, Definitions, JobName},
    run::{Outcome, Reason, RunId, Trigger, Work},
    store::{Accounted, Accounting, Begin, Begun, Cursor, End, Finish, Follow, Pause},
};

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// Something may have come into the lead window.
    Pulse,
    /// The instant asked for by [`Decisions::wake_at`](super::Decisions::wake_at) has come.
    Wake,
    /// The ledger did as told.
    Stored(Stored),
    /// The ledger could not do this. Nothing of it is written.
    StoreFailed(Write),
    /// An attempt is over; without a report its code panicked.
    AttemptEnded(RunId, Option<Report>),
    /// A look at what an app took on is over; without an answer its code panicked.
    Polled(RunId, Option<Polled>),
    /// An app was asked to stop a run; without an answer the code that asks panicked.
    Cancelled(RunId, Option<Cancelled>),
    /// Nothing new is to be sent.
    Stop,
    /// What is still open is not waited for any longer.
    GraceOver,
    /// The wall clock was set.
    ClockStepped,
    /// These definitions are in force from now on.
    Reload(Box<Definitions>),
    /// Somebody asks for something.
    Asked(Ticket, Command),
}

/// What is to be done.
#[derive(Debug)]
pub enum Effect {
    /// Tell the ledger, in this order.
    Write(Write),
    /// Tell it again from here on: what it did not take comes first, and whatever waits before this is refused.
    Resume,
    /// Send a request now.
    Send(Order),
    /// Ask now how far what an app took on is.
    Poll(Inquiry, Arc<Work>),
    /// Ask an app now to stop a run.
    Cancel(Inquiry, Call),
    /// Listen to the run's open request no longer.
    Abort(RunId),
    /// Tell people.
    Notice(Notice),
    /// Tell somebody who asked.
    Answer(Ticket, Result<Done, Refused>),
}

/// What the ledger is to be told.
#[derive(Debug, Clone)]
pub enum Write {
    /// New cursors.
    Anchor(Vec<Cursor>),
    /// Rows for occurrences.
    Account(Vec<Accounting>),
    /// Waiting runs become `sending`.
    Begin(Vec<Begin>),
    /// Claimed runs line up behind an earlier run of their job.
    Queue(Vec<RunId>),
    /// The app took runs on.
    Follow(Vec<Follow>),
    /// Waiting runs end.
    End(Vec<End>),
    /// Attempts end.
    Finish(Vec<Finish>),
    /// The scheduler is alive.
    Tick(DateTime<Utc>),
    /// Something that people ask for.
    Operate(Operation),
}

impl Write {
    /// Whether it is kept when the ledger does not take it, and told again: what comes after it must not overtake it. The
    /// others are decided anew.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        match self {
            Self::Begin(_) | Self::Tick(_) => false,
            write => !write.has_asker(),
        }
    }

    /// Whether somebody waits for it, who hears that it failed.
    #[must_use]
    pub fn has_asker(&self) -> bool {
        matches!(self, Self::Operate(operation) if operation.ticket().is_some())
    }
}

/// What the ledger answered, with what it was told.
#[derive(Debug)]
pub enum Stored {
    /// The cursors stand.
    Anchored,
    /// An answer for each.
    Accounted(Vec<Accounting>, Vec<Accounted>),
    /// An answer for each.
    Begun(Vec<Begin>, Vec<Begun>),
    /// `true` for each that lines up.
    Queued(Vec<RunId>, Vec<bool>),
    /// `true` for each that is followed.
    Followed(Vec<Follow>, Vec<bool>),
    /// They ended, or had ended before.
    Ended(Vec<End>),
    /// `true` for each whose attempt this ended.
    Finished(Vec<Finish>, Vec<bool>),
    /// The sign of life stands.
    Ticked,
    /// It is done; a settlement only where `true`.
    Operated(Operation, bool),
}

/// What people are told: the log, the metrics, `demo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Occurrences have their final row.
    Ended(RunEnded),
    /// An attempt is over.
    Attempted {
        /// Whose.
        job: JobName,
        /// How it ended.
        outcome: Outcome,
        /// Why so.
        reason: Option<Reason>,
    },
    /// A hold is over without word of the run: the job may be sent again.
    HoldOver {
        /// Whose hold.
        job: JobName,
        /// The run that was never settled.
        run: RunId,
    },
    /// A due run has waited more than a second for `max_in_flight`.
    Crowded {
        /// Which target is full.
        target: String,
        /// How many runs wait for it.
        waiting: usize,
    },
    /// The cursor of a job was moved by somebody else.
    Moved {
        /// Whose cursor.
        job: JobName,
        /// Where it stands; `None` when the ledger does not know the job.
        to: Option<DateTime<Utc>>,
    },
    /// A job's cursor was in the future and is set back to now (seed A22).
    Clamped {
        /// Whose cursor.
        job: JobName,
        /// Where it stood.
        from: DateTime<Utc>,
    },
    /// What an unknown run turned out to be.
    Settled {
        /// Whose run.
        job: JobName,
        /// Which run.
        run: RunId,
        /// `succeeded` or `failed`.
        outcome: Outcome,
    },
    /// These pauses are in force now, and no others.
    Pauses(Vec<Pause>),
    /// New definitions are in force.
    Reloaded(Reloaded),
    /// The ledger cannot be written, or can again.
    Store {
        /// Whether it can.
        writable: bool,
    },
}

/// Occurrences that have their final row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnded {
    /// The row.
    pub run: RunId,
    /// Whose.
    pub job: JobName,
    /// The first occurrence.
    pub scheduled_for: DateTime<Utc>,
    /// How many occurrences.
    pub count: u64,
    /// Why it was there; `None` when nothing was to be sent.
    pub trigger: Option<Trigger>,
    /// How they ended.
    pub outcome: Outcome,
    /// Why so.
    pub reason: Option<Reason>,
    /// The answer's status.
    pub status: Option<u16>,
    /// From the due instant to the sending.
    pub lateness: Option<TimeDelta>,
    /// From the sending to the end.
    pub duration: Option<TimeDelta>,
    /// The beginning of the answer, or what went wrong.
    pub excerpt: Option<String>,
    /// The number of the last attempt, if anything was sent.
    pub attempt: Option<u32>,
}

impl RunEnded {
    /// One occurrence, of which no answer was heard.
    pub(super) fn unheard(
        run: RunId,
        job: JobName,
        scheduled_for: DateTime<Utc>,
        outcome: Outcome,
        reason: Option<Reason>,
    ) -> Self {
        let (trigger, status, lateness, duration, excerpt, attempt) = (None, None, None, None, None, None);
        let count = 1;
        Self { run, job, scheduled_for, count, trigger, outcome, reason, status, lateness, duration, excerpt, attempt }
    }
}
