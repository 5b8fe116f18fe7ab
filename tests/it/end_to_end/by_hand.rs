//! What an operator does with the commands, against the real app: judged by the app's audit log and its queue.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use rustix::process::Signal;
use serde_json::Value;
use sexton::clock::{Clock, SystemClock};
use tokio::net::TcpListener;

use super::{App, QUEUED};
use crate::support::{
    process::eventually,
    sidecar::{PATIENCE, Sidecar},
};

/// What the app notes of each pass of [`sync`].
const SYNCED: &str = "marketplace.sync";

fn sync(every: &str) -> String {
    format!(
        "[jobs.sync]\nschedule = 'every {every}'\npath = '/api/marketplaces/sync-all'\ntimeout = '4s'\nhold = '1h'\n"
    )
}

fn text(at: DateTime<Utc>) -> String {
    at.format("%FT%TZ").to_string()
}

/// The run's row once its state is this.
async fn row_in(sidecar: &Sidecar, state: &str) -> Value {
    let look = async || sidecar.runs().await.into_iter().find(|row| row["state"] == state);
    eventually(&format!("a run that is {state}"), PATIENCE, look).await
}

/// A run that is polled is cancelled in the app's queue, and the job is free.
#[tokio::test]
async fn cancel_ends_the_work_in_the_app() {
    let mut app = App::start().await;
    // A git that never hears an answer: the job is at it until it is told to end.
    let hole = TcpListener::bind("127.0.0.1:0").await.unwrap();
    app.add_marketplace("slow", &format!("https://{}/r.git", hole.local_addr().unwrap())).await;
    let sidecar = Sidecar::new(app.address, &format!("[jobs.sync]\nschedule = 'every 1d'\n{QUEUED}"));
    let (mut running, address) = sidecar.operated().await;
    for round in 1..=2 {
        sidecar.ask(address, &["fire", "sync"]).await.good();
        let polled = row_in(&sidecar, "polling").await;
        eventually("its work", PATIENCE, async || {
            (app.get("/api/jobs?status=running").await.as_array()?.len() == 1).then_some(())
        })
        .await;
        let said = sidecar.ask(address, &["cancel", polled["id"].as_str().unwrap()]).await.good();
        assert!(said.contains("cancelled (settled)") && said.contains("the app confirmed"), "{said}");
        let jobs = app.get("/api/jobs").await;
        let states: Vec<&Value> = jobs.as_array().unwrap().iter().map(|job| &job["status"]).collect();
        assert_eq!(states, vec!["cancelled"; round], "the app's own word, and its job is free for the next");
    }
    assert_eq!(app.audit("job.cancel").await[0]["user"], "scheduler@system.local");
    assert_eq!((running.stop().await, app.running.stop().await), (Some(0), Some(0)));
}

/// While a job is paused the app hears nothing, also over a restart; then it does again: by hand, and at its end by itself.
#[tokio::test]
async fn pause_keeps_the_app_alone_for_as_long_as_it_says() {
    let mut app = App::start().await;
    let sidecar = Sidecar::new(app.address, &sync("1s"));
    let (mut running, address) = sidecar.operated().await;
    let synced = async || app.audit(SYNCED).await.len();
    let more_than = async |count| eventually("a sync", PATIENCE, async || (synced().await > count).then_some(())).await;
    more_than(0).await;

    let until = text(SystemClock.now() + TimeDelta::days(1));
    sidecar.ask(address, &["pause", "sync", "--note", "the mirror moves", "--until", &until]).await.good();
    let list = sidecar.ask(address, &["list", "--json"]).await.good();
    let paused = serde_json::from_str::<Value>(&list).unwrap()["paused"].clone();
    assert_eq!((&paused["note"], &paused["until"]), (&"the mirror moves".into(), &until.as_str().into()));
    let skipped = async |over: u64| {
        eventually("skipped occurrences", PATIENCE, async || {
            let rows = sidecar.runs().await;
            let counts = rows.iter().filter(|row| row["reason"] == "paused").map(|row| row["count"].as_u64());
            counts.sum::<Option<u64>>().filter(|count| *count > over)
        })
        .await
    };
    let mut count = skipped(0).await;
    let before = synced().await;
    for _ in 0..2 {
        assert_eq!(running.stop().await, Some(0));
        (running, _) = sidecar.operated_at(address).await;
        count = skipped(count + 1).await;
    }
    assert_eq!(synced().await, before, "not once");
    sidecar.ask(address, &["resume", "sync"]).await.good();
    more_than(before).await;

    let until = SystemClock.now() + TimeDelta::seconds(6);
    sidecar.ask(address, &["pause", "--all", "--until", &text(until)]).await.good();
    assert_eq!(running.stop().await, Some(0));
    let before = synced().await;
    (running, _) = sidecar.operated_at(address).await;
    more_than(before).await;
    assert!(SystemClock.now() >= until - TimeDelta::seconds(1), "not before its end");
    assert_eq!((running.stop().await, app.running.stop().await), (Some(0), Some(0)));
}

/// What did not succeed is sent to the app, once, and all of it again when asked.
#[tokio::test]
async fn backfill_sends_what_the_app_has_not_had() {
    let mut app = App::start().await;
    let sidecar = Sidecar::new(app.address, &sync("1d"));
    let (mut running, address) = sidecar.operated().await;
    let today = SystemClock.now().duration_trunc(TimeDelta::days(1)).unwrap();
    let (from, to) = (text(today - TimeDelta::days(4)), text(today));
    let backfill = ["backfill", "sync", "--from", &from, "--to", &to];
    for (again, sent, in_all) in [(&[][..], 5, 5), (&[], 0, 5), (&["--again"], 5, 10)] {
        let done = sidecar.ask(address, &[&backfill[..], again].concat()).await;
        let told = format!("{sent} of {sent} occurrences sent, {sent} of them succeeded");
        assert!(done.code == Some(0) && done.stderr.contains(&told), "{done}");
        let rows = app.audit(SYNCED).await;
        assert_eq!(rows.len(), in_all);
        assert!(rows.iter().all(|row| row["user"] == "scheduler@system.local" && row["result"] == "ok"), "{rows:?}");
    }
    assert_eq!((running.stop().await, app.running.stop().await), (Some(0), Some(0)));
}

/// An app that answers nobody leaves a run unknown and its job held; settled, it is sent again.
#[tokio::test]
async fn settle_frees_a_job_of_which_nobody_knows() {
    let mut app = App::start().await;
    let sidecar = Sidecar::new(app.address, &sync("1d"));
    let (mut running, address) = sidecar.operated().await;
    app.running.signal(Signal::STOP);
    let done = sidecar.ask(address, &["fire", "sync", "--wait"]).await;
    assert!(done.code == Some(1) && done.stdout.contains("unknown (timeout)"), "{done}");
    app.running.signal(Signal::CONT);
    let done = sidecar.ask(address, &["fire", "sync", "--wait"]).await;
    assert!(done.code == Some(1) && done.stdout.contains("skipped (possibly_running)"), "{done}");
    let unknown = row_in(&sidecar, "unknown").await["id"].as_str().unwrap().to_owned();
    sidecar.ask(address, &["settle", &unknown, "--as", "succeeded"]).await.good();
    let before = app.audit(SYNCED).await.len();
    sidecar.ask(address, &["fire", "sync", "--wait"]).await.good();
    assert!(app.audit(SYNCED).await.len() > before);
    let shown = sidecar.ask(address, &["show", &unknown]).await.good();
    assert!(shown.contains("unknown (timeout), settled succeeded"), "{shown}");
    assert_eq!((running.stop().await, app.running.stop().await), (Some(0), Some(0)));
}
