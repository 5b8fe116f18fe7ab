//! `POST /api/auth/register`

use serde_json::json;

use crate::support::app::{PASSWORD, TestApp};

/// Seed A12: the scheduler is there first and counts for nothing; the first person becomes admin, the second does not.
#[tokio::test]
async fn a12_the_first_person_becomes_admin() {
    let app = TestApp::start().await;
    assert_eq!(app.value::<i64>("SELECT count(*) FROM memberships WHERE group_name = 'Admin'").await, 1);
    let first = app.register("Ada@Example.org").await;
    assert_eq!(first.status, 201);
    let user = first.json();
    assert!(user["id"].is_string());
    assert_eq!(
        user,
        json!({ "id": user["id"], "email": "ada@example.org", "name": "ada", "kind": "user", "groups": ["Admin"] })
    );
    assert_eq!(app.register("bob@example.org").await.json()["groups"], json!([]));
    app.stop().await;
}

/// Seed A12: a disabled admin still is one; disabling must not hand the app to whoever registers next.
#[tokio::test]
async fn a_disabled_admin_is_not_replaced() {
    let app = TestApp::start().await;
    app.register("ada@example.org").await;
    app.sql("UPDATE users SET disabled_at = 1 WHERE kind = 'user'").await;
    assert_eq!(app.register("bob@example.org").await.json()["groups"], json!([]));
    app.stop().await;
}

/// Of many who register at once, one is first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_cannot_both_be_first() {
    let app = TestApp::start().await;
    let call = |number: usize| {
        let body = json!({ "email": format!("p{number}@example.org"), "password": PASSWORD });
        tokio::spawn(app.post("/api/auth/register").json(&body).send())
    };
    for task in (0..6).map(call).collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap().status, 201);
    }
    let admins = "SELECT count(*) FROM memberships JOIN users ON id = user_id WHERE kind = 'user'";
    assert_eq!(app.value::<i64>(admins).await, 1);
    app.stop().await;
}

/// Seed B13: the reserved identity, in whatever spelling, is nobody's to register; people still register.
#[tokio::test]
async fn b13_the_reserved_identity_cannot_register() {
    let app = TestApp::start().await;
    for reserved in ["scheduler@system.local", " Scheduler@System.LOCAL ", "other@system.local", "x@sub.system.local."]
    {
        assert!(app.register(reserved).await.problem(403).contains("reserved"));
    }
    assert_eq!(app.register("ada@example.org").await.status, 201);
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_an_account_is_refused() {
    let app = TestApp::start().await;
    app.register("no-address").await.problem(422);
    for password in ["", "short", &"x".repeat(1025)] {
        let body = json!({ "email": "ada@example.org", "password": password });
        app.post("/api/auth/register").json(&body).send().await.problem(422);
    }
    assert_eq!(app.register("ada@example.org").await.status, 201);
    app.register("ADA@example.org").await.problem(409);
    app.stop().await;
}

/// The password is kept as an Argon2id hash.
#[tokio::test]
async fn the_password_is_not_kept() {
    let app = TestApp::start().await;
    app.register("ada@example.org").await;
    let kept: String = app.value("SELECT password FROM users WHERE kind = 'user'").await;
    assert!(kept.starts_with("$argon2id$v=19$"), "{kept}");
    assert!(!kept.contains(PASSWORD));
    app.stop().await;
}
