//! `POST /api/jobs`

use serde_json::{Value, json};

use super::{hanging, marketplaces};
use crate::{
    app::{
        auth::signed::{of_run, taking_tokens},
        marketplaces::Hole,
    },
    support::app::{Builder, TestApp, secret},
};

/// Seeds A35, B10: answered while the work has hardly begun, with where to look and when; the work is done by nobody's
/// request.
#[tokio::test]
async fn a35_work_is_accepted_and_done() {
    let app = TestApp::start().await;
    let reply = app.scheduler("POST", "/api/jobs").json(&marketplaces()).send().await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let job = reply.json();
    let id = job["id"].as_str().unwrap();
    assert_eq!(reply.header("location"), Some(format!("/api/jobs/{id}").as_str()));
    assert_eq!(reply.header("retry-after"), Some("2"));
    assert_eq!((&job["status"], &job["deduplicated"]), (&json!("pending"), &json!(false)));
    let ended = app.ended(id).await;
    let result = json!({ "updated": 0, "unchanged": 0, "errors": 0, "repositories": [] });
    assert_eq!((&ended["status"], &ended["progress"], &ended["result"]), (&json!("completed"), &json!(1.0), &result));
    app.stop().await;
}

/// Seed A35: 400, and the answer lists what there is.
#[tokio::test]
async fn a35_an_unknown_kind_is_400_with_the_kinds() {
    let app = TestApp::start().await;
    for body in [json!({ "kind": "marketplace" }), json!({ "kind": "" }), json!({})] {
        let reply = app.scheduler("POST", "/api/jobs").json(&body).send().await;
        assert!(reply.problem(400).contains("marketplaces"), "{reply:?}");
        assert_eq!(reply.json()["errors"][0]["pointer"], "#/kind");
    }
    assert_eq!(app.value::<i64>("SELECT count(*) FROM jobs").await, 0);
    app.stop().await;
}

/// Seed A35: the same key, in the body or the header, is the same job for as long as that is not over.
#[tokio::test]
async fn a35_a_key_names_one_job_until_it_is_over() {
    let app = TestApp::start().await;
    let hole = Hole::open().await;
    let (first, git) = hanging(&app, &hole).await;
    // Queued behind a running one, with a key each.
    let keyed = json!({ "kind": "marketplaces", "idempotency_key": "nightly" });
    let second = app.enqueue(&keyed).await;
    let again = app.scheduler("POST", "/api/jobs").json(&keyed).send().await;
    let location = format!("/api/jobs/{second}");
    assert_eq!((again.status, again.header("location")), (202, Some(location.as_str())));
    assert_eq!(again.json()["deduplicated"], json!(true));
    let by_header = app.scheduler("POST", "/api/jobs").header("idempotency-key", "\"nightly\"");
    assert_eq!(by_header.json(&marketplaces()).send().await.json()["id"], json!(second));
    // The body's key goes before the header's; no key is a job of its own.
    let other = json!({ "kind": "marketplaces", "idempotency_key": "other" });
    let by_both = app.scheduler("POST", "/api/jobs").header("idempotency-key", "nightly").json(&other).send().await;
    assert_ne!(by_both.json()["id"], json!(second));
    assert_ne!(app.enqueue(&marketplaces()).await, first);
    // Another asker's key is another key.
    let ada = app.person("ada@example.org").await;
    let hers = app.post("/api/jobs").cookie(&ada).json(&keyed).send().await.json();
    assert_eq!(hers["deduplicated"], json!(false));

    drop(git);
    assert_eq!(
        app.call("DELETE", "/api/marketplaces/slow").bearer(&secret()).send().await.status,
        409,
        "still waiting"
    );
    app.scheduler("POST", &format!("/api/jobs/{first}/cancel")).send().await;
    app.scheduler("POST", &format!("/api/jobs/{second}/cancel")).send().await;
    assert_ne!(app.enqueue(&keyed).await, second, "it is over: the key is free again");
    let all = app.scheduler("GET", "/api/jobs").send().await.json();
    for job in all.as_array().unwrap() {
        app.scheduler("POST", &format!("/api/jobs/{}/cancel", job["id"].as_str().unwrap())).send().await;
    }
    app.stop().await;
}

