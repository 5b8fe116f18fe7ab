//! How long an app asks to be left alone.

use std::time::Duration;

use super::{
    fake_app::{FakeApp, Reply, answer_with},
    orders::{dispatcher, job, order},
};

const DATE: &str = "Date: Sun, 29 Mar 2026 01:00:00 GMT\r\n";

async fn asked(status: u16, headers: &str) -> Option<Duration> {
    let app = FakeApp::replying(Reply::Whole(answer_with(status, headers, "later"))).await;
    dispatcher().send(&order(job(&app.url()))).await.retry_after
}

#[tokio::test]
async fn seconds_or_an_instant_are_taken() {
    for (value, seconds) in [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("99999999999999999999", u64::MAX),
        ("Sun, 29 Mar 2026 01:02:00 GMT", 120),
        ("Sunday, 29-Mar-26 01:02:00 GMT", 120),
        ("Sun Mar 29 01:02:00 2026", 120),
        ("Sun, 29 Mar 2026 00:00:00 GMT", 0),
    ] {
        let headers = format!("{DATE}Retry-After: {value}\r\n");
        assert_eq!(asked(503, &headers).await, Some(Duration::from_secs(seconds)), "{value}");
    }
}

#[tokio::test]
async fn any_answer_may_carry_it() {
    for status in [200, 202, 302, 409, 429, 500, 504] {
        assert_eq!(asked(status, "Retry-After: 3\r\n").await, Some(Duration::from_secs(3)), "{status}");
    }
}

#[tokio::test]
async fn what_is_neither_means_nothing() {
    for value in ["", "soon", "-1", "1.5", "+3", "1 s", "Sun, 29 Mar 2026", "\u{661}"] {
        assert_eq!(asked(503, &format!("{DATE}Retry-After: {value}\r\n")).await, None, "{value}");
    }
    assert_eq!(asked(503, "").await, None);
}

/// Without the app's own clock, ours tells how long an instant is away.
#[tokio::test]
async fn an_instant_without_a_date_is_compared_with_the_time_here() {
    let wait = asked(503, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n").await.unwrap();
    assert!(wait > Duration::from_hours(24 * 365), "{wait:?}");
    assert_eq!(asked(503, "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n").await, Some(Duration::ZERO));
}
