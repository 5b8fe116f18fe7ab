//! `GET /api/health`

use serde_json::json;

use crate::support::app::TestApp;

/// Open whoever asks, and whatever they present.
#[tokio::test]
async fn it_is_open() {
    let app = TestApp::start().await;
    let reply = app.get("/api/health").send().await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "status": "ok" })));
    assert_eq!(app.get("/api/health").bearer("wrong").send().await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn it_tells_when_the_database_does_not_answer() {
    let app = TestApp::start().await;
    app.sql("ALTER TABLE users RENAME TO gone").await;
    app.get("/api/health").send().await.problem(503);
    app.sql("ALTER TABLE gone RENAME TO users").await;
    assert_eq!(app.get("/api/health").send().await.status, 200);
    app.stop().await;
}
