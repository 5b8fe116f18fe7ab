//! `sexton doctor`, before apps that are well and apps that are not.

mod answers;
mod unreached;

use std::net::SocketAddr;

use serde_json::Value;

use crate::support::{
    app::{Builder, TestApp, secret},
    process::{Done, run},
    sidecar::{OTHER, Sidecar},
};

/// The verdicts of `sexton doctor --json`, as `check: verdict`.
fn verdicts(done: &Done) -> Vec<String> {
    checks(done).iter().map(|check| format!("{}: {}", text(&check["check"]), text(&check["verdict"]))).collect()
}

fn checks(done: &Done) -> Vec<Value> {
    let report: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done}"));
    assert_eq!(report["ok"], done.code == Some(0), "{done}");
    report["checks"].as_array().unwrap().clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The verdict on `subject`, with what is to be done.
fn finding(done: &Done, subject: &str) -> (String, String) {
    let checks = checks(done);
    let check = checks.iter().find(|check| check["check"] == subject).unwrap_or_else(|| panic!("{subject}: {done}"));
    (text(&check["verdict"]).to_owned(), format!("{} {}", text(&check["found"]), text(&check["to_do"])))
}

/// `jobs` at the app of this address, asked about with `secret`.
async fn doctor(app: SocketAddr, jobs: &str, secret: &str, arguments: &[&str]) -> Done {
    let sidecar = Sidecar::new(app, jobs);
    let mut command = sidecar.command(&[&["doctor"], arguments].concat());
    command.env("SCHEDULER_API_TOKEN", secret);
    run(command).await
}

/// Jobs of the reference app: two ask for the same, and one is switched off, so that nothing is asked about it.
const JOBS: &str = r#"
whoami = "/api/auth/me"

[jobs.marketplaces]
schedule = "daily 03:00"
path = "/api/marketplaces/sync-all"

[jobs.marketplaces-again]
schedule = "daily 15:00"
path = "/api/marketplaces/sync-all"

[jobs.off]
schedule = "every 5m"
path = "/api/not-yet"
enabled = false

[jobs.health]
schedule = "every 5m"
method = "GET"
path = "/api/health"
"#;

/// All is well, in a table for people; and not a row of the app's audit log is a job's.
#[tokio::test]
async fn all_is_well_with_the_reference_app() {
    let app = TestApp::start().await;
    let done = doctor(app.address, JOBS, &secret(), &[]).await;
    let said = done.said();
    assert_eq!(done.code, Some(0), "{done}");
    for line in [
        "TARGET  CHECK                       VERDICT  FOUND",
        "app     credential accepted         ok       GET /api/auth/me: 200",
        "app     none refused                ok       GET /api/auth/me: 401",
        "app     wrong one refused           ok       GET /api/auth/me: 401",
        "app     makes no tokens             ok       POST /api/auth/tokens: 403",
        "app     clock                       ok       within 5s of this one",
        "app     path of marketplaces        ok       OPTIONS /api/marketplaces/sync-all: 405",
        "app     path of marketplaces-again  ok       OPTIONS /api/marketplaces/sync-all: 405",
        "app     path of health              ok       OPTIONS /api/health: 405",
        "All 9 checks are ok.",
    ] {
        assert!(said.lines().any(|known| known == line), "{line}:\n{said}");
    }
    assert!(!said.contains(&secret()));
    let audited = app.scheduler("GET", "/api/audit").send().await.json();
    let synced = audited.as_array().unwrap().iter().any(|row| row["resource"] == "marketplaces_all");
    assert!(!synced, "{audited}");
    app.stop().await;
}

/// The reference app has never heard of this secret, and of one of the paths.
#[tokio::test]
async fn a_secret_and_a_path_that_the_app_does_not_know() {
    let app = TestApp::start().await;
    let jobs = JOBS.replace("/api/health", "/api/helth");
    let done = doctor(app.address, &jobs, &secret(), &["--json"]).await;
    assert_eq!(done.code, Some(1), "{done}");
    let wrong: Vec<Value> = checks(&done).into_iter().filter(|check| check["verdict"] == "wrong").collect();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!((&wrong[0]["job"], &wrong[0]["check"]), (&"health".into(), &"path".into()));
    assert!(text(&wrong[0]["to_do"]).contains("The app has no /api/helth: correct `path` or `cancel`"), "{wrong:?}");

    let done = doctor(app.address, JOBS, OTHER, &["--json"]).await;
    assert_eq!(done.code, Some(1), "{done}");
    let (verdict, words) = finding(&done, "accepted");
    assert_eq!(verdict, "wrong");
    assert!(words.contains("give Sexton and the app the same one"), "{words}");
    assert!(!done.said().contains(OTHER));
    app.stop().await;
}

/// Seeds A1, A2: neither half has a secret. What the sidecar lacks is said as `sexton run` says it, and the rest is asked
/// all the same.
#[tokio::test]
async fn nothing_to_show() {
    let app = Builder::default().without("SCHEDULER_API_TOKEN").start().await;
    for (secret, words) in [("", "is empty"), ("short", "has 5 characters, at least 32 are needed")] {
        let done = doctor(app.address, JOBS, secret, &["--json"]).await;
        assert_eq!(done.code, Some(1), "{done}");
        let (verdict, said) = finding(&done, "credential");
        assert!(verdict == "wrong" && said.contains(words), "{said}");
        assert_eq!(finding(&done, "reached").0, "ok");
        assert_eq!(finding(&done, "path").0, "ok", "the reference app says to everybody which paths there are");
    }
    app.stop().await;
}

#[tokio::test]
async fn definitions_that_cannot_be_used_are_usage() {
    let app = SocketAddr::from(([127, 0, 0, 1], 9));
    let done = doctor(app, "[jobs.a]\nschedule = \"every 1 hour\"\npath = \"/a\"\n", &secret(), &[]).await;
    assert_eq!(done.code, Some(2), "{done}");
    assert!(done.stderr.contains("jobs.toml:4:21: error: `hour` is too much") && done.stdout.is_empty(), "{done}");
    let done = doctor(app, "", &secret(), &["--jobs", "none.toml"]).await;
    assert_eq!(done.code, Some(2), "{done}");
    let done = doctor(app, "", &secret(), &["--tokens", "tokens"]).await;
    assert!(done.code == Some(2) && done.stderr.contains("a path starts with `/`"), "{done}");
}
