//! `GET /api/jobs`, `GET /api/jobs/{id}`

use serde_json::{Value, json};

use super::{hanging, marketplaces};
use crate::{app::marketplaces::Hole, support::app::TestApp};

/// Seed C13: the status is anybody's, the rest is whose job it is and the admins'.
#[tokio::test]
async fn c13_anybody_sees_the_status_and_no_more() {
    let app = TestApp::start().await;
    app.add_marketplace("tools", "file:///nowhere/at/all").await;
    let id = app.enqueue(&marketplaces()).await;
    let job = app.job(&id, |job| job["error"].is_string()).await;
    assert!(job["error"].as_str().unwrap().starts_with("No repository"), "{job}");
    app.person("ada@example.org").await;
    let bob = app.person("bob@example.org").await;
    let path = format!("/api/jobs/{id}");
    for call in [app.get(&path), app.get(&path).bearer("wrong"), app.get(&path).cookie(&bob)] {
        let reply = call.send().await;
        let shown = reply.json();
        assert_eq!(reply.status, 200);
        assert!(shown.as_object().unwrap().keys().eq(["id", "progress", "status"]), "{shown}");
    }
    app.get("/api/jobs/none").send().await.problem(404);
    app.stop().await;
}

/// Seed C16: who asked, and what it proved to be; never its credential.
#[tokio::test]
async fn c16_a_job_tells_who_asked() {
    let app = TestApp::start().await;
    let ada = app.person("ada@example.org").await;
    let token = app.token(&ada).await;
    let by_scheduler = app.enqueue(&marketplaces()).await;
    let by_token = app.post("/api/jobs").bearer(&token).json(&marketplaces()).send().await.json();
    let mut seen = Vec::new();
    for id in [&by_scheduler, by_token["id"].as_str().unwrap()] {
        let job = app.ended(id).await;
        assert!(!job.to_string().contains(&token));
        seen.push([job["requested_by"].clone(), job["requested_as"].clone()]);
    }
    assert_eq!(
        seen,
        [["scheduler@system.local", "service"], ["ada@example.org", "user"]].map(|pair| pair.map(Value::from))
    );
    app.stop().await;
}

/// Newest first, by status and kind.
#[tokio::test]
async fn the_list_is_filtered() {
    let app = TestApp::start().await;
    let done = app.enqueue(&marketplaces()).await;
    app.ended(&done).await;
    let hole = Hole::open().await;
    let (running, git) = hanging(&app, &hole).await;
    let ids = async |query: &str| -> Vec<String> {
        let all = app.scheduler("GET", &format!("/api/jobs{query}")).send().await.json();
        all.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("").await, [running.as_str(), done.as_str()]);
    assert_eq!(ids("?limit=1").await, [running.as_str()]);
    assert_eq!(ids("?status=completed&kind=marketplaces").await, [done.as_str()]);
    assert_eq!(ids("?kind=other").await, Vec::<String>::new());
    for (query, pointer) in [("?status=done", "#/status"), ("?limit=0", "#/limit"), ("?limit=1001", "#/limit")] {
        let reply = app.scheduler("GET", &format!("/api/jobs{query}")).send().await;
        reply.problem(422);
        assert_eq!(reply.json()["errors"][0]["pointer"], json!(pointer));
    }
    app.scheduler("GET", "/api/jobs?state=pending").send().await.problem(400);
    app.get("/api/jobs").send().await.problem(401);
    app.scheduler("POST", &format!("/api/jobs/{running}/cancel")).send().await;
    drop(git);
    app.stop().await;
}
