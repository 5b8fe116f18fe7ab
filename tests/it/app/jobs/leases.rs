//! Workers that die, sleep, or come back late.

use chrono::TimeDelta;
use serde_json::json;
use sexton::clock::{Clock, SystemClock, VirtualClock};

use super::{hanging, marketplaces};
use crate::{
    app::marketplaces::{Hole, gone},
    support::{
        app::{Builder, TestApp},
        http::PATIENCE,
        origin::Origin,
    },
};

/// A row of a worker that died 10 s ago, at its n-th attempt.
async fn orphan(app: &TestApp, clock: &VirtualClock, attempts: i64) {
    let mut database = app.database().await;
    sqlx::query(
        "INSERT INTO jobs (id, kind, arguments, status, requested_by, requested_as, attempts, run_after, lease, lease_until, created_at, started_at)
         VALUES ('orphan', 'marketplaces', '{}', 'running', 'ada@example.org', 'user', ?1, 0, 'gone', ?2, 0, ?2 - 120000)",
    )
    .bind(attempts)
    .bind((clock.now() + TimeDelta::seconds(110)).timestamp_millis())
    .execute(&mut database)
    .await
    .unwrap();
}

/// An app whose clock can be stepped, and a job in it whose worker is gone.
async fn with_orphan(attempts: i64) -> (TestApp, VirtualClock) {
    let clock = VirtualClock::at(SystemClock.now());
    let app = Builder::default().workers(0).clock(clock.clone()).start().await;
    orphan(&app, &clock, attempts).await;
    let app = Builder::default().data(app.stop().await).clock(clock.clone()).start().await;
    (app, clock)
}

/// Seeds A36, B12: a worker that is gone keeps the job for the rest of its lease, then another takes it.
#[tokio::test]
async fn a36_a_job_outlives_its_worker() {
    let (app, clock) = with_orphan(1).await;
    let other = app.enqueue(&marketplaces()).await;
    app.ended(&other).await;
    assert_eq!(app.job("orphan", |_| true).await["status"], "running", "its lease is not over");
    clock.step(TimeDelta::seconds(111));
    let job = app.ended("orphan").await;
    assert_eq!((&job["status"], &job["attempts"]), (&json!("completed"), &json!(2)));
    app.stop().await;
}

/// Seeds A36, B12, A9: three times, then it has failed, and whoever asked has it in the audit log.
#[tokio::test]
async fn a36_the_third_attempt_is_the_last() {
    let (app, clock) = with_orphan(3).await;
    clock.step(TimeDelta::seconds(111));
    let job = app.ended("orphan").await;
    assert_eq!((&job["status"], &job["attempts"]), (&json!("failed"), &json!(3)));
    assert!(job["error"].as_str().unwrap().contains("worker was gone"), "{job}");
    let row = app.audited(|row| row["user"] == "ada@example.org").await;
    let about = ["action", "resource", "result"].map(|key| row[key].clone());
    assert_eq!(about, ["marketplace.sync", "marketplaces_all", "failed"].map(serde_json::Value::from));
    app.stop().await;
}

/// Seed A36: every third of the lease it is renewed, so work may take much longer than one.
#[tokio::test]
async fn a36_a_lease_is_renewed_while_the_work_goes_on() {
    let clock = VirtualClock::at(SystemClock.now());
    let app = Builder::default().clock(clock.clone()).start().await;
    let hole = Hole::open().await;
    let (id, git) = hanging(&app, &hole).await;
    app.job(&id, |job| job["status"] == "running").await;
    for _ in 0..6 {
        renewed_after(&app, &clock, 40).await;
    }
    assert_eq!(app.job(&id, |_| true).await["attempts"], 1);
    // A machine that slept wakes with all leases over: the worker is still there, and its job is not taken from it.
    renewed_after(&app, &clock, 3600).await;
    let job = app.job(&id, |_| true).await;
    assert_eq!((&job["status"], &job["attempts"]), (&json!("running"), &json!(1)));
    app.scheduler("POST", &format!("/api/jobs/{id}/cancel")).send().await;
    drop(git);
    app.stop().await;
}

/// Steps the clock, and waits until the only lease has moved by as much.
async fn renewed_after(app: &TestApp, clock: &VirtualClock, seconds: i64) {
    const UNTIL: &str = "SELECT lease_until FROM jobs";
    let before: i64 = app.value(UNTIL).await;
    clock.step(TimeDelta::seconds(seconds));
    let renewed = async { while app.value::<i64>(UNTIL).await < before + seconds * 1000 {} };
    tokio::time::timeout(PATIENCE, renewed).await.expect("the lease is renewed");
}

/// Seeds A36, B11: a worker that lost its lease changes nothing: neither when it is done nor when it fails.
#[tokio::test]
async fn b11_a_late_worker_overwrites_nothing() {
    for good in [true, false] {
        let app = Builder::default().workers(1).start().await;
        let (hole, origin) = (Hole::open().await, Origin::with_commits(1));
        if good {
            // One of two that fails is a pass that was made.
            app.add_marketplace("good", &origin.url()).await;
        }
        let (late, git) = hanging(&app, &hole).await;
        app.job(&late, |job| job["status"] == "running").await;
        app.sql("UPDATE jobs SET status = 'cancelled', lease = NULL, lease_until = NULL, finished_at = created_at")
            .await;
        let next = app.enqueue(&marketplaces()).await;
        drop(git);
        // The only worker is at the next one, so it is done with the late one.
        let git = hole.caught().await;
        let job = app.job(&late, |_| true).await;
        let about = ["status", "result", "error"].map(|key| job[key].clone());
        assert_eq!(about, [json!("cancelled"), json!(null), json!(null)]);
        app.scheduler("POST", &format!("/api/jobs/{next}/cancel")).send().await;
        drop(git);
        app.stop().await;
    }
}

/// Seed A36: a lease belongs to one claim, also of a job that the same process had before.
#[tokio::test]
async fn a36_each_claim_has_a_lease_of_its_own() {
    let app = Builder::default().workers(1).start().await;
    app.sql(
        "CREATE TABLE claims (job, lease);
         CREATE TRIGGER claimed AFTER UPDATE OF lease ON jobs WHEN NEW.lease IS NOT NULL
         BEGIN INSERT INTO claims VALUES (NEW.id, NEW.lease); END",
    )
    .await;
    let twice = app.enqueue(&marketplaces()).await;
    app.ended(&twice).await;
    app.sql("UPDATE jobs SET status = 'pending', finished_at = NULL").await;
    let other = app.enqueue(&marketplaces()).await;
    app.ended(&other).await;
    app.ended(&twice).await;
    assert_eq!(app.value::<i64>("SELECT count(*) FROM claims").await, 3);
    assert_eq!(app.value::<i64>("SELECT count(DISTINCT lease) FROM claims").await, 3);
    assert_eq!(app.value::<i64>("SELECT count(DISTINCT job) FROM claims").await, 2);
    app.stop().await;
}

/// Seed A36: and it stops working as soon as it notices.
#[tokio::test]
async fn a36_a_worker_that_lost_its_lease_stops() {
    let clock = VirtualClock::at(SystemClock.now());
    let app = Builder::default().clock(clock.clone()).start().await;
    let hole = Hole::open().await;
    let (id, git) = hanging(&app, &hole).await;
    app.job(&id, |job| job["status"] == "running").await;
    app.sql("UPDATE jobs SET lease = 'stolen'").await;
    clock.step(TimeDelta::seconds(40));
    gone(git).await;
    assert_eq!(app.value::<String>("SELECT lease FROM jobs").await, "stolen");
    app.stop().await;
}
