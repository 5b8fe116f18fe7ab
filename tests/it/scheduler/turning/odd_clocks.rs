//! Clocks that break.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use sexton::clock::{Clock, SharedClock, Sleep};
use tokio::time::Instant;

/// A clock that panics once, where it is told to.
#[derive(Debug)]
pub(super) struct PanickyClock {
    inner: SharedClock,
    in_monotonic: AtomicBool,
    in_a_wait: AtomicBool,
}

impl PanickyClock {
    pub(super) fn new(inner: SharedClock) -> Self {
        Self { inner, in_monotonic: AtomicBool::new(false), in_a_wait: AtomicBool::new(false) }
    }

    pub(super) fn panic_once_in_monotonic(&self) {
        self.in_monotonic.store(true, Ordering::SeqCst);
    }

    pub(super) fn panic_once_in_a_wait(&self) {
        self.in_a_wait.store(true, Ordering::SeqCst);
    }
}

impl Clock for PanickyClock {
    fn now(&self) -> DateTime<Utc> {
        self.inner.now()
    }

    fn sleep_until(&self, instant: DateTime<Utc>) -> Sleep<'_> {
        Box::pin(async move {
            assert!(!self.in_a_wait.swap(false, Ordering::SeqCst), "this wait was told to panic");
            self.inner.sleep_until(instant).await;
        })
    }

    fn monotonic(&self) -> Instant {
        assert!(!self.in_monotonic.swap(false, Ordering::SeqCst), "this clock was told to panic");
        self.inner.monotonic()
    }
}
