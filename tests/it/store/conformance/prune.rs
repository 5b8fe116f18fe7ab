//! What goes from the history, and what stays.

use std::time::Duration;

use sexton::store::{Accounting, Begun};

use super::*;

const EVER: Duration = Duration::MAX;

async fn done(store: &Store, name: &str, seconds: i64) -> RunId {
    let run = sent(store, name, seconds).await;
    store.finish(t(seconds), vec![success(run)]).await.unwrap();
    run
}

async fn seconds_kept(store: &Store, name: &str) -> Vec<i64> {
    history(store, name).await.iter().map(|run| (run.scheduled_for - t(0)).num_seconds()).collect()
}

pub(crate) async fn what_is_older_than_the_time_to_keep_goes(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    let gone = done(&store, "a", 10).await;
    for second in [20, 30] {
        done(&store, "a", second).await;
    }
    done(&store, "b", 15).await;
    assert_eq!(store.prune(t(120), Duration::from_secs(100), u64::MAX).await.unwrap(), 2);
    assert_eq!(seconds_kept(&store, "a").await, [20, 30], "what is just as old as that stays");
    assert!(seconds_kept(&store, "b").await.is_empty());
    assert_eq!(store.run(gone).await.unwrap(), None);
    assert_eq!(store.prune(t(120), Duration::from_secs(100), u64::MAX).await.unwrap(), 0);
}

pub(crate) async fn of_each_job_the_newest_rows_stay(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    for second in 1..=5 {
        done(&store, "a", second).await;
    }
    for second in 1..=2 {
        done(&store, "b", second).await;
    }
    assert_eq!(store.prune(t(10), EVER, 3).await.unwrap(), 2);
    assert_eq!(seconds_kept(&store, "a").await, [3, 4, 5]);
    assert_eq!(seconds_kept(&store, "b").await, [1, 2]);
    assert_eq!(store.prune(t(10), EVER, 0).await.unwrap(), 5);
    assert!(seconds_kept(&store, "a").await.is_empty());
}

pub(crate) async fn a_span_goes_when_its_last_instant_is_old(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let accounting = Accounting { spans: vec![span(10, 50, 5)], ..accounting("a", 0, 50) };
    store.account(t(50), vec![accounting]).await.unwrap();
    assert_eq!(store.prune(t(130), Duration::from_secs(100), u64::MAX).await.unwrap(), 0);
    assert_eq!(store.prune(t(151), Duration::from_secs(100), u64::MAX).await.unwrap(), 1);
}

pub(crate) async fn what_is_not_over_stays(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b", "c"]).await;
    let sending = sent(&store, "a", 10).await;
    let waiting = claimed(&store, "b", 10).await;
    let held = sent(&store, "c", 10).await;
    store.finish(t(20), vec![timeout(held, 1000)]).await.unwrap();

    assert_eq!(store.prune(t(999), Duration::ZERO, 0).await.unwrap(), 0);
    assert_eq!(store.slots(t(999)).await.unwrap()[0].run, held);
    assert_eq!(store.prune(t(1000), Duration::ZERO, 0).await.unwrap(), 1, "its hold is over");
    assert_eq!(store.run(held).await.unwrap(), None);
    assert_eq!(row(&store, sending).await.id, sending);
    assert_eq!(row(&store, waiting).await.id, waiting);
}

/// Guarantee G1: a row that grew over pruned ones would say that it stands for them too, and count too few.
pub(crate) async fn nothing_joins_over_what_was_pruned(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let [first, between, last, next] = [
        claimed(&store, "a", 60).await,
        claimed(&store, "a", 120).await,
        claimed(&store, "a", 180).await,
        claimed(&store, "a", 240).await,
    ];
    let cancelled = End { run: between, outcome: Outcome::Cancelled, reason: Reason::Redefined };
    store.end(t(100), vec![cancelled]).await.unwrap();
    assert_eq!(store.prune(t(100), EVER, 1).await.unwrap(), 1);

    let missed = |run| End { run, outcome: Outcome::Missed, reason: Reason::Downtime };
    store.end(t(300), vec![missed(first), missed(last), missed(next)]).await.unwrap();
    let rows: Vec<_> =
        history(&store, "a").await.iter().map(|run| (run.scheduled_for, run.through, run.count)).collect();
    assert_eq!(rows, [(t(60), t(60), 1), (t(180), t(240), 2)], "and what follows joins as ever");
}

/// Nobody has said yet what became of it, and it may be asked for: it stays beside the newest rows, until it is settled or old.
pub(crate) async fn what_may_yet_be_settled_stays(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let unknown = sent(&store, "a", 10).await;
    store.finish(t(12), vec![timeout(unknown, 15)]).await.unwrap();
    for second in [20, 30, 40] {
        done(&store, "a", second).await;
    }
    assert_eq!(store.prune(t(100), EVER, 1).await.unwrap(), 2);
    assert_eq!(seconds_kept(&store, "a").await, [10, 40], "its hold is over, and it stays");
    assert_eq!(store.prune(t(110), Duration::from_secs(100), 1).await.unwrap(), 0, "it is just as old as that");
    assert!(store.settle(unknown, Outcome::Succeeded).await.unwrap());
    assert_eq!(store.prune(t(110), EVER, 1).await.unwrap(), 1);

    let unknown = sent(&store, "a", 50).await;
    store.finish(t(52), vec![timeout(unknown, 55)]).await.unwrap();
    assert_eq!(store.prune(t(151), Duration::from_secs(100), 9).await.unwrap(), 2, "nobody said so in time");
    assert!(seconds_kept(&store, "a").await.is_empty());
}

/// Pruning forgets rows, not what is accounted for: nothing is claimed again, and no fence is drawn twice.
pub(crate) async fn cursors_and_fences_outlive_the_rows(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    done(&store, "a", 10).await;
    let before = store.cursors().await.unwrap();
    store.prune(t(20), Duration::ZERO, 0).await.unwrap();
    assert_eq!(store.cursors().await.unwrap(), before);
    let run = claimed(&store, "a", 30).await;
    assert_eq!(begin_one(&store, 30, begin(run, Some(90))).await, Begun::Sending { fence: 2, attempt: 1 });
}
