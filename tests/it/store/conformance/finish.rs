//! Runs that were sent and end.

use chrono::TimeDelta;
use sexton::{
    run::{Outcome, Reason, State},
    scheduler::decisions::Inherited,
    store::{Begun, Finish, Slot, StoreError},
};

use super::*;

pub(crate) async fn a_sent_run_gets_its_outcome_and_gives_its_slot_back(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    assert_eq!(store.finish(t(63), vec![success(run)]).await.unwrap(), [true]);

    let (row, attempts) = store.run(run).await.unwrap().unwrap();
    assert_eq!((row.state, row.reason, row.status), (State::Ended(Outcome::Succeeded), None, Some(200)));
    assert_eq!((row.excerpt.as_deref(), row.finished_at), (Some("ok"), Some(t(63))));
    assert_eq!(row.lateness, Some(TimeDelta::milliseconds(3)));
    assert_eq!(row.duration, Some(TimeDelta::milliseconds(250)));
    assert_eq!(row.fence, Some(1));
    assert_eq!(attempts.len(), 1);
    assert_eq!((attempts[0].outcome, attempts[0].reason), (Some(Outcome::Succeeded), None));
    assert_eq!((attempts[0].status, attempts[0].excerpt.as_deref()), (Some(200), Some("ok")));
    assert_eq!((attempts[0].sent_at, attempts[0].finished_at), (t(60), Some(t(63))));
    assert_eq!(store.slots(t(63)).await.unwrap(), []);
}

pub(crate) async fn a_run_finishes_once(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    assert_eq!(store.finish(t(61), vec![success(run), timeout(run, 300)]).await.unwrap(), [true, false]);
    let before = store.run(run).await.unwrap();

    assert_eq!(store.finish(t(62), vec![timeout(run, 300)]).await.unwrap(), [false]);
    assert_eq!(store.run(run).await.unwrap(), before);
    assert_eq!(store.slots(t(62)).await.unwrap(), [], "the late answer takes no slot");
}

/// A late answer touches nothing of a run that has ended, whoever it shares its batch with.
pub(crate) async fn a_late_answer_leaves_the_hold_alone(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    let (held, other) = (sent(&store, "a", 60).await, sent(&store, "b", 60).await);
    store.finish(t(61), vec![timeout(held, 300)]).await.unwrap();
    let before = store.run(held).await.unwrap();

    let answers = store.finish(t(62), vec![success(held), success(other), success(held)]).await.unwrap();
    assert_eq!(answers, [false, true, false]);
    assert_eq!(store.run(held).await.unwrap(), before);
    let slots: Vec<_> = store.slots(t(62)).await.unwrap().iter().map(|slot| (slot.run, slot.until)).collect();
    assert_eq!(slots, [(held, t(300))]);
}

pub(crate) async fn concurrent_answers_finish_a_run_once(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let store = store.clone();
        callers.spawn(async move { store.finish(t(61), vec![success(run)]).await.unwrap().remove(0) });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.into_iter().filter(|done| *done).count(), 1);
}

pub(crate) async fn only_a_sent_run_finishes(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let claimed = claimed(&store, "a", 60).await;
    let failed = |run| Finish { outcome: Outcome::Failed, reason: Some(Reason::Connect), ..success(run) };
    let answers = store.finish(t(61), vec![failed(claimed), failed(new_id(61))]).await.unwrap();
    assert_eq!(answers, [false, false]);
    assert_eq!(row(&store, claimed).await.state, State::Claimed);
}

/// Guarantee G3: a start is told of the holds that ended since the last sign of life.
pub(crate) async fn a_start_finds_the_hold_that_ended_unseen(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let held = sent(&store, "a", 60).await;
    store.finish(t(90), vec![timeout(held, 300)]).await.unwrap();
    let found = async |now| -> Vec<_> {
        let inherited = Inherited::read(store.as_ref(), t(now)).await.unwrap();
        inherited.slots.into_iter().map(|slot| slot.run).collect()
    };
    assert_eq!((found(299).await, found(300).await), (vec![held], vec![]), "no sign of life");
    store.tick(t(299)).await.unwrap();
    assert_eq!(found(900).await, [held], "nobody was there when it ended");
    store.tick(t(300)).await.unwrap();
    assert_eq!(found(900).await, [], "somebody was");
}

