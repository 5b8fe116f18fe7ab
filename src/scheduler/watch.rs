//! What health checks and pages may look at while the loop runs.

use std::{collections::BTreeSet, num::NonZeroU32, sync::Arc};

use chrono::{DateTime, SubsecRound, Utc};
use tokio::sync::watch;

use crate::{
    dispatch::{self, Dispatcher, Order},
    entropy::Entropy,
    job::{Definitions, Job},
    run::{RunId, Trigger},
    store::Pause,
    ticker::{DEAD_AFTER, Liveness},
};

/// From how many refusals in a row on a target's credential counts as rejected (seed D5).
const REJECTED_FROM: u32 = 3;

/// What the loop says of itself.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Whether the ledger takes writes.
    pub store_writable: bool,
    /// Whether a stop is under way.
    pub stopping: bool,
    /// The pulse, once there is one.
    pub liveness: Option<Liveness>,
    /// How many times the loop started over after a fault.
    pub restarts: u32,
    /// Since when the loop fires.
    pub firing_since: Option<DateTime<Utc>>,
    /// What is held back.
    pub pauses: Vec<Pause>,
    /// The targets whose self-check was refused.
    pub self_check_refused: BTreeSet<String>,
}

/// A view of a running scheduler.
#[derive(Debug, Clone)]
pub struct Watch {
    pub(super) status: watch::Receiver<Status>,
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) definitions: watch::Receiver<Definitions>,
}

impl Watch {
    /// What the loop says of itself, now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// How many times the loop started over after a fault, if it did.
    #[must_use]
    pub fn restarts(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.status.borrow().restarts)
    }

    /// Whether the ticker's engine looked lately, and the loop too.
    #[must_use]
    pub fn is_ticking(&self) -> bool {
        self.status.borrow().liveness.as_ref().is_some_and(|pulse| pulse.age() < DEAD_AFTER)
    }

    /// Method and URL of a job's request, without secrets.
    #[must_use]
    pub fn request_line(&self, job: &Job) -> String {
        dispatch::request_line(job)
    }

    /// The request of a run of `job` by hand as it would be sent at `now`, without its secrets. Nothing is sent.
    ///
    /// # Errors
    /// In words: no request can be made of the definition.
    pub fn preview(&self, job: &Arc<Job>, now: DateTime<Utc>, entropy: Entropy) -> Result<String, String> {
        self.dispatcher.preview(&Order {
            job: Arc::clone(job),
            run: RunId::new(now, entropy),
            // As the ledger would keep it.
            scheduled_for: now.trunc_subsecs(6),
            attempt: 1,
            fence: 0,
            trigger: Trigger::Manual,
        })
    }

    /// The targets that refuse the credential: three times in a row, or at the self-check and nothing accepted since.
    #[must_use]
    pub fn rejecting_targets(&self) -> Vec<String> {
        let status = self.status.borrow();
        let rejecting = |target: &&String| {
            let refusals = self.dispatcher.rejections(target);
            refusals >= REJECTED_FROM || (refusals > 0 && status.self_check_refused.contains(*target))
        };
        self.definitions.borrow().targets.keys().filter(rejecting).cloned().collect()
    }
}
