//! Sources that are files.

use std::{fs, os::unix::fs::symlink, process::Command};

use serde_json::json;

use super::{add, refresh, report, table, write};
use crate::support::app::TestApp;

/// With row counts, and only what changed (the table is the same one, row ids and all).
#[tokio::test]
async fn what_changed_is_imported_and_nothing_else() {
    let app = TestApp::start().await;
    write(&app, "prices.csv", "id,price\n1,9\n");
    write(&app, "deep/people.jsonl", "{\"name\":\"Ada\"}\n");
    add(&app, json!({ "name": "prices", "file": "prices.csv" })).await;
    add(&app, json!({ "name": "people", "file": "deep/people.jsonl" })).await;
    let job = refresh(&app).await;
    assert_eq!((&job["status"], &job["progress"]), (&json!("completed"), &json!(1.0)), "{job}");
    let expected = json!({ "imported": 2, "unchanged": 0, "errors": 0, "rows": 2, "sources": [
        { "name": "people", "status": "imported", "rows": 1, "bytes": 15, "error": null },
        { "name": "prices", "status": "imported", "rows": 1, "bytes": 13, "error": null },
    ] });
    assert_eq!(job["result"], expected);

    write(&app, "prices.csv", "id,price\n1,9\n2,8\n");
    let job = refresh(&app).await;
    assert_eq!((&report(&job, "prices")["status"], &report(&job, "prices")["rows"]), (&json!("imported"), &json!(2)));
    assert_eq!((&report(&job, "people")["status"], &report(&job, "people")["rows"]), (&json!("unchanged"), &json!(1)));
    assert_eq!(job["result"]["rows"], 3);
    assert_eq!(
        table(&app, "prices").await,
        (vec!["id".to_owned(), "price".to_owned()], vec!["1|9".into(), "2|8".into()])
    );
    let row = app.audited(|row| row["action"] == "source.import").await;
    assert_eq!((&row["resource"], &row["result"]), (&json!("sources_all"), &json!("ok")));
    assert_eq!(fs::read_dir(app.folder().join("spool")).unwrap().count(), 0, "no copy is left");
    app.stop().await;
}

/// One by name; the others are left alone.
#[tokio::test]
async fn single_sources_can_be_named() {
    let app = TestApp::start().await;
    for name in ["a", "b"] {
        write(&app, &format!("{name}.csv"), "x\n1\n");
        add(&app, json!({ "name": name, "file": format!("{name}.csv") })).await;
    }
    let id = app.enqueue(&json!({ "kind": "data-refresh", "sources": ["b"] })).await;
    let job = app.ended(&id).await;
    assert_eq!((&job["result"]["imported"], &job["arguments"]), (&json!(1), &json!({ "sources": ["b"] })));
    assert_eq!(app.audited(|row| row["action"] == "source.import").await["resource"], "source:b");
    app.stop().await;
}

/// A link, a pipe, a folder, nothing: each is said of that source, and the others are imported.
#[tokio::test]
async fn what_is_no_file_of_the_folder_fails_alone() {
    let app = TestApp::start().await;
    let sources = app.folder().join("sources");
    symlink(app.folder().join("app.db"), sources.join("link.csv")).unwrap();
    symlink("good.csv", sources.join("inner.csv")).unwrap();
    fs::create_dir(sources.join("folder.csv")).unwrap();
    assert!(Command::new("mkfifo").arg(sources.join("pipe.csv")).status().unwrap().success());
    write(&app, "good.csv", "x\n1\n");
    for name in ["link", "folder", "pipe", "missing", "good", "inner"] {
        add(&app, json!({ "name": name, "file": format!("{name}.csv") })).await;
    }
    let job = refresh(&app).await;
    assert_eq!((&job["status"], &job["result"]["errors"]), (&json!("completed"), &json!(4)));
    for (name, says) in [
        ("link", "leads out of the folder"),
        ("folder", "no regular file"),
        ("pipe", "no regular file"),
        ("missing", "no such file"),
    ] {
        assert!(report(&job, name)["error"].as_str().unwrap().contains(says), "{job}");
    }
    assert_eq!(report(&job, "inner")["status"], "imported");
    assert!(!job.to_string().contains(&*app.folder().to_string_lossy()), "internals: {job}");
    assert_eq!(app.audited(|row| row["action"] == "source.import").await["result"], "partly_failed");
    app.stop().await;
}
