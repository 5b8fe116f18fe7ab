//! The ledger fails, code panics: what stays up, and what is told.

use std::{sync::Arc, time::Duration};

use sexton::{
    job::JobName,
    run::{Outcome, Reason},
    scheduler::decisions::{Command, Done},
    store::{RunStore, StoreError},
    verify::verify,
};

use super::{
    Turning, clock_at, dispatcher, jobs_of,
    odd_clocks::PanickyClock,
    odd_ledgers::{Fault, OddLedger},
    story,
};
use crate::support::{process::eventually, sidecar::FakeApp};

/// Nothing is sent that the ledger does not hold; health says so; and it goes on by itself when there is room again.
#[tokio::test]
async fn a_full_disk_stops_the_firing_and_nothing_else() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let disk = OddLedger::open(folder.path(), clock.now()).await;
    let definitions = jobs_of(&app, "", &[("a", "every 1s", "path = \"/ok\"")]);
    let mut turning = Turning::with(disk.clone(), dispatcher(&clock), definitions, &clock);
    turning.next_of("a", Outcome::Succeeded).await;

    disk.now(Fault::Full);
    let watch = turning.watch.clone();
    eventually("health to say so", super::PATIENCE, async || (!watch.status().store_writable).then_some(())).await;
    let sent = app.arrivals().len();
    let until = clock.now() + chrono::TimeDelta::milliseconds(2_500);
    clock.sleep_until(until).await;
    assert!(app.arrivals().len() <= sent + 1, "one may have begun before: {} after {sent}", app.arrivals().len());
    assert!(watch.is_ticking(), "the pulse is not to blame");

    disk.now(Fault::None);
    let back = turning.next_of("a", Outcome::Succeeded).await;
    let back = if back.scheduled_for > until { back } else { turning.next_of("a", Outcome::Succeeded).await };
    assert!(watch.status().store_writable, "{back:?}");
    let rows = turning.stop().await;
    let mut next = rows[0].scheduled_for;
    for run in &rows {
        assert_eq!(run.scheduled_for, next, "{:#?}", story(&rows, "a"));
        next = run.through + chrono::TimeDelta::seconds(1);
    }
}

/// Guarantee G1: an edit comes while the ledger takes no rows, and could take the new cursor. That does not overtake what the old
/// schedule had due: the rows come first, each occurrence has one, and the proof holds.
#[tokio::test]
async fn nothing_overtakes_a_write_that_failed() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let disk = OddLedger::open(folder.path(), clock.now()).await;
    let seconds = jobs_of(&app, "", &[("a", "every 1s", "path = \"/ok\"")]);
    let mut turning = Turning::with(disk.clone(), dispatcher(&clock), seconds, &clock);
    turning.next_of("a", Outcome::Succeeded).await;

    disk.now(Fault::Refuses("account"));
    disk.refuses(2).await;
    let edited = jobs_of(&app, "", &[("a", "every 1h", "path = \"/ok\"")]);
    let hourly = edited.jobs["a"].schedule.identity();
    turning.definitions.send_replace(edited);
    disk.refuses(3).await;
    let known = async || disk.cursors().await.unwrap().remove(0).schedule;
    assert_ne!(known().await, hourly, "the rows of the old schedule are not written yet");
    disk.now(Fault::None);
    eventually("the new cursor", super::PATIENCE, async || (known().await == hourly).then_some(())).await;

    let evidence = disk.evidence(JobName::new("a").unwrap()).await.unwrap().unwrap();
    let rows = turning.stop().await;
    assert_eq!(verify(&evidence, None).findings, [], "{:#?}", story(&rows, "a"));
    let mut next = rows[0].scheduled_for;
    for run in &rows {
        assert_eq!(run.scheduled_for, next, "{:#?}", story(&rows, "a"));
        next = run.through + chrono::TimeDelta::seconds(1);
    }
    assert!(rows.iter().any(|run| run.reason.is_some()), "nothing fell due meanwhile: {:#?}", story(&rows, "a"));
}

/// Seeds E4 and A38: a job of which two due instants passed without a row is told, although everything else looks well. Its
/// own schedule says how long is too long: the hourly one is not to blame yet. One that is held back is silent on purpose.
#[tokio::test]
async fn e4_a_job_that_should_have_fired_is_stale() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let disk = OddLedger::open(folder.path(), clock.now()).await;
    let definitions = jobs_of(&app, "", &[("a", "every 1s", "path = \"/ok\""), ("hourly", "every 1h", "")]);
    let mut turning = Turning::with(disk.clone(), dispatcher(&clock), definitions, &clock);
    turning.next_of("a", Outcome::Succeeded).await;
    let watch = turning.watch.clone();
    assert_eq!(watch.stale(disk.as_ref(), clock.now()).await.unwrap(), []);
    disk.now(Fault::Hangs(&["account"]));
    let stale = eventually("a stale job", super::PATIENCE, async || {
        let stale = watch.stale(disk.as_ref(), clock.now()).await.unwrap();
        (!stale.is_empty()).then_some(stale)
    })
    .await;
    assert_eq!(stale, [JobName::new("a").unwrap()]);
    assert!(watch.is_ticking() && watch.status().store_writable, "nothing else tells");
    turning.task.take().unwrap().abort();
    disk.close().await;
}

