//! Which schedule was in force when, and what else proves the accounting.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sexton::store::{Accounting, Cursor, Evidence};

use super::*;

async fn evidence(store: &Store, name: &str) -> Evidence {
    store.evidence(job(name)).await.unwrap().unwrap()
}

/// Schedule, anchor, what is kept, where the cursor stood.
async fn periods(store: &Store, name: &str) -> Vec<(String, i64, i64, Option<i64>)> {
    let seconds = |at: DateTime<Utc>| (at - t(0)).num_seconds();
    let periods = evidence(store, name).await.periods.into_iter();
    periods
        .map(|period| {
            let (anchored_at, kept_after) = (seconds(period.anchored_at), seconds(period.kept_after));
            (period.schedule, anchored_at, kept_after, period.accounted_to.map(seconds))
        })
        .collect()
}

fn with_schedule(schedule: &str, seconds: i64) -> Cursor {
    Cursor { schedule: schedule.to_owned(), ..cursor("a", t(seconds)) }
}

pub(crate) async fn each_anchor_begins_a_period(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    claimed(&store, "a", 60).await;
    store.anchor(vec![with_schedule("removed", 59)]).await.unwrap();
    store.anchor(vec![with_schedule("every 5m", 90)]).await.unwrap();
    store.close().await;

    let store = open().await;
    let expected = [("every 60s", 0, 0, Some(60)), ("removed", 59, 59, Some(59)), ("every 5m", 90, 90, None)]
        .map(|(schedule, at, kept, to)| (schedule.to_owned(), at, kept, to));
    assert_eq!(periods(&store, "a").await, expected);
    assert_eq!(periods(&store, "b").await, [("every 60s".to_owned(), 0, 0, None)]);
    assert_eq!(evidence(&store, "a").await.accounted_to, t(90));
}

/// Writes that wait are joined: two edits in short order are one batch.
pub(crate) async fn a_job_anchored_twice_in_one_batch_has_both_periods(open: impl AsyncFn() -> Store) {
    let store = open().await;
    store.anchor(vec![with_schedule("every 1m", 0), cursor("b", t(0)), with_schedule("every 2m", 5)]).await.unwrap();
    let expected = [("every 1m".to_owned(), 0, 0, Some(0)), ("every 2m".to_owned(), 5, 5, None)];
    assert_eq!(periods(&store, "a").await, expected);
    assert_eq!(cursor_of(&store, "a").await.schedule, "every 2m");
}

pub(crate) async fn evidence_holds_the_rows_oldest_first_and_the_sign_of_life(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    assert_eq!(evidence(&store, "a").await.last_tick, None);
    assert_eq!(store.last_tick().await.unwrap(), None);
    assert_eq!(store.evidence(job("nobody")).await.unwrap(), None);
    let accounting = Accounting { spans: vec![span(60, 180, 3)], claims: vec![claim(240)], ..accounting("a", 0, 240) };
    store.account(t(200), vec![accounting]).await.unwrap();
    sent(&store, "b", 10).await;
    store.tick(t(201)).await.unwrap();

    let found = evidence(&store, "a").await;
    assert_eq!((found.job, found.accounted_to, found.last_tick), (job("a"), t(240), Some(t(201))));
    assert_eq!(store.last_tick().await.unwrap(), Some(t(201)));
    let rows = history(&store, "a").await;
    let entry = |row: &Run| (row.id, row.scheduled_for, row.through, row.count, row.state, row.settled);
    let found: Vec<_> =
        found.entries.iter().map(|e| (e.run, e.scheduled_for, e.through, e.count, e.state, e.settled)).collect();
    assert_eq!(found, rows.iter().map(entry).collect::<Vec<_>>());
}

/// Seed A22: the clock was set back, and what was alive later than now was so by another clock.
pub(crate) async fn a22_an_anchor_before_the_sign_of_life_takes_its_place(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    store.tick(t(100)).await.unwrap();
    store.anchor(vec![with_schedule("every 60s", 100)]).await.unwrap();
    assert_eq!(evidence(&store, "a").await.last_tick, Some(t(100)));
    store.anchor(vec![with_schedule("every 60s", 40)]).await.unwrap();
    assert_eq!(evidence(&store, "a").await.last_tick, Some(t(40)));
}

pub(crate) async fn periods_say_up_to_where_rows_were_pruned(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    for name in ["a", "b"] {
        let run = sent(&store, name, 10).await;
        store.finish(t(10), vec![success(run)]).await.unwrap();
    }
    let accounting = Accounting { spans: vec![span(20, 50, 4)], ..accounting("a", 10, 50) };
    store.account(t(50), vec![accounting]).await.unwrap();
    let waiting = claimed(&store, "a", 60).await;
    store.anchor(vec![with_schedule("every 2s", 55)]).await.unwrap();

    assert_eq!(store.prune(t(100), Duration::from_secs(85), u64::MAX).await.unwrap(), 2);
    let kept = async |name| periods(&store, name).await.iter().map(|period| period.2).collect::<Vec<_>>();
    assert_eq!((kept("a").await, kept("b").await), (vec![10, 55], vec![10]));
    store.prune(t(500), Duration::ZERO, u64::MAX).await.unwrap();
    assert_eq!(kept("a").await, [50, 55], "to the last instant of a span; what is not over was not pruned");
    assert_eq!(row(&store, waiting).await.id, waiting);
}
