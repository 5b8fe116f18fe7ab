//! Slots, fences, attempts.

use sexton::{
    run::{Reason, State, Trigger},
    store::{Begin, Begun, Cursor, Slot},
};

use super::*;

const FIRST: Begun = Begun::Sending { fence: 1, attempt: 1 };

pub(crate) async fn a_run_that_begins_has_its_attempt_and_its_slot(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let run = claimed(&store, "a", 60).await;
    let begin = Begin { trigger: Trigger::CatchUp, definition: "d2".to_owned(), ..begin(run, Some(90)) };
    assert_eq!(begin_one(&store, 61, begin).await, FIRST);

    let (row, attempts) = store.run(run).await.unwrap().unwrap();
    assert_eq!((row.state, row.fence, row.trigger), (State::Sending, Some(1), Trigger::CatchUp));
    assert_eq!((row.definition.as_str(), row.request.as_deref()), ("d2", Some("POST http://app/sync")));
    assert_eq!(attempts.len(), 1);
    assert_eq!((attempts[0].run, attempts[0].number, attempts[0].fence), (run, 1, 1));
    assert_eq!((attempts[0].sent_at, attempts[0].finished_at, attempts[0].outcome), (t(61), None, None));
    let slot = Slot { job: job("a"), run, state: State::Sending, until: t(90) };
    assert_eq!(store.slots(t(61)).await.unwrap(), [slot]);
}

pub(crate) async fn a_taken_slot_keeps_the_next_run_out(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let first = sent(&store, "a", 60).await;
    let second = claimed(&store, "a", 110).await;
    let occupied = Begun::Occupied { by: first, state: State::Sending, until: t(120) };
    assert_eq!(begin_one(&store, 110, begin(second, Some(200))).await, occupied);

    let (row, attempts) = store.run(second).await.unwrap().unwrap();
    assert_eq!((row.state, row.fence, row.request), (State::Claimed, None, None));
    assert!(attempts.is_empty());
    assert_eq!(cursor_of(&store, "a").await.accounted_to, t(110));

    store.finish(t(115), vec![success(first)]).await.unwrap();
    assert_eq!(
        begin_one(&store, 116, begin(second, Some(200))).await,
        Begun::Sending { fence: 2, attempt: 1 },
        "the refused try drew no fence"
    );
}

pub(crate) async fn of_one_batch_the_first_run_of_a_job_gets_the_slot(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    let (first, second) = (claimed(&store, "a", 60).await, claimed(&store, "a", 61).await);
    let other = claimed(&store, "b", 60).await;
    let batch = vec![begin(first, Some(90)), begin(second, Some(90)), begin(other, Some(90))];
    let answers = store.begin(t(62), batch).await.unwrap();
    let occupied = Begun::Occupied { by: first, state: State::Sending, until: t(90) };
    assert_eq!(answers, [FIRST, occupied, FIRST]);
}

pub(crate) async fn concurrent_begins_give_the_slot_to_one(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let mut callers = tokio::task::JoinSet::new();
    for second in 1..=10 {
        let run = claimed(&store, "a", second).await;
        let store = store.clone();
        callers.spawn(async move { begin_one(&store, 10, begin(run, Some(90))).await });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| **answer == FIRST).count(), 1);
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Begun::Occupied { .. })).count(), 9);
}

/// Seed E9: a run that nobody works on any more keeps its job only until its slot's time is over.
pub(crate) async fn a_slot_whose_time_is_over_is_free(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let phantom = sent(&store, "a", 60).await;
    store.close().await;

    let store = open().await;
    let second = claimed(&store, "a", 119).await;
    let occupied = Begun::Occupied { by: phantom, state: State::Sending, until: t(120) };
    assert_eq!(begin_one(&store, 119, begin(second, Some(300))).await, occupied);
    assert_eq!(store.slots(t(119)).await.unwrap().len(), 1);
    assert_eq!(store.slots(t(120)).await.unwrap(), [], "its last instant is not its own any more");
    assert_eq!(begin_one(&store, 120, begin(second, Some(300))).await, Begun::Sending { fence: 2, attempt: 1 });
    assert_eq!(store.slots(t(120)).await.unwrap()[0].run, second);
}

pub(crate) async fn a_run_without_a_slot_neither_waits_nor_keeps_out(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    sent(&store, "a", 60).await;
    let second = claimed(&store, "a", 61).await;
    assert_eq!(begin_one(&store, 61, begin(second, None)).await, Begun::Sending { fence: 2, attempt: 1 });
    let third = claimed(&store, "a", 62).await;
    assert_eq!(begin_one(&store, 62, begin(third, None)).await, Begun::Sending { fence: 3, attempt: 1 });
    assert_eq!(store.slots(t(62)).await.unwrap().len(), 1);
}

pub(crate) async fn fences_grow_over_runs_restarts_and_definitions(open: impl AsyncFn() -> Store) {
    let mut fences = Vec::new();
    for round in 1..=3 {
        let store = open().await;
        let definition = format!("d{round}");
        store.anchor(vec![Cursor { definition, ..cursor("a", t(round * 100)) }]).await.unwrap();
        for second in [1, 2] {
            let run = claimed(&store, "a", round * 100 + second).await;
            match begin_one(&store, round * 100 + second, begin(run, None)).await {
                Begun::Sending { fence, attempt: 1 } => fences.push(fence),
                other => panic!("{other:?}"),
            }
        }
        store.close().await;
    }
    assert_eq!(fences, [1, 2, 3, 4, 5, 6]);
}

pub(crate) async fn each_job_has_fences_of_its_own(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    let (a1, a2) = (claimed(&store, "a", 1).await, claimed(&store, "a", 2).await);
    let b1 = claimed(&store, "b", 1).await;
    let answers = store.begin(t(2), vec![begin(a1, None), begin(b1, None), begin(a2, None)]).await.unwrap();
    assert_eq!(answers, [FIRST, FIRST, Begun::Sending { fence: 2, attempt: 1 }]);
}

pub(crate) async fn only_a_claimed_run_begins(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let skipped = claimed(&store, "a", 60).await;
    store.end(t(60), vec![skip(skipped, Reason::Running)]).await.unwrap();
    let sending = sent(&store, "a", 61).await;
    let succeeded = claimed(&store, "a", 62).await;
    begin_one(&store, 62, begin(succeeded, None)).await;
    store.finish(t(63), vec![success(succeeded)]).await.unwrap();
    let free = claimed(&store, "a", 64).await;

    let batch = [skipped, sending, succeeded, new_id(65), free, free].map(|run| begin(run, None)).to_vec();
    let answers = store.begin(t(65), batch).await.unwrap();
    let sent = Begun::Sending { fence: 3, attempt: 1 };
    assert_eq!(answers, [Begun::Lost, Begun::Lost, Begun::Lost, Begun::Lost, sent, Begun::Lost]);
    assert_eq!(store.run(sending).await.unwrap().unwrap().1.len(), 1);
}
