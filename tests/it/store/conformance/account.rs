//! Cursors and claims.

use sexton::{
    run::{Outcome, Reason, State, Trigger},
    store::{Accounted, Accounting, Begun, Claim, Cursor, Span},
};

use super::*;

pub(crate) async fn an_anchor_is_read_back_and_replaced(open: impl AsyncFn() -> Store) {
    let store = open().await;
    let (first, second) = (cursor("b", t(5)), cursor("a:1", t(7)));
    store.anchor(vec![first.clone(), second.clone()]).await.unwrap();
    assert_eq!(store.cursors().await.unwrap(), [second.clone(), first]);

    let moved = Cursor { definition: "d2".to_owned(), schedule: "every 5m".to_owned(), ..cursor("b", t(9)) };
    store.anchor(vec![moved.clone()]).await.unwrap();
    assert_eq!(store.cursors().await.unwrap(), [second, moved]);
}

pub(crate) async fn an_accounting_writes_its_rows_and_moves_the_cursor(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let missed = span(60, 180, 3);
    let late = Claim { trigger: Trigger::CatchUp, ..claim(240) };
    let batch = vec![Accounting {
        spans: vec![missed.clone()],
        claims: vec![late.clone(), claim(300)],
        ..accounting("a", 0, 301)
    }];
    let answer = Accounted::Done { spans: vec![missed.clone()], left_out: Vec::new() };
    assert_eq!(store.account(t(302), batch).await.unwrap(), [answer]);

    let cursor = cursor_of(&store, "a").await;
    assert_eq!((cursor.anchored_at, cursor.accounted_to), (t(0), t(301)));
    let rows = history(&store, "a").await;
    assert_eq!(rows.len(), 3);
    assert_eq!((rows[0].id, rows[0].scheduled_for, rows[0].through, rows[0].count), (missed.id, t(60), t(180), 3));
    assert_eq!((rows[0].state, rows[0].reason), (State::Ended(Outcome::Missed), Some(Reason::Downtime)));
    assert_eq!(rows[0].finished_at, Some(t(302)));
    assert_eq!((rows[1].id, rows[1].trigger, rows[1].state), (late.id, Trigger::CatchUp, State::Claimed));
    assert_eq!((rows[1].scheduled_for, rows[1].through, rows[1].count), (t(240), t(240), 1));
    assert_eq!((rows[1].fence, rows[1].finished_at, rows[1].settled), (None, None, None));
    assert_eq!((rows[2].trigger, rows[2].definition.as_str()), (Trigger::Schedule, "d1"));
}

pub(crate) async fn an_accounting_without_rows_moves_the_cursor(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    assert_eq!(store.account(t(1), vec![accounting("a", 0, 50)]).await.unwrap(), [DONE]);
    assert_eq!(cursor_of(&store, "a").await.accounted_to, t(50));
    assert!(history(&store, "a").await.is_empty());
}

pub(crate) async fn a_stale_accounting_writes_nothing_and_hinders_no_other(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a", "b"]).await;
    let batch = vec![
        Accounting { claims: vec![claim(60)], ..accounting("a", 30, 60) },
        Accounting { claims: vec![claim(60)], ..accounting("gone", 0, 60) },
        Accounting { claims: vec![claim(60)], ..accounting("b", 0, 60) },
        Accounting { claims: vec![claim(60)], ..accounting("b", 0, 60) },
        Accounting { claims: vec![claim(120)], ..accounting("b", 60, 120) },
    ];
    let answers = store.account(t(60), batch).await.unwrap();
    assert_eq!(
        answers,
        [Accounted::Stale(Some(t(0))), Accounted::Stale(None), DONE, Accounted::Stale(Some(t(60))), DONE]
    );
    assert!(history(&store, "a").await.is_empty());
    assert_eq!(history(&store, "b").await.len(), 2);
    assert_eq!(cursor_of(&store, "a").await.accounted_to, t(0));
    assert_eq!(cursor_of(&store, "b").await.accounted_to, t(120));
}

pub(crate) async fn concurrent_accountings_claim_an_occurrence_once(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        callers.spawn(async move {
            let accounting = Accounting { claims: vec![claim(60)], ..accounting("a", 0, 60) };
            store.account(t(59), vec![accounting]).await.unwrap().remove(0)
        });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| **answer == DONE).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Accounted::Stale(Some(t(60)))).count(), 19);
    assert_eq!(history(&store, "a").await.len(), 1);
}

/// Seed A22: a clock that stepped back (the cursor is anchored behind rows that exist) fires nothing twice.
pub(crate) async fn an_occurrence_that_has_a_row_is_not_claimed_again(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let first = sent(&store, "a", 60).await;
    store.finish(t(61), vec![success(first)]).await.unwrap();

    store.anchor(vec![cursor("a", t(30))]).await.unwrap();
    let (again, fresh) = (claim(60), claim(120));
    let (dropped, written) = (again.id, fresh.id);
    let batch = vec![Accounting { claims: vec![again, fresh], ..accounting("a", 30, 120) }];
    let answer = Accounted::Done { spans: Vec::new(), left_out: vec![dropped] };
    assert_eq!(store.account(t(60), batch).await.unwrap(), [answer], "and it says so");

    assert_eq!(begin_one(&store, 60, begin(dropped, None)).await, Begun::Lost);
    let ids: Vec<_> = history(&store, "a").await.iter().map(|run| run.id).collect();
    assert_eq!(ids, [first, written]);
    assert_eq!(row(&store, first).await.state, State::Ended(Outcome::Succeeded));
}

