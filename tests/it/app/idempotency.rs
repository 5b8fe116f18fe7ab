//! What is asked for twice is done once; what comes too late is not done.

use serde_json::{Value, json};
use sexton::protocol::TokenClass;

use super::{
    auth::signed::{signed, taking_tokens},
    marketplaces::Hole,
};
use crate::support::{
    app::{Builder, TestApp},
    http::Reply,
};

async fn syncs(app: &TestApp) -> usize {
    app.audit().await.iter().filter(|row| row["action"] == "marketplace.sync").count()
}

/// The answer is stored, over a restart too, and the audit log has one row.
#[tokio::test]
async fn a_key_is_answered_once() {
    let app = TestApp::start().await;
    let sync = |app: &TestApp, key: &str| {
        app.scheduler("POST", "/api/marketplaces/sync-all").header("idempotency-key", format!("\"{key}\"")).send()
    };
    let first = sync(&app, "run-1").await;
    let second = sync(&app, "run-1").await;
    assert_eq!((second.status, &second.body), (first.status, &first.body));
    assert_eq!((first.header("idempotency-replayed"), second.header("idempotency-replayed")), (None, Some("true")));
    assert_eq!(syncs(&app).await, 1);
    let app = Builder::default().data(app.stop().await).start().await;
    assert_eq!(sync(&app, "run-1").await.header("idempotency-replayed"), Some("true"));
    assert_eq!(sync(&app, "run-2").await.header("idempotency-replayed"), None);
    assert_eq!(syncs(&app).await, 2);
    app.stop().await;
}

/// A retry of the scheduler's finds the job that its first try made, although that is over.
#[tokio::test]
async fn a_retry_finds_the_job_of_the_first_try() {
    let app = TestApp::start().await;
    let enqueue = |kind: &str| {
        app.scheduler("POST", "/api/jobs").header("idempotency-key", "run-1").json(&json!({ "kind": kind })).send()
    };
    let first = enqueue("marketplaces").await;
    let id = first.json()["id"].as_str().unwrap().to_owned();
    app.ended(&id).await;
    let second = enqueue("marketplaces").await;
    assert_eq!((second.status, second.header("location")), (202, first.header("location")));
    enqueue("data-refresh").await.problem(422);
    assert_eq!(app.value::<i64>("SELECT count(*) FROM jobs").await, 1);
    app.stop().await;
}

/// While it is worked on: 409. A failure frees the key. A crash in the middle does, too.
#[tokio::test]
async fn a_key_in_progress_is_409_and_a_failure_frees_it() {
    let app = TestApp::start().await;
    let hole = Hole::open().await;
    app.add_marketplace("slow", &hole.url()).await;
    let sync = || app.scheduler("POST", "/api/marketplaces/slow/sync").header("idempotency-key", "run-1");
    let first = sync().open().await;
    let git = hole.caught().await;
    let meanwhile = sync().send().await;
    assert!(meanwhile.problem(409).contains("key"));
    assert_eq!(meanwhile.header("retry-after"), Some("1"));
    drop(git);
    Reply::read(first).await.problem(500);
    let again = sync().open().await;
    drop(hole.caught().await);
    Reply::read(again).await.problem(500);
    app.sql("INSERT INTO answers (principal, endpoint, key, fingerprint, until) SELECT 'service:' || id, 'POST /api/marketplaces/sync-all', 'run-2', x'00', 99999999999999 FROM users").await;
    let app = Builder::default().data(app.stop().await).start().await;
    app.sql("DELETE FROM marketplaces").await;
    let reply = app.scheduler("POST", "/api/marketplaces/sync-all").header("idempotency-key", "run-2").send().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    app.stop().await;
}

/// A request that was frozen somewhere, and that a later one of its job has passed, does nothing.
#[tokio::test]
async fn a_lower_fence_is_412() {
    let app = TestApp::start().await;
    let sync = |app: &TestApp, fence: u64| {
        let call = app.scheduler("POST", "/api/marketplaces/sync-all").header("sexton-job", "nightly");
        call.header("sexton-fence", fence.to_string()).send()
    };
    assert_eq!(sync(&app, 7).await.status, 200);
    assert_eq!(sync(&app, 7).await.status, 200);
    let app = Builder::default().data(app.stop().await).start().await;
    assert!(sync(&app, 6).await.problem(412).contains('7'));
    assert_eq!(syncs(&app).await, 2);
    // Polls and cancellations of an earlier run are welcome.
    let id = app.enqueue(&json!({ "kind": "marketplaces" })).await;
    app.ended(&id).await;
    for (method, path) in [("GET", format!("/api/jobs/{id}")), ("POST", format!("/api/jobs/{id}/cancel"))] {
        let call = app.scheduler(method, &path).header("sexton-job", "nightly").header("sexton-fence", "6");
        assert_eq!(call.send().await.status, 200);
    }
    app.stop().await;
}

