//! Slots that jobs share.

use sexton::{
    run::{Outcome, Reason, State},
    store::{Begun, Finish, GroupSlot},
};

use super::*;

/// A run that asks for its job's slot and for one of two of the group `db`, both for a minute.
fn begin_in_group(run: RunId, now: i64) -> Begin {
    let group = GroupSlot { group: "db".to_owned(), concurrency: 2, until: t(now + 60) };
    Begin { group: Some(group), ..begin(run, Some(now + 60)) }
}

async fn sent_in_group(store: &Store, name: &str, seconds: i64) -> RunId {
    let run = claimed(store, name, seconds).await;
    let begun = begin_one(store, seconds, begin_in_group(run, seconds)).await;
    assert!(matches!(begun, Begun::Sending { .. }), "{begun:?}");
    run
}

pub(crate) async fn a_group_has_so_many_slots_and_no_more(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b", "c", "d"]).await;
    let mut batch = Vec::new();
    for name in ["a", "b", "c"] {
        batch.push(begin_in_group(claimed(&store, name, 1).await, 1));
    }
    let third = batch[2].run;
    let answers = store.begin(t(1), batch).await.unwrap();
    let sending = Begun::Sending { fence: 1, attempt: 1 };
    assert_eq!(answers, [sending.clone(), sending.clone(), Begun::Full { until: t(61) }]);
    assert_eq!(row(&store, third).await.state, State::Claimed);
    assert!(
        store.slots(t(1)).await.unwrap().iter().all(|slot| slot.run != third),
        "all or nothing: not its job's either"
    );

    let outside = claimed(&store, "d", 2).await;
    assert_eq!(
        begin_one(&store, 2, begin(outside, Some(60))).await,
        sending,
        "who asks for none of it is not hindered"
    );
}

pub(crate) async fn a_slot_of_a_group_is_given_back(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b", "c", "d"]).await;
    let (first, second) = (sent_in_group(&store, "a", 1).await, sent_in_group(&store, "b", 2).await);
    let third = claimed(&store, "c", 3).await;
    assert_eq!(begin_one(&store, 3, begin_in_group(third, 3)).await, Begun::Full { until: t(61) });
    store.finish(t(4), vec![success(first)]).await.unwrap();
    assert_eq!(begin_one(&store, 4, begin_in_group(third, 4)).await, Begun::Sending { fence: 1, attempt: 1 });

    // An attempt that is made again gives its slots back too.
    let again = Finish {
        outcome: Outcome::Failed,
        reason: Some(Reason::Connect),
        then: Then::Again { at: t(30) },
        ..success(second)
    };
    store.finish(t(5), vec![again]).await.unwrap();
    sent_in_group(&store, "d", 6).await;
}

/// Guarantee G3: what is held has its group's slot too, over a restart, until its hold is over or it is settled.
pub(crate) async fn a_held_run_keeps_the_slot_of_its_group(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b", "c"]).await;
    let (held, other) = (sent_in_group(&store, "a", 1).await, sent_in_group(&store, "b", 2).await);
    store.finish(t(10), vec![timeout(held, 500), timeout(other, 400)]).await.unwrap();
    store.close().await;

    let store = open().await;
    let third = claimed(&store, "c", 100).await;
    assert_eq!(begin_one(&store, 399, begin_in_group(third, 399)).await, Begun::Full { until: t(400) });
    assert!(store.settle(held, Outcome::Failed).await.unwrap());
    assert_eq!(begin_one(&store, 399, begin_in_group(third, 399)).await, Begun::Sending { fence: 1, attempt: 1 });
}

/// Seed E9: also in a group, nobody is kept out for ever.
pub(crate) async fn a_slot_of_a_group_ends_by_itself(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b", "c"]).await;
    sent_in_group(&store, "a", 1).await;
    sent_in_group(&store, "b", 2).await;
    let third = claimed(&store, "c", 3).await;
    assert_eq!(begin_one(&store, 60, begin_in_group(third, 60)).await, Begun::Full { until: t(61) });
    assert_eq!(begin_one(&store, 61, begin_in_group(third, 61)).await, Begun::Sending { fence: 1, attempt: 1 });
}

pub(crate) async fn a_group_that_shrank_counts_all_its_holders(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b", "c"]).await;
    let first = sent_in_group(&store, "a", 1).await;
    sent_in_group(&store, "b", 2).await;
    store.finish(t(3), vec![success(first)]).await.unwrap();
    let third = claimed(&store, "c", 4).await;
    let group = GroupSlot { group: "db".to_owned(), concurrency: 1, until: t(64) };
    let small = Begin { group: Some(group), ..begin(third, Some(64)) };
    assert_eq!(begin_one(&store, 4, small).await, Begun::Full { until: t(62) }, "the holder of number 1 counts");
}
