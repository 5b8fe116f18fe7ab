//! Runs that wait in the ledger: for an earlier one of their job, for another attempt, for the app's work.

use sexton::{
    job::Call,
    run::{Outcome, Reason, State, Work},
    store::{Begun, Finish, Follow, StoreError},
};

use super::*;

/// An attempt that failed and is made again.
fn again(run: RunId, at: i64) -> Finish {
    Finish {
        outcome: Outcome::Failed,
        reason: Some(Reason::Status),
        then: Then::Again { at: t(at) },
        status: Some(503),
        excerpt: Some("try later".to_owned()),
        ..success(run)
    }
}

fn follow(run: RunId, wake_at: i64, progress: Option<&str>) -> Follow {
    let work = Work {
        attempt: 1,
        fence: 1,
        target: "app".to_owned(),
        path: "/jobs/7?x='\u{17e}'".to_owned(),
        cancel: Some(Call { method: "DELETE".to_owned(), path: "/jobs/7".to_owned() }),
        interval: std::time::Duration::from_millis(1_500),
        state: "/status".to_owned(),
        success: vec!["done".to_owned()],
        failure: Vec::new(),
        progress: "/progress".to_owned(),
        since: t(60),
        until: t(3_660),
    };
    Follow {
        run,
        wake_at: t(wake_at),
        slot_until: t(5_000),
        work,
        progress: progress.map(str::to_owned),
        status: None,
        excerpt: None,
        lateness: None,
    }
}

pub(crate) async fn a_claimed_run_lines_up_and_is_sent(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let (first, second) = (sent(&store, "a", 60).await, claimed(&store, "a", 61).await);
    assert_eq!(store.queue(vec![second, first, new_id(62)]).await.unwrap(), [true, false, false]);
    assert_eq!(store.queue(vec![second]).await.unwrap(), [false], "once");
    assert_eq!(row(&store, first).await.state, State::Sending);
    store.close().await;

    let store = open().await;
    let states: Vec<_> = store.unfinished().await.unwrap().iter().map(|run| run.state).collect();
    assert_eq!(states, [State::Sending, State::Queued]);
    store.finish(t(62), vec![success(first)]).await.unwrap();
    assert_eq!(begin_one(&store, 63, begin(second, Some(90))).await, Begun::Sending { fence: 2, attempt: 1 });
}

pub(crate) async fn a_queued_run_ends_as_a_claimed_one_does(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = claimed(&store, "a", 60).await;
    store.queue(vec![run]).await.unwrap();
    store.end(t(61), vec![End { run, outcome: Outcome::Cancelled, reason: Reason::Removed }]).await.unwrap();
    assert_eq!(row(&store, run).await.state, State::Ended(Outcome::Cancelled));
}

/// The same run, another attempt: its number grows, its fence too, and each attempt keeps how it ended.
pub(crate) async fn a_run_waits_for_another_attempt_over_a_restart(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    assert_eq!(store.finish(t(63), vec![again(run, 70)]).await.unwrap(), [true]);
    assert_eq!(store.slots(t(63)).await.unwrap(), [], "who waits has no slot");
    store.close().await;

    let store = open().await;
    let waiting = store.unfinished().await.unwrap().remove(0);
    assert_eq!((waiting.state, waiting.wake_at, waiting.finished_at), (State::RetryWait, Some(t(70)), None));
    assert_eq!((waiting.attempts, waiting.tried, waiting.reason), (1, Some(Outcome::Failed), Some(Reason::Status)));
    assert_eq!(store.finish(t(64), vec![success(run)]).await.unwrap(), [false], "nothing of it is open");

    let other = sent(&store, "a", 65).await;
    store.finish(t(66), vec![success(other)]).await.unwrap();
    assert_eq!(begin_one(&store, 70, begin(run, Some(130))).await, Begun::Sending { fence: 3, attempt: 2 });
    let sending = row(&store, run).await;
    assert_eq!((sending.state, sending.wake_at, sending.tried), (State::Sending, None, None));
    store.finish(t(71), vec![Finish { lateness: None, ..success(run) }]).await.unwrap();

    let (row, attempts) = store.run(run).await.unwrap().unwrap();
    assert_eq!((row.state, row.status, row.fence), (State::Ended(Outcome::Succeeded), Some(200), Some(3)));
    assert_eq!(row.lateness, success(run).lateness, "that of the first attempt");
    let told: Vec<_> = attempts.iter().map(|a| (a.number, a.fence, a.outcome, a.status)).collect();
    assert_eq!(told, [(1, 1, Some(Outcome::Failed), Some(503)), (2, 3, Some(Outcome::Succeeded), Some(200))]);
}