/// Seed C3: who may not ask is refused before keys and fences are looked at: no stored answer, no row of theirs, and the
/// refusal is in the audit log.
#[tokio::test]
async fn c3_a_refused_caller_leaves_no_key_and_no_fence() {
    let app = taking_tokens().start().await;
    let of = |scopes: &[&str], resources: &[&str]| {
        signed(TokenClass::Service, "importer", scopes, |claims| {
            claims.resources = resources.iter().map(|resource| (*resource).to_owned()).collect();
        })
    };
    let send = |path: &'static str, bearer: &str, body: Value| {
        let call = app.post(path).bearer(bearer).header("idempotency-key", "k1").header("sexton-job", "nightly");
        call.header("sexton-fence", "5").json(&body).send()
    };
    let (sync, source) = ("/api/marketplaces/sync-all", json!({ "name": "prices", "file": "prices.csv" }));
    let work = json!({ "kind": "marketplaces" });
    let (all, scopes) = (of(&["sync:run", "jobs:enqueue"], &["marketplace:_all"]), ["sync:run", "jobs:enqueue"]);
    let refused = [
        (sync, of(&["jobs:enqueue"], &["marketplace:_all"]), json!({})),
        (sync, of(&scopes, &["marketplace:tools"]), json!({})),
        ("/api/jobs", of(&["sync:run"], &["marketplace:_all"]), work.clone()),
        ("/api/jobs", of(&["jobs:enqueue"], &["marketplace:_all"]), work.clone()),
        ("/api/jobs", of(&scopes, &["marketplace:tools"]), work.clone()),
        ("/api/sources", all.clone(), source.clone()),
        ("/api/marketplaces", all.clone(), source.clone()),
    ];
    for (path, bearer, body) in &refused {
        send(path, bearer, body.clone()).await.problem(403);
    }
    assert_eq!(app.value::<i64>("SELECT (SELECT count(*) FROM answers) + (SELECT count(*) FROM fences)").await, 0);
    let rows = app.audit().await;
    assert!(rows.len() == refused.len() && rows.iter().all(|row| row["result"] == "refused"), "{rows:?}");
    assert!(rows.iter().all(|row| row["user"] == "importer") && rows[6]["resource"] == "marketplaces_all", "{rows:?}");
    for (path, body, status) in [(sync, json!({}), 200), ("/api/jobs", work, 202)] {
        let first = send(path, &all, body.clone()).await;
        assert_eq!((first.status, first.header("idempotency-replayed")), (status, None), "{first:?}");
        assert_eq!(send(path, &all, body).await.header("idempotency-replayed"), Some("true"));
    }
    for (path, bearer, body) in &refused {
        assert_eq!(send(path, bearer, body.clone()).await.header("idempotency-replayed"), None, "{path}");
        send(path, bearer, body.clone()).await.problem(403);
    }
    assert_eq!(app.value::<i64>("SELECT count(*) FROM fences").await, 1);
    app.stop().await;
}

/// A job that was silent for long has no fence any more.
#[tokio::test]
async fn a_fence_is_forgotten_at_its_end() {
    let app = TestApp::start().await;
    let sync = |job: &str, fence: &str| {
        let call = app.scheduler("POST", "/api/marketplaces/sync-all").header("sexton-job", job);
        call.header("sexton-fence", fence).send()
    };
    for job in ["nightly", "weekly"] {
        assert_eq!(sync(job, "7").await.status, 200);
    }
    let days: i64 = app.value("SELECT (min(until) / 1000 - unixepoch() + 3600) / 86400 FROM fences").await;
    assert_eq!(days, 90);
    sync("nightly", "6").await.problem(412);
    app.sql("UPDATE fences SET until = 1").await;
    assert_eq!(sync("nightly", "6").await.status, 200);
    assert_eq!(app.value::<i64>("SELECT count(*) FROM fences").await, 1, "the other is gone too");
    app.stop().await;
}

/// Guarantee G5: an answer that shows a new credential is not kept.
#[tokio::test]
async fn a_new_token_is_not_kept() {
    let app = TestApp::start().await;
    let ada = app.person("ada@example.org").await;
    let mint =
        || app.post("/api/auth/tokens").cookie(&ada).header("idempotency-key", "k").json(&json!({ "name": "ci" }));
    let (first, second) = (mint().send().await.json(), mint().send().await.json());
    assert_ne!(first["token"], second["token"]);
    assert_eq!(app.value::<i64>("SELECT count(*) FROM answers").await, 0);
    app.stop().await;
}
