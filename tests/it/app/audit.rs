//! `GET /api/audit`

use serde_json::json;

use crate::support::app::{PASSWORD, TestApp, secret};

/// Seed A9: under the scheduler's name, and a bulk action's resource ends in `_all`.
#[tokio::test]
async fn a9_what_the_scheduler_does_is_under_its_name() {
    let app = TestApp::start().await;
    assert_eq!(app.scheduler("POST", "/api/marketplaces/sync-all").send().await.status, 200);
    app.scheduler("POST", "/api/auth/tokens").send().await.problem(403);
    let rows = app.audit().await;
    let newest = rows[0].as_object().unwrap();
    assert_eq!(newest.keys().collect::<Vec<_>>(), ["action", "at", "duration_ms", "resource", "result", "user"]);
    assert!(rows.iter().all(|row| row["user"] == "scheduler@system.local"));
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

/// Failed log-ins push out the oldest of their kind and nobody else's rows.
#[tokio::test]
async fn failed_log_ins_are_bounded() {
    let app = TestApp::start().await;
    app.register("ada@example.org").await;
    app.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050)
         INSERT INTO audit (at, user, action, resource, result, duration_ms)
         SELECT i, 'anonymous', 'user.login', 'user:x', 'refused', 0 FROM n",
    )
    .await;
    app.sql("INSERT INTO audit VALUES (0, 0, 'anonymous', 'job.enqueue', 'job:1', 'ok', 0)").await;
    let body = json!({ "email": "ada@example.org", "password": "wrong horse" });
    app.post("/api/auth/login").json(&body).send().await.problem(401);
    let nobodys = "SELECT sum(action = 'user.login') || ' and ' || sum(action <> 'user.login') FROM audit WHERE user = 'anonymous'";
    assert_eq!(app.value::<String>(nobodys).await, "10000 and 1", "the row of a program of that name stays");
    assert_eq!(app.audit().await[0]["resource"], "user:ada@example.org", "the newest stay");
    assert_eq!(app.value::<i64>("SELECT min(at) FROM audit WHERE user = 'anonymous' AND at > 0").await, 52);
    assert_eq!(app.value::<i64>("SELECT count(*) FROM audit WHERE user = 'ada@example.org'").await, 1);
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
