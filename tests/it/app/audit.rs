//! `GET /api/audit`

use serde_json::{Value, json};
use sexton::protocol::TokenClass;

use super::auth::signed::{of_run, signed, taking_tokens};
use crate::support::app::{PASSWORD, TestApp, secret};

/// Seed A9: under the scheduler's name, and a bulk action's resource ends in `_all`.
#[tokio::test]
async fn a9_what_the_scheduler_does_is_under_its_name() {
    let app = TestApp::start().await;
    assert_eq!(app.scheduler("POST", "/api/marketplaces/sync-all").send().await.status, 200);
    app.scheduler("POST", "/api/auth/tokens").send().await.problem(403);
    let rows = app.audit().await;
    let newest = rows[0].as_object().unwrap();
    assert_eq!(
        newest.keys().collect::<Vec<_>>(),
        ["action", "at", "duration_ms", "kind", "resource", "result", "user"]
    );
    assert!(rows.iter().all(|row| row["user"] == "scheduler@system.local" && row["kind"] == "service"));
    assert_eq!((&rows[0]["action"], &rows[0]["result"]), (&json!("token.create"), &json!("refused")));
    assert_eq!((&rows[1]["action"], &rows[1]["result"]), (&json!("marketplace.sync"), &json!("ok")));
    assert!(rows[1]["resource"].as_str().unwrap().ends_with("_all"));
    assert!(chrono::DateTime::parse_from_rfc3339(rows[0]["at"].as_str().unwrap()).is_ok());
    assert!(rows[0]["duration_ms"].is_u64());
    app.stop().await;
}

/// What people do is under their own name, newest first; who fails to log in is nobody.
#[tokio::test]
async fn people_are_in_it_too() {
    let app = TestApp::start().await;
    let cookie = app.person("ada@example.org").await;
    let token = app.token(&cookie).await;
    app.post("/api/marketplaces/none/sync").bearer(&token).send().await.problem(404);
    let body = json!({ "email": "ada@example.org", "password": "wrong horse" });
    app.post("/api/auth/login").json(&body).send().await.problem(401);
    app.post("/api/auth/logout").cookie(&cookie).send().await;
    let id: String = app.value("SELECT id FROM access_tokens").await;
    let seen: Vec<[String; 4]> = app
        .audit()
        .await
        .iter()
        .map(|row| ["user", "action", "resource", "result"].map(|key| row[key].as_str().unwrap().to_owned()))
        .collect();
    let (ada, token) = ("ada@example.org", format!("token:{id}"));
    let expected = [
        [ada, "user.logout", "session", "ok"],
        ["anonymous", "user.login", "user:ada@example.org", "refused"],
        [ada, "marketplace.sync", "marketplace:none", "refused"],
        [ada, "token.create", &token, "ok"],
        [ada, "user.login", "user:ada@example.org", "ok"],
        [ada, "user.register", "user:ada@example.org", "ok"],
    ];
    assert_eq!(seen, expected.map(|row| row.map(str::to_owned)));
    app.stop().await;
}

/// Seed A39: an empty log tells where to look, and one that is not says nothing.
#[tokio::test]
async fn a39_an_empty_log_tells_where_to_look() {
    let app = TestApp::start().await;
    let empty = app.scheduler("GET", "/api/audit").send().await;
    assert_eq!((empty.status, empty.body.as_str()), (200, "[]"));
    assert!(empty.header("x-hint").unwrap().contains("sexton runs"), "{empty:?}");
    app.register("ada@example.org").await;
    assert_eq!(app.scheduler("GET", "/api/audit").send().await.header("x-hint"), None);
    app.stop().await;
}

