//! The self-check after a refusal.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use serde_json::Value;

use crate::{
    dispatch::fake_app::{FakeApp, Reply, answer},
    support::{
        process::eventually,
        sidecar::{PATIENCE, Sidecar, get},
    },
};

/// An app that answers its `/me` and its job with statuses that a test sets.
struct App {
    app: FakeApp,
    me: Arc<AtomicU16>,
    job: Arc<AtomicU16>,
}

impl App {
    async fn start() -> Self {
        let (me, job) = (Arc::new(AtomicU16::new(200)), Arc::new(AtomicU16::new(200)));
        let (of_me, of_job) = (Arc::clone(&me), Arc::clone(&job));
        let app = FakeApp::start(move |seen| {
            let status = if seen.line.starts_with("GET /me ") { &of_me } else { &of_job };
            Reply::Whole(answer(status.load(Ordering::SeqCst), ""))
        })
        .await;
        Self { app, me, job }
    }

    /// Waits for the next request of this kind.
    async fn next(&mut self, start: &str) {
        let come = async { while !self.app.next().await.line.starts_with(start) {} };
        tokio::time::timeout(PATIENCE, come).await.unwrap_or_else(|_| panic!("no {start} came"));
    }
}

const JOB: &str = "whoami = \"/me\"\n[jobs.a]\nschedule = \"every 1s\"\npath = \"/job\"\n";

/// Seed A33: a credential that dies while everything runs is asked for at the first refusal, and health says so at once;
/// as soon as a job is accepted again, all is well.
#[tokio::test]
async fn a33_a_dead_credential_shows_at_the_first_refusal() {
    let mut app = App::start().await;
    let sidecar = Sidecar::new(app.app.address, JOB);
    let (mut running, address) = sidecar.run().await;
    app.next("GET /me ").await;
    app.next("POST /job ").await;
    app.me.store(401, Ordering::SeqCst);
    app.job.store(401, Ordering::SeqCst);
    app.next("GET /me ").await;
    let line = running.hear("the self-check was refused").await;
    assert!(line.contains("ERROR") && line.contains("SCHEDULER_API_TOKEN"), "{line}");
    let reason = async |code: &str| {
        let (_, body) = get(address, "/healthz").await;
        let health: Value = serde_json::from_str(&body).unwrap();
        health["reasons"].as_array().unwrap().iter().any(|reason| reason["code"] == code)
    };
    eventually("a degraded health", PATIENCE, async || reason("credential_rejected").await.then_some(())).await;
    app.me.store(200, Ordering::SeqCst);
    app.job.store(200, Ordering::SeqCst);
    eventually("good health", PATIENCE, async || (!reason("credential_rejected").await).then_some(())).await;
    assert_eq!(running.stop().await, Some(0));
}

/// Seed A33: a job that is forbidden while the app knows the credential is told apart from a dead credential.
#[tokio::test]
async fn a33_a_forbidden_job_is_no_dead_credential() {
    let mut app = App::start().await;
    app.job.store(403, Ordering::SeqCst);
    let sidecar = Sidecar::new(app.app.address, JOB);
    let (mut running, _) = sidecar.run().await;
    app.next("POST /job ").await;
    app.next("GET /me ").await;
    let line = running.hear("the app knows the credential and refused a job").await;
    assert!(line.contains("WARN"), "{line}");
    // Seed D5: the third in a row is loud all the same: each is an answer to a job.
    running.hear("the app keeps refusing the credential").await;
    assert_eq!(running.stop().await, Some(0));
    assert!(!running.said.iter().any(|line| line.contains("the self-check was refused")));
}
