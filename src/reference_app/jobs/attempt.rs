//! One attempt at a job, from its claim to its end.

use std::{convert::Infallible, time::Duration};

use chrono::TimeDelta;
use tokio::sync::{oneshot, watch};

use super::{
    kind::Work,
    lease::{self, ATTEMPTS, Claimed, End, RENEWAL},
    perform::{self, Outcome},
    status::Status,
};
use crate::reference_app::{
    audit,
    database::instant,
    lifecycle,
    observe::caught,
    progress::Progress,
    state::{App, Shared},
};

/// How long a job waits for its next attempt, for each attempt made.
const PAUSE_MILLIS: i64 = 10_000;
/// Progress is written when it moved by this much.
const STEP: f64 = 0.01;

/// How an attempt ended.
enum Ended {
    Done(Outcome),
    /// The app failed; its log has the cause under this id.
    Broken(String),
    Late,
    Cancelled,
    /// Another has the job by now.
    Lost,
    Stopping,
}

/// Works on a job until it is done, fails, is late, is cancelled, is somebody else's, or the app stops. Whatever ends it,
/// nothing of the work is left when this returns.
pub(super) async fn attempt(app: Shared, claimed: Claimed, cancelled: oneshot::Receiver<()>) {
    let now = app.now_millis();
    match lease::start(&app.pool, &claimed, now).await {
        Ok(true) => {}
        Ok(false) => return lost(&claimed),
        Err(error) => {
            return tracing::error!(%error, "a job cannot be started; it is tried again when its lease is over");
        }
    }
    let work = perform::read(&claimed);
    let audited = perform::audited(&claimed, &work);
    let ended = match work {
        Ok(work) => until_ended(&app, &claimed, work, cancelled).await,
        Err(error) => Ended::Done(Outcome::Failed { reason: error.to_string(), result: None, again: false }),
    };
    let started = claimed.started_at.unwrap_or(now);
    if let Err(error) = settle(&app, &claimed, ended, audited, started).await {
        tracing::error!(%error, "a job's end cannot be written; it is tried again when its lease is over");
    }
}

async fn until_ended(app: &Shared, claimed: &Claimed, work: Work, cancelled: oneshot::Receiver<()>) -> Ended {
    let (progress, moved) = Progress::new();
    let mut under_way: lifecycle::Work = app.lifecycle.begin();
    tokio::select! {
        // First, for a sync that is told to stop fails, and that is not the job's fault.
        biased;
        () = under_way.stopped() => Ended::Stopping,
        done = caught(perform::perform(app, work, &progress)) => match done {
            Ok(Ok(outcome)) => Ended::Done(outcome),
            Ok(Err(error)) => broken(app, &error),
            Err(panic) => broken(app, &panic),
        },
        () = lost_lease(app, claimed) => Ended::Lost,
        never = noting(app, claimed, moved) => match never {},
        () = tokio::time::sleep(app.jobs.limit()) => Ended::Late,
        Ok(()) = cancelled => Ended::Cancelled,
    }
}

fn broken(app: &App, cause: &impl std::fmt::Display) -> Ended {
    let error_id = app.entropy.hex::<8>();
    tracing::error!(error_id, %cause, "a job failed");
    Ended::Broken(error_id)
}

/// Renews the lease every third of it; ends when it is somebody else's.
async fn lost_lease(app: &App, claimed: &Claimed) {
    loop {
        app.clock.sleep_until(app.clock.now() + TimeDelta::from_std(RENEWAL).unwrap_or_default()).await;
        match lease::renew(&app.pool, claimed, app.now_millis()).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "a job's lease cannot be renewed; it is tried again"),
        }
    }
}

/// Writes progress as it is made.
async fn noting(app: &App, claimed: &Claimed, mut moved: watch::Receiver<f64>) -> Infallible {
    let mut written = 0.0;
    while moved.changed().await.is_ok() {
        let progress = *moved.borrow_and_update();
        if progress - written >= STEP {
            written = progress;
            if let Err(error) = lease::advance(&app.pool, claimed, progress).await {
                tracing::warn!(%error, "a job's progress cannot be noted");
            }
        }
    }
    std::future::pending().await
}

async fn settle(
    app: &App,
    claimed: &Claimed,
    ended: Ended,
    audited: (&'static str, String),
    started: i64,
) -> Result<(), sqlx::Error> {
    let (end, result) = match ended {
        Ended::Done(Outcome::Completed { result, partly }) => {
            let end = End { status: Status::Completed, result: Some(result.to_string()), error: None };
            (end, if partly { "partly_failed" } else { "ok" })
        }
        Ended::Done(Outcome::Failed { reason, again: true, .. }) if claimed.attempts < ATTEMPTS => {
            return again(app, claimed, &reason).await;
        }
        Ended::Done(Outcome::Failed { reason, result, .. }) => {
            let result = result.map(|result| result.to_string());
            (End { status: Status::Failed, result, error: Some(reason) }, "failed")
        }
        Ended::Broken(error_id) => {
            let reason = format!("The app failed; its log has the cause under the error id {error_id}.");
            if claimed.attempts < ATTEMPTS {
                return again(app, claimed, &reason).await;
            }
            (failed(reason), "failed")
        }
        Ended::Late => (failed(too_long(app.jobs.limit())), "failed"),
        Ended::Cancelled => (End { status: Status::Cancelled, result: None, error: None }, "cancelled"),
        Ended::Lost => {
            lost(claimed);
            return Ok(());
        }
        Ended::Stopping => {
            tracing::warn!(job = claimed.id, "the app stops: the job goes back to the queue");
            return lease::hand_back(&app.pool, claimed).await;
        }
    };
    finish(app, claimed, &end, (audited, result), started).await
}

/// Ends a job and says so.
pub(super) async fn finish(
    app: &App,
    claimed: &Claimed,
    end: &End,
    ((action, resource), result): ((&'static str, String), &str),
    started: i64,
) -> Result<(), sqlx::Error> {
    let now = app.now_millis();
    let row = audit::Row {
        at: instant(started),
        by: audit::Doer::known(&claimed.requested_by, &claimed.requested_as),
        action: action.to_owned(),
        resource,
        result: result.to_owned(),
        duration_ms: (now - started).max(0),
    };
    if !lease::end(&app.pool, claimed, end, row, now).await? {
        lost(claimed);
        return Ok(());
    }
    let (job, kind, status, attempts) = (&claimed.id, &claimed.kind, end.status.as_str(), claimed.attempts);
    tracing::info!(job, kind, status, attempts, duration_ms = now - started, "job ended");
    Ok(())
}

/// A job that ends as failed for `reason`.
pub(super) fn failed(reason: String) -> End {
    End { status: Status::Failed, result: None, error: Some(reason) }
}

fn too_long(limit: Duration) -> String {
    format!("It took longer than {} s, so it was given up.", limit.as_secs_f32())
}

async fn again(app: &App, claimed: &Claimed, reason: &str) -> Result<(), sqlx::Error> {
    let run_after = app.now_millis() + PAUSE_MILLIS * claimed.attempts;
    tracing::warn!(job = claimed.id, attempts = claimed.attempts, reason, "a job failed and is tried again");
    if !lease::put_back(&app.pool, claimed, reason, run_after).await? {
        lost(claimed);
    }
    Ok(())
}

fn lost(claimed: &Claimed) {
    tracing::warn!(job = claimed.id, "a job was taken over or cancelled meanwhile; what this attempt did is not noted");
}
