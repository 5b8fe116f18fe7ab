//! What people ask for: runs that no schedule demanded, and pauses.

use sexton::{
    run::{Outcome, Reason, State, Trigger},
    store::{Asked, Begun, Pause, RunQuery},
};

use super::*;

fn asked(name: &str, seconds: i64, trigger: Trigger) -> Asked {
    Asked { job: job(name), claim: Claim { trigger, ..claim(seconds) }, by: Some("admin:ann".to_owned()) }
}

/// Seed C16: the ledger keeps who asked. It is no occurrence: one of the same instant is claimed all the same, the cursor
/// stays, and a second one by hand is a second row.
pub(crate) async fn a_run_by_hand_is_no_occurrence(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let (first, second) = (asked("a", 60, Trigger::Manual), asked("a", 60, Trigger::Backfill));
    store.claim(vec![first.clone(), second.clone()]).await.unwrap();
    assert_eq!(cursor_of(&store, "a").await.accounted_to, t(0));
    let occurrence = claimed(&store, "a", 60).await;
    assert_eq!(row(&store, occurrence).await.asked_by, None);
    let by_hand = row(&store, first.claim.id).await;
    assert_eq!((by_hand.state, by_hand.trigger), (State::Claimed, Trigger::Manual));
    assert_eq!((by_hand.scheduled_for, by_hand.asked_by.as_deref()), (t(60), Some("admin:ann")));
    let evidence = store.evidence(job("a")).await.unwrap().unwrap();
    assert_eq!(evidence.entries.len(), 1, "it accounts for nothing");

    let sent = Begin { trigger: Trigger::Manual, ..begin(first.claim.id, Some(120)) };
    assert_eq!(begin_one(&store, 61, sent).await, Begun::Sending { fence: 1, attempt: 1 });
    store.end(t(61), vec![skip(second.claim.id, Reason::Running)]).await.unwrap();
    let skipped = row(&store, second.claim.id).await;
    assert_eq!((skipped.state, skipped.count), (State::Ended(Outcome::Skipped), 1), "it joins no row");
    assert_eq!(history(&store, "a").await.len(), 3);
}

/// Guarantee G2 also for what is sent again: one run of an instant at a time, and none of what succeeded unless that is wanted.
pub(crate) async fn an_instant_of_the_past_is_claimed_by_one(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    let own = claimed(&store, "a", 60).await;
    let past = |again| {
        let store = &store;
        async move { store.claim_past(asked("a", 60, Trigger::Backfill), again).await.unwrap() }
    };
    assert!(!past(true).await, "that of the schedule is open");
    store.end(t(61), vec![skip(own, Reason::Running)]).await.unwrap();
    let first = asked("a", 60, Trigger::Backfill);
    assert!(store.claim_past(first.clone(), false).await.unwrap());
    assert!(!past(true).await, "the first one is open");
    assert!(store.claim_past(asked("a", 120, Trigger::Backfill), false).await.unwrap(), "another instant");
    assert!(store.claim_past(asked("b", 60, Trigger::Backfill), false).await.unwrap(), "another job");

    let run = first.claim.id;
    begin_one(&store, 61, Begin { trigger: Trigger::Backfill, ..begin(run, Some(120)) }).await;
    assert!(!past(true).await, "it is at it");
    store.finish(t(62), vec![timeout(run, 90)]).await.unwrap();
    store.settle(run, Outcome::Succeeded).await.unwrap();
    assert!(!past(false).await, "it was settled as done");
    assert!(past(true).await);
}

pub(crate) async fn pauses_are_kept_until_they_are_ended(open: impl AsyncFn() -> Store) {
    let store = open().await;
    let all = Pause { job: None, since: t(0), until: None, note: None, by: None };
    let one = Pause {
        job: Some(job("a")),
        since: t(1),
        until: Some(t(90)),
        note: Some("the mirror moves".to_owned()),
        by: Some("admin:ann".to_owned()),
    };
    store.pause(vec![one.clone(), all.clone()]).await.unwrap();
    store.close().await;
    let store = open().await;
    assert_eq!(store.pauses().await.unwrap(), [all.clone(), one.clone()]);
    let longer = Pause { until: None, ..one };
    store.pause(vec![longer.clone()]).await.unwrap();
    assert_eq!(store.pauses().await.unwrap(), [all, longer.clone()], "the newest word counts");
    store.resume(vec![None, Some(job("nobody"))]).await.unwrap();
    assert_eq!(store.pauses().await.unwrap(), [longer], "the pause of all is not that of one");
    store.resume(vec![Some(job("a"))]).await.unwrap();
    assert_eq!(store.pauses().await.unwrap(), []);
}

/// The history is read in parts, each from where the last one ended, also among rows of one instant.
pub(crate) async fn the_history_is_read_in_parts(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    for seconds in [60, 120, 180] {
        claimed(&store, "a", seconds).await;
        claimed(&store, "b", seconds).await;
    }
    let whole = store.runs(RunQuery { limit: 100, ..RunQuery::default() }).await.unwrap();
    let mut parts: Vec<Run> = Vec::new();
    loop {
        let before = parts.last().map(|run| (run.scheduled_for, run.id));
        let part = store.runs(RunQuery { limit: 1, before, ..RunQuery::default() }).await.unwrap();
        if part.is_empty() {
            break;
        }
        parts.extend(part);
    }
    assert_eq!(parts, whole);
    let before = Some((whole[1].scheduled_for, whole[1].id));
    let of_a = store.runs(RunQuery { job: Some(job("a")), before, limit: 9, ..RunQuery::default() }).await.unwrap();
    assert_eq!(of_a.len(), 2);
}
