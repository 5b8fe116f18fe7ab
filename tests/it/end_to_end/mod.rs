//! App and sidecar as two processes, and a real repository with its history.

mod by_hand;

use std::{net::SocketAddr, path::PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    http::{Call, Reply},
    origin::{Origin, git_in},
    process::{eventually, run},
    sidecar::{PATIENCE, Running, SECRET, Sidecar, sexton},
};

/// `sexton app`, with a folder of its own.
struct App {
    folder: tempfile::TempDir,
    running: Running,
    address: SocketAddr,
}

impl App {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = sexton(folder.path(), &["app", "--listen", "127.0.0.1:0", "--data", "data"]);
        command.env("SCHEDULER_API_TOKEN", SECRET);
        let mut running = Running::start(command);
        let line = running.hear("the app listens").await;
        let address = Running::field(&line, "address").parse().unwrap();
        Self { folder, running, address }
    }

    async fn get(&self, path: &str) -> Value {
        Call::new(self.address, "GET", path).bearer(SECRET).send().await.json()
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        Call::new(self.address, "POST", path).bearer(SECRET).json(body).send().await
    }

    async fn add_marketplace(&self, name: &str, url: &str) {
        let made = self.post("/api/marketplaces", &json!({ "name": name, "url": url })).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }

    /// Its audit log's rows of an action, newest first.
    async fn audit(&self, action: &str) -> Vec<Value> {
        let rows: Vec<Value> = serde_json::from_value(self.get("/api/audit?limit=500").await).unwrap();
        rows.into_iter().filter(|row| row["action"] == action).collect()
    }

    /// Where it keeps a copy of a repository.
    fn copy(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("data/repositories/{name}.git"))
    }
}

/// Seeds A4, A8, A9, A20: a scheduled call brings a repository's whole history into the app, and each new commit after the
/// next firing; the app's audit log shows who did it; the secret mints no token.
#[tokio::test]
async fn a_schedule_keeps_a_repository_in_sync() {
    let origin = Origin::with_commits(12);
    let mut app = App::start().await;
    app.add_marketplace("tools", &origin.url()).await;

    let jobs = "whoami = '/api/auth/me'\n[jobs.sync]\nschedule = 'every 2s'\npath = '/api/marketplaces/sync-all'\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let (mut running, _) = sidecar.run().await;
    let copy = app.copy("tools");
    let has = async |commit: &str| {
        eventually("the newest commit", PATIENCE, async || {
            (copy.exists() && git_in(&copy, &["rev-parse", "main"]) == commit).then_some(())
        })
        .await;
    };
    has(&origin.git(&["rev-parse", "HEAD"])).await;
    assert_eq!(git_in(&copy, &["rev-list", "--count", "main"]), "12", "the whole history");
    has(&origin.commit("one more")).await;

    let synced = &app.audit("marketplace.sync").await[0];
    assert_eq!(synced["user"], "scheduler@system.local");
    assert!(synced["resource"].as_str().unwrap().ends_with("_all"), "{synced}");
    assert_eq!(app.post("/api/auth/tokens", &json!({ "name": "x" })).await.status, 403);
    assert_eq!((running.stop().await, app.running.stop().await), (Some(0), Some(0)));
    assert!(sidecar.runs().await.iter().any(|row| row["state"] == "succeeded"));
}

/// What asks the app's own queue for work, and follows it.
const QUEUED: &str = "path = '/api/jobs'\njson = { kind = 'marketplaces' }\ncompletion = 'poll'\n\
    poll = { success = ['completed'], failure = ['failed', 'cancelled'] }\ncancel = { path = '/api/jobs/{id}/cancel' }\n";

/// Seeds A35, B10: long work in the app's own queue is followed to its end, and done once, also when the sidecar is stopped
/// or killed meanwhile.
#[tokio::test]
async fn work_in_the_queue_of_the_app_is_followed() {
    let origin = Origin::with_commits(3);
    let mut app = App::start().await;
    app.add_marketplace("tools", &origin.url()).await;
    let sidecar = Sidecar::new(app.address, &format!("[jobs.sync]\nschedule = 'every 2s'\n{QUEUED}"));
    let (mut running, _) = sidecar.run().await;
    for signal in [Signal::KILL, Signal::TERM] {
        let polling = async || sidecar.runs().await.into_iter().find(|row| row["state"] == "polling");
        let polled = eventually("a run that is followed", PATIENCE, polling).await;
        running.signal(signal);
        running.ended().await;
        (running, _) = sidecar.run().await;
        let ended = async || {
            let rows = sidecar.runs().await;
            rows.into_iter().find(|row| row["id"] == polled["id"] && row["state"] != "polling")
        };
        let ended = eventually("its end", PATIENCE, ended).await;
        assert_eq!(ended["state"], "succeeded", "{ended}");
    }
    running.stop().await;
    let jobs: Vec<Value> = serde_json::from_value(app.get("/api/jobs?limit=500").await).unwrap();
    let asked = sidecar.runs().await.iter().filter(|row| !row["request"].is_null()).count();
    assert_eq!(jobs.len(), asked, "one job in the app for each run that was sent");
    assert_eq!(app.running.stop().await, Some(0));
    assert_eq!(git_in(&app.copy("tools"), &["rev-parse", "main"]), origin.git(&["rev-parse", "HEAD"]));
}

/// The demo fires, syncs, follows what the app took on, and ends cleanly on Ctrl-C.
#[tokio::test]
async fn the_demo_fires_and_ends_cleanly() {
    use std::process::Stdio;
    use tokio::io::{AsyncBufReadExt, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::from(sexton(folder.path(), &["demo"]));
    command.env("TMPDIR", folder.path()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let mut demo = command.spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let advice = loop {
        let line = lines.next_line().await.unwrap().expect("what to try meanwhile");
        if line.contains(" runs --store ") {
            break line;
        }
    };
    let mut advice = advice.split_whitespace();
    let mut runs = std::process::Command::new(advice.next().unwrap());
    runs.args(advice);
    run(runs).await.good();
    for (job, brought) in [("sync-all", "recipes nothing -> "), ("data-refresh", "prices imported (2 rows)")] {
        let fired = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains(&format!("{job:<12} succeeded")) {
                    return line;
                }
            }
            panic!("it ended without a firing")
        };
        let line = tokio::time::timeout(PATIENCE, fired).await.expect("a firing");
        assert!(line.contains(brought), "{line}");
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(demo.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    let rest = async { while lines.next_line().await.unwrap().is_some() {} };
    tokio::time::timeout(PATIENCE, rest).await.expect("its end");
    assert_eq!(demo.wait().await.unwrap().code(), Some(0));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its files are gone");
}
