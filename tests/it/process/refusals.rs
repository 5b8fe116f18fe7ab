//! What stops a start, and what is said then.

use crate::support::{
    process::run,
    sidecar::{FakeApp, Running, Sidecar, sexton},
};

const JOBS: &str = "[targets.app]\nbase_url = 'http://127.0.0.1:9'\n[jobs.a]\nschedule = 'every 1h'\npath = '/'\n";

/// Seeds A1, A2, A28, B6: a secret that is of no use: exit 2; the message names the variable and the length, never the value.
#[tokio::test]
async fn an_unusable_secret_is_named_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jobs.toml"), JOBS).unwrap();
    let accented = "é".repeat(40);
    let table = [
        ("", "SCHEDULER_API_TOKEN is empty"),
        ("too-short-to-be-one", "SCHEDULER_API_TOKEN has 19 characters"),
        ("changeme-changeme-changeme-changeme-xyz", "SCHEDULER_API_TOKEN (39 characters) is a placeholder"),
        (&accented, "SCHEDULER_API_TOKEN (40 characters) holds"),
    ];
    for (value, words) in table {
        let mut command = sexton(folder.path(), &["run"]);
        command.env("SCHEDULER_API_TOKEN", value);
        let done = run(command).await;
        assert_eq!(done.code, Some(2), "{done}");
        assert!(done.stderr.contains(words), "{done}");
        assert!(value.is_empty() || !done.said().contains(value), "{done}");
    }
    let done = run(sexton(folder.path(), &["run"])).await;
    assert_eq!(done.code, Some(2), "{done}");
    assert!(done.stderr.contains("set SCHEDULER_API_TOKEN, or SCHEDULER_API_TOKEN_FILE"), "{done}");
}

/// Seeds A1, A2: the app starts all the same, with the path off and a warning.
#[tokio::test]
async fn an_app_without_a_usable_secret_starts_with_the_path_off() {
    let folder = tempfile::tempdir().unwrap();
    for value in ["", "too-short-to-be-one"] {
        let mut command = sexton(folder.path(), &["app", "--listen", "127.0.0.1:0", "--data", "data"]);
        command.env("SCHEDULER_API_TOKEN", value);
        let mut app = Running::start(command);
        let line = app.hear("the app listens").await;
        let warning = app.hear("the scheduler's path is off").await;
        assert!(warning.contains("SCHEDULER_API_TOKEN") && warning.contains(&value.len().to_string()), "{warning}");
        let address = Running::field(&line, "address").parse().unwrap();
        let reply = crate::support::http::Call::new(address, "GET", "/api/auth/me").bearer(value).send().await;
        assert_eq!(reply.status, 401);
        assert_eq!(app.stop().await, Some(0));
    }
}

/// Seeds E1, E2, E3: everything wrong with the definitions in one go, and nothing runs.
#[tokio::test]
async fn broken_definitions_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let broken = "[targets.app]\nbase_url = 'http://127.0.0.1:9'\n[jobs.a]\nschedul = 'every 1h'\npath = 'x'\n\
                  timeout = '0s'\n[jobs.b]\nschedule = '61 * * * *'\npath = '/'\ntarget = 'ap'\n";
    std::fs::write(folder.path().join("jobs.toml"), broken).unwrap();
    for command in ["check", "run"] {
        let mut command = sexton(folder.path(), &[command]);
        command.env("SCHEDULER_API_TOKEN", crate::support::sidecar::SECRET);
        let done = run(command).await;
        assert_eq!(done.code, Some(2), "{done}");
        for words in ["did you mean `schedule`", "jobs.toml:5:", "jobs.toml:6:", "`61`", "did you mean `app`"] {
            assert!(done.said().contains(words), "no {words} in {done}");
        }
    }
}

/// A second sidecar on one ledger is told who has it.
#[tokio::test]
async fn a_second_sidecar_on_a_ledger_is_told_who_has_it() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "");
    let (mut running, _) = sidecar.run().await;
    let done = run(sidecar.command(&["run", "--listen", "127.0.0.1:0"])).await;
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.stderr.contains("in use by another sidecar (process"), "{done}");
    assert_eq!(running.stop().await, Some(0));
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "");
    let taken = app.address.to_string();
    let done = run(sidecar.command(&["run", "--listen", &taken])).await;
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.stderr.contains(&format!("cannot listen at {taken}")), "{done}");
}
