//! The loop ends by a fault, and starts over from the ledger (seed D9).

use std::{path::Path, sync::Arc, time::Duration};

use chrono::TimeDelta;
use sexton::run::{Outcome, Reason};
use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};

use super::{
    Turning, clock_at, dispatcher, jobs_of,
    odd_clocks::PanickyClock,
    odd_ledgers::{Fault, OddLedger},
    story,
};
use crate::support::{process::eventually, sidecar::FakeApp};

/// A panic in what writes for the loop would leave it deaf: it is no end of the sidecar, and no silence.
#[tokio::test]
async fn d9_a_panic_in_the_writing_is_survived() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let ledger = OddLedger::open(folder.path(), clock.now()).await;
    let definitions = jobs_of(&app, "", &[("a", "every 1s", "path = \"/ok\"\nhold = \"1s\"")]);
    let mut turning = Turning::with(ledger.clone(), dispatcher(&clock), definitions, &clock);
    turning.next_of("a", Outcome::Succeeded).await;
    ledger.now(Fault::Panics("finish"));
    let unknown = turning.next_of("a", Outcome::Unknown).await;
    assert_eq!(unknown.reason, Some(Reason::Crash), "what it would have said is lost");
    turning.next_of("a", Outcome::Succeeded).await;
    assert_eq!(turning.watch.restarts().map(u32::from), Some(1));
    let metrics = turning.metrics.render(None);
    assert!(metrics.contains("sexton_loop_restarts_total 1\n"), "{metrics}");
    let rows = turning.stop().await;
    let mut next = rows[0].scheduled_for;
    for run in &rows {
        assert_eq!(run.scheduled_for, next, "{:#?}", story(&rows, "a"));
        next = run.through + TimeDelta::seconds(1);
    }
}

/// Somebody is at the ledger with a tool of their own.
async fn operate(folder: &Path, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(folder.join("sexton.db"));
    let mut operator = options.connect().await.unwrap();
    operator.execute(statement).await.unwrap();
    operator.close().await.unwrap();
}

/// A write that the ledger will never take is not told again for ever, with everything behind it: what it was about is
/// unknown, and the others go on.
#[tokio::test]
async fn a_write_that_can_never_succeed_wedges_nobody() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let tables =
        [("bad", "at 2026-03-10T12:00:02Z", "path = \"/ok\""), ("good", "every 1s", "path = \"/ok\"\nhold = \"1s\"")];
    let mut turning = Turning::start(folder.path(), jobs_of(&app, "", &tables), &clock).await;
    let refuses = "CREATE TRIGGER refuses BEFORE UPDATE ON runs WHEN NEW.job = 'bad' AND NEW.outcome = 'succeeded'
                   BEGIN SELECT RAISE(ABORT, 'never'); END";
    operate(folder.path(), refuses).await;
    let bad = turning.next_of("bad", Outcome::Unknown).await;
    assert_eq!(bad.reason, Some(Reason::Crash));
    let seen = clock.now();
    while turning.next_of("good", Outcome::Succeeded).await.scheduled_for < seen {}
    assert!(turning.watch.status().store_writable, "the ledger is not to blame");
    let rows = turning.stop().await;
    assert_eq!(story(&rows, "bad"), ["12:00:02 unknown crash"]);
    assert_eq!(app.of("bad").len(), 1);
}

/// A fault that ends each life as soon as it has begun is met less and less often, and a stop does not wait for the next one.
#[tokio::test]
async fn lives_that_end_at_once_are_ever_further_apart() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let definitions = jobs_of(&app, "", &[("bad", "at 2026-03-10T12:00:01Z", "path = \"/ok\"")]);
    let turning = Turning::start(folder.path(), definitions, &clock).await;
    let refuses = "CREATE TRIGGER refuses BEFORE UPDATE ON runs WHEN NEW.outcome IS NOT NULL
                   BEGIN SELECT RAISE(ABORT, 'never'); END";
    operate(folder.path(), refuses).await;
    let mut last = clock.monotonic();
    for restarts in 1.. {
        let begun = async || turning.watch.restarts().filter(|so_far| so_far.get() >= restarts);
        eventually("another life", super::PATIENCE, begun).await;
        let apart = clock.monotonic() - std::mem::replace(&mut last, clock.monotonic());
        if restarts > 1 && apart >= Duration::from_millis(3_500) {
            break;
        }
        assert!(restarts < 9, "the same life over and over: {apart:?} after the one before");
    }
    operate(folder.path(), "DROP TRIGGER refuses").await;
    let rows = turning.stop().await;
    assert!(last.elapsed() < Duration::from_secs(7), "the next life was 8 s away: {:?}", last.elapsed());
    assert_eq!(story(&rows, "bad"), ["12:00:01 unknown crash"]);
}

/// The life before may have a write under way: the next one knows of it.
#[tokio::test]
async fn a_new_life_reads_what_the_last_one_wrote() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let odd = Arc::new(PanickyClock::new(clock.clone()));
    let tables = [("once", "at 2026-03-10T12:00:03Z", "path = \"/ok\""), ("quick", "every 1s", "path = \"/ok\"")];
    let ledger = OddLedger::open(folder.path(), clock.now()).await;
    let mut turning =
        Turning::with(ledger.clone(), dispatcher(&clock), jobs_of(&app, "", &tables), &(odd.clone() as _));
    while turning.next_of("quick", Outcome::Succeeded).await.scheduled_for.timestamp() % 60 < 2 {}
    ledger.now(Fault::Hangs(&["begin"]));
    ledger.hangs("begin").await;
    odd.panic_once_in_a_wait();
    // A life that did not wait would have begun by then.
    clock.sleep_until(clock.now() + TimeDelta::milliseconds(3_500)).await;
    ledger.now(Fault::None);
    let once = turning.next_of("once", Outcome::Unknown).await;
    assert_eq!(once.reason, Some(Reason::Crash), "the ledger had let it go");
    let rows = turning.stop().await;
    assert_eq!(story(&rows, "once"), ["12:00:03 unknown crash"]);
    assert!(app.of("once").is_empty());
}
