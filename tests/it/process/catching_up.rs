//! What fell into a downtime. The ledger of a sidecar that was stopped is made older: to the next start it was away so long.

use chrono::{DateTime, TimeDelta, Utc};
use rustix::process::Signal;
use serde_json::Value;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::working_app::{Pass, WorkingApp, most_at_once};
use crate::support::{
    process::{eventually, run},
    sidecar::{PATIENCE, Sidecar},
};

/// How many occurrences of each job fell into it, 12 hours apart.
const AWAY: u64 = 150;

const JOBS: &str = "[defaults]\nhold = '1s'\n\
    [jobs.none]\nschedule = 'every 12h'\npath = '/takes/0'\ncatch_up = 'none'\n\
    [jobs.latest]\nschedule = 'every 12h'\npath = '/takes/0'\n\
    [jobs.ten-days]\nschedule = 'every 12h'\npath = '/takes/50'\ncatch_up = 'all'\ncatch_up_window = '10d'\noverlap = 'allow'\n\
    [jobs.a-hundred]\nschedule = 'every 12h'\npath = '/takes/0'\ncatch_up = 'all'\ncatch_up_window = '80d'\n";

/// Starts it for the first time, stops it, and makes that long ago.
async fn away_since_long(app: &WorkingApp) -> Sidecar {
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, _) = sidecar.run().await;
    assert_eq!(running.stop().await, Some(0));
    let options = SqliteConnectOptions::new().filename(sidecar.path("sexton.db"));
    let mut ledger = SqliteConnection::connect_with(&options).await.unwrap();
    let micros = i64::try_from(AWAY * 12 * 3_600 * 1_000_000).unwrap();
    for change in [
        "UPDATE jobs SET anchored_at = anchored_at - ?1, accounted_to = accounted_to - ?1",
        "UPDATE periods SET anchored_at = anchored_at - ?1, kept_after = kept_after - ?1",
        "UPDATE meta SET value = value - ?1",
        "UPDATE runs SET scheduled_for = scheduled_for - ?1, through = through - ?1",
    ] {
        sqlx::query(change).bind(micros).execute(&mut ledger).await.unwrap();
    }
    ledger.close().await.unwrap();
    sidecar
}

/// How many occurrences of the job have rows of this outcome.
fn counted(rows: &[Value], job: &str, outcome: &str) -> u64 {
    let of_job = rows.iter().filter(|row| row["job"] == job && row["outcome"] == outcome);
    of_job.map(|row| row["count"].as_u64().unwrap()).sum()
}

/// Waits until everything that fell due has its row with an outcome.
async fn over(sidecar: &Sidecar) -> Vec<Value> {
    eventually("the end of the catch-up", PATIENCE, async || {
        let rows = sidecar.runs().await;
        let is_over = |job: &str| {
            let of_job = rows.iter().filter(|row| row["job"] == job && !row["outcome"].is_null());
            of_job.map(|row| row["count"].as_u64().unwrap()).sum::<u64>() >= AWAY
        };
        ["none", "latest", "ten-days", "a-hundred"].into_iter().all(is_over).then_some(rows)
    })
    .await
}

fn instants(passes: &[Pass]) -> Vec<DateTime<Utc>> {
    passes.iter().map(|pass| pass.scheduled_for).collect()
}

/// So many instants up to the newest, the oldest first.
fn the_last(count: u64, newest: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    (0..i64::try_from(count).unwrap()).rev().map(|ago| newest - TimeDelta::hours(12 * ago)).collect()
}

/// Seeds A31, E15.
#[tokio::test]
async fn each_job_catches_up_on_what_it_wants() {
    let app = WorkingApp::start();
    let sidecar = away_since_long(&app).await;
    let (mut running, _) = sidecar.run().await;
    app.has("a-hundred", 100).await;
    let rows = over(&sidecar).await;
    assert_eq!(running.stop().await, Some(0));
    app.is_idle().await;

    assert!(app.of("none").is_empty());
    assert_eq!(counted(&rows, "none", "missed"), AWAY);
    let latest = app.of("latest");
    assert_eq!(latest.len(), 1, "{latest:#?}");
    assert_eq!(counted(&rows, "latest", "missed"), AWAY - 1);
    let newest = latest[0].scheduled_for;
    for (job, count) in [("ten-days", 20), ("a-hundred", 100)] {
        let passes = app.of(job);
        assert_eq!(instants(&passes), the_last(count, newest), "oldest first, and none besides");
        assert_eq!(most_at_once(&passes).len(), 1, "one by one, whatever its overlap");
        assert_eq!(counted(&rows, job, "missed"), AWAY - count, "what is too old or too many is counted");
    }
    assert!(rows.iter().filter(|row| row["outcome"] == "missed").all(|row| row["reason"] == "downtime"));
    run(sidecar.command(&["verify", "--store", "sqlite://sexton.db"])).await.good();
}

/// Killed half way it goes on where it was.
#[tokio::test]
async fn a_catch_up_survives_a_kill() {
    let app = WorkingApp::start();
    let sidecar = away_since_long(&app).await;
    let (mut running, _) = sidecar.run().await;
    app.has("ten-days", 8).await;
    running.signal(Signal::KILL);
    running.ended().await;
    let before = app.of("ten-days").len();
    assert!(before < 20, "the kill came too late to interrupt anything");
    let (mut running, _) = sidecar.run().await;
    app.has("a-hundred", 99).await;
    let rows = over(&sidecar).await;
    assert_eq!(running.stop().await, Some(0));
    let newest = app.of("latest")[0].scheduled_for;
    for (job, count) in [("ten-days", 20), ("a-hundred", 100)] {
        let sent = instants(&app.of(job));
        // What the kill met on its way may not have come through: it is unknown, and is not sent again.
        let lost = |at: &DateTime<Utc>| {
            let of_crash = |row: &&Value| row["job"] == job && row["reason"] == "crash";
            let cut_off = rows.iter().filter(of_crash).map(|row| row["scheduled_for"].as_str().unwrap().parse());
            !sent.contains(at) && cut_off.map(Result::unwrap).any(|cut_off: DateTime<Utc>| cut_off == *at)
        };
        let wanted: Vec<_> = the_last(count, newest).into_iter().filter(|at| !lost(at)).collect();
        assert_eq!(sent, wanted, "{job}: in order, and none twice");
    }
    run(sidecar.command(&["verify", "--store", "sqlite://sexton.db"])).await.good();
}
