//! What an occurrence does that meets a run which is at it, by the log of the app.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::Value;

use super::working_app::{WorkingApp, most_at_once};
use crate::support::{
    process::{eventually, run},
    sidecar::{PATIENCE, Sidecar},
};

async fn row(sidecar: &Sidecar, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(what, PATIENCE, async || sidecar.runs().await.into_iter().find(&wanted)).await
}

/// One waits, over a stop and a kill; what comes meanwhile is told that the queue is full.
#[tokio::test]
async fn one_waits_in_the_queue_and_survives() {
    let app = WorkingApp::start();
    let jobs = "[sexton]\nshutdown_grace = '0s'\n[jobs.long]\nschedule = 'every 1s'\npath = '/takes/4000'\n\
                overlap = 'queue'\nhold = '10s'\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let (mut running, _) = sidecar.run().await;
    let first = app.has("long", 1).await.remove(0);
    let queued = row(&sidecar, "one that waits", |row| row["state"] == "queued").await;
    row(&sidecar, "a full queue", |row| row["reason"] == "queue_full").await;
    for signal in [Signal::TERM, Signal::KILL] {
        running.signal(signal);
        running.ended().await;
        let waits = sidecar.runs().await.into_iter().filter(|row| row["state"] == "queued").collect::<Vec<_>>();
        assert_eq!(waits, std::slice::from_ref(&queued));
        (running, _) = sidecar.run().await;
    }
    let second = app.has("long", 2).await.remove(1);
    assert_eq!(second.run, queued["id"].as_str().unwrap(), "it is the one that waited");
    assert!(first.scheduled_for < second.scheduled_for);
    running.signal(Signal::TERM);
    running.ended().await;
    let passes = app.is_idle().await;
    assert_eq!((passes.len(), most_at_once(&passes).len()), (2, 1));
    run(sidecar.command(&["verify", "--store", "sqlite://sexton.db"])).await.good();
}

/// An app that stops what it is told to: each occurrence takes the place of the one before, at once.
#[tokio::test]
async fn the_newest_takes_the_place_of_what_the_app_stops() {
    let app = WorkingApp::start();
    let jobs = "[jobs.endless]\nschedule = 'every 2s'\npath = '/takes/600000'\ntimeout = '1h'\n\
                overlap = 'replace'\ncancel = { path = '/stop' }\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let (mut running, _) = sidecar.run().await;
    let passes = app.has("endless", 4).await;
    running.signal(Signal::KILL);
    running.ended().await;
    assert_eq!(most_at_once(&passes).len(), 1);
    for pair in passes.windows(2) {
        let stopped = pair[0].finished.unwrap();
        assert!((pair[1].scheduled_for..=pair[1].received).contains(&stopped), "stopped for the next: {pair:#?}");
    }
    let rows = sidecar.runs().await;
    for pass in &passes[..3] {
        let row = rows.iter().find(|row| row["id"] == pass.run.as_str()).unwrap();
        assert_eq!(row["outcome"], "cancelled", "{row}");
    }
}

/// Every occurrence is sent at its instant, whatever is at it.
#[tokio::test]
async fn what_may_overlap_does() {
    let app = WorkingApp::start();
    let jobs = "[jobs.free]\nschedule = 'every 1s'\npath = '/takes/3500'\noverlap = 'allow'\ntimeout = '1s'\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let (mut running, _) = sidecar.run().await;
    app.has("free", 5).await;
    assert_eq!(running.stop().await, Some(0));
    let passes = app.is_idle().await;
    assert!(most_at_once(&passes).len() >= 3, "{passes:#?}");
    let instants: BTreeSet<_> = passes.iter().map(|pass| pass.scheduled_for).collect();
    assert_eq!(instants.len(), passes.len(), "each once");
    let rows = sidecar.runs().await;
    assert!(rows.iter().all(|row| row["reason"] != "running" && row["reason"] != "possibly_running"), "{rows:#?}");
}
