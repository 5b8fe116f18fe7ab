//! Runs that end without being sent, and the rows they join.

use sexton::{
    run::{Outcome, Reason, State},
    store::{Accounting, End, Finish, StoreError},
};

use super::*;

/// (first second, last second, count) of each row, oldest first.
async fn spans(store: &Store, name: &str) -> Vec<(i64, i64, u64)> {
    let seconds = |instant: DateTime<Utc>| (instant - t(0)).num_seconds();
    let rows = history(store, name).await;
    rows.iter().map(|run| (seconds(run.scheduled_for), seconds(run.through), run.count)).collect()
}

pub(crate) async fn a_claimed_run_ends(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = claimed(&store, "a", 60).await;
    let end = End { run, outcome: Outcome::Cancelled, reason: Reason::Removed };
    store.end(t(61), vec![end]).await.unwrap();
    let row = row(&store, run).await;
    assert_eq!((row.state, row.reason), (State::Ended(Outcome::Cancelled), Some(Reason::Removed)));
    assert_eq!((row.finished_at, row.count), (Some(t(61)), 1));
}

/// However long a job is busy, what is skipped meanwhile is one row.
pub(crate) async fn skipped_runs_of_one_kind_are_one_row(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let first = claimed(&store, "a", 1).await;
    store.end(t(1), vec![skip(first, Reason::Running)]).await.unwrap();
    let mut later = Vec::new();
    for second in 2..=5 {
        later.push(claimed(&store, "a", second).await);
    }
    store.end(t(7), later.iter().map(|run| skip(*run, Reason::Running)).collect()).await.unwrap();

    assert_eq!(spans(&store, "a").await, [(1, 5, 5)]);
    let row = row(&store, first).await;
    assert_eq!((row.state, row.reason), (State::Ended(Outcome::Skipped), Some(Reason::Running)));
    assert_eq!(row.finished_at, Some(t(7)));
    assert_eq!(store.run(later[0]).await.unwrap(), None);
    assert!(store.unfinished().await.unwrap().is_empty());
}

pub(crate) async fn a_missed_run_joins_the_span_before_it(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let accounting = Accounting { spans: vec![span(1, 3, 3)], ..accounting("a", 0, 3) };
    store.account(t(4), vec![accounting]).await.unwrap();
    let run = claimed(&store, "a", 4).await;
    let end = End { run, outcome: Outcome::Missed, reason: Reason::Downtime };
    store.end(t(5), vec![end]).await.unwrap();
    assert_eq!(spans(&store, "a").await, [(1, 4, 4)]);
}

pub(crate) async fn rows_that_differ_stay_apart(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let ends = [
        (Outcome::Skipped, Reason::Running),
        (Outcome::Skipped, Reason::PossiblyRunning),
        (Outcome::Missed, Reason::PossiblyRunning),
        (Outcome::Cancelled, Reason::Removed),
        (Outcome::Cancelled, Reason::Removed),
    ];
    for (second, (outcome, reason)) in (1..).zip(ends) {
        let run = claimed(&store, "a", second).await;
        store.end(t(second), vec![End { run, outcome, reason }]).await.unwrap();
    }
    assert_eq!(spans(&store, "a").await.len(), 5);
}

pub(crate) async fn another_definition_begins_a_row_of_its_own(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let old = claimed(&store, "a", 1).await;
    let mut new = claim(2);
    new.definition = "d2".to_owned();
    let id = new.id;
    store.account(t(2), vec![Accounting { claims: vec![new], ..accounting("a", 1, 2) }]).await.unwrap();
    store.end(t(3), vec![skip(old, Reason::Running), skip(id, Reason::Running)]).await.unwrap();
    assert_eq!(spans(&store, "a").await, [(1, 1, 1), (2, 2, 1)]);
}

pub(crate) async fn a_row_between_keeps_rows_apart(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let (first, between, last) =
        (claimed(&store, "a", 1).await, claimed(&store, "a", 2).await, claimed(&store, "a", 3).await);
    store.end(t(3), vec![skip(first, Reason::Running), skip(last, Reason::Running)]).await.unwrap();
    assert_eq!(spans(&store, "a").await, [(1, 1, 1), (2, 2, 1), (3, 3, 1)]);
    assert_eq!(row(&store, between).await.state, State::Claimed);
}

/// Guarantee G1: behind a clock that was set back, what lies between two rows is yet to be accounted for.
pub(crate) async fn nothing_joins_past_the_cursor(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let (first, last) = (claimed(&store, "a", 60).await, claimed(&store, "a", 240).await);
    store.anchor(vec![cursor("a", t(100))]).await.unwrap();
    store.end(t(241), vec![skip(first, Reason::Running), skip(last, Reason::Running)]).await.unwrap();
    assert_eq!(spans(&store, "a").await, [(60, 60, 1), (240, 240, 1)]);

    let between = Accounting { spans: vec![span(120, 300, 4)], ..accounting("a", 100, 300) };
    store.account(t(300), vec![between]).await.unwrap();
    assert_eq!(spans(&store, "a").await, [(60, 60, 1), (120, 180, 2), (240, 240, 1), (300, 300, 1)]);
}

pub(crate) async fn another_job_is_not_joined(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    let (a, b) = (claimed(&store, "a", 1).await, claimed(&store, "b", 2).await);
    store.end(t(3), vec![skip(a, Reason::Running), skip(b, Reason::Running)]).await.unwrap();
    assert_eq!(spans(&store, "a").await, [(1, 1, 1)]);
    assert_eq!(spans(&store, "b").await, [(2, 2, 1)]);
}

pub(crate) async fn a_row_that_was_sent_is_not_joined(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let busy = sent(&store, "a", 1).await;
    let finish = Finish { outcome: Outcome::Skipped, reason: Some(Reason::Busy), status: Some(409), ..success(busy) };
    store.finish(t(2), vec![finish]).await.unwrap();
    let next = claimed(&store, "a", 2).await;
    store.end(t(3), vec![skip(next, Reason::Busy)]).await.unwrap();
    assert_eq!(spans(&store, "a").await, [(1, 1, 1), (2, 2, 1)]);
}

pub(crate) async fn a_run_that_is_no_longer_claimed_does_not_end(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let sending = sent(&store, "a", 1).await;
    let done = claimed(&store, "a", 2).await;
    store.end(t(2), vec![skip(done, Reason::Running)]).await.unwrap();
    let before = (row(&store, sending).await, row(&store, done).await);

    let again = |run| End { run, outcome: Outcome::Cancelled, reason: Reason::Removed };
    store.end(t(3), vec![again(sending), again(done), again(new_id(3))]).await.unwrap();
    assert_eq!((row(&store, sending).await, row(&store, done).await), before);
}

pub(crate) async fn an_impossible_end_is_refused_and_nothing_written(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = claimed(&store, "a", 1).await;
    let impossible = End { run, outcome: Outcome::Succeeded, reason: Reason::Running };
    let result = store.end(t(2), vec![skip(run, Reason::Running), impossible]).await;
    assert!(matches!(result, Err(StoreError::Illegal(_))), "{result:?}");
    assert_eq!(row(&store, run).await.state, State::Claimed);
}
