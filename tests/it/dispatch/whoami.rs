//! Seed A33: a dead secret is found at start, by an endpoint that wants it.

use sexton::{
    credentials::{Config, Credentials},
    dispatch::WhoamiError,
};
use tokio::net::TcpListener;

use super::{
    fake_app::{FakeApp, Reply, answer},
    orders::{SECRET, dispatcher, dispatcher_with, target},
};

/// Seed A33: the check is authenticated as a job is.
#[tokio::test]
async fn a33_an_accepted_secret() {
    let mut app = FakeApp::replying(Reply::Whole(answer(200, "{}"))).await;
    dispatcher().whoami(&target(&app.url()), "/api/auth/me").await.unwrap();
    let seen = app.next().await;
    assert_eq!(seen.line, "GET /api/auth/me HTTP/1.1");
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    assert!(seen.header("x-request-id").is_some() && seen.header("traceparent").is_some());
    assert_eq!(seen.header("sexton-run"), None, "it is no run");
}

/// Seed A33: a refused secret is named, with what to do.
#[tokio::test]
async fn a33_a_rejected_secret() {
    for status in [401, 403] {
        let app = FakeApp::replying(Reply::Whole(answer(status, SECRET))).await;
        let dispatcher = dispatcher();
        let error = dispatcher.whoami(&target(&app.url()), "/api/auth/me").await.unwrap_err();
        assert!(matches!(error, WhoamiError::Rejected { .. }));
        let words = error.to_string();
        assert!(words.contains("SCHEDULER_API_TOKEN") && words.contains(&status.to_string()), "{words}");
        assert!(!words.contains(SECRET));
        assert_eq!(dispatcher.rejections("app"), 1);
    }
}

/// Seed A33: an endpoint that proves nothing is not taken for a proof.
#[tokio::test]
async fn a33_an_answer_that_tells_nothing() {
    for status in [302, 404, 500] {
        let app = FakeApp::replying(Reply::Whole(answer(status, ""))).await;
        let error = dispatcher().whoami(&target(&app.url()), "/me").await.unwrap_err();
        assert!(matches!(error, WhoamiError::Unclear { .. }));
        assert!(error.to_string().contains(&format!("/me answered {status}")), "{error}");
    }
}

#[tokio::test]
async fn an_app_that_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = dispatcher().whoami(&target(&format!("http://gate:password@{address}")), "/me").await.unwrap_err();
    let words = error.to_string();
    assert!(words.starts_with(&format!("target `app` is not reachable at http://{address}/: ")), "{words}");
    assert!(!words.contains("password"));
}

#[tokio::test]
async fn no_secret_to_ask_with() {
    let mut app = FakeApp::replying(Reply::Whole(answer(200, ""))).await;
    let credentials = Credentials::load(Config::from_lookup(|_| None).unwrap());
    let error = dispatcher_with(credentials).whoami(&target(&app.url()), "/me").await.unwrap_err();
    assert!(matches!(error, WhoamiError::Unaskable { .. }));
    assert!(app.rest().is_empty());
}
