//! The clock of tests.

use std::time::Duration;

use chrono::TimeDelta;
use sexton::clock::{Clock, VirtualClock};

use crate::support::definitions::noon;

#[tokio::test(start_paused = true)]
async fn it_runs_on_the_runtimes_time() {
    let clock = VirtualClock::at(noon());
    assert_eq!(clock.now(), noon());
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(clock.now(), noon() + TimeDelta::seconds(90));
    clock.sleep_until(noon() + TimeDelta::days(7)).await;
    assert_eq!(clock.now(), noon() + TimeDelta::days(7));
}

#[tokio::test(start_paused = true)]
async fn a_step_forward_ends_the_waits_it_passes_at_once() {
    let clock = VirtualClock::at(noon());
    let begin = clock.monotonic();
    let waits = [60, 3600].map(|seconds| {
        let clock = clock.clone();
        tokio::spawn(async move { clock.sleep_until(noon() + TimeDelta::seconds(seconds)).await })
    });
    tokio::task::yield_now().await;
    clock.step(TimeDelta::minutes(10));
    let [passed, ahead] = waits;
    passed.await.unwrap();
    assert_eq!(begin.elapsed(), Duration::ZERO, "the monotonic clock does not notice a step");
    ahead.await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(3000), "ten minutes are already over for the other");
}

#[tokio::test(start_paused = true)]
async fn a_step_back_makes_a_wait_longer() {
    let clock = VirtualClock::at(noon());
    let begin = clock.monotonic();
    let wait = tokio::spawn({
        let clock = clock.clone();
        async move { clock.sleep_until(noon() + TimeDelta::seconds(60)).await }
    });
    tokio::time::sleep(Duration::from_secs(59)).await;
    clock.step(-TimeDelta::hours(1));
    wait.await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(3660));
    assert_eq!(clock.now(), noon() + TimeDelta::seconds(60));
}

#[tokio::test(start_paused = true)]
async fn clones_are_one_clock() {
    let (clock, other) = (VirtualClock::at(noon()), VirtualClock::at(noon()));
    clock.clone().step(TimeDelta::days(1));
    assert_eq!(clock.now(), noon() + TimeDelta::days(1));
    assert_eq!(other.now(), noon());
}
