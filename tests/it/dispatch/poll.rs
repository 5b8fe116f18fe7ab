//! One look at work that an app took on, and asking it to stop.

use std::{fs, sync::Arc, time::Duration};

use serde_json::json;
use sexton::{
    credentials::{Config, Credentials, SIGNING_KEY_FILE},
    dispatch::{Cancelled, Dispatcher, Inquiry, Polled, Report},
    entropy::Entropy,
    job::{Call, HeaderText, Job},
    run::{Outcome, Reason, Work},
    secret::Secret,
};

use super::{
    fake_app::{FakeApp, Reply, answer, answer_with},
    log::Log,
    orders::{SECRET, dispatcher, dispatcher_with, instant, job, job_of, order, target},
};
use crate::credentials::run_token;

fn work() -> Work {
    Work {
        attempt: 2,
        fence: 41,
        target: "app".to_owned(),
        path: "/jobs/7?full=1".to_owned(),
        cancel: None,
        interval: Duration::from_secs(2),
        state: "/job/state".to_owned(),
        success: vec!["done".to_owned(), "true".to_owned()],
        failure: vec!["failed".to_owned()],
        progress: "/job/progress".to_owned(),
        since: instant(),
        until: instant(),
    }
}

fn inquiry(job: Job) -> Inquiry {
    let order = order(job);
    Inquiry { job: order.job, run: order.run, attempt: 2, fence: 41 }
}

async fn polled(reply: Reply) -> Polled {
    let app = FakeApp::replying(reply).await;
    dispatcher().poll(&inquiry(job(&app.url())), &work()).await
}

async fn state(state: impl serde::Serialize) -> Polled {
    let body = json!({ "job": { "state": state, "progress": "3 of 9" } }).to_string();
    polled(Reply::Whole(answer(200, body))).await
}

fn over(polled: Polled) -> Report {
    match polled {
        Polled::Over(report) => report,
        other => panic!("not over: {other:?}"),
    }
}

fn unclear(polled: Polled) -> String {
    match polled {
        Polled::Unclear { words, .. } => words,
        other => panic!("clear: {other:?}"),
    }
}

#[tokio::test]
async fn the_state_says_whether_it_is_over() {
    let report = over(state("done").await);
    assert_eq!((report.outcome, report.reason, report.status), (Outcome::Succeeded, None, Some(200)));
    assert_eq!((report.sent_at, report.work), (Some(instant()), None), "it began with the request");
    assert_eq!(over(state(true).await).outcome, Outcome::Succeeded);
    let report = over(state("failed").await);
    assert_eq!((report.outcome, report.reason), (Outcome::Failed, Some(Reason::Status)));
    assert!(report.excerpt.unwrap().starts_with("the work ended as \"failed\"\n{"));
    let pending = Polled::Pending { progress: Some("3 of 9".to_owned()), retry_after: None };
    assert_eq!(state("Done").await, pending);
    assert_eq!(state(1).await, pending);
}

/// 200 is final for the request; of the work, the state is.
#[tokio::test]
async fn progress_is_a_text_or_json() {
    for (progress, shown) in [
        (json!(0.5), Some("0.5".to_owned())),
        (json!({ "rows": 3 }), Some("{\"rows\":3}".to_owned())),
        (json!(null), None),
        (json!("x".repeat(500)), Some(format!("{}…", "x".repeat(200)))),
        (json!(format!("with {SECRET}")), Some("with [redacted]".to_owned())),
    ] {
        let body = json!({ "job": { "state": "running", "progress": progress } }).to_string();
        let reply = Reply::Whole(answer_with(202, "Retry-After: 7\r\n", body));
        let retry_after = Some(Duration::from_secs(7));
        assert_eq!(polled(reply).await, Polled::Pending { progress: shown, retry_after });
    }
}

