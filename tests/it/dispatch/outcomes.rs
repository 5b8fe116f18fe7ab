//! Which answer means what.

use sexton::{
    dispatch::Order,
    job::{ExpectedStatus, StatusClass},
    run::{
        Outcome::{self, Failed, Skipped, Succeeded, Unknown},
        Reason::{self, Busy, Credential, Status, UnknownStatus},
    },
};

use super::{
    fake_app::{FakeApp, Reply, answer, answer_with},
    orders::{SECRET, dispatcher, job, order},
};

async fn verdict(status: u16, expect: &[ExpectedStatus], attempt: u32) -> (Outcome, Option<Reason>) {
    let app = FakeApp::replying(Reply::Whole(answer(status, "said"))).await;
    let mut definition = job(&app.url());
    definition.expect.status = expect.to_vec();
    let report = dispatcher().send(&Order { attempt, ..order(definition) }).await;
    assert_eq!(report.status, Some(status));
    assert_eq!(report.excerpt.as_deref(), Some("said"));
    assert!(report.sent_at.is_some());
    (report.outcome, report.reason)
}

const ANY_2XX: &[ExpectedStatus] = &[ExpectedStatus::Class(StatusClass(2))];

/// Seeds A32, E14: 409 is no failure; 500 and 3xx are no success.
#[tokio::test]
async fn the_table_of_answers() {
    for (status, expected) in [
        (200, (Succeeded, None)),
        (202, (Succeeded, None)),
        (300, (Failed, Some(Status))),
        (302, (Failed, Some(Status))),
        (400, (Failed, Some(Status))),
        (401, (Failed, Some(Credential))),
        (403, (Failed, Some(Credential))),
        (404, (Failed, Some(Status))),
        (408, (Unknown, Some(UnknownStatus))),
        (409, (Skipped, Some(Busy))),
        (422, (Failed, Some(Status))),
        (429, (Failed, Some(Status))),
        (500, (Failed, Some(Status))),
        (502, (Unknown, Some(UnknownStatus))),
        (503, (Failed, Some(Status))),
        (504, (Unknown, Some(UnknownStatus))),
        (524, (Unknown, Some(UnknownStatus))),
    ] {
        assert_eq!(verdict(status, ANY_2XX, 1).await, expected, "{status}");
    }
}

/// Guarantee G3: on a later attempt the one that is busy is an earlier attempt of this run.
#[tokio::test]
async fn busy_on_a_later_attempt_stays_unknown() {
    assert_eq!(verdict(409, ANY_2XX, 2).await, (Unknown, Some(Busy)));
}

#[tokio::test]
async fn what_the_job_expects_comes_first() {
    assert_eq!(verdict(404, &[ExpectedStatus::Exact(404)], 1).await, (Succeeded, None));
    assert_eq!(verdict(200, &[ExpectedStatus::Exact(204)], 1).await, (Failed, Some(Status)));
    assert_eq!(verdict(409, &[ExpectedStatus::Class(StatusClass(4))], 1).await, (Succeeded, None));
    assert_eq!(verdict(502, &[ExpectedStatus::Class(StatusClass(5))], 1).await, (Succeeded, None));
}

/// Guarantee G5: the secret goes to its target only; whoever a redirect points to never hears of it.
#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let mut elsewhere = FakeApp::replying(Reply::Whole(answer(200, "caught it"))).await;
    let to = format!("location: {}/?k={SECRET}\r\n", elsewhere.url());
    for status in [301, 302, 303, 307, 308] {
        let app = FakeApp::replying(Reply::Whole(answer_with(status, &to, ""))).await;
        let report = dispatcher().send(&order(job(&app.url()))).await;
        assert_eq!((report.outcome, report.reason, report.status), (Failed, Some(Status), Some(status)));
        let excerpt = report.excerpt.unwrap();
        assert_eq!(excerpt, format!("a redirect to {}/?k=[redacted], which is not followed\n", elsewhere.url()));
    }
    assert!(elsewhere.rest().is_empty());
}
