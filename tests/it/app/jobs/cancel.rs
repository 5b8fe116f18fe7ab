//! `POST /api/jobs/{id}/cancel`

use serde_json::json;

use super::{hanging, marketplaces};
use crate::{
    app::marketplaces::{Hole, gone},
    support::app::{Builder, TestApp},
};

/// 200 means that nothing of it is running any more: a scheduler starts the next run on that word.
#[tokio::test]
async fn a_running_job_ends_before_the_answer() {
    let app = TestApp::start().await;
    let hole = Hole::open().await;
    let (id, git) = hanging(&app, &hole).await;
    let reply = app.scheduler("POST", &format!("/api/jobs/{id}/cancel")).send().await;
    assert_eq!((reply.status, reply.json()["status"].clone()), (200, json!("cancelled")));
    gone(git).await;
    // The turn is free again.
    assert_eq!(
        app.call("DELETE", "/api/marketplaces/slow").bearer(&crate::support::app::secret()).send().await.status,
        204
    );
    let rows = app.audit().await;
    let row = |action: &str| rows.iter().find(|row| row["action"] == action).unwrap().clone();
    assert_eq!(row("marketplace.sync")["result"], "cancelled");
    assert_eq!(
        (row("job.cancel")["resource"].clone(), row("job.cancel")["result"].clone()),
        (json!(format!("job:{id}")), json!("ok"))
    );
    app.stop().await;
}

/// One that waits, one that is over, one that never was.
#[tokio::test]
async fn cancelling_what_does_not_run() {
    let app = Builder::default().workers(1).start().await;
    let hole = Hole::open().await;
    let (running, git) = hanging(&app, &hole).await;
    let waiting = app.enqueue(&marketplaces()).await;
    let path = format!("/api/jobs/{waiting}/cancel");
    for _ in 0..2 {
        let reply = app.scheduler("POST", &path).send().await;
        assert_eq!((reply.status, reply.json()["status"].clone()), (200, json!("cancelled")));
    }
    assert_eq!(app.job(&waiting, |_| true).await["attempts"], 0, "it never ran");
    app.scheduler("POST", "/api/jobs/none/cancel").send().await.problem(404);
    app.scheduler("POST", &format!("/api/jobs/{running}/cancel")).send().await;
    drop(git);
    app.stop().await;
}

/// Seed C13: neither nobody nor a wrong token nor somebody else ends a job.
#[tokio::test]
async fn c13_a_wrong_token_does_not_cancel() {
    let app = TestApp::start().await;
    let hole = Hole::open().await;
    let (id, git) = hanging(&app, &hole).await;
    app.person("ada@example.org").await;
    let bob = app.token(&app.person("bob@example.org").await).await;
    let path = format!("/api/jobs/{id}/cancel");
    app.post(&path).send().await.problem(401);
    app.post(&path).bearer("wrong").send().await.problem(401);
    app.post(&path).bearer(&bob).send().await.problem(403);
    assert_eq!(app.job(&id, |_| true).await["status"], "running");
    app.scheduler("POST", &path).send().await;
    drop(git);
    app.stop().await;
}