/// The content that the job demands is that of the last answer.
#[tokio::test]
async fn work_that_is_done_is_judged_by_what_is_expected() {
    let app = FakeApp::replying(Reply::Whole(answer(200, r#"{"job":{"state":"done"},"errors":2}"#))).await;
    let mut definition = job(&app.url());
    definition.expect.json = vec![("/errors".to_owned(), json!(0))];
    let report = over(dispatcher().poll(&inquiry(definition), &work()).await);
    assert_eq!((report.outcome, report.reason), (Outcome::Failed, Some(Reason::Expect)));
    assert!(report.excerpt.unwrap().starts_with("the answer has 2 at `/errors`, and 0 is expected there\n"));
}

/// What tells nothing of the work does not end it.
#[tokio::test]
async fn trouble_on_the_way_is_asked_again() {
    for status in [408, 425, 429, 500, 502, 503, 504, 524] {
        let reply = Reply::Whole(answer_with(status, "Retry-After: 3\r\n", "no"));
        let (words, retry_after) = (format!("the app answered {status}"), Some(Duration::from_secs(3)));
        assert_eq!(polled(reply).await, Polled::Unclear { words, retry_after });
    }
    assert!(!unclear(polled(Reply::Closing(b"HTTP/1.1 2".to_vec())).await).is_empty());
    assert!(unclear(polled(Reply::Whole(answer(200, "<html>"))).await).starts_with("the answer is no JSON: "));
    assert_eq!(unclear(polled(Reply::Whole(answer(200, "{}"))).await), "the answer has no state at `/job/state`");
    assert_eq!(unclear(state(json!(null)).await), "the answer has no state at `/job/state`");

    let nobody = dispatcher().poll(&inquiry(job("http://no-such-app.invalid:80")), &work()).await;
    assert!(!unclear(nobody).is_empty());
}

#[tokio::test]
async fn an_app_that_is_silent_is_asked_again() {
    let mut app = FakeApp::replying(Reply::Silent(Vec::new())).await;
    let asked = inquiry(job(&app.url()));
    let polling = tokio::spawn(async move { dispatcher().poll(&asked, &work()).await });
    app.next().await;
    tokio::time::pause();
    assert_eq!(unclear(polling.await.unwrap()), "no complete answer within 30s");
}

#[tokio::test]
async fn what_will_not_change_ends_it_as_unknown() {
    for (status, reason, words) in [
        (410, Reason::UnknownStatus, "the work is gone"),
        (400, Reason::UnknownStatus, "asked how far the work is, the app answered 400"),
        (422, Reason::UnknownStatus, "asked how far the work is, the app answered 422"),
        (302, Reason::PollRefused, "a redirect to nowhere, which is not followed"),
    ] {
        let report = over(polled(Reply::Whole(answer(status, "body"))).await);
        assert_eq!((report.outcome, report.reason, report.status), (Outcome::Unknown, Some(reason), Some(status)));
        assert_eq!(report.excerpt, Some(format!("{words}\nbody")));
    }
    let Polled::Missing(report) = polled(Reply::Whole(answer(404, ""))).await else { panic!("404 is not missing") };
    assert_eq!((report.outcome, report.reason), (Outcome::Unknown, Some(Reason::UnknownStatus)));
}

/// The app tells the looks from the run's own request, and the job's headers let them in where those do.
#[tokio::test]
async fn a_look_says_whose_it_is_and_is_not_the_runs_request() {
    let mut app = FakeApp::replying(Reply::Whole(answer(200, ""))).await;
    let mut definition = job(&app.url());
    definition.headers = vec![
        ("X-Org".to_owned(), HeaderText::Plain("acme".to_owned())),
        ("X-Key".to_owned(), HeaderText::Secret { text: Secret::new("Key abcdefgh"), value: Secret::new("abcdefgh") }),
    ];
    let asked = inquiry(definition);
    dispatcher().poll(&asked, &work()).await;
    let call = Call { method: "POST".to_owned(), path: "/jobs/7/cancel".to_owned() };
    dispatcher().cancel(&asked, &call).await;
    let seen = app.rest();
    assert_eq!(seen[0].line, "GET /jobs/7?full=1 HTTP/1.1");
    assert_eq!(seen[1].line, "POST /jobs/7/cancel HTTP/1.1");
    assert_eq!(seen[1].header("content-length"), Some("0"));
    let run = asked.run.to_string();
    for seen in &seen {
        for (name, value) in [
            ("authorization", format!("Bearer {SECRET}").as_str()),
            ("x-org", "acme"),
            ("x-key", "Key abcdefgh"),
            ("sexton-job", "nightly:sync"),
            ("sexton-run", &run),
            ("sexton-attempt", "2"),
            ("sexton-fence", "41"),
            ("x-request-id", &format!("{run}-2")),
        ] {
            assert_eq!(seen.header(name), Some(value), "{name}");
        }
        assert_eq!((seen.header("idempotency-key"), seen.body.as_str()), (None, ""));
    }
}

/// Seed D3: a 401 is answered with what the file holds by then, once; a refusal that stays is loud, and asked again.
#[tokio::test]
async fn d3_a_rotated_secret_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "the-secret-before-the-rotation-00000001").unwrap();
    let reading: Dispatcher = dispatcher_with(Credentials::load(Config::file(&file)));
    fs::write(&file, SECRET).unwrap();
    let app = FakeApp::start(|seen| {
        let known = seen.header("authorization") == Some(&format!("Bearer {SECRET}")) && seen.line.contains("/jobs/");
        let body = r#"{"job":{"state":"running"}}"#;
        Reply::Whole(if known { answer(200, body) } else { answer(401, "who are you") })
    })
    .await;
    let asked = inquiry(job(&app.url()));
    assert_eq!(reading.poll(&asked, &work()).await, Polled::Pending { progress: None, retry_after: None });

    let log = Log::start();
    let elsewhere = Work { path: "/other".to_owned(), ..work() };
    for _ in 0..3 {
        assert!(unclear(reading.poll(&asked, &elsewhere).await).contains("sexton secret check"));
    }
    assert_eq!((reading.rejections("app"), log.errors()), (3, 1));
    reading.poll(&asked, &work()).await;
    assert_eq!(reading.rejections("app"), 0, "it knows the secret again");
}

/// Seed D3: a cancellation is answered so as well.
#[tokio::test]
async fn d3_a_cancel_reads_a_rotated_secret_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "the-secret-before-the-rotation-00000001").unwrap();
    let reading: Dispatcher = dispatcher_with(Credentials::load(Config::file(&file)));
    fs::write(&file, SECRET).unwrap();
    let mut app = FakeApp::start(|seen| {
        let known = seen.header("authorization") == Some(&format!("Bearer {SECRET}"));
        Reply::Whole(answer(if known { 204 } else { 401 }, ""))
    })
    .await;
    let call = Call { method: "POST".to_owned(), path: "/stop".to_owned() };
    assert_eq!(reading.cancel(&inquiry(job(&app.url())), &call).await, Cancelled::Confirmed { status: 204 });
    assert_eq!(app.rest().len(), 2);
}

