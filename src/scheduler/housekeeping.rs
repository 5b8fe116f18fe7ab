//! What goes on beside the loop: the wait before the first firing, and the history kept within bounds.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::{Scheduler, Stop, drive::LAST_WRITES};

/// How often the history is pruned; the first time at the start.
const PRUNE: Duration = Duration::from_secs(3600);
/// After the last writes, how long a stop may take to say so in the ledger.
const FAREWELL: Duration = Duration::from_secs(2);

/// Waits `startup_grace` out, or until a stop (seed A26). `false` after a stop: nothing is to begin. Without a grace the jobs
/// are taken over even by a process that is stopped at once: from then on they are accounted for.
pub(super) async fn wait_out_grace(scheduler: &Scheduler, stop: &mut Stop) -> bool {
    let grace = scheduler.definitions.borrow().settings.startup_grace;
    if grace.is_zero() {
        return true;
    }
    tracing::info!(seconds = grace.as_secs_f64(), "startup_grace: nothing is fired yet");
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => false,
        () = tokio::time::sleep(grace) => true,
    }
}

/// Ends when a stop had all the time that it may take, whatever it waits for (guarantee G7).
pub(super) async fn wait_out_stop(scheduler: &Scheduler, mut stop: Stop) {
    // The one who could stop it is gone: that is a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
    let grace = scheduler.definitions.borrow().settings.shutdown_grace;
    tokio::time::sleep(grace + LAST_WRITES + FAREWELL).await;
}

/// Prunes until it is dropped. What is removed counts no more, but nothing that accounts for an occurrence still to be
/// proved goes.
pub(super) async fn keep_pruning(scheduler: Scheduler) {
    let mut hourly = tokio::time::interval(PRUNE);
    hourly.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        hourly.tick().await;
        let history = scheduler.definitions.borrow().settings.history;
        match scheduler.store.prune(scheduler.clock.now(), history.keep, history.per_job).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "old runs are pruned from the ledger"),
            Err(error) => tracing::warn!(%error, "the ledger could not be pruned, it is tried again in an hour"),
        }
    }
}
