//! The real program: a sidecar that is killed and stopped, its ledger proved, shown and copied.

use std::{path::Path, process::Stdio};

use serde_json::Value;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

use crate::support::definitions::{OPEN_APP, jobs_text};

struct Sidecar {
    process: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Sidecar {
    fn start(folder: &Path) -> Self {
        let mut process = sexton(folder)
            .args(["run", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, log }
    }

    /// Until so many runs have ended.
    async fn ends(&mut self, runs: usize) {
        let mut ended = 0;
        while ended < runs {
            let line = self.log.next_line().await.unwrap().expect("the sidecar is gone");
            ended += usize::from(line.contains("run ended"));
        }
    }

    async fn stop(mut self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.process.id().unwrap()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        while self.log.next_line().await.unwrap().is_some() {}
        assert!(self.process.wait().await.unwrap().success());
    }
}

/// The program with its working folder and nothing of the environment.
fn sexton(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sexton"));
    command.current_dir(folder).env_clear();
    command
}

/// Exit code and standard output, and what was said besides.
async fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = sexton(folder).args(arguments).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn verified(folder: &Path, more: &[&str]) -> (i32, Vec<Value>) {
    let (code, out, err) = run(folder, &[&["verify", "--json"], more].concat()).await;
    assert_eq!(err, "");
    (code, objects(&out))
}

/// Seed A22: killed, started again, stopped: nothing is missing and nothing doubled. A row that goes is named.
#[tokio::test]
async fn a22_a_ledger_is_proved_after_a_kill_and_a_hole_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = jobs_text("", OPEN_APP, &[("a", "every 1s", ""), ("b", "*/2 * * * * *", "")]);
    std::fs::write(folder.join("jobs.toml"), text).unwrap();

    let mut sidecar = Sidecar::start(folder);
    sidecar.ends(4).await;
    sidecar.process.kill().await.unwrap();
    assert_eq!(verified(folder, &[]).await.0, 0, "what the killed one left is in order");

    let mut sidecar = Sidecar::start(folder);
    sidecar.ends(4).await;
    assert_eq!(verified(folder, &[]).await.0, 0, "beside a running sidecar");
    let (code, out, _) = run(folder, &["backup", "copy.db"]).await;
    assert!(code == 0 && out.starts_with("copy.db: "), "{out}");
    sidecar.stop().await;
    let (code, lines) = verified(folder, &[]).await;
    let summary = lines.last().unwrap();
    assert_eq!((code, &summary["ok"], &summary["jobs"]), (0, &Value::Bool(true), &Value::from(2)), "{lines:?}");
    assert!(summary["occurrences"].as_u64().unwrap() >= 6, "{summary}");
    let (code, out, _) = run(folder, &["verify"]).await;
    assert!(code == 0 && out.ends_with("each accounted for by exactly one row, and no row invented\n"), "{out}");

    assert_eq!(verified(folder, &["--store", "sqlite://copy.db"]).await.0, 0, "the copy is a ledger too");
    let (code, _, err) = run(folder, &["backup", "copy.db"]).await;
    assert!(code == 1 && err.contains("copy.db exists already"), "{err}");
    assert_eq!(run(folder, &["verify", "--to", "yesterday"]).await.0, 2);

    let options = SqliteConnectOptions::new().filename(folder.join("sexton.db"));
    let mut connection = options.connect().await.unwrap();
    let first = "SELECT id FROM runs WHERE job = 'a' AND count = 1 AND state = 'failed' ORDER BY scheduled_for LIMIT 1";
    let id: String = sqlx::query_scalar(first).fetch_one(&mut connection).await.unwrap();
    shows(folder, &id).await;
    let micros: i64 = sqlx::query_scalar("DELETE FROM runs WHERE id = ?1 RETURNING scheduled_for")
        .bind(&id)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let at = chrono::DateTime::from_timestamp_micros(micros).unwrap().format("%FT%TZ").to_string();

    let (code, out, _) = run(folder, &["verify"]).await;
    assert_eq!(code, 1);
    assert!(out.lines().any(|line| line.starts_with("missing") && line.contains(&at)), "{at} is not in {out}");
    let (code, lines) = verified(folder, &[]).await;
    assert_eq!((code, &lines[0]["kind"], &lines[0]["scheduled_for"]), (1, &"missing".into(), &at.into()));
    assert_eq!(lines.last().unwrap()["wrong"], serde_json::json!({ "missing": 1 }));
    let (code, _, err) = run(folder, &["show", &id, "--store", "sqlite://sexton.db"]).await;
    assert!(code == 1 && err.contains("the ledger holds no run"), "{err}");
}

async fn shows(folder: &Path, id: &str) {
    let (code, out, _) = run(folder, &["show", id, "--store", "sqlite://sexton.db"]).await;
    assert_eq!(code, 0);
    for part in [id, "failed (connect)", "POST http://127.0.0.1:9/a", "ATTEMPT", "attempt 1:"] {
        assert!(out.contains(part), "{part} is not in {out}");
    }
    let (code, out, _) = run(folder, &["show", id, "--json", "--store", "sqlite://sexton.db"]).await;
    let shown = &objects(&out)[0];
    assert_eq!((code, &shown["id"], &shown["reason"]), (0, &id.into(), &"connect".into()));
    let attempt = &shown["attempts"][0];
    assert_eq!((&attempt["number"], &attempt["outcome"]), (&1.into(), &"failed".into()), "{shown}");
    assert!(attempt["fence"].as_u64().unwrap() >= 1 && attempt["excerpt"].is_string(), "{shown}");
}
