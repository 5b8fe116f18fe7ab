//! What holds for every request: ids, logs, errors.

use serde_json::json;

use crate::support::{
    app::{PASSWORD, TestApp, secret},
    logs::Logs,
};

/// Seed A42: the caller's id goes into the log and back; another form of id is replaced.
#[tokio::test]
async fn a42_the_request_id_is_logged_and_returned() {
    let logs = Logs::capture();
    let app = TestApp::start().await;
    let id = format!("run_7-{}", "x".repeat(58));
    let reply = app.scheduler("GET", "/api/auth/me").header("x-request-id", &id).send().await;
    assert_eq!(reply.header("x-request-id"), Some(id.as_str()));
    let line = logs.lines("INFO").into_iter().find(|line| line.contains(&id)).expect("a line with the id");
    assert!(
        line.contains("method=GET") && line.contains("path=\"/api/auth/me\"") && line.contains("status=200"),
        "{line}"
    );
    for odd in ["", "x".repeat(65).as_str(), "a b", "a\tb", "a;b", "é"] {
        let reply = app.get("/api/auth/me").header("x-request-id", odd).send().await;
        let made = reply.header("x-request-id").unwrap().to_owned();
        assert_ne!(made, odd);
        assert!(made.len() == 32 && logs.text().contains(&made), "{made}");
    }
    app.stop().await;
}

/// Guarantee G5: bodies, queries and credentials stay out of the log at every level.
#[tokio::test]
async fn no_secret_is_logged() {
    let logs = Logs::capture();
    let app = TestApp::start().await;
    let cookie = app.person("ada@example.org").await;
    let token = app.token(&cookie).await;
    app.scheduler("GET", "/api/audit?limit=5").send().await;
    app.get("/api/auth/me?token=in-the-query").bearer(&token).send().await;
    app.get("/api/auth/me").bearer("a-wrong-bearer").send().await;
    app.stop().await;
    assert!(logs.text().contains("status=401"), "it was captured: {}", logs.text());
    let (text, session) = (logs.text(), cookie.split_once('=').unwrap().1);
    for hidden in [&secret(), PASSWORD, session, &token, "in-the-query", "a-wrong-bearer"] {
        assert!(!text.contains(hidden), "{hidden} is in the log");
    }
}

#[tokio::test]
async fn every_error_is_a_problem() {
    let app = TestApp::start().await;
    app.get("/nowhere").send().await.problem(404);
    app.get("/api/auth/login").send().await.problem(405);
    app.post("/api/auth/login").header("content-type", "application/json").send().await.problem(400);
    app.post("/api/auth/login").send().await.problem(415);
    app.post("/api/auth/login").json(&json!({ "email": "a@b.c" })).send().await.problem(422);
    let large = json!({ "email": "x".repeat(70_000), "password": "x" });
    app.post("/api/auth/login").json(&large).send().await.problem(413);
    app.scheduler("GET", "/api/audit?limit=x").send().await.problem(400);
    app.scheduler("DELETE", "/api/marketplaces/%ff").send().await.problem(400);
    app.stop().await;
}

/// Seed C15: a 500 and a 503 have the one form of an error, with an id. What went wrong inside is in the log, once, under that
/// id, and nowhere in the answer.
#[tokio::test]
async fn c15_a_500_and_a_503_have_an_id_and_no_internals() {
    let app = TestApp::start().await;
    let cookie = app.person("ada@example.org").await;
    app.sql("ALTER TABLE audit RENAME TO gone").await;
    app.sql("ALTER TABLE sessions RENAME TO lost").await;
    let failing = app.scheduler("GET", "/api/audit");
    let nobody_can_say = app.get("/api/auth/me").cookie(&cookie);
    for (call, status) in [(failing, 500), (nobody_can_say, 503)] {
        let logs = Logs::capture();
        let reply = call.send().await;
        reply.problem(status);
        let body = reply.json();
        let members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["detail", "error_id", "status", "title", "type"]);
        let internals = ["audit", "sessions", "table"];
        assert!(internals.iter().all(|word| !reply.body.contains(word)), "{reply:?}");
        let (id, errors) = (body["error_id"].as_str().unwrap(), logs.lines("ERROR"));
        assert!(errors.len() == 1 && errors[0].contains(id) && errors[0].contains("no such table"), "{errors:?}");
    }
    app.stop().await;
}

/// Headers larger than the server takes end that connection and nothing else.
#[tokio::test]
async fn huge_headers_hurt_nobody() {
    let app = TestApp::start().await;
    let reply = app.get("/api/auth/me").bearer(&"x".repeat(1 << 20)).send().await;
    assert_eq!(reply.status, 431);
    let reply = app.get("/api/auth/me").bearer(&"x".repeat(100_000)).send().await;
    reply.problem(401);
    assert_eq!(app.scheduler("GET", "/api/auth/me").send().await.status, 200);
    app.stop().await;
}
