//! `/api/auth/tokens`

use serde_json::json;

use crate::support::app::TestApp;

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let app = TestApp::start().await;
    let cookie = app.person("ada@example.org").await;
    let minted = app.post("/api/auth/tokens").cookie(&cookie).json(&json!({ "name": " ci " })).send().await;
    assert_eq!(minted.status, 201);
    let minted = minted.json();
    let (token, id) = (minted["token"].as_str().unwrap(), minted["id"].as_str().unwrap());
    let list = app.get("/api/auth/tokens").cookie(&cookie).send().await;
    assert_eq!(
        list.json(),
        json!([{ "id": id, "name": "ci", "created_at": minted["created_at"], "last_used_at": null }])
    );
    assert!(!list.body.contains(token));
    let me = app.get("/api/auth/me").bearer(token).send().await.json();
    assert_eq!(
        (&me["email"], &me["kind"], &me["groups"]),
        (&json!("ada@example.org"), &json!("user"), &json!(["Admin"]))
    );
    let list = app.get("/api/auth/tokens").cookie(&cookie).send().await.json();
    assert!(list[0]["last_used_at"].as_str() >= minted["created_at"].as_str(), "{list}");
    assert_eq!(app.call("DELETE", &format!("/api/auth/tokens/{id}")).cookie(&cookie).send().await.status, 204);
    app.get("/api/auth/me").bearer(token).send().await.problem(401);
    app.call("DELETE", &format!("/api/auth/tokens/{id}")).cookie(&cookie).send().await.problem(404);
    app.stop().await;
}

/// Seeds A8, A17: neither the secret nor a token makes, lists or revokes tokens; an empty body changes nothing about it.
#[tokio::test]
async fn a8_only_a_person_mints() {
    let app = TestApp::start().await;
    let cookie = app.person("ada@example.org").await;
    let token = app.token(&cookie).await;
    for bearer in [&crate::support::app::secret(), &token] {
        app.post("/api/auth/tokens").bearer(bearer).json(&json!({ "name": "x" })).send().await.problem(403);
        app.post("/api/auth/tokens").bearer(bearer).send().await.problem(403);
        app.get("/api/auth/tokens").bearer(bearer).send().await.problem(403);
        app.call("DELETE", "/api/auth/tokens/1").bearer(bearer).send().await.problem(403);
    }
    app.post("/api/auth/tokens").json(&json!({ "name": "x" })).send().await.problem(401);
    assert_eq!(app.value::<i64>("SELECT count(*) FROM access_tokens").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn a_token_is_its_owners() {
    let app = TestApp::start().await;
    let ada = app.person("ada@example.org").await;
    app.token(&ada).await;
    let id: String = app.value("SELECT id FROM access_tokens").await;
    let bob = app.person("bob@example.org").await;
    assert_eq!(app.get("/api/auth/tokens").cookie(&bob).send().await.json(), json!([]));
    app.call("DELETE", &format!("/api/auth/tokens/{id}")).cookie(&bob).send().await.problem(404);
    assert_eq!(app.value::<i64>("SELECT count(*) FROM access_tokens").await, 1);
    app.stop().await;
}

/// A token of somebody who was disabled is nobody's; only its hash is kept.
#[tokio::test]
async fn a_token_ends_with_its_owner() {
    let app = TestApp::start().await;
    let token = app.token(&app.person("ada@example.org").await).await;
    assert_eq!(app.get("/api/auth/me").bearer(&token).send().await.status, 200);
    assert!(!token.contains(&app.value::<String>("SELECT lower(hex(hash)) FROM access_tokens").await));
    app.sql("UPDATE users SET disabled_at = 1 WHERE kind = 'user'").await;
    app.get("/api/auth/me").bearer(&token).send().await.problem(401);
    app.stop().await;
}

#[tokio::test]
async fn a_token_has_a_name() {
    let app = TestApp::start().await;
    let cookie = app.person("ada@example.org").await;
    for body in
        [json!({ "name": " " }), json!({ "name": "x".repeat(101) }), json!({ "name": "a\nb" }), json!({}), json!([])]
    {
        app.post("/api/auth/tokens").cookie(&cookie).json(&body).send().await.problem(422);
    }
    app.stop().await;
}
