//! `sexton cancel`, beside what `process/operators.rs` holds of it.

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{process::run, sidecar::sexton};

const RUN: &str = "0198c0de-8a4e-7000-8000-2b5f1d6c9a10";

/// A sidecar that was asked to cancel a claimed run, and was killed and started again before the ledger had it. The run
/// ended without being sent, and its row is the one before it by now.
async fn restarted() -> String {
    let noon = "2026-03-01T12:00:00Z";
    let claimed = json!({
        "id": RUN, "job": "nightly", "scheduled_for": noon, "through": noon, "count": 1, "trigger": "schedule",
        "state": "claimed", "definition": "", "attempts": [],
    });
    let gone = || async { (StatusCode::NOT_FOUND, "the ledger holds no such run") };
    let api = Router::new()
        .route("/api/v1/runs/{id}/cancel", post(|| async { (StatusCode::ACCEPTED, Json(claimed)) }))
        .route("/api/v1/runs/{id}", get(gone));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, api).await.unwrap() });
    url
}

/// That is no wrong use of the command: what was to be cancelled ended otherwise.
#[tokio::test]
async fn a_run_that_joined_another_row_has_ended_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(sexton(folder.path(), &["cancel", RUN, "--url", &restarted().await])).await;
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.stderr.contains("joins the row before it") && done.stderr.contains("sexton runs"), "{done}");
}
