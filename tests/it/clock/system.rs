//! The machine's clock.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use sexton::clock::{Clock, SystemClock};
use tokio::task::JoinSet;

/// An absolute wait may end late on a busy machine, never early: an early request would be for an instant to come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_never_ends_before_its_instant() {
    let mut waits = JoinSet::new();
    for step in 0..400_i64 {
        waits.spawn(async move {
            let instant = SystemClock.now() + TimeDelta::microseconds(step * 137);
            SystemClock.sleep_until(instant).await;
            (instant, SystemClock.now())
        });
    }
    for (instant, woken) in waits.join_all().await {
        assert!(woken >= instant, "woken at {woken} for {instant}");
    }
}

/// Instants between two microseconds are kept to: a timer that rounds down would wake early.
#[tokio::test]
async fn a_wait_keeps_to_the_nanosecond() {
    for nanos in [1, 999, 1_001, 999_999, 1_000_001] {
        let instant = SystemClock.now() + TimeDelta::milliseconds(2) + TimeDelta::nanoseconds(nanos);
        SystemClock.sleep_until(instant).await;
        assert!(SystemClock.now() >= instant);
    }
}

#[tokio::test]
async fn a_wait_for_the_past_ends_at_once() {
    let begin = SystemClock.monotonic();
    for instant in [SystemClock.now(), SystemClock.now() - TimeDelta::days(20_000), chrono::DateTime::<Utc>::MIN_UTC] {
        SystemClock.sleep_until(instant).await;
    }
    assert!(begin.elapsed() < Duration::from_secs(1));
}

/// Every wait holds a descriptor of the system; one that is no longer wanted gives it back.
#[tokio::test]
async fn waits_that_are_given_up_leave_nothing_behind() {
    let far = SystemClock.now() + TimeDelta::days(400_000);
    let before = descriptors();
    for _ in 0..100 {
        tokio::select! {
            biased;
            () = SystemClock.sleep_until(far) => panic!("an instant far away has not come"),
            () = std::future::ready(()) => {}
        }
    }
    // Other tests of this process open and close theirs meanwhile.
    assert!(descriptors() < before + 90, "{before} descriptors before, {} after", descriptors());
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
