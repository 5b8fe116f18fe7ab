//! Stops, starts, and what lies between.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sexton::{
    run::{Outcome, Trigger},
    store::FreshBecause,
};

use super::{Turning, clock_at, jobs_of, story};
use crate::support::{definitions::at, sidecar::FakeApp};

/// Seed A22: a restart fires nothing twice and forgets nothing.
#[tokio::test]
async fn a22_a_restart_fires_nothing_twice() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let tables = [("a", "every 1s", "path = \"/ok\""), ("b", "every 1s", "path = \"/ok\"\ncatch_up = \"none\"")];
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    for _ in 0..3 {
        let mut turning = Turning::start(folder.path(), jobs_of(&app, "", &tables), &clock).await;
        turning.next_of("a", Outcome::Succeeded).await;
        turning.next_of("b", Outcome::Succeeded).await;
        turning.stop().await;
    }
    let rows = Turning::start(folder.path(), jobs_of(&app, "", &[]), &clock).await.stop().await;
    for job in ["a", "b"] {
        let mut instants: Vec<_> = app.of(job).into_iter().map(|arrival| arrival.scheduled_for).collect();
        let sent = instants.len();
        instants.dedup();
        assert!(instants.is_sorted() && instants.len() == sent, "{instants:?}");
        let mut next = at("2026-03-10T12:00:01Z");
        for run in rows.iter().filter(|run| run.job.as_str() == job) {
            assert_eq!(run.scheduled_for, next, "{:#?}", story(&rows, job));
            next = run.through + TimeDelta::seconds(1);
        }
    }
}

/// Seeds A22, A31: after a night without it, `latest` sends the newest occurrence as a catch-up and `none` sends nothing;
/// both account for all of them.
#[tokio::test]
async fn what_fell_into_a_night_follows_catch_up() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let tables = [
        ("latest", "every 1h", "path = \"/ok\""),
        ("none", "every 1h", "path = \"/ok\"\ncatch_up = \"none\""),
        ("recent", "every 1m", "path = \"/ok\"\ncatch_up = \"none\""),
    ];
    let (virtual_clock, clock) = clock_at("2026-03-10T22:30:15Z");
    Turning::start(folder.path(), jobs_of(&app, "", &tables), &clock).await.stop().await;
    virtual_clock.step(TimeDelta::hours(8));

    let mut turning = Turning::start(folder.path(), jobs_of(&app, "", &tables), &clock).await;
    // Both leave at once, and either answer may come first.
    let mut succeeded = BTreeMap::new();
    while succeeded.len() < 2 {
        let ended = turning.next().await;
        if ended.outcome == Outcome::Succeeded {
            succeeded.entry(ended.job.to_string()).or_insert(ended);
        }
    }
    let caught_up = &succeeded["latest"];
    assert_eq!((caught_up.trigger, caught_up.scheduled_for), (Some(Trigger::CatchUp), at("2026-03-11T06:00:00Z")));
    assert!(caught_up.lateness.unwrap() >= TimeDelta::minutes(30));
    let rows = turning.stop().await;
    assert_eq!(story(&rows, "latest"), ["23:00:00..05:00:00 x7 missed downtime", "06:00:00 catch_up succeeded"]);
    assert_eq!(story(&rows, "none"), ["23:00:00..06:00:00 x8 missed downtime"]);
    let recent = story(&rows, "recent");
    assert_eq!(recent[..2], ["22:31:00..06:29:00 x479 missed downtime", "06:30:00 succeeded"]);
    assert!(app.of("none").is_empty());
}

/// Seed A22: a ledger that cannot be read is set aside and told; the jobs start clean.
#[tokio::test]
async fn a22_a_corrupt_ledger_is_set_aside() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let tables = [("a", "every 1s", "path = \"/ok\""), ("hourly", "every 1h", "path = \"/ok\"")];
    let (virtual_clock, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let mut turning = Turning::start(folder.path(), jobs_of(&app, "", &tables), &clock).await;
    turning.next_of("a", Outcome::Succeeded).await;
    turning.stop().await;
    let ledger = folder.path().join("sexton.db");
    std::fs::write(&ledger, "this was a ledger once, and then a disk went bad\n".repeat(200)).unwrap();
    virtual_clock.step(TimeDelta::hours(3));

    let mut turning = Turning::start(folder.path(), jobs_of(&app, "", &tables), &clock).await;
    let Some(FreshBecause::Corrupt { set_aside, .. }) = turning.fresh_because.clone() else {
        panic!("{:?}", turning.fresh_because)
    };
    assert!(std::fs::read_to_string(&set_aside).unwrap().starts_with("this was a ledger once"));
    let first = turning.next_of("a", Outcome::Succeeded).await;
    assert!(first.scheduled_for > at("2026-03-10T15:00:00Z"), "no occurrence from before is sent: {first:?}");
    let rows = turning.stop().await;
    assert!(rows.iter().all(|run| run.job.as_str() == "a" && run.state.outcome() != Some(Outcome::Missed)));
    assert!(app.of("hourly").is_empty(), "15:00 was before the fresh start");
}

/// Seed E5: what is open is waited for, to the end, and it is in the ledger when the loop has ended.
#[tokio::test]
async fn e5_the_end_of_a_drain_is_the_end_of_what_was_open() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let tables = [("slow", "every 1h", "path = \"/slow\""), ("quick", "every 1s", "path = \"/ok\"")];
    let (_, clock) = clock_at("2026-03-10T11:59:59.500Z");
    let turning = Turning::start(folder.path(), jobs_of(&app, "", &tables), &clock).await;
    app.has("slow", 1).await;
    let metrics = turning.metrics.clone();
    let rows = turning.stop().await;
    assert_eq!(story(&rows, "slow"), ["12:00:00 succeeded"]);
    let row = rows.iter().find(|run| run.job.as_str() == "slow").unwrap();
    assert!(row.duration.unwrap() >= TimeDelta::milliseconds(1_990), "{row:?}");
    let waited = app.of("quick").iter().filter(|arrival| arrival.scheduled_for > at("2026-03-10T12:00:01Z")).count();
    assert_eq!(waited, 0, "nothing new is sent while it waits");
    assert!(metrics.render(None).contains("sexton_in_flight 0"));
}
