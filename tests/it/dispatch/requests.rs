//! What the app sees of an attempt.

use std::time::Duration;

use sexton::{
    dispatch::{Order, request_line},
    job::{Auth, Body, HeaderText, Overrides, Target},
    run::{Outcome, Reason, Trigger},
    secret::Secret,
};

use super::{
    fake_app::{FakeApp, Reply, Seen, answer},
    orders::{SECRET, dispatcher, job, job_of, order, target},
};
use crate::job::load_with;

fn secret_header(text: &str, value: &str) -> HeaderText {
    HeaderText::Secret { text: Secret::new(text), value: Secret::new(value) }
}

async fn seen(order: &Order, app: &mut FakeApp) -> Seen {
    let report = dispatcher().send(order).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:?}");
    app.next().await
}

async fn app() -> FakeApp {
    FakeApp::replying(Reply::Whole(answer(200, "fine"))).await
}

/// Seeds A20, A42: plain HTTP with everything that an app needs to tell runs apart, and an id for both logs.
#[tokio::test]
async fn every_header_of_the_contract_is_there() {
    let mut app = app().await;
    let mut definition = job(&app.url());
    definition.timeout = Duration::from_millis(1500);
    let order = Order { attempt: 2, fence: 41, trigger: Trigger::CatchUp, ..order(definition) };
    let seen = seen(&order, &mut app).await;

    let run = order.run.to_string();
    assert_eq!(seen.line, "POST /sync HTTP/1.1");
    assert_eq!(seen.header("host"), Some(app.address.to_string().as_str()));
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    assert_eq!(seen.header("idempotency-key"), Some(format!("\"{run}\"").as_str()));
    assert_eq!(seen.header("sexton-job"), Some("nightly:sync"));
    assert_eq!(seen.header("sexton-run"), Some(run.as_str()));
    assert_eq!(seen.header("sexton-scheduled-for"), Some("2026-03-29T01:00:00Z"));
    assert_eq!(seen.header("sexton-attempt"), Some("2"));
    assert_eq!(seen.header("sexton-fence"), Some("41"));
    assert_eq!(seen.header("sexton-trigger"), Some("catch_up"));
    assert_eq!(seen.header("sexton-timeout"), Some("2"), "whole seconds, never less than the timeout");
    assert_eq!(seen.header("user-agent"), Some(concat!("sexton/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(seen.header("content-length"), Some("0"));
    assert_eq!(seen.header("content-type"), None);

    let id = seen.header("x-request-id").unwrap();
    assert_eq!(id, order.request_id());
    assert!(id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{id}");
    let trace: Vec<&str> = seen.header("traceparent").unwrap().split('-').collect();
    assert_eq!(trace[..2], ["00", run.replace('-', "").as_str()]);
    assert_eq!((trace[2].len(), trace[3]), (16, "01"));
}

/// Seed D7: the routing header is in the request when its variable is set, and not when it is unset or blank.
#[tokio::test]
async fn d7_a_routing_header_is_sent_only_when_it_is_set() {
    let mut app = app().await;
    let text = format!(
        "[targets.app]\nbase_url = \"{}\"\n[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\n\
         headers = {{ X-Molecule-Org-Id = {{ env = \"ORG_ID\", optional = true, secret = false }} }}\n",
        app.url()
    );
    for (value, sent) in [(Some("org-17"), Some("org-17")), (None, None), (Some(" "), None)] {
        let environment = |name: &str| value.filter(|_| name == "ORG_ID").map(str::to_owned);
        let loaded = load_with(&text, &environment, &Overrides::default()).unwrap();
        let definition = loaded.definitions.jobs["a"].as_ref().clone();
        assert_eq!(seen(&order(definition), &mut app).await.header("x-molecule-org-id"), sent, "{value:?}");
    }
}

/// Seed A34: paths carry queries, and the base may carry a path.
#[tokio::test]
async fn the_path_is_appended_to_the_base() {
    let mut app = app().await;
    for (base, path, expected) in [
        ("", "/run?processor=usage", "/run?processor=usage"),
        ("/", "/run", "/run"),
        ("/prefix", "/run?a=b%20c&d", "/prefix/run?a=b%20c&d"),
        ("/prefix/", "/a%2Fb?x=1?2", "/prefix/a%2Fb?x=1?2"),
    ] {
        let mut definition = job(&format!("{}{base}", app.url()));
        definition.path = path.to_owned();
        definition.method = "GET".to_owned();
        assert_eq!(request_line(&definition), format!("GET {}{expected}", app.url()));
        let seen = seen(&order(definition), &mut app).await;
        assert_eq!(seen.line, format!("GET {expected} HTTP/1.1"));
        assert_eq!(seen.header("content-length"), None, "a GET without a body announces none");
    }
}

#[tokio::test]
async fn a_body_goes_with_its_content_type_unless_the_job_says_another() {
    let mut app = app().await;
    let json = r#"{"kind":"data-refresh","name":"Škoda"}"#;
    let mut definition = job(&app.url());
    definition.body = Body::Json(json.to_owned());
    let first = seen(&order(definition.clone()), &mut app).await;
    assert_eq!((first.header("content-type"), first.body.as_str()), (Some("application/json"), json));

    definition.headers = vec![("Content-Type".to_owned(), HeaderText::Plain("application/vnd.x+json".to_owned()))];
    let second = seen(&order(definition.clone()), &mut app).await;
    assert_eq!(second.header("content-type"), Some("application/vnd.x+json"));

    definition.headers.clear();
    definition.body = Body::Text("a=b".to_owned());
    let third = seen(&order(definition.clone()), &mut app).await;
    assert_eq!((third.header("content-type"), third.body.as_str()), (Some("text/plain; charset=utf-8"), "a=b"));

    definition.body = Body::File { bytes: b"<a/>".as_slice().into(), media_type: "application/octet-stream" };
    let fourth = seen(&order(definition), &mut app).await;
    assert_eq!((fourth.header("content-type"), fourth.body.as_str()), (Some("application/octet-stream"), "<a/>"));
}

/// Seed E13: a header's value may hold a colon, or nothing.
#[tokio::test]
async fn headers_of_the_job_are_sent_as_they_are() {
    let mut app = app().await;
    let mut definition = job(&app.url());
    definition.headers = vec![
        ("X-Link".to_owned(), HeaderText::Plain("https://a.example:81/x: y".to_owned())),
        ("X-Empty".to_owned(), HeaderText::Plain(String::new())),
        ("X-Key".to_owned(), secret_header("Key partner-0001", "partner-0001")),
    ];
    let seen = seen(&order(definition), &mut app).await;
    assert_eq!(seen.header("x-link"), Some("https://a.example:81/x: y"));
    assert_eq!(seen.header("x-empty"), Some(""));
    assert_eq!(seen.header("x-key"), Some("Key partner-0001"));
}

#[tokio::test]
async fn the_job_cannot_take_the_place_of_the_runs_own_headers() {
    let mut app = app().await;
    let mut definition = job(&app.url());
    definition.headers = ["Authorization", "sexton-run", "IDEMPOTENCY-KEY", "X-Request-Id"]
        .map(|name| (name.to_owned(), HeaderText::Plain("forged".to_owned())))
        .to_vec();
    let seen = seen(&order(definition), &mut app).await;
    assert!(seen.headers.iter().all(|(_, value)| value != "forged"), "{seen:?}");
}

#[tokio::test]
async fn the_target_says_where_the_secret_goes() {
    let mut app = app().await;
    let custom = Auth::SharedSecret { header: Some("X-Api-Key".to_owned()) };
    let first = seen(&order(job_of(Target { auth: custom, ..target(&app.url()) })), &mut app).await;
    assert_eq!((first.header("x-api-key"), first.header("authorization")), (Some(SECRET), None));

    let mut open = job_of(Target { auth: Auth::None, ..target(&app.url()) });
    open.headers = vec![("Authorization".to_owned(), secret_header("Basic abcdefgh", "abcdefgh"))];
    let second = seen(&order(open), &mut app).await;
    assert_eq!(second.header("authorization"), Some("Basic abcdefgh"));
    assert!(second.headers.iter().all(|(_, value)| !value.contains(SECRET)), "auth = none sends no secret");
}

#[tokio::test]
async fn userinfo_of_the_base_becomes_basic_authentication_and_is_never_shown() {
    let mut app = app().await;
    let base = format!("http://gate:p%40ss-word@{}", app.address);
    let custom = Auth::SharedSecret { header: Some("X-Api-Key".to_owned()) };
    let definition = job_of(Target { auth: custom, ..target(&base) });
    assert_eq!(request_line(&definition), format!("POST {}/sync", app.url()));
    let first = seen(&order(definition), &mut app).await;
    // printf 'gate:p@ss-word' | base64
    assert_eq!(first.header("authorization"), Some("Basic Z2F0ZTpwQHNzLXdvcmQ="));

    let second = seen(&order(job(&base)), &mut app).await;
    assert_eq!(second.header("authorization"), Some(format!("Bearer {SECRET}").as_str()), "the target's auth wins");
}

#[tokio::test]
async fn a_definition_that_no_request_can_be_made_of_fails_without_one() {
    let mut app = app().await;
    for (name, value, expected) in
        [("X Y", "v", "`X Y` is no header name"), ("X-Y", "a\r\nHost: b", "the value of header `X-Y`")]
    {
        let mut definition = job(&app.url());
        definition.headers = vec![(name.to_owned(), HeaderText::Plain(value.to_owned()))];
        let report = dispatcher().send(&order(definition)).await;
        assert_eq!((report.outcome, report.reason), (Outcome::Failed, Some(Reason::Connect)));
        assert!(report.excerpt.unwrap().starts_with(expected));
        assert_eq!(report.sent_at, None);
    }
    assert!(app.rest().is_empty());
}
