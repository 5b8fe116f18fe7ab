//! What a sync brings and answers.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use super::{report, sync_all};
use crate::support::{
    app::{Builder, TestApp, search_path},
    origin::{Origin, git_in},
};

#[tokio::test]
async fn a_sync_brings_the_full_history_and_then_what_is_new() {
    let app = TestApp::start().await;
    let origin = Origin::with_commits(5);
    origin.git(&["branch", "side", "HEAD~2"]);
    origin.git(&["tag", "v1", "HEAD~3"]);
    let first = origin.git(&["rev-parse", "HEAD"]);
    app.add_marketplace("tools", &origin.url()).await;

    let reply = sync_all(&app).await;
    let updated = json!({ "name": "tools", "status": "updated", "old": null, "new": first, "error": null });
    let expected = json!({ "updated": 1, "unchanged": 0, "errors": 0, "repositories": [updated] });
    assert_eq!((reply.status, reply.json()), (200, expected));
    let copy = app.repository("tools");
    assert_eq!(git_in(&copy, &["rev-list", "--count", "HEAD"]), "5");
    assert_eq!(git_in(&copy, &["rev-parse", "side", "v1"]), origin.git(&["rev-parse", "side", "v1"]));

    let second = origin.commit("one more");
    let reply = app.scheduler("POST", "/api/marketplaces/tools/sync").send().await;
    let updated = json!({ "name": "tools", "status": "updated", "old": first, "new": second, "error": null });
    assert_eq!((reply.status, &reply.json()["repositories"][0]), (200, &updated));
    let unchanged = json!({ "name": "tools", "status": "unchanged", "old": second, "new": second, "error": null });
    assert_eq!(report(&sync_all(&app).await.json(), "tools"), &unchanged);
    let listed = app.scheduler("GET", "/api/marketplaces").send().await.json();
    assert_eq!(listed[0]["commit"], json!(second));
    assert!(listed[0]["synced_at"].is_string());
    app.stop().await;
}

/// What is gone there is gone here, history that was rewritten is taken as it is, and so is another default branch.
#[tokio::test]
async fn a_sync_follows_whatever_the_origin_did() {
    let app = TestApp::start().await;
    let origin = Origin::with_commits(3);
    origin.git(&["branch", "side"]);
    app.add_marketplace("tools", &origin.url()).await;
    sync_all(&app).await;

    origin.git(&["branch", "-D", "side"]);
    origin.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
    let rewritten = origin.commit("another way");
    assert_eq!(report(&sync_all(&app).await.json(), "tools")["new"], json!(rewritten));
    assert_eq!(git_in(&app.repository("tools"), &["branch", "--list"]), "* main");

    origin.git(&["checkout", "--quiet", "-b", "trunk"]);
    let trunk = origin.commit("on trunk");
    assert_eq!(report(&sync_all(&app).await.json(), "tools")["new"], json!(trunk));
    origin.git(&["checkout", "--quiet", "--detach"]);
    let detached = origin.commit("on no branch");
    assert_eq!(report(&sync_all(&app).await.json(), "tools")["new"], json!(detached));
    app.stop().await;
}

#[tokio::test]
async fn an_empty_repository_is_no_failure() {
    let app = TestApp::start().await;
    let origin = Origin::empty();
    app.add_marketplace("tools", &origin.url()).await;
    let unchanged = json!({ "name": "tools", "status": "unchanged", "old": null, "new": null, "error": null });
    for _ in 0..2 {
        assert_eq!(report(&sync_all(&app).await.json(), "tools"), &unchanged);
    }
    let first = origin.commit("at last");
    assert_eq!(report(&sync_all(&app).await.json(), "tools")["new"], json!(first));
    app.stop().await;
}

/// Nothing to do is done.
#[tokio::test]
async fn no_repository_is_no_failure() {
    let app = TestApp::start().await;
    let reply = sync_all(&app).await;
    let expected = json!({ "updated": 0, "unchanged": 0, "errors": 0, "repositories": [] });
    assert_eq!((reply.status, reply.json()), (200, expected));
    app.scheduler("POST", "/api/marketplaces/none/sync").send().await.problem(404);
    app.stop().await;
}