/// Guarantee G7: a stop is bounded also when the ledger takes nothing any more.
#[tokio::test]
async fn a_stop_does_not_wait_for_a_full_disk_for_ever() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T11:59:56Z");
    let disk = OddLedger::open(folder.path(), clock.now()).await;
    let definitions = jobs_of(&app, "shutdown_grace = \"0s\"", &[("hang", "every 1h", "path = \"/hang\"")]);
    let turning = Turning::with(disk.clone(), dispatcher(&clock), definitions, &clock);
    app.has("hang", 1).await;
    disk.now(Fault::Full);
    let begin = clock.monotonic();
    turning.stop.send_replace(true);
    let mut turning = turning;
    let ended = tokio::time::timeout(super::PATIENCE, turning.task.take().unwrap()).await.expect("it ends").unwrap();
    assert!(matches!(ended, Err(StoreError::ReadOnly)), "and it says why: {ended:?}");
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    disk.close().await;
}

/// Guarantee G7: it is bounded also when the ledger does not even say no, and that is no clean end.
#[tokio::test]
async fn a_stop_does_not_wait_for_a_ledger_that_hangs() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T11:59:56Z");
    let disk = OddLedger::open(folder.path(), clock.now()).await;
    let definitions = jobs_of(&app, "shutdown_grace = \"0s\"", &[("hang", "every 1h", "path = \"/hang\"")]);
    let mut turning = Turning::with(disk.clone(), dispatcher(&clock), definitions, &clock);
    app.has("hang", 1).await;
    disk.now(Fault::Hangs(&["finish", "tick"]));
    turning.stop.send_replace(true);
    let ended = tokio::time::timeout(super::PATIENCE, turning.task.take().unwrap()).await.expect("it ends").unwrap();
    assert!(matches!(ended, Err(StoreError::Unanswered)), "{ended:?}");
    disk.now(Fault::None);
    disk.close().await;
}

/// Seed D9: a panic in one attempt ends that run as failed, and nothing else.
#[tokio::test]
async fn d9_a_panic_in_an_attempt_fails_its_run() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let odd = Arc::new(PanickyClock::new(clock.clone()));
    let definitions = jobs_of(&app, "", &[("a", "every 1s", "path = \"/ok\""), ("b", "every 1s", "path = \"/ok\"")]);
    let ledger = OddLedger::open(folder.path(), clock.now()).await;
    let mut turning = Turning::with(ledger, dispatcher(&(odd.clone() as _)), definitions, &clock);
    turning.next_of("a", Outcome::Succeeded).await;
    odd.panic_once_in_monotonic();
    let failed = loop {
        let run = turning.next().await;
        if run.outcome == Outcome::Failed {
            break run;
        }
    };
    assert_eq!(failed.reason, Some(Reason::Panic));
    assert!(failed.excerpt.unwrap().contains("panicked"));
    for job in ["a", "b"] {
        turning.next_of(job, Outcome::Succeeded).await;
    }
    let rows = turning.stop().await;
    let panics = rows.iter().filter(|run| run.reason == Some(Reason::Panic)).count();
    assert_eq!(panics, 1);
    assert!(rows.iter().all(|run| matches!(run.state.outcome(), Some(Outcome::Succeeded | Outcome::Failed) | None)));
}

/// Seed D9: a panic of the loop itself is survived: what was open is unknown, as after a crash, and it goes on.
#[tokio::test]
async fn d9_a_panic_of_the_loop_is_survived() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let odd = Arc::new(PanickyClock::new(clock.clone()));
    let shared: sexton::clock::SharedClock = odd.clone();
    let tables = [
        ("slow", "every 1h", "path = \"/slow\"\nhold = \"1s\""),
        ("quick", "every 1s", "path = \"/ok\"\nhold = \"1s\""),
    ];
    let ledger = OddLedger::open(folder.path(), clock.now()).await;
    let mut definitions = jobs_of(&app, "", &tables);
    // The slow one falls due with the quick one, once.
    let slow = definitions.jobs.get_mut("slow").unwrap();
    let once = jobs_of(&app, "", &[("slow", "at 2026-03-10T12:00:02Z", "path = \"/slow\"\nhold = \"1s\"")]);
    *slow = once.jobs["slow"].clone();
    let mut turning = Turning::with(ledger, dispatcher(&clock), definitions, &shared);
    app.has("slow", 1).await;
    odd.panic_once_in_a_wait();
    let unknown = turning.next_of("slow", Outcome::Unknown).await;
    assert_eq!(unknown.reason, Some(Reason::Crash));
    for _ in 0..2 {
        turning.next_of("quick", Outcome::Succeeded).await;
    }
    assert!(turning.watch.is_ticking());
    let settle = Command::Settle { run: unknown.run, job: unknown.job, outcome: Outcome::Failed };
    assert_eq!(turning.handle.ask(settle).await, Ok(Done::Settled), "who asks by hand reaches the new beginning too");
    let metrics = turning.metrics.render(None);
    assert!(metrics.contains("sexton_settled_total{job=\"slow\",as=\"failed\"} 1"), "{metrics}");
    let rows = turning.stop().await;
    assert_eq!(story(&rows, "slow"), ["12:00:02 unknown crash"]);
    assert_eq!(app.of("slow").len(), 1, "it is not sent again");
    let mut instants: Vec<_> = app.of("quick").into_iter().map(|arrival| arrival.scheduled_for).collect();
    let sent = instants.len();
    instants.dedup();
    assert_eq!(instants.len(), sent, "nothing is sent twice");
}
