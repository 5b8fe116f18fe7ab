//! App and sidecar as two processes, and a real repository with its history.

use serde_json::{Value, json};

use crate::support::{
    http::Call,
    origin::{Origin, git_in},
    process::eventually,
    sidecar::{PATIENCE, Running, SECRET, Sidecar, sexton},
};

/// Seeds A4, A8, A9, A20: a scheduled call brings a repository's whole history into the app, and each new commit after the
/// next firing; the app's audit log shows who did it; the secret mints no token.
#[tokio::test]
async fn a_schedule_keeps_a_repository_in_sync() {
    let origin = Origin::with_commits(12);
    let data = tempfile::tempdir().unwrap();
    let mut command = sexton(data.path(), &["app", "--listen", "127.0.0.1:0", "--data", "data"]);
    command.env("SCHEDULER_API_TOKEN", SECRET);
    let mut app = Running::start(command);
    let line = app.hear("the app listens").await;
    let address = Running::field(&line, "address").parse().unwrap();
    let call = |method: &str, path: &str| Call::new(address, method, path).bearer(SECRET);
    let made = call("POST", "/api/marketplaces").json(&json!({ "name": "tools", "url": origin.url() })).send().await;
    assert_eq!(made.status, 201, "{}", made.body);

    let jobs = "whoami = '/api/auth/me'\n[jobs.sync]\nschedule = 'every 2s'\npath = '/api/marketplaces/sync-all'\n";
    let sidecar = Sidecar::new(address, jobs);
    let (mut running, _) = sidecar.run().await;
    let copy = data.path().join("data/repositories/tools.git");
    let has = async |commit: &str| {
        eventually("the newest commit", PATIENCE, async || {
            (copy.exists() && git_in(&copy, &["rev-parse", "main"]) == commit).then_some(())
        })
        .await;
    };
    has(&origin.git(&["rev-parse", "HEAD"])).await;
    assert_eq!(git_in(&copy, &["rev-list", "--count", "main"]), "12", "the whole history");
    has(&origin.commit("one more")).await;

    let audit: Vec<Value> = serde_json::from_str(&call("GET", "/api/audit").send().await.body).unwrap();
    let synced = audit.iter().find(|row| row["action"] == "marketplace.sync").unwrap();
    assert_eq!(synced["user"], "scheduler@system.local");
    assert!(synced["resource"].as_str().unwrap().ends_with("_all"), "{synced}");
    assert_eq!(call("POST", "/api/auth/tokens").json(&json!({ "name": "x" })).send().await.status, 403);
    assert_eq!((running.stop().await, app.stop().await), (Some(0), Some(0)));
    assert!(sidecar.runs().await.iter().any(|row| row["state"] == "succeeded"));
}

/// Seeds A35, B10: long work in the app's own queue is followed to its end, and done once, also when the sidecar is killed
/// meanwhile.
#[tokio::test]
async fn work_in_the_queue_of_the_app_is_followed() {
    let origin = Origin::with_commits(3);
    let data = tempfile::tempdir().unwrap();
    let mut command = sexton(data.path(), &["app", "--listen", "127.0.0.1:0", "--data", "data"]);
    command.env("SCHEDULER_API_TOKEN", SECRET);
    let mut app = Running::start(command);
    let line = app.hear("the app listens").await;
    let address = Running::field(&line, "address").parse().unwrap();
    let call = |method: &str, path: &str| Call::new(address, method, path).bearer(SECRET);
    let made = call("POST", "/api/marketplaces").json(&json!({ "name": "tools", "url": origin.url() })).send().await;
    assert_eq!(made.status, 201, "{}", made.body);

    let jobs = "[jobs.sync]\nschedule = 'every 2s'\npath = '/api/jobs'\njson = { kind = 'marketplaces' }\n\
                completion = 'poll'\npoll = { success = ['completed'], failure = ['failed', 'cancelled'] }\n\
                cancel = { path = '/api/jobs/{id}/cancel' }\n";
    let sidecar = Sidecar::new(address, jobs);
    let (mut running, _) = sidecar.run().await;
    let polling = async || sidecar.runs().await.into_iter().find(|row| row["state"] == "polling");
    let polled = eventually("a run that is followed", PATIENCE, polling).await;
    running.signal(rustix::process::Signal::KILL);
    running.ended().await;
    let (mut running, _) = sidecar.run().await;
    let ended = async || {
        let rows = sidecar.runs().await;
        rows.into_iter().find(|row| row["id"] == polled["id"] && row["state"] != "polling")
    };
    let ended = eventually("its end", PATIENCE, ended).await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
    assert_eq!((running.stop().await, app.stop().await), (Some(0), Some(0)));
    let copy = data.path().join("data/repositories/tools.git");
    assert_eq!(git_in(&copy, &["rev-parse", "main"]), origin.git(&["rev-parse", "HEAD"]));
}

/// The demo fires, syncs, and ends cleanly on Ctrl-C.
#[tokio::test]
async fn the_demo_fires_and_ends_cleanly() {
    use std::process::Stdio;
    use tokio::io::{AsyncBufReadExt, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::from(sexton(folder.path(), &["demo"]));
    command.env("TMPDIR", folder.path()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let mut demo = command.spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let fired = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("sync-all  succeeded") {
                return line;
            }
        }
        panic!("it ended without a firing")
    };
    let line = tokio::time::timeout(PATIENCE, fired).await.expect("a firing");
    assert!(line.contains("recipes nothing -> "), "{line}");
    let pid = rustix::process::Pid::from_raw(i32::try_from(demo.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let rest = async { while lines.next_line().await.unwrap().is_some() {} };
    tokio::time::timeout(PATIENCE, rest).await.expect("its end");
    assert_eq!(demo.wait().await.unwrap().code(), Some(0));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its files are gone");
}