/// One bad repository does not fail the others, and a job can see it in `/errors`.
#[tokio::test]
async fn a_bad_repository_fails_alone() {
    let app = TestApp::start().await;
    let origins = [Origin::with_commits(1), Origin::with_commits(1)];
    app.add_marketplace("a", &origins[0].url()).await;
    app.add_marketplace("b", "file:///nowhere/at/all").await;
    app.add_marketplace("c", &origins[1].url()).await;
    let reply = sync_all(&app).await;
    assert_eq!(reply.status, 200);
    let answer = reply.json();
    assert_eq!((&answer["updated"], &answer["errors"]), (&json!(2), &json!(1)));
    let failed = report(&answer, "b");
    assert_eq!((&failed["status"], &failed["old"], &failed["new"]), (&json!("failed"), &Value::Null, &Value::Null));
    assert!(failed["error"].as_str().unwrap().starts_with("fatal: "), "{failed}");
    assert_eq!(app.audited(|row| row["action"] == "marketplace.sync").await["result"], "partly_failed");
    app.stop().await;
}

/// All failed: a plain 500, which a scheduler may count as failed; 502 and 504 would leave it open.
#[tokio::test]
async fn a_sync_that_brings_nothing_failed() {
    let app = TestApp::start().await;
    app.add_marketplace("a", "file:///nowhere/at/all").await;
    app.add_marketplace("b", "file:///nowhere/else").await;
    for path in ["/api/marketplaces/sync-all", "/api/marketplaces/a/sync"] {
        let reply = app.scheduler("POST", path).send().await;
        reply.problem(500);
        assert_eq!(report(&reply.json(), "a")["status"], "failed");
        assert!(!reply.body.contains(&*app.folder().to_string_lossy()), "internals: {}", reply.body);
    }
    assert_eq!(app.audited(|row| row["action"] == "marketplace.sync").await["result"], "failed");
    app.stop().await;
}

/// What a kill leaves behind, locks and half of a clone, does not stop the next sync; nor does a copy that was destroyed.
#[tokio::test]
async fn an_interrupted_sync_poisons_nothing() {
    let app = TestApp::start().await;
    let origin = Origin::with_commits(2);
    app.add_marketplace("tools", &origin.url()).await;
    let copy = app.repository("tools");
    let partial = copy.with_extension("partial");
    fs::create_dir_all(partial.join("objects")).unwrap();
    fs::write(partial.join("HEAD"), "half").unwrap();
    assert_eq!(report(&sync_all(&app).await.json(), "tools")["status"], "updated");
    assert!(!partial.exists());

    for lock in ["packed-refs.lock", "HEAD.lock", "config.lock", "shallow.lock", "refs/heads/main.lock"] {
        fs::write(copy.join(lock), "").unwrap();
    }
    let second = origin.commit("after the kill");
    let answer = sync_all(&app).await.json();
    assert_eq!(report(&answer, "tools")["new"], json!(second), "{answer}");

    fs::remove_file(copy.join("HEAD")).unwrap();
    let answer = sync_all(&app).await.json();
    assert_eq!(report(&answer, "tools")["new"], json!(second), "{answer}");
    app.stop().await;
}

/// Guarantee G5: git gets a few variables of the app's environment, and the secret is not among them.
#[tokio::test]
async fn git_runs_in_an_environment_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (told, spy) = (folder.path().join("told"), folder.path().join("git"));
    let path = search_path();
    let script = format!("#!/bin/sh\nenv >> {}\nPATH={} exec git \"$@\"\n", told.display(), path.display());
    fs::write(&spy, script).unwrap();
    fs::set_permissions(&spy, fs::Permissions::from_mode(0o700)).unwrap();
    let mut first = folder.path().as_os_str().to_owned();
    first.push(":");
    first.push(&path);
    let app = Builder::default().environment("PATH", first).environment("GIT_DIR", "/nowhere").start().await;
    let origin = Origin::with_commits(1);
    app.add_marketplace("tools", &origin.url()).await;
    assert_eq!(sync_all(&app).await.json()["updated"], json!(1));
    let told = fs::read_to_string(&told).unwrap();
    let mut names: Vec<&str> = told.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // The shell of the spy adds these.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["GIT_CONFIG_NOSYSTEM", "GIT_SSH_COMMAND", "GIT_TERMINAL_PROMPT", "LC_ALL", "PATH"]);
    app.stop().await;
}