/// Guarantee G3: an unknown run keeps the job's slot until its hold is over.
pub(crate) async fn a_held_run_keeps_its_slot_until_its_hold_is_over(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let held = sent(&store, "a", 60).await;
    store.finish(t(90), vec![timeout(held, 300)]).await.unwrap();
    store.close().await;

    let store = open().await;
    let state = State::Ended(Outcome::Unknown);
    assert_eq!(store.slots(t(299)).await.unwrap(), [Slot { job: job("a"), run: held, state, until: t(300) }]);
    let next = claimed(&store, "a", 120).await;
    let occupied = Begun::Occupied { by: held, state, until: t(300) };
    assert_eq!(begin_one(&store, 299, begin(next, Some(400))).await, occupied);
    assert_eq!(begin_one(&store, 300, begin(next, Some(400))).await, Begun::Sending { fence: 2, attempt: 1 });
}

pub(crate) async fn a_slot_taken_over_is_left_to_its_new_holder(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let (overdue, slow) = (sent(&store, "a", 60).await, sent(&store, "a", 200).await);
    let taken = store.slots(t(201)).await.unwrap();
    assert_eq!(taken[0].run, slow);

    assert_eq!(store.finish(t(201), vec![timeout(overdue, 900)]).await.unwrap(), [true]);
    assert_eq!(store.slots(t(201)).await.unwrap(), taken);
    let third = claimed(&store, "a", 300).await;
    assert_eq!(begin_one(&store, 300, begin(third, Some(1000))).await, Begun::Sending { fence: 3, attempt: 1 });
    assert_eq!(store.finish(t(301), vec![success(slow)]).await.unwrap(), [true]);
    assert_eq!(store.slots(t(301)).await.unwrap()[0].run, third);
}

pub(crate) async fn a_slot_that_nobody_took_over_is_extended_after_its_time(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    store.finish(t(500), vec![timeout(run, 900)]).await.unwrap();
    assert_eq!(store.slots(t(899)).await.unwrap()[0].run, run);
}

pub(crate) async fn a_run_without_a_slot_gets_none_by_its_hold(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = claimed(&store, "a", 60).await;
    begin_one(&store, 60, begin(run, None)).await;
    store.finish(t(61), vec![timeout(run, 300)]).await.unwrap();
    assert_eq!(store.slots(t(61)).await.unwrap(), []);
}

pub(crate) async fn an_impossible_finish_is_refused_and_nothing_written(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = sent(&store, "a", 60).await;
    let impossible = Finish { outcome: Outcome::Missed, ..success(run) };
    let result = store.finish(t(61), vec![success(run), impossible]).await;
    assert!(matches!(result, Err(StoreError::Illegal(_))), "{result:?}");
    assert_eq!(row(&store, run).await.state, State::Sending);
}

/// Seed D12: whatever text an answer holds, it is kept as it is and read again, and the ledger goes on.
pub(crate) async fn any_text_is_kept_as_it_is(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let texts = [
        String::new(),
        "naïve \u{1F512} \u{202E}txt\u{FFFD}".to_owned(),
        "a\0b\0".to_owned(),
        "'; DROP TABLE runs; -- \" \\ {} [] \r\n\t\u{7f}\u{1}".to_owned(),
        "ž".repeat(100_000),
    ];
    for (second, text) in (1..).zip(&texts) {
        let run = claimed(&store, "a", second).await;
        let begin = Begin { request: format!("POST http://app/{text}"), ..begin(run, None) };
        begin_one(&store, second, begin).await;
        store.finish(t(second), vec![Finish { excerpt: Some(text.clone()), ..success(run) }]).await.unwrap();
        let (row, attempts) = store.run(run).await.unwrap().unwrap();
        assert_eq!(row.excerpt.as_ref(), Some(text));
        assert_eq!(attempts[0].excerpt.as_ref(), Some(text));
        assert_eq!(row.request, Some(format!("POST http://app/{text}")));
    }
}
