//! What is due, and the pulse that asks.
//!
//! [`Pump`] is the one function from an instant to the occurrences due by then; whoever owns it (the scheduler's loop, a
//! simulation) moves it along. [`Ticker`] is the pulse: tokio-cron-scheduler, which looks every 500 ms whether something
//! falls into the lead window and says so. It is never told a schedule, and its precision never shows: what it announces
//! is claimed ahead and sent by an absolute timer.

mod engine;
mod pump;
mod watchdog;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{sync::Notify, task::JoinHandle, time::Instant};

pub use pump::{Backlog, Due, Pump};

use crate::clock::SharedClock;

/// How long before its instant an occurrence is claimed. At a pulse of 500 ms it leaves three tries.
pub const LEAD: TimeDelta = TimeDelta::seconds(2);

/// After how long without a look at the map the engine counts as dead.
pub const DEAD_AFTER: Duration = Duration::from_secs(5);

/// Where the engine's tasks live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// A thread and runtime of its own, so that nothing else can starve it and it goes away whole.
    OwnThread,
    /// The runtime that calls: the only way to run it on paused time.
    ThisRuntime,
}

/// The pulse. Dropping it ends the engine.
#[derive(Debug)]
pub struct Ticker {
    beat: Arc<Beat>,
    watchdog: JoinHandle<()>,
}

impl Ticker {
    /// Starts the engine and its watchdog.
    #[must_use]
    pub fn start(clock: SharedClock, home: Home) -> Self {
        let beat = Arc::new(Beat::new(clock));
        let watchdog = tokio::spawn(watchdog::keep_beating(Arc::clone(&beat), home));
        Self { beat, watchdog }
    }

    /// Says when the next occurrence is to be sent, so that the engine knows what to look for. Whoever does not say so for
    /// long does not hear the pulse either, and [`Liveness`] tells.
    pub fn expect(&self, next: Option<DateTime<Utc>>) {
        self.beat.heard.store(self.beat.since_start(), Ordering::Release);
        self.beat.expected.store(next.map_or(i64::MAX, |next| next.timestamp_micros()), Ordering::Release);
    }

    /// Ends when something is in the lead window. Repeats with each pulse until [`Self::expect`] says otherwise.
    pub async fn due(&self) {
        self.beat.due.notified().await;
    }

    /// How long ago the engine last looked.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.beat.age()
    }

    /// A view of the pulse for those who only watch.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        Liveness(Arc::clone(&self.beat))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.beat.engine.store(STOPPED, Ordering::Release);
        self.watchdog.abort();
    }
}

/// The age of the last tick, for health checks and metrics: of one that was heard (seed D9). An engine that ticks for a loop
/// that hangs is no life.
#[derive(Debug, Clone)]
pub struct Liveness(Arc<Beat>);

impl Liveness {
    /// How long ago the engine last looked, or its user last turned to it, whichever is longer ago.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.0.age().max(self.0.since(&self.0.heard))
    }
}

const STOPPED: u64 = u64::MAX;

/// What the engine, its watchdog and its user share.
#[derive(Debug)]
struct Beat {
    clock: SharedClock,
    start: Instant,
    /// Microseconds since 1970 of the next instant, `i64::MAX` when there is none.
    expected: AtomicI64,
    /// Milliseconds from `start` to the engine's last look.
    looked: AtomicU64,
    /// Milliseconds from `start` to when its user last turned to it.
    heard: AtomicU64,
    /// The number of the engine that counts; an older one is not listened to.
    engine: AtomicU64,
    due: Notify,
}

impl Beat {
    fn new(clock: SharedClock) -> Self {
        let start = clock.monotonic();
        Self {
            clock,
            start,
            expected: AtomicI64::new(i64::MAX),
            looked: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            engine: AtomicU64::new(0),
            due: Notify::new(),
        }
    }

    fn age(&self) -> Duration {
        self.since(&self.looked)
    }

    fn since(&self, noted: &AtomicU64) -> Duration {
        let at = self.start + Duration::from_millis(noted.load(Ordering::Acquire));
        self.clock.monotonic().saturating_duration_since(at)
    }

    fn note_look(&self) {
        self.looked.store(self.since_start(), Ordering::Release);
    }

    /// In milliseconds.
    fn since_start(&self) -> u64 {
        let since = self.clock.monotonic().saturating_duration_since(self.start).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    fn something_is_due(&self) -> bool {
        let horizon = (self.clock.now() + LEAD).timestamp_micros();
        self.expected.load(Ordering::Acquire) <= horizon
    }

    fn counts(&self, engine: u64) -> bool {
        self.engine.load(Ordering::Acquire) == engine
    }
}