/// Failed log-ins, and whatever else strangers are refused, push out the oldest of their kind and nobody else's rows.
#[tokio::test]
async fn what_strangers_are_refused_is_bounded() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.person("ada@example.org").await, app.person("bob@example.org").await);
    app.post("/api/marketplaces/none/sync").cookie(&ada).send().await.problem(404);
    app.post("/api/marketplaces").cookie(&bob).send().await.problem(403);
    app.call("DELETE", "/api/marketplaces/none").cookie(&bob).send().await.problem(403);
    let wrong = json!({ "email": "ada@example.org", "password": "wrong horse" });
    app.post("/api/auth/login").json(&wrong).send().await.problem(401);
    let newest: Vec<String> = app.audit().await[..3]
        .iter()
        .map(|row| format!("{} {}", row["user"], row["action"]).replace('"', ""))
        .collect();
    let expected = ["anonymous user.login", "bob@example.org marketplace.remove", "bob@example.org marketplace.add"];
    assert_eq!(newest, expected);
    app.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050)
         INSERT INTO audit (at, user, action, resource, result, duration_ms, strangers)
         SELECT i, 'anonymous', 'user.login', 'user:x', 'refused', 0, 1 FROM n",
    )
    .await;
    app.post("/api/marketplaces").cookie(&bob).send().await.problem(403);
    assert_eq!(app.audit().await[0]["user"], "bob@example.org", "the newest stay");
    let kept = "SELECT count(*) || ' from ' || min(at) FROM audit WHERE strangers = 1";
    assert_eq!(app.value::<String>(kept).await, "10000 from 52");
    let others = "SELECT group_concat(user || ' ' || action || ' ' || result, ', ') FROM audit WHERE strangers = 0";
    let expected = ["ada", "ada", "bob", "bob"].map(|name| format!("{name}@example.org user."));
    let others = app.value::<String>(others).await;
    assert!(expected.iter().all(|row| others.contains(row)), "{others}");
    assert!(others.ends_with("ada@example.org marketplace.sync refused"), "an admin's stay: {others}");
    app.stop().await;
}

/// Seed A9: a program may bear a person's name, so each row says what its user proved to be; that of a job, what asked for it.
#[tokio::test]
async fn a9_a_program_is_told_from_the_person_whose_name_it_bears() {
    let app = taking_tokens().start().await;
    let ada = app.person("ada@example.org").await;
    let program = signed(TokenClass::Service, "ada@example.org", &["sync:run", "jobs:enqueue"], |_| {});
    let wrong = json!({ "email": "ada@example.org", "password": "wrong horse" });
    app.post("/api/marketplaces/sync-all").cookie(&ada).send().await;
    app.post("/api/auth/tokens").bearer(&program).json(&json!({})).send().await.problem(403);
    app.post("/api/auth/login").json(&wrong).send().await.problem(401);
    let run = of_run("run-1", &["sync:run", "jobs:enqueue"]);
    let job = app.post("/api/jobs").bearer(&run).json(&json!({ "kind": "marketplaces" })).send().await.json();
    app.ended(job["id"].as_str().unwrap()).await;
    let rows = app.audit().await;
    let said = |row: &Value| ["user", "kind", "action"].map(|key| row[key].as_str().unwrap_or("-")).join(" ");
    let mut seen: Vec<String> = rows.iter().map(said).collect();
    // Nobody waits with a job for the row of who asked for it.
    seen.sort();
    let expected = [
        "ada@example.org service-token token.create",
        "ada@example.org user marketplace.sync",
        "ada@example.org user user.login",
        "ada@example.org user user.register",
        "anonymous - user.login",
        "scheduler@system.local run job.enqueue",
        "scheduler@system.local run marketplace.sync",
    ];
    assert_eq!(seen, expected);
    app.stop().await;
}

/// Seed A37: one row for a call whose work throws.
#[tokio::test]
async fn a37_work_that_throws_is_in_it() {
    let app = TestApp::start().await;
    app.sql("ALTER TABLE marketplaces RENAME TO gone").await;
    app.scheduler("POST", "/api/marketplaces/sync-all").send().await.problem(500);
    let rows = app.audit().await;
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["resource"], &rows[0]["result"]), (&json!("marketplaces_all"), &json!("failed")));
    app.stop().await;
}

#[tokio::test]
async fn it_is_for_admins_and_as_long_as_asked() {
    let app = TestApp::start().await;
    app.get("/api/audit").send().await.problem(401);
    let ada = app.person("ada@example.org").await;
    let bob = app.person("bob@example.org").await;
    app.get("/api/audit").cookie(&bob).send().await.problem(403);
    assert_eq!(app.get("/api/audit").cookie(&ada).send().await.json().as_array().unwrap().len(), 4);
    assert_eq!(app.get("/api/audit?limit=1").cookie(&ada).send().await.json()[0]["user"], "bob@example.org");
    for limit in ["0", "1001"] {
        app.get(&format!("/api/audit?limit={limit}")).cookie(&ada).send().await.problem(422);
    }
    app.stop().await;
}

/// Neither passwords nor tokens are in it.
#[tokio::test]
async fn it_holds_no_secret() {
    let app = TestApp::start().await;
    let token = app.token(&app.person("ada@example.org").await).await;
    let text = serde_json::to_string(&app.audit().await).unwrap();
    for hidden in [&secret(), PASSWORD, &token] {
        assert!(!text.contains(hidden));
    }
    app.stop().await;
}