/// Seed B2: each look and each cancel has a token of its own, bound to the run.
#[tokio::test]
async fn b2_each_request_has_a_run_token_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    fs::write(&file, sexton::credentials::Ed25519Keys::new(Entropy::System).to_pem().as_bytes()).unwrap();
    let credentials = run_token::credentials(&[(SIGNING_KEY_FILE, file.to_str().unwrap())]);
    let dispatcher = dispatcher_with(credentials);
    let mut app = FakeApp::replying(Reply::Whole(answer(200, ""))).await;
    let mut definition = job_of(sexton::job::Target { auth: run_token::auth(), ..target(&app.url()) });
    definition.scopes = vec!["sync:run".to_owned()];
    let asked = inquiry(definition);
    dispatcher.poll(&asked, &work()).await;
    dispatcher.cancel(&asked, &Call { method: "POST".to_owned(), path: "/stop".to_owned() }).await;
    let claims: Vec<_> = app
        .rest()
        .iter()
        .map(|seen| run_token::parts(seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap()).1)
        .collect();
    assert_ne!(claims[0]["jti"], claims[1]["jti"]);
    for claims in claims {
        assert_eq!(claims["run_id"], asked.run.to_string());
        assert_eq!(
            (&claims["job"], &claims["fence"], &claims["scope"]),
            (&json!("nightly:sync"), &json!(41), &json!("sync:run"))
        );
    }
}

#[tokio::test]
async fn a_cancel_is_confirmed_by_2xx_and_by_404() {
    let call = Call { method: "DELETE".to_owned(), path: "/jobs/7".to_owned() };
    for (status, confirmed) in [
        (200, true),
        (202, true),
        (204, true),
        (404, true),
        (302, false),
        (401, false),
        (403, false),
        (409, false),
        (410, false),
        (500, false),
    ] {
        let mut app = FakeApp::replying(Reply::Whole(answer_with(status, "", ""))).await;
        let cancelled = dispatcher().cancel(&inquiry(job(&app.url())), &call).await;
        let expected = match confirmed {
            true => Cancelled::Confirmed { status },
            false => Cancelled::NotConfirmed { words: format!("the app answered {status}") },
        };
        assert_eq!(cancelled, expected);
        assert_eq!(app.next().await.line, "DELETE /jobs/7 HTTP/1.1");
    }
    let asked = Inquiry { job: Arc::new(job("http://no-such-app.invalid:80")), ..inquiry(job("http://x")) };
    assert!(matches!(dispatcher().cancel(&asked, &call).await, Cancelled::NotConfirmed { words } if !words.is_empty()));
}
