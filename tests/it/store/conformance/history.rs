//! What is read.

use std::{future::poll_fn, pin::pin, task::Poll};

use chrono::TimeDelta;
use sexton::{
    run::{Outcome, Reason, State},
    store::{RunQuery, StoreError},
};

use super::*;

fn query(name: Option<&str>, outcome: Option<Outcome>, limit: u32) -> RunQuery {
    RunQuery { job: name.map(job), outcome, limit, ..RunQuery::default() }
}

/// Three jobs' runs: of `a` one succeeded, one unknown, one claimed; of `b` one succeeded; of `c` one sending.
async fn mixed(store: &Store) -> [RunId; 5] {
    anchored(store, &["a", "b", "c"]).await;
    let first = sent(store, "a", 10).await;
    store.finish(t(11), vec![success(first)]).await.unwrap();
    let second = sent(store, "b", 20).await;
    store.finish(t(21), vec![success(second)]).await.unwrap();
    let third = sent(store, "a", 30).await;
    store.finish(t(35), vec![timeout(third, 40)]).await.unwrap();
    let fourth = sent(store, "c", 40).await;
    let fifth = claimed(store, "a", 50).await;
    [first, second, third, fourth, fifth]
}

async fn ids(store: &Store, query: RunQuery) -> Vec<RunId> {
    store.runs(query).await.unwrap().iter().map(|run| run.id).collect()
}

pub(crate) async fn the_history_is_read_newest_first_by_job_and_outcome(open: impl AsyncFn() -> Store) {
    let store = open().await;
    let [first, second, third, fourth, fifth] = mixed(&store).await;
    assert_eq!(ids(&store, query(None, None, 100)).await, [fifth, fourth, third, second, first]);
    assert_eq!(ids(&store, query(None, None, 2)).await, [fifth, fourth]);
    assert_eq!(ids(&store, query(None, None, 0)).await, []);
    assert_eq!(ids(&store, query(Some("a"), None, 100)).await, [fifth, third, first]);
    assert_eq!(ids(&store, query(Some("a"), None, 1)).await, [fifth]);
    assert_eq!(ids(&store, query(None, Some(Outcome::Succeeded), 100)).await, [second, first]);
    assert_eq!(ids(&store, query(Some("a"), Some(Outcome::Succeeded), 100)).await, [first]);
    assert_eq!(ids(&store, query(Some("nobody"), None, 100)).await, []);
    assert_eq!(ids(&store, query(None, Some(Outcome::Cancelled), 100)).await, []);
}

pub(crate) async fn unfinished_runs_are_found_oldest_first_after_a_restart(open: impl AsyncFn() -> Store) {
    let store = open().await;
    let [.., fourth, fifth] = mixed(&store).await;
    let before = store.unfinished().await.unwrap();
    store.close().await;

    let store = open().await;
    let after = store.unfinished().await.unwrap();
    assert_eq!(after, before);
    let states: Vec<_> = after.iter().map(|run| (run.id, run.state)).collect();
    assert_eq!(states, [(fourth, State::Sending), (fifth, State::Claimed)]);
}

pub(crate) async fn the_history_survives_a_restart(open: impl AsyncFn() -> Store) {
    let store = open().await;
    let ids = mixed(&store).await;
    let mut before = Vec::new();
    for id in ids {
        before.push(store.run(id).await.unwrap().unwrap());
    }
    store.close().await;

    let store = open().await;
    for (id, before) in ids.into_iter().zip(before) {
        assert_eq!(store.run(id).await.unwrap(), Some(before));
    }
}

pub(crate) async fn a_run_that_does_not_exist_is_none(open: impl AsyncFn() -> Store) {
    let store = open().await;
    assert_eq!(store.run(new_id(1)).await.unwrap(), None);
    assert!(store.cursors().await.unwrap().is_empty());
    assert!(store.unfinished().await.unwrap().is_empty());
}

pub(crate) async fn instants_keep_their_microseconds_and_lose_what_is_finer(open: impl AsyncFn() -> Store) {
    let store = open().await;
    let fine = t(0) + TimeDelta::nanoseconds(123_456_789);
    store.anchor(vec![cursor("a", fine)]).await.unwrap();
    assert_eq!(cursor_of(&store, "a").await.accounted_to, t(0) + TimeDelta::microseconds(123_456));
    let mut accounting = accounting("a", 0, 60);
    accounting.from = fine;
    assert_eq!(store.account(t(1), vec![accounting]).await.unwrap(), [DONE]);
}

pub(crate) async fn empty_batches_are_fine(open: impl AsyncFn() -> Store) {
    let store = open().await;
    store.anchor(Vec::new()).await.unwrap();
    assert_eq!(store.account(t(0), Vec::new()).await.unwrap(), []);
    assert_eq!(store.begin(t(0), Vec::new()).await.unwrap(), []);
    store.end(t(0), Vec::new()).await.unwrap();
    assert_eq!(store.finish(t(0), Vec::new()).await.unwrap(), [] as [bool; 0]);
}

pub(crate) async fn a_closed_ledger_says_so(open: impl AsyncFn() -> Store) {
    let store = open().await;
    let run = mixed(&store).await[4];
    store.close().await;
    store.close().await;
    assert!(matches!(store.tick(t(60)).await, Err(StoreError::Closed)));
    assert!(matches!(store.cursors().await, Err(StoreError::Closed)));
    assert!(matches!(store.end(t(60), vec![skip(run, Reason::Running)]).await, Err(StoreError::Closed)));
}

/// Calls as a caller does that goes away at once.
async fn abandon(call: impl Future) {
    let mut call = pin!(call);
    poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await;
}

/// A write that waits when the ledger is closed is carried out first.
pub(crate) async fn closing_finishes_the_writes_that_wait(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    abandon(store.finish(t(61), vec![success(run)])).await;
    store.close().await;

    let store = open().await;
    assert_eq!(row(&store, run).await.state, State::Ended(Outcome::Succeeded));
}

/// Seed D11: what was asked for is written although the caller stopped waiting.
pub(crate) async fn a_write_outlives_its_caller(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    abandon(store.finish(t(61), vec![success(run)])).await;
    store.tick(t(62)).await.unwrap();
    assert_eq!(row(&store, run).await.state, State::Ended(Outcome::Succeeded));
}

/// Seed D11: also when more wait than any queue holds.
pub(crate) async fn many_writes_outlive_their_callers(open: impl AsyncFn() -> Store) {
    let store = open().await;
    let names: Vec<String> = (0..3000).map(|n| format!("job-{n}")).collect();
    anchored(&store, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for name in &names {
        abandon(store.account(t(1), vec![accounting(name, 0, 60)])).await;
    }
    store.close().await;

    let cursors = open().await.cursors().await.unwrap();
    assert_eq!(cursors.iter().filter(|cursor| cursor.accounted_to == t(60)).count(), 3000);
}
