//! SIGTERM, and what happens to what is open.

use std::{fmt::Write, time::Duration};

use rustix::process::Signal;

use crate::support::sidecar::{FakeApp, Sidecar};

/// Seeds A27, E5: a stop waits for what is open, to the end, and records it.
#[tokio::test]
async fn a_stop_waits_for_the_open_request_and_records_it() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "[jobs.slow]\nschedule = 'every 5s'\npath = '/slow'\n");
    let (mut running, _) = sidecar.run().await;
    app.has("slow", 1).await;
    assert_eq!(running.stop().await, Some(0));
    assert!(running.said.last().unwrap().contains("stopped"), "{:?}", running.said);
    let runs = sidecar.runs().await;
    assert_eq!((runs[0]["state"].as_str(), runs[0]["status"].as_u64()), (Some("succeeded"), Some(200)));
    assert_eq!(app.arrivals().len(), 1);
}

/// Seed A27: the grace bounds it; what is open then is unknown, and the exit is clean.
#[tokio::test]
async fn what_is_open_at_the_end_of_the_grace_is_unknown() {
    let app = FakeApp::start().await;
    let jobs = "[sexton]\nshutdown_grace = '1s'\n[jobs.hang]\nschedule = 'every 2s'\npath = '/hang'\ntimeout = '1h'\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let (mut running, _) = sidecar.run().await;
    app.has("hang", 1).await;
    let stopping = tokio::time::Instant::now();
    assert_eq!(running.stop().await, Some(0));
    assert!(stopping.elapsed() < Duration::from_secs(6), "{:?}", stopping.elapsed());
    let runs = sidecar.runs().await;
    let first = &runs[0];
    assert_eq!((first["state"].as_str(), first["reason"].as_str()), (Some("unknown"), Some("shutdown")));
}

/// Guarantee G7: a second signal ends at once.
#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "[jobs.hang]\nschedule = 'every 1s'\npath = '/hang'\ntimeout = '1h'\n");
    let (mut running, _) = sidecar.run().await;
    app.has("hang", 1).await;
    running.signal(Signal::TERM);
    running.hear("stopping").await;
    running.signal(Signal::INT);
    assert_eq!(running.ended().await, Some(130));
}

/// Seeds A22, A23: a restart sends nothing twice and forgets nothing.
#[tokio::test]
async fn a_restart_sends_nothing_twice() {
    let app = FakeApp::start().await;
    let mut jobs = String::new();
    for number in 0..5 {
        writeln!(jobs, "[jobs.job-{number}]\nschedule = 'every 1s'\npath = '/ok'\ncatch_up = 'none'").unwrap();
    }
    let sidecar = Sidecar::new(app.address, &jobs);
    for round in 1..=3 {
        let (mut running, _) = sidecar.run().await;
        app.has("job-0", 2 * round).await;
        assert_eq!(running.stop().await, Some(0));
    }
    super::crash::assert_each_sent_once(&app.arrivals());
    super::crash::assert_rows_agree(&sidecar, &app).await;
}
