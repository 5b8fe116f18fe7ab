//! Unknown runs that turn out to be something.

use sexton::{
    run::{Outcome, Reason, State},
    store::{Begun, StoreError},
};

use super::*;

pub(crate) async fn an_unknown_run_settles_and_gives_its_slot_back(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    for (name, outcome) in [("a", Outcome::Succeeded), ("b", Outcome::Failed)] {
        let run = sent(&store, name, 60).await;
        store.finish(t(90), vec![timeout(run, 300)]).await.unwrap();
        assert!(store.settle(run, outcome).await.unwrap());
        let row = row(&store, run).await;
        assert_eq!((row.state, row.settled), (State::Ended(Outcome::Unknown), Some(outcome)));
        assert_eq!((row.reason, row.finished_at), (Some(Reason::Timeout), Some(t(90))), "both are kept");
    }
    assert_eq!(store.slots(t(91)).await.unwrap(), []);
    let next = claimed(&store, "a", 120).await;
    assert_eq!(begin_one(&store, 120, begin(next, Some(180))).await, Begun::Sending { fence: 2, attempt: 1 });
}

pub(crate) async fn a_run_settles_once(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    store.finish(t(90), vec![timeout(run, 300)]).await.unwrap();
    assert!(store.settle(run, Outcome::Failed).await.unwrap());
    assert!(!store.settle(run, Outcome::Succeeded).await.unwrap());
    store.close().await;
    assert_eq!(row(&open().await, run).await.settled, Some(Outcome::Failed));
}

pub(crate) async fn only_an_unknown_run_settles(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let done = sent(&store, "a", 60).await;
    store.finish(t(61), vec![success(done)]).await.unwrap();
    let sending = sent(&store, "a", 70).await;
    let waiting = claimed(&store, "a", 80).await;
    for run in [done, sending, waiting, new_id(90)] {
        assert!(!store.settle(run, Outcome::Failed).await.unwrap());
    }
    assert_eq!(row(&store, done).await.settled, None);
    assert_eq!(store.slots(t(80)).await.unwrap().len(), 1, "the sending run keeps its slot");
}

pub(crate) async fn a_run_settles_as_succeeded_or_failed_only(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    store.finish(t(90), vec![timeout(run, 300)]).await.unwrap();
    for outcome in [Outcome::Unknown, Outcome::Skipped, Outcome::Missed, Outcome::Cancelled] {
        assert!(matches!(store.settle(run, outcome).await, Err(StoreError::Illegal(_))));
    }
    assert_eq!(row(&store, run).await.settled, None);
}

pub(crate) async fn settling_leaves_a_slot_that_was_taken_over(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let held = sent(&store, "a", 60).await;
    store.finish(t(90), vec![timeout(held, 100)]).await.unwrap();
    let next = sent(&store, "a", 110).await;
    assert!(store.settle(held, Outcome::Succeeded).await.unwrap());
    assert_eq!(store.slots(t(111)).await.unwrap()[0].run, next);
}