/// Seed A35: a key that names other work, also a run's or another credential's of the same user, is no answer to this.
#[tokio::test]
async fn a35_a_key_of_other_work_is_422() {
    let app = taking_tokens().workers(1).start().await;
    let hole = Hole::open().await;
    let (_first, git) = hanging(&app, &hole).await;
    let prices = json!({ "name": "prices", "file": "prices.csv" });
    assert_eq!(app.scheduler("POST", "/api/sources").json(&prices).send().await.status, 201);
    let of = |more: Value| {
        let mut body = json!({ "kind": "data-refresh", "idempotency_key": "nightly" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let run = of_run("run-1", &["jobs:enqueue", "jobs:read", "sync:run"]);
    assert_eq!(app.post("/api/jobs").bearer(&run).json(&of(json!({}))).send().await.status, 202);
    for other in [of(json!({ "sources": ["prices"] })), of(json!({ "kind": "marketplaces" }))] {
        let reply = app.scheduler("POST", "/api/jobs").json(&other).send().await;
        assert!(reply.problem(422).contains("take another"), "{reply:?}");
        assert_eq!(reply.json()["errors"][0]["pointer"], "#/idempotency_key");
    }
    let same = app.scheduler("POST", "/api/jobs").json(&of(json!({}))).send().await;
    assert_eq!((same.status, &same.json()["deduplicated"]), (202, &json!(true)));
    drop(git);
    app.stop().await;
}

/// Seed B9: who has nobody to do the work says so, and keeps nothing.
#[tokio::test]
async fn b9_without_an_executor_nothing_is_queued() {
    let app = Builder::default().workers(0).start().await;
    let reply = app.scheduler("POST", "/api/jobs").json(&marketplaces()).send().await;
    assert!(reply.problem(409).contains("workers"), "{reply:?}");
    assert_eq!(app.value::<i64>("SELECT count(*) FROM jobs").await, 0);
    app.stop().await;
}

/// Seed C15: what is wrong, and where.
#[tokio::test]
async fn c15_what_cannot_be_taken_is_pointed_at() {
    let app = TestApp::start().await;
    for (body, status, pointer) in [
        (json!({ "kind": 7 }), 422, "#/kind"),
        (json!({ "kind": "marketplaces", "idempotency_key": "" }), 422, "#/idempotency_key"),
        (json!({ "kind": "marketplaces", "idempotency_key": "a b" }), 422, "#/idempotency_key"),
        (json!({ "kind": "marketplaces", "idempotency_key": "x".repeat(256) }), 422, "#/idempotency_key"),
        (json!({ "kind": "marketplaces", "idempotency-key": "x" }), 422, "#/idempotency-key"),
    ] {
        let reply = app.scheduler("POST", "/api/jobs").json(&body).send().await;
        assert!(!reply.problem(status).is_empty());
        assert_eq!(reply.json()["errors"][0]["pointer"], pointer, "{reply:?}");
        assert!(reply.json()["errors"][0]["detail"].is_string());
    }
    app.scheduler("POST", "/api/jobs").json(&json!(["marketplaces"])).send().await.problem(422);
    app.stop().await;
}

#[tokio::test]
async fn asking_is_for_admins() {
    let app = TestApp::start().await;
    app.person("ada@example.org").await;
    let bob = app.person("bob@example.org").await;
    app.post("/api/jobs").json(&marketplaces()).send().await.problem(401);
    app.post("/api/jobs").bearer("wrong").json(&marketplaces()).send().await.problem(401);
    app.post("/api/jobs").cookie(&bob).json(&marketplaces()).send().await.problem(403);
    assert_eq!(app.value::<i64>("SELECT count(*) FROM jobs").await, 0);
    app.stop().await;
}