pub(crate) async fn a_claim_inside_a_span_is_dropped(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    let batch = vec![Accounting { spans: vec![span(60, 180, 3)], ..accounting("a", 0, 180) }];
    store.account(t(200), batch).await.unwrap();

    store.anchor(vec![cursor("a", t(0))]).await.unwrap();
    let inside = claim(120);
    let answer = Accounted::Done { spans: Vec::new(), left_out: vec![inside.id] };
    let batch = vec![Accounting { claims: vec![inside], ..accounting("a", 0, 120) }];
    assert_eq!(store.account(t(120), batch).await.unwrap(), [answer]);
    assert_eq!(history(&store, "a").await.len(), 1);
}

/// Guarantees G1 and G2: behind an anchor that was set back, a span is written where no rows are, and the answer says what
/// was. A row between two of its occurrences (that of another schedule) parts it too.
pub(crate) async fn a_span_is_written_around_the_rows_that_are_there(open: impl AsyncFn() -> Store) {
    let store = open().await;
    let there = [(120, 180, 2), (300, 300, 1), (390, 390, 1)];
    for (name, over, parts) in [
        ("beside", span(480, 600, 3), &[(480, 600, 3)][..]),
        ("up to one", span(60, 180, 3), &[(60, 60, 1)]),
        ("from one on", span(300, 360, 2), &[(360, 360, 1)]),
        ("middle", span(60, 360, 6), &[(60, 60, 1), (240, 240, 1), (360, 360, 1)]),
        ("both ends", span(180, 300, 3), &[(240, 240, 1)]),
        ("between", span(360, 480, 3), &[(360, 360, 1), (420, 480, 2)]),
        ("covered", span(120, 180, 2), &[]),
    ] {
        let name = name.replace(' ', "-");
        anchored(&store, &[&name]).await;
        let rows = Accounting {
            spans: vec![span(120, 180, 2)],
            claims: vec![claim(300), claim(390)],
            ..accounting(&name, 0, 420)
        };
        store.account(t(420), vec![rows]).await.unwrap();

        store.anchor(vec![cursor(&name, t(30))]).await.unwrap();
        let (again, fresh) = (claim(300), claim(660));
        let accounting = Accounting {
            spans: vec![over.clone()],
            claims: vec![again.clone(), fresh.clone()],
            ..accounting(&name, 30, 660)
        };
        let answers = store.account(t(700), vec![accounting]).await.unwrap();
        let [Accounted::Done { spans, left_out }] = &answers[..] else { panic!("{name}: {answers:?}") };
        let told = |span: &Span| (span.scheduled_for, span.through, span.count);
        let expected = |(first, last, count): &(i64, i64, u64)| (t(*first), t(*last), *count);
        assert_eq!(
            spans.iter().map(told).collect::<Vec<_>>(),
            parts.iter().map(expected).collect::<Vec<_>>(),
            "{name}"
        );
        let ids = std::iter::successors(Some(over.id), |id| Some(id.right_behind())).take(spans.len());
        assert!(spans.iter().map(|span| span.id).eq(ids), "{name}: {spans:#?}");
        assert_eq!(left_out, &[again.id], "{name}");

        let history = history(&store, &name).await;
        let mut all: Vec<_> = there.iter().chain(parts).chain(&[(660, 660, 1)]).map(expected).collect();
        all.sort();
        assert_eq!(history.iter().map(|run| (run.scheduled_for, run.through, run.count)).collect::<Vec<_>>(), all);
        for span in spans {
            let run = history.iter().find(|run| run.id == span.id).unwrap();
            assert_eq!((told(span), run.finished_at), ((run.scheduled_for, run.through, run.count), Some(t(700))));
            assert_eq!((run.state, run.reason), (State::Ended(Outcome::Missed), Some(Reason::Downtime)));
        }
        assert_eq!(cursor_of(&store, &name).await.accounted_to, t(660));
    }
}

/// Seed A22: a restart finds the cursor where it was, so it neither repeats nor forgets.
pub(crate) async fn cursors_survive_a_restart(open: impl AsyncFn() -> Store) {
    let store = open().await;
    anchored(&store, &["a"]).await;
    claimed(&store, "a", 60).await;
    let before = store.cursors().await.unwrap();
    store.close().await;

    let store = open().await;
    assert_eq!(store.cursors().await.unwrap(), before);
    let again = Accounting { claims: vec![claim(60)], ..accounting("a", 0, 60) };
    assert_eq!(store.account(t(60), vec![again]).await.unwrap(), [Accounted::Stale(Some(t(60)))]);
    assert_eq!(history(&store, "a").await.len(), 1);
}
