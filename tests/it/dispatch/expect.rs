//! What an answer must have in it.

use serde_json::{Value, json};
use sexton::{
    dispatch::Report,
    run::{Outcome, Reason},
};

use super::{
    fake_app::{FakeApp, Reply, answer},
    log::Log,
    orders::{SECRET, dispatcher, job, order},
};

async fn judged(json: &[(&str, Value)], contains: Option<&str>, body: impl AsRef<[u8]>) -> Report {
    let app = FakeApp::replying(Reply::Whole(answer(200, body))).await;
    let mut definition = job(&app.url());
    definition.expect.json = json.iter().map(|(pointer, value)| ((*pointer).to_owned(), value.clone())).collect();
    definition.expect.contains = contains.map(str::to_owned);
    dispatcher().send(&order(definition)).await
}

/// Checks that the demand is met.
async fn meets(json: &[(&str, Value)], contains: Option<&str>, body: &str) {
    let report = judged(json, contains, body).await;
    assert_eq!((report.outcome, report.reason), (Outcome::Succeeded, None), "{report:?}");
    assert_eq!(report.excerpt.as_deref(), Some(body));
}

/// Checks that it is not, and what the first line says of it.
async fn misses(json: &[(&str, Value)], contains: Option<&str>, body: &str, words: &str) {
    let report = judged(json, contains, body).await;
    assert_eq!((report.outcome, report.reason, report.status), (Outcome::Failed, Some(Reason::Expect), Some(200)));
    assert_eq!(report.excerpt, Some(format!("{words}\n{body}")));
}

#[tokio::test]
async fn a_text_in_the_body() {
    meets(&[], Some("ok"), "all is ok here").await;
    meets(&[], Some("ok"), "ok").await;
    misses(&[], Some("ok"), "OK", "the answer does not contain \"ok\"").await;
    misses(&[], Some("ok"), "", "the answer does not contain \"ok\"").await;
}

/// Seed E14: a 200 whose body says otherwise is no success.
#[tokio::test]
async fn values_at_json_pointers() {
    let body = r#"{"errors":0,"parts":[{"name":"a/b"}],"done":true,"at":null}"#;
    meets(
        &[("/errors", json!(0)), ("/parts/0/name", json!("a/b")), ("/done", json!(true)), ("/at", json!(null))],
        None,
        body,
    )
    .await;
    meets(&[("/errors", json!(0.0)), ("/parts", json!([{ "name": "a/b" }]))], Some("done"), body).await;
    meets(&[("", json!([1]))], None, "[1]").await;
    misses(&[("/errors", json!(1))], None, body, "the answer has 0 at `/errors`, and 1 is expected there").await;
    misses(&[("/errors", json!("0"))], None, body, "the answer has 0 at `/errors`, and \"0\" is expected there").await;
    misses(&[("/failed", json!(0))], None, body, "the answer has nothing at `/failed`, and 0 is expected there").await;
    misses(&[("", json!([2]))], None, "[1]", "the answer has [1] at its root, and [2] is expected there").await;
}

#[tokio::test]
async fn the_first_demand_that_is_not_met_is_named() {
    let both = [("/a", json!(1)), ("/b", json!(1))];
    misses(&both, None, r#"{"a":1,"b":2}"#, "the answer has 2 at `/b`, and 1 is expected there").await;
    misses(&both, Some("c"), r#"{"a":1,"b":1}"#, "the answer does not contain \"c\"").await;
}

/// Seed D13: 200 with nothing in it.
#[tokio::test]
async fn what_is_no_json_has_nothing_anywhere() {
    misses(&[("/a", json!(1))], None, "", "the answer is empty, so nothing is at `/a`").await;
    let report = judged(&[("/a", json!(1))], None, "<html>").await;
    let words = "the answer is no JSON, so nothing is at `/a`: expected value at line 1 column 1\n<html>";
    assert_eq!((report.reason, report.excerpt.as_deref()), (Some(Reason::Expect), Some(words)));
}

/// What was not read cannot be met; it is said why.
#[tokio::test]
async fn a_body_that_was_cut() {
    let mut long = vec![b' '; 2 * 1024 * 1024];
    long.extend_from_slice(b"{\"a\":1} ok");
    let report = judged(&[], Some("ok"), &long).await;
    assert!(
        report.excerpt.unwrap().starts_with("the answer does not contain \"ok\" (only its first 1 MiB was read)\n")
    );
    let report = judged(&[("/a", json!(1))], None, &long).await;
    let first = report.excerpt.unwrap().lines().next().unwrap().to_owned();
    assert!(first.ends_with("(only its first 1 MiB was read)"), "{first}");
}

/// Guarantee G5: a value that is shown is redacted, also when it is cut.
#[tokio::test]
async fn a_value_that_is_a_secret_is_not_shown() {
    let found = format!("{}{SECRET}", "x".repeat(180));
    let body = json!({ "a": found }).to_string();
    let excerpt = judged(&[("/a", json!("y"))], None, &body).await.excerpt.unwrap();
    assert!(!excerpt.contains(&SECRET[..8]), "{excerpt}");
    assert!(excerpt.contains("x[redacted]"), "{excerpt}");
}

/// The status comes first: an answer with another one is judged by that.
#[tokio::test]
async fn an_unexpected_status_is_no_matter_of_content() {
    let app = FakeApp::replying(Reply::Whole(answer(500, "ok"))).await;
    let mut definition = job(&app.url());
    definition.expect.contains = Some("ok".to_owned());
    let report = dispatcher().send(&order(definition)).await;
    assert_eq!((report.outcome, report.reason), (Outcome::Failed, Some(Reason::Status)));
}

/// Seed D13: three empty answers in a row warn, again every 20; one with content starts anew.
#[tokio::test]
async fn the_third_empty_answer_in_a_row_is_said() {
    let log = Log::start();
    let app = FakeApp::start(|seen| match seen.earlier {
        2 => Reply::Whole(answer(200, "something")),
        3..5 => Reply::Whole(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        _ => Reply::Whole(answer(200, "")),
    })
    .await;
    let (dispatcher, order) = (dispatcher(), order(job(&app.url())));
    let warnings = || log.text().lines().filter(|line| line.contains("empty body")).count();
    let mut said_at = Vec::new();
    for count in 0..29 {
        let before = warnings();
        dispatcher.send(&order).await;
        if warnings() > before {
            said_at.push(count);
        }
    }
    assert_eq!(said_at, [7, 27]);
    assert!(log.text().contains("nightly:sync") && log.text().contains("expect"));
}
