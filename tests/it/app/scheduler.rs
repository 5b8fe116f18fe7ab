//! The synthetic admin, in the app's own tables.

use serde_json::json;

use super::auth::signed::{of_run, taking_tokens};
use crate::support::{
    app::{Builder, TestApp, secret},
    logs::Logs,
};

const ITS_ROW: &str = "SELECT id FROM users WHERE email = 'scheduler@system.local' AND kind = 'service'";

/// Seed A4.
#[tokio::test]
async fn a4_a_match_is_the_synthetic_admin() {
    let app = TestApp::start().await;
    let me = app.scheduler("GET", "/api/auth/me").send().await.json();
    let id: String = app.value(ITS_ROW).await;
    let expected = json!({
        "id": id, "email": "scheduler@system.local", "name": "Scheduler", "kind": "service", "groups": ["Admin"], "roles": [],
    });
    assert_eq!(me, expected);
    assert_eq!(app.value::<Option<String>>("SELECT password FROM users").await, None);
    assert_eq!(app.value::<String>("SELECT provenance FROM memberships").await, "system_seed");
    app.stop().await;
}

/// Seed A5: at start, once, whatever the number of starts.
#[tokio::test]
async fn a5_seeding_is_idempotent() {
    let app = TestApp::start().await;
    let id: String = app.value(ITS_ROW).await;
    let app = Builder::default().data(app.stop().await).start().await;
    assert_eq!(app.scheduler("GET", "/api/auth/me").send().await.json()["id"], json!(id));
    assert_eq!(app.value::<i64>("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.value::<i64>("SELECT count(*) FROM memberships").await, 1);
    app.stop().await;
}

/// Seeds A1, A2, A5: without a usable secret the app runs, warns, seeds nobody and answers 401.
#[tokio::test]
async fn a5_nobody_is_seeded_without_a_usable_secret() {
    for builder in [
        Builder::default().without("SCHEDULER_API_TOKEN"),
        Builder::default().environment("SCHEDULER_API_TOKEN", " "),
        Builder::default().environment("SCHEDULER_API_TOKEN", "0123456789abcdef"),
    ] {
        let logs = Logs::capture();
        let app = builder.start().await;
        assert!(logs.lines("WARN").join("").contains("SCHEDULER_API_TOKEN"), "{}", logs.text());
        assert_eq!(app.value::<i64>("SELECT count(*) FROM users").await, 0);
        for bearer in ["0123456789abcdef", "", &secret()] {
            app.get("/api/auth/me").bearer(bearer).send().await.problem(401);
        }
        app.stop().await;
    }
}

/// Seed A5: lazily, when it is gone on use.
#[tokio::test]
async fn a5_it_is_seeded_on_use() {
    let app = TestApp::start().await;
    app.sql("DELETE FROM users").await;
    let me = app.scheduler("GET", "/api/auth/me").send().await;
    assert_eq!((me.status, me.json()["groups"].clone()), (200, json!(["Admin"])));
    app.stop().await;
}

/// Seed A6: 401 with these words, never 500, and the app starts. A person's row of that address, which no door lets in, is
/// never adopted (seed B5).
#[tokio::test]
async fn a6_a_failed_seeding_is_401() {
    let app = Builder::default().without("SCHEDULER_API_TOKEN").start().await;
    app.sql(
        "INSERT INTO users (id, email, name, kind, password, created_at)
         VALUES ('1', 'Scheduler@System.Local', 'Mallory', 'user', 'x', 0)",
    )
    .await;
    let logs = Logs::capture();
    let app = Builder::default().data(app.stop().await).start().await;
    assert!(logs.lines("WARN").join("").contains("belongs to a person"), "{}", logs.text());
    assert_eq!(app.scheduler("GET", "/api/auth/me").send().await.problem(401), "Scheduler user not provisioned");
    assert_eq!(app.value::<String>("SELECT kind FROM users").await, "user");
    assert_eq!(app.value::<i64>("SELECT count(*) FROM memberships").await, 0);
    app.stop().await;
}

/// Seed A6: the same when the database cannot seed. Seed C4: once it has, a database that cannot be read is 503 with an id
/// for the scheduler, by its secret and by a run's token, as for everybody else; and what failed is in the log.
#[tokio::test]
async fn c4_a_broken_database_is_503_once_the_scheduler_was_seeded() {
    let app = taking_tokens().start().await;
    app.sql("ALTER TABLE users RENAME TO gone").await;
    let logs = Logs::capture();
    for bearer in [secret(), of_run("run-1", &["sync:run"])] {
        let reply = app.get("/api/auth/me").bearer(&bearer).send().await;
        assert!(!reply.problem(503).contains("users"), "{reply:?}");
        let id = reply.json()["error_id"].as_str().unwrap().to_owned();
        let errors = logs.lines("ERROR");
        assert!(errors.iter().any(|line| line.contains(&id) && line.contains("no such table")), "{errors:?}");
    }
    app.sql("ALTER TABLE gone RENAME TO users").await;
    app.sql("CREATE TRIGGER no BEFORE INSERT ON users BEGIN SELECT RAISE(FAIL, 'no'); END").await;
    let app = Builder::default().data(app.stop().await).start().await;
    assert_eq!(app.scheduler("GET", "/api/auth/me").send().await.problem(401), "Scheduler user not provisioned");
    app.stop().await;
}

/// Seed A6: no group, no crash and no rights; and with a table of memberships that fails, still a user.
#[tokio::test]
async fn a6_a_missing_group_is_no_crash() {
    let app = TestApp::start().await;
    app.sql("PRAGMA foreign_keys = ON").await;
    app.sql("DELETE FROM groups").await;
    let logs = Logs::capture();
    let app = Builder::default().data(app.stop().await).start().await;
    assert!(logs.lines("WARN").join("").contains("no member of the group Admin"), "{}", logs.text());
    let me = app.scheduler("GET", "/api/auth/me").send().await;
    assert_eq!((me.status, me.json()["groups"].clone()), (200, json!([])));
    app.scheduler("GET", "/api/audit").send().await.problem(403);
    app.register("ada@example.org").await;
    app.stop().await;
}

/// Seed A6: a failing side effect of seeding is logged, and the user is there.
#[tokio::test]
async fn a6_a_failing_side_effect_leaves_the_user() {
    let app = TestApp::start().await;
    app.sql("DELETE FROM memberships").await;
    app.sql("CREATE TRIGGER no BEFORE INSERT ON memberships BEGIN SELECT RAISE(FAIL, 'no'); END").await;
    let logs = Logs::capture();
    let app = Builder::default().data(app.stop().await).start().await;
    assert!(logs.lines("WARN").join("").contains("membership cannot be repaired"), "{}", logs.text());
    assert_eq!(app.scheduler("GET", "/api/auth/me").send().await.status, 200);
    app.stop().await;
}

/// Seed A11: another secret after a restart; nothing about it is in the database.
#[tokio::test]
async fn a11_rotation_writes_nothing() {
    let app = TestApp::start().await;
    let row = "SELECT group_concat(id || email || name || kind || created_at || ifnull(password, '')) FROM users";
    let before: String = app.value(row).await;
    let other = "fedcba9876543210".repeat(4);
    let app = Builder::default().data(app.stop().await).environment("SCHEDULER_API_TOKEN", &other).start().await;
    assert_eq!(app.get("/api/auth/me").bearer(&other).send().await.status, 200);
    app.scheduler("GET", "/api/auth/me").send().await.problem(401);
    assert_eq!(app.value::<String>(row).await, before);
    app.stop().await;
}

/// Seed A16: disabled means 401; and a membership that was lost is repaired at start, a disabled state is not.
#[tokio::test]
async fn a16_disabled_means_401() {
    let app = TestApp::start().await;
    app.sql("DELETE FROM memberships").await;
    app.scheduler("GET", "/api/audit").send().await.problem(403);
    let app = Builder::default().data(app.stop().await).start().await;
    assert_eq!(app.scheduler("GET", "/api/audit").send().await.status, 200);
    app.sql("UPDATE users SET disabled_at = 1").await;
    app.scheduler("GET", "/api/audit").send().await.problem(401);
    let app = Builder::default().data(app.stop().await).start().await;
    assert!(app.scheduler("GET", "/api/auth/me").send().await.problem(401).contains("disabled"));
    app.stop().await;
}

/// Seed A13: a byte over 0x7f, over a real socket.
#[tokio::test]
async fn a13_a_byte_over_0x7f_is_401() {
    let app = TestApp::start().await;
    for bearer in [&b"Bearer \xff"[..], b"Bearer \xc3\xa9t\xc3\xa9", b"\x80"] {
        app.get("/api/auth/me").header("authorization", bearer).send().await.problem(401);
    }
    app.stop().await;
}

/// Seed A15: over a real socket, in the cookie that sessions use.
#[tokio::test]
async fn a15_the_secret_in_a_cookie_is_401() {
    let app = TestApp::start().await;
    for name in ["session", "access_token", "Authorization"] {
        app.get("/api/auth/me").cookie(&format!("{name}={}", secret())).send().await.problem(401);
    }
    app.stop().await;
}

/// Seed B4: a new row and one that is there get the same flags: what was changed about it is put right at start, and what
/// an operator disabled is not.
#[tokio::test]
async fn b4_a_row_is_repaired_unless_an_operator_disabled_it() {
    let app = TestApp::start().await;
    let id: String = app.value(ITS_ROW).await;
    app.sql("UPDATE users SET name = 'Old', disabled_at = 1, disabled_because = 'superseded'").await;
    app.scheduler("GET", "/api/auth/me").send().await.problem(401);
    let app = Builder::default().data(app.stop().await).start().await;
    let me = app.scheduler("GET", "/api/auth/me").send().await.json();
    assert_eq!((&me["id"], &me["name"]), (&json!(id), &json!("Scheduler")));
    for by_an_operator in [
        "UPDATE users SET disabled_at = 1, disabled_because = NULL",
        "UPDATE users SET disabled_at = 1, disabled_because = 'left the company'",
    ] {
        app.sql(by_an_operator).await;
        app.scheduler("GET", "/api/auth/me").send().await.problem(401);
    }
    let app = Builder::default().data(app.stop().await).start().await;
    app.scheduler("GET", "/api/auth/me").send().await.problem(401);
    app.stop().await;
}

/// Seed B5: one identity, fixed: rows of its kind under other addresses are disabled with a warning, once; a person is
/// never touched.
#[tokio::test]
async fn b5_superseded_rows_are_disabled() {
    let app = TestApp::start().await;
    app.person("ada@example.org").await;
    app.sql(
        "INSERT INTO users (id, email, name, kind, created_at) VALUES ('old', 'worker@example.org', 'Worker', 'service', 0)",
    )
    .await;
    app.sql("INSERT INTO memberships VALUES ('old', 'Admin', 'system_seed')").await;
    let logs = Logs::capture();
    let app = Builder::default().data(app.stop().await).start().await;
    assert!(logs.lines("WARN").join("").contains("under other addresses are disabled"), "{}", logs.text());
    let disabled = "SELECT group_concat(email) FROM users WHERE disabled_at IS NOT NULL";
    assert_eq!(app.value::<String>(disabled).await, "worker@example.org");
    assert_eq!(app.scheduler("GET", "/api/auth/me").send().await.status, 200);
    let logs = Logs::capture();
    let app = Builder::default().data(app.stop().await).start().await;
    assert_eq!(logs.lines("WARN"), Vec::<String>::new());
    assert_eq!(app.value::<String>(disabled).await, "worker@example.org");
    app.stop().await;
}
