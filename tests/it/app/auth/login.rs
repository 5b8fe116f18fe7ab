//! `POST /api/auth/login`, `POST /api/auth/logout`, `GET /api/auth/me`

use serde_json::json;

use crate::support::{
    app::{PASSWORD, TestApp},
    http::Reply,
};

async fn log_in(app: &TestApp, email: &str, password: &str) -> Reply {
    app.post("/api/auth/login").json(&json!({ "email": email, "password": password })).send().await
}

#[tokio::test]
async fn a_session_lasts_until_the_logout() {
    let app = TestApp::start().await;
    let cookie = app.person("ada@example.org").await;
    let me = app.get("/api/auth/me").cookie(&format!("theme=dark; {cookie}")).send().await;
    assert_eq!(
        (me.status, me.json()["email"].clone(), me.json()["kind"].clone()),
        (200, json!("ada@example.org"), json!("user"))
    );
    let out = app.post("/api/auth/logout").cookie(&cookie).send().await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    app.get("/api/auth/me").cookie(&cookie).send().await.problem(401);
    app.stop().await;
}

/// Nobody has to be known to have a password checked, so there is an end to how many wait for it.
#[tokio::test]
async fn a_crowd_is_sent_away() {
    let app = TestApp::start().await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..150 {
        let body = json!({ "email": "ada@example.org", "password": "wrong horse battery" });
        crowd.spawn(app.post("/api/auth/login").json(&body).send());
    }
    let answers: Vec<u16> = crowd.join_all().await.into_iter().map(|reply| reply.status).collect();
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    assert!(count(401) >= 66 && count(429) > 0 && count(401) + count(429) == 150, "{answers:?}");
    assert_eq!(log_in(&app, "ada@example.org", "wrong horse battery").await.status, 401, "and then it is over");
    app.stop().await;
}

/// Out of reach of scripts and of other sites; over https also of plain http.
#[tokio::test]
async fn the_cookie_is_protected() {
    let app = TestApp::start().await;
    app.register("ada@example.org").await;
    let cookie = log_in(&app, "ada@example.org", PASSWORD).await;
    let cookie = cookie.header("set-cookie").unwrap();
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict") && !cookie.contains("; Secure"),
        "{cookie}"
    );
    let body = json!({ "email": "ada@example.org", "password": PASSWORD });
    let reply = app.post("/api/auth/login").header("x-forwarded-proto", "https").json(&body).send().await;
    assert!(reply.header("set-cookie").unwrap().ends_with("; Secure"));
    app.stop().await;
}

/// Who reads the database cannot log in with what it holds.
#[tokio::test]
async fn the_session_id_is_kept_hashed() {
    let app = TestApp::start().await;
    let cookie = app.person("ada@example.org").await;
    let kept: String = app.value("SELECT lower(hex(hash)) FROM sessions").await;
    assert_eq!(kept.len(), 64);
    assert!(!cookie.contains(&kept));
    app.get("/api/auth/me").cookie(&format!("session={kept}")).send().await.problem(401);
    app.stop().await;
}

#[tokio::test]
async fn an_expired_session_is_nobodys() {
    let app = TestApp::start().await;
    let cookie = app.person("ada@example.org").await;
    app.sql("UPDATE sessions SET expires_at = 1").await;
    app.get("/api/auth/me").cookie(&cookie).send().await.problem(401);
    app.stop().await;
}

/// A wrong password, an unknown address and a disabled account get the same answer.
#[tokio::test]
async fn a_refusal_tells_nothing() {
    let app = TestApp::start().await;
    app.register("ada@example.org").await;
    let wrong = log_in(&app, "ada@example.org", "wrong horse battery").await;
    let unknown = log_in(&app, "bob@example.org", PASSWORD).await;
    app.sql("UPDATE users SET disabled_at = 1 WHERE kind = 'user'").await;
    let disabled = log_in(&app, "ada@example.org", PASSWORD).await;
    let expected = "The address or the password is wrong.";
    assert_eq!([wrong.problem(401), unknown.problem(401), disabled.problem(401)], [expected; 3]);
    app.stop().await;
}

/// Also to a stopwatch: an unknown address costs a full Argon2id run. The same work takes the same time within a factor
/// that tolerates a busy machine; skipping the work would be off by hundreds.
#[tokio::test]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    let app = TestApp::start().await;
    app.register("ada@example.org").await;
    let mut shortest = [u128::MAX; 2];
    let alike = |[known, unknown]: [u128; 2]| unknown * 3 > known && known * 3 > unknown;
    // The shortest of each only shrinks: a busy machine takes more rounds, and no round makes up for work that is skipped.
    for round in 0..40 {
        for (shortest, email) in shortest.iter_mut().zip(["ada@example.org", "bob@example.org"]) {
            let started = tokio::time::Instant::now();
            log_in(&app, email, "wrong horse battery").await;
            *shortest = (*shortest).min(started.elapsed().as_micros());
        }
        if round >= 4 && alike(shortest) {
            break;
        }
    }
    assert!(alike(shortest), "{shortest:?} us");
    app.stop().await;
}

/// Seed B13: the scheduler cannot log in, and no cookie makes a session of the secret.
#[tokio::test]
async fn b13_the_scheduler_cannot_log_in() {
    let app = TestApp::start().await;
    for password in [PASSWORD, "", &crate::support::app::secret()] {
        log_in(&app, "scheduler@system.local", password).await.problem(403);
    }
    assert_eq!(app.value::<i64>("SELECT count(*) FROM sessions").await, 0);
    assert_eq!(app.scheduler("GET", "/api/auth/me").send().await.header("set-cookie"), None);
    app.stop().await;
}
