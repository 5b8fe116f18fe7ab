//! How much of an answer is read, and how much of that is kept.

use sexton::run::{Outcome, Reason};

use super::{
    fake_app::{FakeApp, Reply, answer},
    orders::{dispatcher, job, order},
};

const MIB: usize = 1024 * 1024;
const KEPT: usize = 8 * 1024;

/// Seed E12: a large answer neither fails nor stalls the run.
#[tokio::test]
async fn a_large_answer_is_judged_as_read() {
    for (length, cut) in [(MIB - 1, false), (MIB, false), (MIB + 1, true), (8 * MIB, true)] {
        let app = FakeApp::replying(Reply::Whole(answer(200, vec![b'x'; length]))).await;
        let report = dispatcher().send(&order(job(&app.url()))).await;
        assert_eq!((report.outcome, report.body_cut), (Outcome::Succeeded, cut), "{length}");
        assert_eq!(report.excerpt.unwrap().len(), KEPT);
    }
}

/// Seed E12: an endless answer neither fails nor stalls the run; the connection is closed.
#[tokio::test]
async fn an_endless_answer_is_closed_and_judged_as_read() {
    let app = FakeApp::replying(Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())).await;
    let report = dispatcher().send(&order(job(&app.url()))).await;
    assert_eq!((report.outcome, report.reason, report.body_cut), (Outcome::Succeeded, None, true));
}

#[tokio::test]
async fn a_refusal_with_an_endless_body_is_still_a_refusal() {
    let app = FakeApp::replying(Reply::Endless(b"HTTP/1.1 500 No\r\n\r\n".to_vec())).await;
    let report = dispatcher().send(&order(job(&app.url()))).await;
    assert_eq!((report.outcome, report.reason, report.status), (Outcome::Failed, Some(Reason::Status), Some(500)));
}

/// Seed D12: the excerpt is cut on a character, whichever byte the limit falls on.
#[tokio::test]
async fn the_excerpt_is_cut_on_a_character() {
    for before in 0..4 {
        let body = format!("{}{}", "x".repeat(before), "🔔".repeat(KEPT));
        let app = FakeApp::replying(Reply::Whole(answer(200, &body))).await;
        let excerpt = dispatcher().send(&order(job(&app.url()))).await.excerpt.unwrap();
        assert!(body.starts_with(&excerpt));
        assert!((KEPT - 3..=KEPT).contains(&excerpt.len()), "{}", excerpt.len());
    }
}

/// Seed D12: bytes that are no text cannot wedge a store.
#[tokio::test]
async fn bytes_that_are_no_text_are_replaced() {
    let app = FakeApp::replying(Reply::Whole(answer(200, b"a\0b\xff\xfe\x1b[31mc\r\n\td\xc5"))).await;
    let report = dispatcher().send(&order(job(&app.url()))).await;
    assert_eq!(report.excerpt.as_deref(), Some("a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}[31mc\r\n\td\u{fffd}"));
}

#[tokio::test]
async fn an_empty_answer_has_no_excerpt() {
    for bytes in [answer(200, ""), b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()] {
        let app = FakeApp::replying(Reply::Whole(bytes)).await;
        let report = dispatcher().send(&order(job(&app.url()))).await;
        assert_eq!((report.outcome, report.excerpt), (Outcome::Succeeded, None));
    }
}

#[tokio::test]
async fn the_answer_to_head_has_no_body() {
    let app = FakeApp::replying(Reply::Whole(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n".to_vec())).await;
    let mut definition = job(&app.url());
    definition.method = "HEAD".to_owned();
    let report = dispatcher().send(&order(definition)).await;
    assert_eq!((report.outcome, report.excerpt), (Outcome::Succeeded, None));
}
