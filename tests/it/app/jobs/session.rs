//! `POST`, `DELETE /api/jobs/{id}/session`

use serde_json::json;

use super::{hanging, marketplaces};
use crate::{
    app::{
        auth::signed::{of_run, taking_tokens},
        marketplaces::Hole,
    },
    support::app::{TestApp, secret},
};

/// Seed C17: for one job, for a short time, for as long as its marker is there; gone means 401.
#[tokio::test]
async fn c17_a_session_token_is_for_one_job() {
    let app = taking_tokens().start().await;
    let ada = app.person("ada@example.org").await;
    let hole = Hole::open().await;
    let (id, git) = hanging(&app, &hole).await;
    let other = app.enqueue(&marketplaces()).await;
    let path = format!("/api/jobs/{id}/session");
    let issued = app.post(&path).cookie(&ada).send().await;
    assert_eq!((issued.status, &issued.json()["scope"]), (201, &json!("jobs:read jobs:cancel")), "{issued:?}");
    let token = issued.json()["token"].as_str().unwrap().to_owned();
    let left = chrono::DateTime::parse_from_rfc3339(issued.json()["expires_at"].as_str().unwrap()).unwrap();
    assert!(left.timestamp() - app.value::<i64>("SELECT unixepoch()").await <= 3600);

    assert_eq!(app.get(&format!("/api/jobs/{id}")).bearer(&token).send().await.json()["kind"], "marketplaces");
    let list = app.get("/api/jobs").bearer(&token).send().await.json();
    assert!(list.as_array().unwrap().len() == 1 && list[0]["id"] == *id, "{list}");
    app.post(&format!("/api/jobs/{other}/cancel")).bearer(&token).send().await.problem(403);
    app.post("/api/jobs").bearer(&token).json(&marketplaces()).send().await.problem(403);
    app.post(&path).bearer(&token).send().await.problem(403);
    app.post("/api/auth/tokens").bearer(&token).json(&json!({ "name": "x" })).send().await.problem(403);

    assert_eq!(app.call("DELETE", &path).cookie(&ada).send().await.status, 204);
    app.get("/api/jobs").bearer(&token).send().await.problem(401);
    app.post(&format!("/api/jobs/{id}/cancel")).bearer(&token).send().await.problem(401);
    let again = app.post(&path).cookie(&ada).send().await.json()["token"].as_str().unwrap().to_owned();
    let cancelled = app.post(&format!("/api/jobs/{id}/cancel")).bearer(&again).send().await;
    assert_eq!((cancelled.status, &cancelled.json()["status"]), (200, &json!("cancelled")));
    app.scheduler("POST", &format!("/api/jobs/{other}/cancel")).send().await;
    drop(git);
    app.stop().await;
}

/// A token never outlives the person that it stands for.
#[tokio::test]
async fn a_session_ends_when_its_person_is_disabled() {
    let app = taking_tokens().start().await;
    let ada = app.person("ada@example.org").await;
    let id = app.enqueue(&marketplaces()).await;
    let issued = app.post(&format!("/api/jobs/{id}/session")).cookie(&ada).send().await.json();
    let token = issued["token"].as_str().unwrap();
    assert_eq!(app.get("/api/jobs").bearer(token).send().await.status, 200);
    app.sql("UPDATE users SET disabled_at = 1 WHERE kind = 'user'").await;
    app.get("/api/jobs").bearer(token).send().await.problem(401);
    app.stop().await;
}

/// Seed A8: only a person opens one, and only for a job of theirs; only the hash of the marker is kept.
#[tokio::test]
async fn a8_only_a_person_opens_a_session() {
    let app = taking_tokens().start().await;
    let ada = app.person("ada@example.org").await;
    let bob = app.person("bob@example.org").await;
    let id = app.enqueue(&marketplaces()).await;
    let path = format!("/api/jobs/{id}/session");
    app.post(&path).send().await.problem(401);
    app.post(&path).cookie(&bob).send().await.problem(403);
    let run = of_run("run-1", &["jobs:read"]);
    for bearer in [&secret(), &app.token(&ada).await, &run] {
        app.post(&path).bearer(bearer).send().await.problem(403);
        app.call("DELETE", &path).bearer(bearer).send().await.problem(403);
    }
    app.post("/api/jobs/none/session").cookie(&ada).send().await.problem(404);
    assert_eq!(app.value::<i64>("SELECT count(*) FROM job_sessions").await, 0);
    app.ended(&id).await;
    app.stop().await;
}

/// An app that has nothing to sign with says so.
#[tokio::test]
async fn without_secrets_there_are_no_sessions() {
    let app = TestApp::start().await;
    let ada = app.person("ada@example.org").await;
    let id = app.enqueue(&marketplaces()).await;
    let reply = app.post(&format!("/api/jobs/{id}/session")).cookie(&ada).send().await;
    assert!(reply.problem(409).contains("SEXTON_JWT_SECRETS"), "{reply:?}");
    app.ended(&id).await;
    app.stop().await;
}
