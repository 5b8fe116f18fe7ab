//! What people are told: one log line a run, counts, and whoever listens.

pub use super::decisions::RunEnded;
use super::{
    Scheduler,
    decisions::{Notice, Reloaded},
};
use crate::{dispatch::request_id, run::Outcome};

pub(super) fn announce(scheduler: &Scheduler, notice: Notice) {
    match notice {
        Notice::Ended(ended) => {
            log(&ended);
            scheduler.metrics.ended(&ended, scheduler.clock.now());
            if let Some(listener) = &scheduler.listener {
                drop(listener.send(ended));
            }
        }
        Notice::Attempted { job, outcome, reason } => scheduler.metrics.attempted(&job, outcome, reason),
        Notice::HoldOver { job, run } => {
            scheduler.metrics.hold_over(&job);
            tracing::warn!(%job, %run, "the hold of a run is over without word of how it ended; its job may be sent again");
        }
        Notice::Crowded { target, waiting } => {
            tracing::warn!(target_app = target, waiting, "due runs wait for max_in_flight");
        }
        Notice::Moved { job, to } => {
            let to = to.map(|to| to.to_rfc3339());
            tracing::error!(%job, to, "somebody else accounts for this job; going on from where the ledger stands");
        }
        Notice::Clamped { job, from } => {
            tracing::error!(%job, %from, "the ledger was ahead of the clock; going on from now");
        }
        Notice::Settled { job, run, outcome } => {
            scheduler.metrics.settled(&job, outcome);
            tracing::info!(%job, %run, %outcome, "an unknown run is settled");
        }
        Notice::Pauses(pauses) => {
            scheduler.status.send_if_modified(|status| {
                let changed = status.pauses != pauses;
                if changed {
                    let held: Vec<&str> =
                        pauses.iter().map(|pause| pause.job.as_ref().map_or("all", |job| job.as_str())).collect();
                    tracing::info!(paused = held.join(", "), "pauses in force");
                    status.pauses = pauses;
                }
                changed
            });
            count_paused(scheduler);
        }
        Notice::Reloaded(Reloaded { added, changed, removed, total }) => {
            tracing::info!(added, changed, removed, total, "new definitions are in force");
            count_paused(scheduler);
        }
        Notice::Store { writable: false } => {
            scheduler.status.send_modify(|status| status.store_writable = false);
            tracing::error!("the ledger cannot be written: nothing is sent until it can");
        }
        Notice::Store { writable: true } => {
            scheduler.status.send_modify(|status| status.store_writable = true);
            tracing::info!("the ledger can be written again");
        }
    }
}

/// A pause of all jobs is one of those that came with an edit too.
fn count_paused(scheduler: &Scheduler) {
    scheduler.metrics.paused(scheduler.definitions.borrow().jobs.keys(), &scheduler.status.borrow().pauses);
}

/// The one log line of a run: `run ended` with job, run, scheduled_for, outcome, and what else is known of
/// reason, status, lateness_ms, duration_ms, count and request_id (the app logs it too, seed A42). Never the body.
fn log(ended: &RunEnded) {
    let scheduled_for = ended.scheduled_for.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let reason = ended.reason.map(|reason| reason.as_str());
    let lateness_ms = ended.lateness.map(|lateness| lateness.num_milliseconds());
    let duration_ms = ended.duration.map(|duration| duration.num_milliseconds());
    let request_id = ended.attempt.map(|attempt| request_id(ended.run, attempt));
    let count = (ended.count > 1).then_some(ended.count);
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                job = %ended.job, run = %ended.run, scheduled_for, outcome = %ended.outcome, reason,
                status = ended.status, lateness_ms, duration_ms, count, request_id, "run ended"
            )
        };
    }
    match ended.outcome {
        Outcome::Succeeded | Outcome::Skipped | Outcome::Cancelled => line!(info),
        Outcome::Missed | Outcome::Unknown | Outcome::Failed => line!(warn),
    }
}