/// A run that gives up waiting ends as its attempt did, and what is known of that stays.
pub(crate) async fn a_run_that_waited_to_retry_ends_as_it_was(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    store.finish(t(63), vec![again(run, 500)]).await.unwrap();
    for outcome in [Outcome::Skipped, Outcome::Missed] {
        store.end(t(64), vec![End { run, outcome, reason: Reason::Running }]).await.unwrap();
        assert_eq!(row(&store, run).await.state, State::RetryWait, "it was sent");
    }
    store.end(t(120), vec![End { run, outcome: Outcome::Failed, reason: Reason::Status }]).await.unwrap();
    let row = row(&store, run).await;
    assert_eq!((row.state, row.reason), (State::Ended(Outcome::Failed), Some(Reason::Status)));
    assert_eq!((row.status, row.excerpt.as_deref(), row.wake_at), (Some(503), Some("try later"), None));
    assert_eq!(row.finished_at, Some(t(120)));
}

pub(crate) async fn work_is_followed_over_a_restart_and_ends(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    let taken = Follow { status: Some(202), lateness: success(run).lateness, ..follow(run, 62, None) };
    assert_eq!(store.follow(vec![taken.clone(), follow(new_id(1), 62, None)]).await.unwrap(), [true, false]);
    store.follow(vec![follow(run, 64, Some("3 of 7"))]).await.unwrap();
    store.close().await;

    let store = open().await;
    let polling = store.unfinished().await.unwrap().remove(0);
    assert_eq!((polling.state, polling.wake_at), (State::Polling, Some(t(64))));
    assert_eq!((polling.work, polling.progress.as_deref()), (Some(taken.work), Some("3 of 7")));
    assert_eq!((polling.status, polling.lateness), (Some(202), success(run).lateness));
    let slots: Vec<_> = store.slots(t(64)).await.unwrap().iter().map(|slot| (slot.run, slot.until)).collect();
    assert_eq!(slots, [(run, t(5_000))], "its slot is kept as long as it is followed");

    assert_eq!(store.finish(t(90), vec![success(run)]).await.unwrap(), [true]);
    let (row, attempts) = store.run(run).await.unwrap().unwrap();
    assert_eq!((row.state, row.wake_at), (State::Ended(Outcome::Succeeded), None));
    assert_eq!((attempts.len(), attempts[0].outcome), (1, Some(Outcome::Succeeded)));
    assert_eq!(store.follow(vec![follow(run, 99, None)]).await.unwrap(), [false], "it is over");
}

pub(crate) async fn work_that_is_followed_can_neither_be_skipped_nor_sent_again(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    store.follow(vec![follow(run, 62, None)]).await.unwrap();
    let busy = Finish { outcome: Outcome::Skipped, reason: Some(Reason::Busy), ..success(run) };
    assert_eq!(store.finish(t(63), vec![busy]).await.unwrap(), [false]);
    assert_eq!(begin_one(&store, 63, begin(run, Some(90))).await, Begun::Lost);
    store.end(t(63), vec![skip(run, Reason::Running)]).await.unwrap();
    assert_eq!(row(&store, run).await.state, State::Polling);
}

/// What was sent can be cancelled, and its slot stays until its hold is over.
pub(crate) async fn a_sent_run_that_is_cancelled_holds_its_slot(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    let cancelled = Finish { outcome: Outcome::Cancelled, reason: None, ..timeout(run, 300) };
    assert_eq!(store.finish(t(61), vec![cancelled]).await.unwrap(), [true]);
    assert_eq!(row(&store, run).await.state, State::Ended(Outcome::Cancelled));
    let next = claimed(&store, "a", 100).await;
    let occupied = Begun::Occupied { by: run, state: State::Ended(Outcome::Cancelled), until: t(300) };
    assert_eq!(begin_one(&store, 100, begin(next, Some(900))).await, occupied);
}

pub(crate) async fn an_end_that_nothing_that_waits_can_have_is_refused(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    store.finish(t(63), vec![again(run, 500)]).await.unwrap();
    let impossible = End { run, outcome: Outcome::Succeeded, reason: Reason::Status };
    assert!(matches!(store.end(t(64), vec![impossible]).await, Err(StoreError::Illegal(_))));
}
