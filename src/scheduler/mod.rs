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

use tokio::{sync::mpsc::UnboundedSender, task::JoinSet, time::Instant};

pub use announce::RunEnded;
pub use command::{Commands, Handle};
pub use metrics::Metrics;
pub use watch::{Status, Watch};

use self::{decisions::Life, drive::Ended, recorder::Pen};
use crate::{
    clock::SharedClock,
    dispatch::Dispatcher,
    entropy::Entropy,
    job::Definitions,
    store::{RunStore, StoreError},
};

/// How long the loop rests after a fault of its own before it starts over from the ledger.
const REST: Duration = Duration::from_secs(1);
/// At most so long, when one life after the other is short. What falls due in one rest is younger than the `late_limit` after
/// it, unless somebody set that lower, and so is still sent by a life that lasts.
const LONGEST_REST: Duration = Duration::from_secs(30);

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

    /// Waits `startup_grace` out, then runs until `stop` turns true and the drain is over (guarantee G7). A panic of the loop itself, or of what
    /// writes for it, is logged, and the loop starts over from the ledger as after a crash (seed D9).
    ///
    /// # Errors
    /// When the ledger cannot be read at the start, or does not take the last writes in time.
    pub async fn run(self, mut stop: Stop) -> Result<(), StoreError> {
        let self_check = tokio::spawn(self_check::check_all(self.clone()));
        let begins = housekeeping::wait_out_grace(&self, &mut stop).await;
        let pruning = tokio::spawn(housekeeping::keep_pruning(self.clone()));
        let ended = tokio::select! {
            ended = self.keep_turning(&stop), if begins => ended,
            () = housekeeping::wait_out_stop(&self, stop.clone()), if begins => Err(StoreError::Unanswered),
            else => Ok(()),
        };
        self_check.abort();
        pruning.abort();
        ended
    }

    async fn keep_turning(&self, stop: &Stop) -> Result<(), StoreError> {
        let (mut lives, mut life, pen) = (JoinSet::new(), Life::First, Pen::default());
        let mut rest = Duration::ZERO;
        loop {
            let begin = Instant::now();
            lives.spawn(drive::drive(self.clone(), stop.clone(), life, Arc::clone(&pen)));
            match lives.join_next().await {
                Some(Ok(Ok(Ended::Late))) => return Err(StoreError::Unanswered),
                Some(Ok(Ok(Ended::Broken))) => tracing::error!("nobody writes for the scheduler's loop any more"),
                Some(Ok(ended)) => return ended.map(drop),
                Some(Err(death)) if death.is_panic() => tracing::error!("the scheduler's loop panicked"),
                Some(Err(_)) | None => return Ok(()),
            }
            rest = rest_after(begin.elapsed(), rest);
            tracing::error!(after_s = rest.as_secs(), "starting over from the ledger");
            self.metrics.loop_restarted();
            self.status.send_modify(|status| status.restarts += 1);
            life = Life::Later;
            wait_out_rest(rest, stop.clone()).await;
        }
    }
}

/// What ends a life as soon as it has begun would end the next ones too, and nothing is fired in between.
fn rest_after(life: Duration, rest_before: Duration) -> Duration {
    if life < rest_before { (rest_before * 2).min(LONGEST_REST) } else { REST }
}

/// A stop is not kept waiting: its drain needs a life.
async fn wait_out_rest(rest: Duration, mut stop: Stop) {
    let stopped = async {
        let _ = stop.wait_for(|stop| *stop).await;
        tokio::time::sleep(REST).await;
    };
    tokio::select! {
        () = tokio::time::sleep(rest) => {}
        () = stopped => {}
    }
}
