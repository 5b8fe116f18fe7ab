//! The ledger fails, code panics: what stays up, and what is told.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sexton::{
    job::JobName,
    run::{Attempt, Outcome, Reason, Run, RunId},
    scheduler::decisions::{Command, Done},
    store::{
        self, Accounted, Accounting, Ahead, Asked, Begin, Begun, Cursor, End, Evidence, Finish, Follow, Pause,
        RunQuery, RunStore, Slot, StoreError,
    },
    verify::verify,
};

use super::{Turning, clock_at, dispatcher, jobs_of, odd_clocks::PanickyClock, story};
use crate::support::{process::eventually, sidecar::FakeApp};

/// A real ledger on a disk that may be full.
#[derive(Debug)]
struct FullDisk {
    ledger: Arc<dyn RunStore>,
    full: AtomicBool,
    /// Takes rows of occurrences, and never says that it has.
    stuck: AtomicBool,
    /// Has no room for rows of occurrences, and room for all else.
    full_for_rows: AtomicBool,
    /// How many times it had none.
    refused: AtomicUsize,
}

impl FullDisk {
    fn write(&self) -> Result<&dyn RunStore, StoreError> {
        if self.full.load(Ordering::SeqCst) { Err(StoreError::ReadOnly) } else { Ok(self.ledger.as_ref()) }
    }
}

#[async_trait]
impl RunStore for FullDisk {
    async fn cursors(&self) -> Result<Vec<Cursor>, StoreError> {
        self.ledger.cursors().await
    }
    async fn anchor(&self, cursors: Vec<Cursor>) -> Result<(), StoreError> {
        self.write()?.anchor(cursors).await
    }
    async fn account(&self, now: DateTime<Utc>, batch: Vec<Accounting>) -> Result<Vec<Accounted>, StoreError> {
        if self.stuck.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.full_for_rows.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::ReadOnly);
        }
        self.write()?.account(now, batch).await
    }
    async fn begin(&self, now: DateTime<Utc>, batch: Vec<Begin>) -> Result<Vec<Begun>, StoreError> {
        self.write()?.begin(now, batch).await
    }
    async fn queue(&self, runs: Vec<RunId>) -> Result<Vec<bool>, StoreError> {
        self.write()?.queue(runs).await
    }
    async fn follow(&self, batch: Vec<Follow>) -> Result<Vec<bool>, StoreError> {
        self.write()?.follow(batch).await
    }
    async fn end(&self, now: DateTime<Utc>, batch: Vec<End>) -> Result<(), StoreError> {
        self.write()?.end(now, batch).await
    }
    async fn finish(&self, now: DateTime<Utc>, batch: Vec<Finish>) -> Result<Vec<bool>, StoreError> {
        self.write()?.finish(now, batch).await
    }
    async fn tick(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write()?.tick(now).await
    }
    async fn unfinished(&self) -> Result<Vec<Run>, StoreError> {
        self.ledger.unfinished().await
    }
    async fn slots(&self, now: DateTime<Utc>) -> Result<Vec<Slot>, StoreError> {
        self.ledger.slots(now).await
    }
    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>, StoreError> {
        self.ledger.runs(query).await
    }
    async fn run(&self, id: RunId) -> Result<Option<(Run, Vec<Attempt>)>, StoreError> {
        self.ledger.run(id).await
    }
    async fn claim(&self, asked: Vec<Asked>) -> Result<(), StoreError> {
        self.write()?.claim(asked).await
    }
    async fn ahead(&self) -> Result<Vec<Ahead>, StoreError> {
        self.ledger.ahead().await
    }
    async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        self.ledger.pauses().await
    }
    async fn pause(&self, pauses: Vec<Pause>) -> Result<(), StoreError> {
        self.write()?.pause(pauses).await
    }
    async fn resume(&self, jobs: Vec<Option<JobName>>) -> Result<(), StoreError> {
        self.write()?.resume(jobs).await
    }
    async fn settle(&self, run: RunId, outcome: Outcome) -> Result<bool, StoreError> {
        self.write()?.settle(run, outcome).await
    }
    async fn prune(&self, now: DateTime<Utc>, keep: Duration, per_job: u64) -> Result<u64, StoreError> {
        self.write()?.prune(now, keep, per_job).await
    }
    async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.ledger.backup(to).await
    }
    async fn evidence(&self, job: JobName) -> Result<Option<Evidence>, StoreError> {
        self.ledger.evidence(job).await
    }
    async fn close(&self) {
        self.ledger.close().await;
    }
}

