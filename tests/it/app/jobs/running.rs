//! How jobs run, fail and survive.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use sexton::clock::{Clock, SystemClock, VirtualClock};

use super::{hanging, marketplaces};
use crate::{
    app::marketplaces::{Hole, gone},
    support::{
        app::{Builder, TestApp},
        http::Reply,
        origin::Origin,
    },
};

/// Seed A37: while a job works, everything else is answered, and the endpoint that would do the same refuses.
#[tokio::test]
async fn a37_a_job_blocks_nobody() {
    let app = TestApp::start().await;
    let hole = Hole::open().await;
    let (id, git) = hanging(&app, &hole).await;
    app.scheduler("POST", "/api/marketplaces/sync-all").send().await.problem(409);
    assert_eq!(app.get("/api/health").send().await.status, 200);
    app.person("ada@example.org").await;
    assert_eq!(app.job(&id, |_| true).await["status"], "running");
    app.scheduler("POST", &format!("/api/jobs/{id}/cancel")).send().await;
    drop(git);
    app.stop().await;
}

/// A job waits for what a request is at, and then does it.
#[tokio::test]
async fn a_job_waits_for_its_turn() {
    let app = TestApp::start().await;
    let (hole, origin) = (Hole::open().await, Origin::with_commits(1));
    app.add_marketplace("slow", &hole.url()).await;
    let request = app.scheduler("POST", "/api/marketplaces/slow/sync").open().await;
    let git = hole.caught().await;
    let id = app.enqueue(&marketplaces()).await;
    app.job(&id, |job| job["status"] == "running").await;
    app.add_marketplace("tools", &origin.url()).await;
    drop(git);
    Reply::read(request).await.problem(500);
    drop(hole.caught().await);
    let job = app.ended(&id).await;
    assert_eq!(
        (&job["status"], &job["result"]["updated"], &job["result"]["errors"]),
        (&json!("completed"), &json!(1), &json!(1))
    );
    let row = app.audited(|row| row["result"] == "partly_failed").await;
    assert_eq!((&row["user"], &row["resource"]), (&json!("scheduler@system.local"), &json!("marketplaces_all")));
    app.stop().await;
}

/// Seed A36: what failed is tried again after a pause, three times in all.
#[tokio::test]
async fn a36_a_failed_job_is_tried_three_times() {
    let clock = VirtualClock::at(SystemClock.now());
    let app = Builder::default().clock(clock.clone()).start().await;
    app.add_marketplace("tools", "file:///nowhere/at/all").await;
    let id = app.enqueue(&marketplaces()).await;
    for attempt in 1..3 {
        let job = app.job(&id, |job| job["status"] == "pending" && job["attempts"] == attempt).await;
        assert!(job["error"].is_string(), "why it is tried again: {job}");
        clock.step(TimeDelta::seconds(10 * attempt));
    }
    let job = app.ended(&id).await;
    assert_eq!((&job["status"], &job["attempts"], &job["result"]["errors"]), (&json!("failed"), &json!(3), &json!(1)));
    assert_eq!(app.audit().await.iter().filter(|row| row["action"] == "marketplace.sync").count(), 1);
    app.stop().await;
}

/// Seed B12: a job that runs past its limit has failed, and nothing of it is left.
#[tokio::test]
async fn b12_a_job_is_given_up_at_its_limit() {
    let app = Builder::default().job_limit(Duration::from_secs(2)).start().await;
    let hole = Hole::open().await;
    let (id, git) = hanging(&app, &hole).await;
    gone(git).await;
    let job = app.ended(&id).await;
    assert_eq!((&job["status"], &job["attempts"]), (&json!("failed"), &json!(1)));
    assert!(job["error"].as_str().unwrap().starts_with("It took longer than 2 s"), "{job}");
    app.stop().await;
}

/// Seed B9: what cannot be started has failed, and says why; it does not wait for ever.
#[tokio::test]
async fn b9_what_nobody_can_start_has_failed() {
    let app = Builder::default().workers(0).start().await;
    app.sql(
        "INSERT INTO jobs (id, kind, arguments, status, requested_by, requested_as, run_after, created_at)
         VALUES ('later', 'of-a-later-version', '{}', 'pending', 'ada@example.org', 'user', 0, 0)",
    )
    .await;
    let app = Builder::default().data(app.stop().await).start().await;
    let job = app.ended("later").await;
    assert_eq!((&job["status"], &job["attempts"]), (&json!("failed"), &json!(1)));
    assert!(job["error"].as_str().unwrap().contains("of-a-later-version"), "{job}");
    app.stop().await;
}

/// What the app fails at is in its log under an id, and the job has no more than the id.
#[tokio::test]
async fn a_broken_app_keeps_its_internals() {
    let app = TestApp::start().await;
    app.sql("ALTER TABLE marketplaces RENAME TO gone").await;
    let id = app.enqueue(&marketplaces()).await;
    let job = app.job(&id, |job| job["error"].is_string()).await;
    let error = job["error"].as_str().unwrap();
    assert!(error.starts_with("The app failed; its log") && !error.contains("table"), "{error}");
    app.stop().await;
}

/// What waits is done after a restart; what ran is put back when the app stops, and begun anew.
#[tokio::test]
async fn a_queue_outlives_the_app() {
    let app = Builder::default().workers(1).shutdown_grace(Duration::from_millis(10)).start().await;
    let hole = Hole::open().await;
    let (running, git) = hanging(&app, &hole).await;
    let waiting = app.enqueue(&marketplaces()).await;
    app.job(&running, |job| job["status"] == "running").await;
    let data = app.stop().await;
    gone(git).await;
    drop(hole);
    let app = Builder::default().data(data).workers(0).start().await;
    let job = app.job(&running, |_| true).await;
    assert_eq!((&job["status"], &job["attempts"]), (&json!("pending"), &json!(0)), "stopping is not its fault");
    app.sql("DELETE FROM marketplaces").await;
    let app = Builder::default().data(app.stop().await).start().await;
    for id in [&running, &waiting] {
        assert_eq!(app.ended(id).await["status"], "completed");
    }
    app.stop().await;
}

/// An app that closes lets its jobs end, and begins no other.
#[tokio::test]
async fn stopping_lets_jobs_end() {
    let app = Builder::default().workers(1).start().await;
    let hole = Hole::open().await;
    let (running, git) = hanging(&app, &hole).await;
    let waiting = app.enqueue(&marketplaces()).await;
    app.job(&running, |job| job["status"] == "running").await;
    let (data, ()) = tokio::join!(app.stop(), async { drop(git) });
    let app = Builder::default().data(data).workers(0).start().await;
    assert_eq!(app.job(&running, |_| true).await["attempts"], 1);
    assert_eq!(app.job(&waiting, |_| true).await["attempts"], 0);
    app.stop().await;
}
