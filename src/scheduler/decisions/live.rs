//! A run that is not over, as the decisions know it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::stop::Stopping;
use crate::{
    job::{Job, Target},
    run::{Outcome, Reason, Trigger},
};

#[derive(Debug)]
pub(super) struct Live {
    pub(super) job: Arc<Job>,
    pub(super) scheduled_for: DateTime<Utc>,
    pub(super) fires_at: DateTime<Utc>,
    pub(super) trigger: Trigger,
    /// The number of its newest attempt, once there is one.
    pub(super) attempt: Option<u32>,
    /// That attempt's number within the job.
    pub(super) fence: Option<u64>,
    /// When that attempt left, once it has.
    pub(super) sent_at: Option<DateTime<Utc>>,
    /// The target whose permit it has.
    pub(super) permit: Option<Arc<Target>>,
    /// How far the app is with stopping it, once it was asked.
    pub(super) stopping: Option<Stopping>,
    /// What it has behind it while it waits.
    pub(super) standing: Standing,
    pub(super) stage: Stage,
}

/// What a waiting run has behind it, as the ledger keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing: `claimed`.
    Fresh,
    /// It lined up behind an earlier run of its job: `queued`.
    Queued,
    /// An attempt that ended so: `retry_wait`.
    Tried(Outcome, Reason),
}

/// What it is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Waits for its instant.
    Claimed,
    /// Its instant has come, and it waits for this.
    Waiting(Need),
    /// Waits for a permit.
    InLine,
    /// Has a permit; the ledger is asked for its slots.
    Beginning,
    /// Is `sending` in the ledger; the request leaves at its instant.
    Ready { fence: u64, attempt: u32 },
    /// Its request is open.
    InFlight,
    /// The app took it on; that is on the way into the ledger.
    TakenOn,
    /// The app is at it, and is asked from time to time how far it is.
    Polling,
    /// Its end is on the way into the ledger.
    Ending,
}

/// What a run waits for that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Its turn among what its job catches up on.
    Turn,
    /// That no other run of its job is, or may be, at it.
    Job,
    /// A slot of its group.
    Group,
    /// The end of the pause between two attempts, which is then.
    Pause(DateTime<Utc>),
}

impl Live {
    /// One that was taken and waits for its instant.
    pub(super) fn claimed(
        job: Arc<Job>,
        scheduled_for: DateTime<Utc>,
        fires_at: DateTime<Utc>,
        trigger: Trigger,
    ) -> Self {
        let (standing, stage) = (Standing::Fresh, Stage::Claimed);
        let (attempt, fence, sent_at, permit, stopping) = (None, None, None, None, None);
        Self { job, scheduled_for, fires_at, trigger, attempt, fence, sent_at, permit, stopping, standing, stage }
    }

    /// Whether the ledger let it go and has not heard of its end.
    pub(super) fn is_sending(&self) -> bool {
        matches!(self.stage, Stage::Ready { .. } | Stage::InFlight)
    }

    /// Whether the app may be at it, and its end has not been heard.
    pub(super) fn is_open(&self) -> bool {
        self.is_sending() || self.stage == Stage::Polling
    }

    /// Whether nothing of it is on its way, neither to the app nor to the ledger.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Claimed | Stage::Waiting(_) | Stage::InLine)
    }

    /// Whether an attempt of it failed and another one is to come.
    pub(super) fn waits_to_retry(&self) -> bool {
        self.is_waiting() && matches!(self.standing, Standing::Tried(..))
    }

    /// Whether it keeps other runs of its job out, or will before they can be sent.
    pub(super) fn is_pending(&self) -> bool {
        match self.stage {
            Stage::InLine
            | Stage::Beginning
            | Stage::Ready { .. }
            | Stage::InFlight
            | Stage::TakenOn
            | Stage::Polling
            | Stage::Waiting(Need::Group) => true,
            Stage::Claimed | Stage::Waiting(_) | Stage::Ending => false,
        }
    }

    /// Whether it lined up behind an earlier run of its job, and the ledger has not let it go.
    pub(super) fn is_queued(&self) -> bool {
        self.standing == Standing::Queued && (self.is_waiting() || self.stage == Stage::Beginning)
    }
}
