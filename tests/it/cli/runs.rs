//! `sexton runs`: the history, beside a running sidecar or without one.

use serde_json::Value;

use crate::support::{
    process::run,
    sidecar::{FakeApp, Sidecar, sexton},
};

const STORE: &str = "sqlite://sexton.db";

async fn history() -> Sidecar {
    let app = FakeApp::start().await;
    let jobs = "[jobs.quick]\nschedule = 'every 1s'\npath = '/ok'\n\
                [jobs.lost]\nschedule = 'every 1s'\npath = '/ok'\ntarget = 'nobody'\n\
                [targets.nobody]\nbase_url = 'http://127.0.0.1:9'\nauth = 'none'\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let (mut running, _) = sidecar.run().await;
    app.has("quick", 2).await;
    let beside = run(sidecar.command(&["runs", "--store", STORE])).await.good();
    assert!(beside.contains("quick"), "it reads beside the running one: {beside}");
    assert_eq!(running.stop().await, Some(0));
    sidecar
}

async fn rows(sidecar: &Sidecar, arguments: &[&str]) -> Vec<Value> {
    let all = [&["runs", "--store", STORE, "--json"], arguments].concat();
    let out = run(sidecar.command(&all)).await.good();
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Seed A39: when, what, how long, how it ended; and an empty history tells where to look.
#[tokio::test]
async fn it_shows_what_is_asked_for_newest_first() {
    let sidecar = history().await;
    let all = rows(&sidecar, &[]).await;
    let instants: Vec<&str> = all.iter().map(|row| row["scheduled_for"].as_str().unwrap()).collect();
    assert!(instants.is_sorted_by(|a, b| a >= b), "{instants:?}");
    assert!(all.iter().any(|row| row["job"] == "quick") && all.iter().any(|row| row["job"] == "lost"));

    let quick = rows(&sidecar, &["--job", "quick", "--outcome", "succeeded"]).await;
    assert!(quick.len() >= 2);
    for row in &quick {
        assert_eq!((&row["state"], &row["outcome"]), (&"succeeded".into(), &"succeeded".into()));
        assert_eq!((&row["trigger"], &row["count"], &row["status"]), (&"schedule".into(), &1.into(), &200.into()));
        assert_eq!((&row["excerpt"], &row["settled"]), (&"done".into(), &Value::Null));
        assert!(row["request"].as_str().unwrap().starts_with("POST http://127.0.0.1:"), "{row}");
        assert!(row["lateness_ms"].as_f64().unwrap() >= 0.0 && row["duration_ms"].as_f64().unwrap() > 0.0, "{row}");
    }
    let lost = rows(&sidecar, &["--outcome", "failed"]).await;
    assert!(!lost.is_empty());
    for row in &lost {
        assert_eq!((&row["job"], &row["reason"], &row["status"]), (&"lost".into(), &"connect".into(), &Value::Null));
    }
    assert_eq!(rows(&sidecar, &["-n", "1"]).await, all[..1]);
    assert!(rows(&sidecar, &["-n", "0"]).await.is_empty());
    assert!(rows(&sidecar, &["--job", "nobody"]).await.is_empty());
    let empty = run(sidecar.command(&["runs", "--store", STORE, "--job", "nobody"])).await.good();
    assert!(empty.contains("`sexton list` shows what is to come"), "{empty}");
    let table = run(sidecar.command(&["runs", "--store", STORE, "-n", "2"])).await.good();
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.starts_with("SCHEDULED FOR"), "{table}");
    assert!(!table.contains('\u{1b}'), "no colours into a pipe: {table:?}");
}

#[tokio::test]
async fn it_makes_no_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(sexton(folder.path(), &["runs", "--store", STORE])).await;
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.stderr.contains("there is no ledger at"), "{done}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
