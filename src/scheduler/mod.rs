//! The loop: due -> claim -> wait -> permit -> slot -> send -> record.
//!
//! What is decided is in [`decisions`], a pure function of events. This room turns the world into events and decisions
//! into deeds: the pulse of the [`crate::ticker`], absolute waits, writes in order (`recorder`), one task an attempt.

mod announce;
mod command;
pub mod decisions;
mod drive;
mod housekeeping;
mod inquiries;
mod metrics;
mod recorder;
mod self_check;
mod stale;
mod watch;

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc::UnboundedSender;

pub use announce::RunEnded;
pub use command::{Commands, Handle};
pub use metrics::Metrics;
pub use watch::{Status, Watch};

use self::decisions::Life;
use crate::{
    clock::SharedClock,
    dispatch::Dispatcher,
    entropy::Entropy,
    job::Definitions,
    store::{RunStore, StoreError},
};

/// How long the loop rests after a panic of its own before it starts over from the ledger.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// Turns true once, when nothing new is to be sent.
pub type Stop = tokio::sync::watch::Receiver<bool>;

/// Everything a scheduler works with.
#[derive(Debug, Clone)]
pub struct Scheduler {
    /// What to fire. A new value is taken into force at once.
    pub definitions: tokio::sync::watch::Receiver<Definitions>,
    /// Where it is accounted for.
    pub store: Arc<dyn RunStore>,
    /// Who sends.
    pub dispatcher: Arc<Dispatcher>,
    /// The time.
    pub clock: SharedClock,
    /// Randomness, for ids.
    pub entropy: Entropy,
    /// Where counts and gauges go.
    pub metrics: Metrics,
    /// Where the state for health checks goes.
    pub status: tokio::sync::watch::Sender<Status>,
    /// Who wants to hear of every run that ended.
    pub listener: Option<UnboundedSender<RunEnded>>,
    /// What people ask for.
    pub commands: Commands,
}

impl Scheduler {
    /// A view for health checks and pages.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch {
            status: self.status.subscribe(),
            dispatcher: Arc::clone(&self.dispatcher),
            definitions: self.definitions.clone(),
        }
    }

    /// Waits `startup_grace` out, then runs until `stop` turns true and the drain is over (guarantee G7). A panic of the loop itself is logged, and the
    /// loop starts over from the ledger as after a crash (seed D9).
    ///
    /// # Errors
    /// When the ledger cannot be read at the start.
    pub async fn run(self, mut stop: Stop) -> Result<(), StoreError> {
        let self_check = tokio::spawn(self_check::check_all(self.clone()));
        let begins = housekeeping::wait_out_grace(&self, &mut stop).await;
        let pruning = tokio::spawn(housekeeping::keep_pruning(self.clone()));
        let ended = if begins { self.keep_turning(stop).await } else { Ok(()) };
        self_check.abort();
        pruning.abort();
        ended
    }

    async fn keep_turning(self, stop: Stop) -> Result<(), StoreError> {
        let mut life = Life::First;
        loop {
            match tokio::spawn(drive::drive(self.clone(), stop.clone(), std::mem::replace(&mut life, Life::Later)))
                .await
            {
                Ok(ended) => return ended,
                Err(death) if death.is_panic() => {
                    tracing::error!("the scheduler's loop panicked; starting over from the ledger");
                    tokio::time::sleep(RESTART_PAUSE).await;
                }
                Err(_) => return Ok(()),
            }
        }
    }
}
