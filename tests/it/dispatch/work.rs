//! What a 202 of a job that polls is taken for, and where its work may be asked after.

use std::time::Duration;

use sexton::{
    dispatch::{Report, stop_call},
    job::{Call, Completion, Job, Poll, PollUrl},
    run::{Outcome, Reason, Work},
};

use super::{
    fake_app::{FakeApp, Reply, answer_with},
    orders::{SECRET, dispatcher, job, order},
};

/// How a job of the tests is polled.
pub(crate) fn poll(url: PollUrl) -> Poll {
    Poll {
        url,
        interval: Duration::from_secs(2),
        state: "/status".to_owned(),
        success: vec!["done".to_owned()],
        failure: vec!["failed".to_owned(), "lost".to_owned()],
        timeout: Duration::from_secs(60),
        progress: "/progress".to_owned(),
    }
}

fn template(path: &str) -> PollUrl {
    PollUrl::Template(path.to_owned())
}

fn polling(base: &str, url: PollUrl) -> Job {
    Job { completion: Completion::Poll(poll(url)), ..job(base) }
}

/// Sends to an app below `/base` that answers 202 with these headers and this body.
async fn taken_on(url: PollUrl, headers: &str, body: &str) -> Report {
    let app = FakeApp::replying(Reply::Whole(answer_with(202, headers, body))).await;
    dispatcher().send(&order(polling(&format!("{}/base/", app.url()), url))).await
}

async fn path_of(url: PollUrl, headers: &str, body: &str) -> String {
    let report = taken_on(url, headers, body).await;
    let Some(work) = report.work else { panic!("refused: {report:?}") };
    assert_eq!((report.outcome, report.status), (Outcome::Unknown, Some(202)));
    work.path
}

async fn refusal(url: PollUrl, headers: &str, body: &str) -> String {
    let report = taken_on(url, headers, body).await;
    assert_eq!(
        (report.outcome, report.reason, report.status, report.work),
        (Outcome::Unknown, Some(Reason::PollRefused), Some(202), None)
    );
    report.excerpt.unwrap()
}

/// Seed B10: `Location` says where, absolute or relative to the request, and `Retry-After` when.
#[tokio::test]
async fn b10_the_location_on_the_target_is_followed() {
    for (location, path) in [
        ("/base/jobs/7", "/jobs/7"),
        ("/base/jobs/7?full=1#top", "/jobs/7?full=1"),
        ("jobs/7", "/jobs/7"),
        ("./jobs/7", "/jobs/7"),
        ("/base/", "/"),
        ("?id=7", "/sync?id=7"),
        ("/base/a%20b/%2F", "/a%20b/%2F"),
    ] {
        let headers = format!("Location: {location}\r\nRetry-After: 5\r\n");
        assert_eq!(path_of(PollUrl::Location, &headers, "").await, path, "{location}");
        assert_eq!(taken_on(PollUrl::Location, &headers, "").await.retry_after, Some(Duration::from_secs(5)));
    }
    let app = FakeApp::start(|seen| {
        let host = seen.header("host").unwrap();
        Reply::Whole(answer_with(202, &format!("Location: http://{host}/jobs/8\r\n"), ""))
    })
    .await;
    let report = dispatcher().send(&order(polling(&app.url(), PollUrl::Location))).await;
    assert_eq!(report.work.unwrap().path, "/jobs/8");
}

/// Guarantee G5: the credential goes to the target only, whatever the app says.
#[tokio::test]
async fn another_place_is_not_asked() {
    for location in [
        "http://127.0.0.1:1/base/jobs/7",
        "https://127.0.0.1/base/jobs/7",
        "http://elsewhere.example/base/jobs/7",
        "//elsewhere.example/base/jobs/7",
        "http://user:word@127.0.0.1/base/jobs/7",
        "ftp://127.0.0.1/base/",
        "data:text/plain,x",
        "/jobs/7",
        "/basement/jobs/7",
        "/base",
        "/base/../jobs/7",
        "/base/%2e%2e/jobs/7",
        "/base/x/..%2f..%2fjobs/7",
        "/base/..%5cjobs",
        "../jobs/7",
        "http://[",
    ] {
        let words = refusal(PollUrl::Location, &format!("Location: {location}\r\n"), "queued").await;
        assert!(words.starts_with("the app took it on (202), and it cannot be polled: its Location "), "{words}");
        assert!(words.ends_with("\nqueued") && !words.contains("word@"), "{words}");
    }
    let long = format!("Location: /base/{}\r\n", "x".repeat(2048));
    assert!(refusal(PollUrl::Location, &long, "").await.contains("longer than 2048 bytes"));
    assert!(refusal(PollUrl::Location, "", "").await.contains("it has no Location header"));
}

