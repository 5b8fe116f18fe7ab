//! Connections: reuse, limits, and what the environment must not change.

use std::{process::Command, sync::Arc, time::Duration};

use sexton::run::Outcome;
use tokio::task::JoinSet;

use super::{
    fake_app::{FakeApp, Reply, answer},
    orders::{dispatcher, job, order},
};

#[tokio::test]
async fn a_connection_is_used_again_for_two_seconds_at_most() {
    let mut app = FakeApp::replying(Reply::Whole(answer(200, "fine"))).await;
    let dispatcher = dispatcher();
    let order = order(job(&app.url()));
    let mut connections = Vec::new();
    for pause in [Duration::ZERO, Duration::from_millis(1900), Duration::from_millis(2100)] {
        tokio::time::pause();
        tokio::time::sleep(pause).await;
        tokio::time::resume();
        assert_eq!(dispatcher.send(&order).await.outcome, Outcome::Succeeded);
        connections.push(app.next().await.connection);
    }
    assert_eq!(connections, [0, 0, 1]);
}

#[tokio::test]
async fn an_app_that_closes_idle_connections_is_no_failure() {
    let mut app = FakeApp::replying(Reply::Closing(answer(200, "fine"))).await;
    let dispatcher = dispatcher();
    let order = order(job(&app.url()));
    for connection in 0..5 {
        let report = dispatcher.send(&order).await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{report:?}");
        assert_eq!(app.next().await.connection, connection);
        // Time goes on only when everything has settled: here, the news that the connection is closed.
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(1)).await;
        tokio::time::resume();
    }
}

/// A thousand attempts at once, each answered to its own run.
#[tokio::test]
async fn a_thousand_at_once() {
    let app = FakeApp::start(|seen| Reply::Whole(answer(200, seen.header("sexton-run").unwrap()))).await;
    let dispatcher = Arc::new(dispatcher());
    let mut sending = JoinSet::new();
    for _ in 0..1000 {
        let (dispatcher, order) = (Arc::clone(&dispatcher), order(job(&app.url())));
        sending.spawn(async move { (order.run.to_string(), dispatcher.send(&order).await) });
    }
    let mut ended = 0;
    while let Some(result) = sending.join_next().await {
        let (run, report) = result.unwrap();
        assert_eq!((report.outcome, report.excerpt), (Outcome::Succeeded, Some(run)));
        ended += 1;
    }
    assert_eq!(ended, 1000);
}

#[tokio::test]
async fn a_plain_attempt_succeeds() {
    let app = FakeApp::replying(Reply::Whole(answer(200, "fine"))).await;
    assert_eq!(dispatcher().send(&order(job(&app.url()))).await.outcome, Outcome::Succeeded);
}

/// Runs `a_plain_attempt_succeeds` in a process of its own with these variables.
fn assert_succeeds_with(variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "dispatch::connections::a_plain_attempt_succeeds"])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// Guarantee G5: a proxy that nobody wrote down would see the secret.
#[test]
fn proxies_of_the_environment_are_ignored() {
    let nobody = "http://127.0.0.1:1";
    assert_succeeds_with(&[
        ("HTTP_PROXY", nobody),
        ("http_proxy", nobody),
        ("HTTPS_PROXY", nobody),
        ("ALL_PROXY", nobody),
        ("all_proxy", nobody),
    ]);
}

/// An image made `FROM scratch` has no file of root certificates.
#[test]
fn no_root_certificates_on_the_machine_are_needed() {
    assert_succeeds_with(&[("SSL_CERT_FILE", "/nonexistent/roots.pem"), ("SSL_CERT_DIR", "/nonexistent")]);
}
