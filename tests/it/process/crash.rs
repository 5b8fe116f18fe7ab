//! kill -9 in the middle of a burst.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use chrono::{DateTime, Utc};
use rustix::process::Signal;

use crate::support::{
    process::eventually,
    sidecar::{Arrival, FakeApp, PATIENCE, Sidecar},
};

const BURST: usize = 500;

/// Seeds A22, D11: of 500 jobs due in one second, killed in the middle and started again: by the app's own log nothing
/// was sent twice; what was claimed and not sent is sent, of one job the newest; what was open is unknown; each occurrence
/// has one final row.
#[tokio::test]
async fn a_burst_that_is_killed_loses_and_doubles_nothing() {
    let app = FakeApp::start().await;
    let mut jobs = String::from("[sexton]\nmax_in_flight = 100\n[defaults]\nhold = '1s'\ntimeout = '10s'\n");
    for number in 0..BURST {
        // Every third one is slow, so that some are open at the moment of the kill.
        let path = if number % 3 == 0 { "/slow" } else { "/ok" };
        writeln!(jobs, "[jobs.job-{number}]\nschedule = 'every 3s'\npath = '{path}'").unwrap();
    }
    let sidecar = Sidecar::new(app.address, &jobs);
    let (mut running, _) = sidecar.run().await;
    eventually("the middle of the burst", PATIENCE, async || (app.arrivals().len() > BURST / 5).then_some(())).await;
    running.signal(Signal::KILL);
    assert_eq!(running.ended().await, None);
    let before = app.arrivals();
    assert!(before.len() < BURST, "the kill came too late to interrupt anything");
    let at_the_kill = sidecar.tally().await;
    assert!(at_the_kill["claimed"] > 0 && at_the_kill["sending"] > 0, "{at_the_kill:?}");

    let (mut running, _) = sidecar.run().await;
    let all_came = async || {
        let jobs: BTreeSet<String> = app.arrivals().into_iter().map(|arrival| arrival.job).collect();
        (jobs.len() == BURST).then_some(())
    };
    eventually("a request of each job", PATIENCE, all_came).await;
    assert_eq!(running.stop().await, Some(0));

    assert_each_sent_once(&app.arrivals());
    assert_rows_agree(&sidecar, &app).await;
    let rows = sidecar.runs().await;
    let unknown: Vec<_> = rows.iter().filter(|row| row["reason"] == "crash").collect();
    assert_eq!(unknown.len() as u64, at_the_kill["sending"], "what was open is unknown");
    assert!(unknown.iter().all(|row| row["state"] == "unknown"));
}

/// No occurrence reached the app twice, and the fences of each job only grow.
pub(super) fn assert_each_sent_once(arrivals: &[Arrival]) {
    let mut seen = BTreeSet::new();
    let mut fences: BTreeMap<&str, u64> = BTreeMap::new();
    for arrival in arrivals {
        assert!(seen.insert((&arrival.job, arrival.scheduled_for)), "sent twice: {arrival:?}");
        let fence = fences.entry(&arrival.job).or_default();
        assert!(*fence < arrival.fence, "fence {} after {fence}: {arrival:?}", arrival.fence);
        *fence = arrival.fence;
    }
}

/// Each occurrence has one row; the app saw exactly those that the ledger says were sent.
pub(super) async fn assert_rows_agree(sidecar: &Sidecar, app: &FakeApp) {
    let mut rows = BTreeMap::new();
    for row in sidecar.runs().await {
        let key = (row["job"].as_str().unwrap().to_owned(), instant(&row["scheduled_for"]));
        assert!(rows.insert(key.clone(), row).is_none(), "two rows for {key:?}");
    }
    for arrival in app.arrivals() {
        let row = &rows[&(arrival.job.clone(), arrival.scheduled_for)];
        assert!(["succeeded", "unknown"].contains(&row["state"].as_str().unwrap()), "{row}");
    }
    for ((job, scheduled_for), row) in &rows {
        if row["state"] == "succeeded" {
            assert!(app.of(job).iter().any(|arrival| arrival.scheduled_for == *scheduled_for), "never sent: {row}");
        }
        assert_ne!(row["state"], "sending", "{row}");
    }
}

fn instant(value: &serde_json::Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}