async fn full_disk(folder: &Path, now: DateTime<Utc>) -> Arc<FullDisk> {
    let address = format!("sqlite://{}", folder.join("sexton.db").display());
    let ledger = store::open(&address, now).await.unwrap().store;
    let (full, stuck, full_for_rows) = (AtomicBool::default(), AtomicBool::default(), AtomicBool::default());
    Arc::new(FullDisk { ledger, full, stuck, full_for_rows, refused: AtomicUsize::default() })
}

/// Nothing is sent that the ledger does not hold; health says so; and it goes on by itself when there is room again.
#[tokio::test]
async fn a_full_disk_stops_the_firing_and_nothing_else() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let disk = full_disk(folder.path(), clock.now()).await;
    let definitions = jobs_of(&app, "", &[("a", "every 1s", "path = \"/ok\"")]);
    let mut turning = Turning::with(disk.clone(), dispatcher(&clock), definitions, &clock);
    turning.next_of("a", Outcome::Succeeded).await;

    disk.full.store(true, Ordering::SeqCst);
    let watch = turning.watch.clone();
    eventually("health to say so", super::PATIENCE, async || (!watch.status().store_writable).then_some(())).await;
    let sent = app.arrivals().len();
    let until = clock.now() + chrono::TimeDelta::milliseconds(2_500);
    clock.sleep_until(until).await;
    assert!(app.arrivals().len() <= sent + 1, "one may have begun before: {} after {sent}", app.arrivals().len());
    assert!(watch.is_ticking(), "the pulse is not to blame");

    disk.full.store(false, Ordering::SeqCst);
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
    let disk = full_disk(folder.path(), clock.now()).await;
    let seconds = jobs_of(&app, "", &[("a", "every 1s", "path = \"/ok\"")]);
    let mut turning = Turning::with(disk.clone(), dispatcher(&clock), seconds, &clock);
    turning.next_of("a", Outcome::Succeeded).await;

    disk.full_for_rows.store(true, Ordering::SeqCst);
    let refused = async |more: usize| {
        let wanted = disk.refused.load(Ordering::SeqCst) + more;
        eventually("a refused write", super::PATIENCE, async || {
            (disk.refused.load(Ordering::SeqCst) >= wanted).then_some(())
        })
        .await;
    };
    refused(2).await;
    let edited = jobs_of(&app, "", &[("a", "every 1h", "path = \"/ok\"")]);
    let hourly = edited.jobs["a"].schedule.identity();
    turning.definitions.send_replace(edited);
    refused(3).await;
    let known = async || disk.cursors().await.unwrap().remove(0).schedule;
    assert_ne!(known().await, hourly, "the rows of the old schedule are not written yet");
    disk.full_for_rows.store(false, Ordering::SeqCst);
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
    let disk = full_disk(folder.path(), clock.now()).await;
    let definitions = jobs_of(&app, "", &[("a", "every 1s", "path = \"/ok\""), ("hourly", "every 1h", "")]);
    let mut turning = Turning::with(disk.clone(), dispatcher(&clock), definitions, &clock);
    turning.next_of("a", Outcome::Succeeded).await;
    let watch = turning.watch.clone();
    assert_eq!(watch.stale(disk.as_ref(), clock.now()).await.unwrap(), []);
    disk.stuck.store(true, Ordering::SeqCst);
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
    let (_, clock) = clock_at("2026-03-10T11:59:59.500Z");
    let disk = full_disk(folder.path(), clock.now()).await;
    let definitions = jobs_of(&app, "shutdown_grace = \"0s\"", &[("hang", "every 1h", "path = \"/hang\"")]);
    let turning = Turning::with(disk.clone(), dispatcher(&clock), definitions, &clock);
    app.has("hang", 1).await;
    disk.full.store(true, Ordering::SeqCst);
    let begin = clock.monotonic();
    turning.stop.send_replace(true);
    let mut turning = turning;
    let ended = tokio::time::timeout(super::PATIENCE, turning.task.take().unwrap()).await.expect("it ends").unwrap();
    assert!(matches!(ended, Err(StoreError::ReadOnly)), "and it says why: {ended:?}");
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    disk.close().await;
}

/// Seed D9: a panic in one attempt ends that run as failed, and nothing else.
#[tokio::test]
async fn d9_a_panic_in_an_attempt_fails_its_run() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.200Z");
    let odd = Arc::new(PanickyClock::new(clock.clone()));
    let definitions = jobs_of(&app, "", &[("a", "every 1s", "path = \"/ok\""), ("b", "every 1s", "path = \"/ok\"")]);
    let ledger = full_disk(folder.path(), clock.now()).await;
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
    let ledger = full_disk(folder.path(), clock.now()).await;
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