/// What is followed is written down, and a secret never is.
#[tokio::test]
async fn an_address_with_a_secret_in_it_is_refused() {
    for headers in
        [format!("Location: /base/jobs?key={SECRET}\r\n"), format!("Location: /base/jobs?key=%61{}\r\n", &SECRET[1..])]
    {
        let words = refusal(PollUrl::Location, &headers, "").await;
        assert_eq!(
            words,
            "the app took it on (202), and it cannot be polled: the address holds a secret of Sexton's\n"
        );
    }
}

#[tokio::test]
async fn a_template_is_filled_from_the_answer() {
    for (value, path) in [
        ("\"a1\"", "/jobs/a1?x"),
        ("17", "/jobs/17?x"),
        ("\"a/b?c#d\"", "/jobs/a%2Fb%3Fc%23d?x"),
        ("\"..x\"", "/jobs/..x?x"),
        ("\"%2e\"", "/jobs/%252e?x"),
        ("\"é\\u0000\"", "/jobs/%C3%A9%00?x"),
    ] {
        assert_eq!(path_of(template("/jobs/{id}?x"), "", &format!("{{\"id\":{value}}}")).await, path);
    }
    let longest = "x".repeat(128);
    let body = format!("{{\"id\":\"{longest}\",\"kind\":\"k\"}}");
    assert_eq!(path_of(template("/{kind}/{id}"), "", &body).await, format!("/k/{longest}"));
}

#[tokio::test]
async fn a_template_that_cannot_be_filled_is_refused() {
    let too_long = format!("\"{}\"", "x".repeat(129));
    for value in ["\"\"", "\".\"", "\"..\"", too_long.as_str()] {
        let words = refusal(template("/jobs/{id}"), "", &format!("{{\"id\":{value}}}")).await;
        assert!(words.contains("`{id}` is not filled: its value is empty, longer than 128 characters"), "{words}");
    }
    for value in ["null", "true", "1.5", "[1]", "{}"] {
        let words = refusal(template("/jobs/{id}"), "", &format!("{{\"id\":{value}}}")).await;
        assert!(words.contains("neither a text nor a whole number"), "{words}");
    }
    for body in ["", "{}", "no json", "[{\"id\":1}]"] {
        let words = refusal(template("/jobs/{id}"), "", body).await;
        assert!(words.contains("`{id}` cannot be filled"), "{words}");
    }
}

/// 200 is final, and a job that does not poll is over with its 202.
#[tokio::test]
async fn only_a_202_of_a_job_that_polls_is_followed() {
    let app = FakeApp::replying(Reply::Whole(answer_with(202, "Location: /jobs/1\r\n", ""))).await;
    let report = dispatcher().send(&order(job(&app.url()))).await;
    assert_eq!((report.outcome, report.work), (Outcome::Succeeded, None));
    for (status, outcome) in [(200, Outcome::Succeeded), (204, Outcome::Succeeded), (409, Outcome::Skipped)] {
        let app = FakeApp::replying(Reply::Whole(answer_with(status, "Location: /jobs/1\r\n", ""))).await;
        let report = dispatcher().send(&order(polling(&app.url(), PollUrl::Location))).await;
        assert_eq!((report.outcome, report.work), (outcome, None), "{status}");
    }
}

/// All that is needed to go on after a restart, by the definition as it was.
#[tokio::test]
async fn the_work_holds_what_following_it_needs() {
    let app = FakeApp::replying(Reply::Whole(answer_with(202, "", "{\"id\":\"a b\"}"))).await;
    let mut definition = polling(&app.url(), template("/jobs/{id}"));
    definition.cancel = Some(Call { method: "DELETE".to_owned(), path: "/jobs/{id}".to_owned() });
    let report = dispatcher().send(&order(definition.clone())).await;
    let work = report.work.unwrap();
    let asked = poll(PollUrl::Location);
    let expected = Work {
        attempt: 1,
        fence: 7,
        target: "app".to_owned(),
        path: "/jobs/a%20b".to_owned(),
        cancel: Some(Call { method: "DELETE".to_owned(), path: "/jobs/a%20b".to_owned() }),
        interval: asked.interval,
        state: asked.state,
        success: asked.success,
        failure: asked.failure,
        progress: asked.progress,
        since: report.sent_at.unwrap(),
        until: work.until,
    };
    assert_eq!(*work, expected);
    assert!((work.until - work.since).num_seconds() >= 60);
    assert_eq!(stop_call(&definition), None, "nobody said what {{id}} is");
    definition.cancel = Some(Call { method: "POST".to_owned(), path: "/stop".to_owned() });
    assert_eq!(stop_call(&definition), definition.cancel);
}
