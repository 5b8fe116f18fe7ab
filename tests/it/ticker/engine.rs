//! The pulse: what it announces, and that it does not stay dead (seed D9).

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    clock::{Clock, SharedClock, Sleep, SystemClock, VirtualClock},
    ticker::{DEAD_AFTER, Home, LEAD, Ticker},
};

use crate::support::{definitions::noon, logs::Logs, process::eventually};

/// Whether the ticker announces something within `time`.
async fn announces(ticker: &Ticker, time: Duration) -> bool {
    tokio::time::timeout(time, ticker.due()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn it_announces_what_comes_into_the_lead_window() {
    let clock = VirtualClock::at(noon());
    let ticker = Ticker::start(Arc::new(clock.clone()), Home::ThisRuntime);
    assert!(!announces(&ticker, Duration::from_secs(60)).await, "nothing is expected");

    let instant = clock.now() + TimeDelta::seconds(30);
    ticker.expect(Some(instant));
    ticker.due().await;
    let ahead = instant - clock.now();
    assert!(ahead <= LEAD && ahead > LEAD - TimeDelta::milliseconds(1_100), "{ahead} ahead");
    assert!(announces(&ticker, Duration::from_secs(2)).await, "again with each look, until it is told otherwise");

    ticker.expect(None);
    // One that was announced before may still be there.
    announces(&ticker, Duration::ZERO).await;
    assert!(!announces(&ticker, Duration::from_secs(60)).await);
}

/// An instant in the past is announced as soon as one at hand.
#[tokio::test(start_paused = true)]
async fn it_announces_what_is_late() {
    let clock = VirtualClock::at(noon());
    let ticker = Ticker::start(Arc::new(clock.clone()), Home::ThisRuntime);
    ticker.expect(Some(noon() - TimeDelta::days(1)));
    assert!(announces(&ticker, Duration::from_millis(1_500)).await);
}

/// Seed D9: liveness is the age of the last look, and a living engine's stays under a second.
#[tokio::test(start_paused = true)]
async fn a_living_engine_looks_every_half_second() {
    let clock = VirtualClock::at(noon());
    let ticker = Ticker::start(Arc::new(clock), Home::ThisRuntime);
    let liveness = ticker.liveness();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(730)).await;
        ticker.expect(None);
        assert!(liveness.age() <= Duration::from_millis(1_100), "{:?}", liveness.age());
    }
}

/// Seed D9: an engine that ticks for somebody who does not turn to it any more is no life.
#[tokio::test(start_paused = true)]
async fn d9_a_tick_that_nobody_hears_is_none() {
    let clock = VirtualClock::at(noon());
    let ticker = Ticker::start(Arc::new(clock), Home::ThisRuntime);
    let liveness = ticker.liveness();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(ticker.age() <= Duration::from_millis(1_100), "the engine looks: {:?}", ticker.age());
    assert!(liveness.age() >= Duration::from_secs(19), "{:?}", liveness.age());
    ticker.expect(None);
    assert!(liveness.age() <= Duration::from_millis(1_100), "{:?}", liveness.age());
}

/// A stopped ticker announces nothing more, and whoever watches sees it age.
#[tokio::test(start_paused = true)]
async fn a_ticker_that_was_dropped_looks_no_more() {
    let clock = VirtualClock::at(noon());
    let ticker = Ticker::start(Arc::new(clock), Home::ThisRuntime);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let liveness = ticker.liveness();
    drop(ticker);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(liveness.age() >= Duration::from_secs(19), "{:?}", liveness.age());
}

/// A clock that panics once, at the engine's next look.
#[derive(Debug)]
struct Deadly {
    inner: VirtualClock,
    armed: AtomicBool,
}

impl Clock for Deadly {
    fn now(&self) -> DateTime<Utc> {
        assert!(!self.armed.swap(false, Ordering::SeqCst), "this look was told to panic");
        self.inner.now()
    }

    fn sleep_until(&self, instant: DateTime<Utc>) -> Sleep<'_> {
        self.inner.sleep_until(instant)
    }
}

/// Seed D9: an engine that died is replaced, loudly, and the new one announces what the old one would have.
#[tokio::test(start_paused = true)]
async fn d9_a_dead_engine_is_replaced_loudly() {
    let logs = Logs::capture();
    let clock = Arc::new(Deadly { inner: VirtualClock::at(noon()), armed: AtomicBool::new(false) });
    let ticker = Ticker::start(clock.clone(), Home::ThisRuntime);
    tokio::time::sleep(Duration::from_secs(2)).await;
    clock.armed.store(true, Ordering::SeqCst);
    tokio::time::sleep(DEAD_AFTER).await;
    assert!(!clock.armed.load(Ordering::SeqCst), "it did panic");
    assert!(ticker.age() >= DEAD_AFTER - Duration::from_millis(1_100), "nobody looked since: {:?}", ticker.age());

    ticker.expect(Some(noon()));
    assert!(announces(&ticker, Duration::from_secs(3)).await, "another one looks");
    assert!(ticker.age() < Duration::from_secs(1));
    let loud = logs.lines("ERROR");
    assert!(loud.iter().any(|line| line.contains("starting another")), "{loud:?}");
}

/// A clock whose readers on threads named `ticker-1` stand still while they are told to.
#[derive(Debug, Default)]
struct Freezing {
    frozen: Mutex<bool>,
    thawed: Condvar,
}

impl Freezing {
    fn set(&self, frozen: bool) {
        *self.frozen.lock().unwrap() = frozen;
        self.thawed.notify_all();
    }
}

impl Clock for Freezing {
    fn now(&self) -> DateTime<Utc> {
        if std::thread::current().name() == Some("ticker-1") {
            drop(self.thawed.wait_while(self.frozen.lock().unwrap(), |frozen| *frozen).unwrap());
        }
        SystemClock.now()
    }

    fn sleep_until(&self, instant: DateTime<Utc>) -> Sleep<'_> {
        SystemClock.sleep_until(instant)
    }
}

/// Seed D9: the same for an engine whose thread hangs, in real time; and the old one is not listened to when it wakes.
#[tokio::test]
async fn d9_a_frozen_engine_is_replaced() {
    let clock = Arc::new(Freezing::default());
    let shared: SharedClock = clock.clone();
    let ticker = Ticker::start(shared, Home::OwnThread);
    ticker.expect(Some(SystemClock.now()));
    ticker.due().await;
    clock.set(true);
    let patience = DEAD_AFTER * 4;
    eventually("silence", patience, async || (ticker.age() > Duration::from_secs(2)).then_some(())).await;
    eventually("a new engine", patience, async || (ticker.age() < Duration::from_secs(1)).then_some(())).await;
    // What the first had announced before may still be there.
    announces(&ticker, Duration::ZERO).await;
    tokio::time::timeout(patience, ticker.due()).await.expect("the new one announces");
    ticker.expect(None);
    clock.set(false);
    announces(&ticker, Duration::ZERO).await;
    assert!(!announces(&ticker, Duration::from_secs(1)).await, "the old one woke and was listened to");
}
