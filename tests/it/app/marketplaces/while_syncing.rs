//! What happens while a sync runs.

use std::time::Duration;

use serde_json::json;

use super::{Hole, gone, report, sync_all};
use crate::support::{
    app::{Builder, TestApp},
    http::Reply,
    origin::Origin,
};

/// Seed A37: a second one at once is refused, and every other request is answered.
#[tokio::test]
async fn a37_a_second_sync_is_409_and_others_are_answered() {
    let app = TestApp::start().await;
    let hole = Hole::open().await;
    app.add_marketplace("slow", &hole.url()).await;
    let first = app.scheduler("POST", "/api/marketplaces/sync-all").open().await;
    let git = hole.caught().await;
    for (method, path) in [
        ("POST", "/api/marketplaces/sync-all"),
        ("POST", "/api/marketplaces/slow/sync"),
        ("DELETE", "/api/marketplaces/slow"),
    ] {
        app.scheduler(method, path).send().await.problem(409);
    }
    assert_eq!(app.get("/api/health").send().await.status, 200);
    assert_eq!(app.scheduler("GET", "/api/marketplaces").send().await.status, 200);
    app.person("ada@example.org").await;
    drop(git);
    Reply::read(first).await.problem(500);
    let rows = app.audit().await;
    let results: Vec<_> =
        rows.iter().filter(|row| row["action"] == "marketplace.sync").map(|row| &row["result"]).collect();
    assert_eq!(results, ["failed", "refused", "refused"], "one row for each call");
    app.stop().await;
}

/// Seed A37: the sync outlives a client that hangs up, keeps others out until it ends, and is in the audit log.
#[tokio::test]
async fn a37_a_sync_survives_its_client() {
    let app = TestApp::start().await;
    let (hole, origin) = (Hole::open().await, Origin::with_commits(1));
    app.add_marketplace("good", &origin.url()).await;
    app.add_marketplace("slow", &hole.url()).await;
    let client = app.scheduler("POST", "/api/marketplaces/sync-all").open().await;
    let git = hole.caught().await;
    drop(client);
    sync_all(&app).await.problem(409);
    drop(git);
    let row = app.audited(|row| row["action"] == "marketplace.sync" && row["result"] != "refused").await;
    assert_eq!((&row["result"], &row["resource"]), (&json!("partly_failed"), &json!("marketplaces_all")));
    assert!(app.repository("good").is_dir());
    app.stop().await;
}

/// A repository that hangs is given up at its limit, and every process of it is gone.
#[tokio::test]
async fn a_hanging_repository_is_killed_at_its_limit() {
    let app = Builder::default().sync_limit(Duration::from_secs(4)).start().await;
    let hole = Hole::open().await;
    app.add_marketplace("slow", &hole.url()).await;
    let client = app.scheduler("POST", "/api/marketplaces/sync-all").open().await;
    let git = hole.caught().await;
    let reply = Reply::read(client).await;
    gone(git).await;
    reply.problem(500);
    assert_eq!(report(&reply.json(), "slow")["error"], "not done within 4 s, so it was given up");
    app.stop().await;
}

/// More repositories than are synced at once are all synced.
#[tokio::test]
async fn many_repositories_take_turns() {
    let app = TestApp::start().await;
    let origin = Origin::with_commits(1);
    for number in 0..10 {
        app.add_marketplace(&format!("m{number}"), &origin.url()).await;
    }
    assert_eq!(sync_all(&app).await.json()["updated"], json!(10));
    app.stop().await;
}
