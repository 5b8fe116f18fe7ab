//! Each endpoint to each kind of principal: who is not named is refused.

use serde_json::json;
use sexton::protocol::TokenClass;

use super::signed::{of_run, signed, taking_tokens};
use crate::support::{
    app::{TestApp, secret},
    http::Call,
};

/// Every scope that there is, and one that nothing asks for.
const SCOPES: [&str; 8] = [
    "sync:run",
    "jobs:enqueue",
    "jobs:read",
    "jobs:cancel",
    "marketplaces:read",
    "sources:read",
    "admin",
    "everything",
];

/// All that a program's token can reach.
const ALL: [&str; 2] = ["marketplace:_all", "source:_all"];

const MARKETPLACES: &str = r#"{"kind":"marketplaces"}"#;
const DATA: &str = r#"{"kind":"data-refresh"}"#;

/// An endpoint, a body, and whether each of [`everybody`] passes (`o`), or is refused with 401 (`-`) or 403 (`x`).
const TABLE: [(&str, &str, &str, &str); 25] = [
    ("GET", "/api/health", "", "oo o oooo oo oooo oo o"),
    ("POST", "/api/auth/register", "{}", "oo o oooo oo oooo oo o"),
    ("POST", "/api/auth/login", "{}", "oo o oooo oo oooo oo o"),
    ("GET", "/api/auth/me", "", "-- o oooo oo oooo oo o"),
    ("GET", "/api/auth/tokens", "", "-- x oxxx ox xxxx xx x"),
    ("POST", "/api/auth/tokens", "{}", "-- x oxxx ox xxxx xx x"),
    ("DELETE", "/api/auth/tokens/{id}", "", "-- x oxxx ox xxxx xx x"),
    ("GET", "/api/marketplaces", "", "-- o ooox oo oxoo ox x"),
    ("POST", "/api/marketplaces", "{}", "-- o ooox xx xxxx xx x"),
    ("DELETE", "/api/marketplaces/{name}", "", "-- o ooox xx xxxx xx x"),
    ("POST", "/api/marketplaces/sync-all", "", "-- o ooox xx oxxx ox x"),
    ("POST", "/api/marketplaces/{name}/sync", "", "-- o ooox xx oxxo ox x"),
    ("GET", "/api/sources", "", "-- o ooox oo oxoo ox x"),
    ("POST", "/api/sources", "{}", "-- o ooox xx xxxx xx x"),
    ("DELETE", "/api/sources/{name}", "", "-- o ooox xx xxxx xx x"),
    ("POST", "/api/jobs", MARKETPLACES, "-- o ooox xx oxxx ox x"),
    ("POST", "/api/jobs", DATA, "-- o ooox xx oxxx ox x"),
    ("POST", "/api/jobs", "{}", "-- o ooox xx oxoo ox x"),
    ("GET", "/api/jobs", "", "-- o ooox xx oxoo ox o"),
    ("GET", "/api/jobs/{id}", "", "oo o oooo oo oooo oo o"),
    ("POST", "/api/jobs/{id}/cancel", "", "-- o ooox xx xxxx xx o"),
    ("POST", "/api/jobs/{id}/session", "", "-- x oxxx xx xxxx xx x"),
    ("DELETE", "/api/jobs/{id}/session", "", "-- x oxxx ox xxxx xx x"),
    ("GET", "/api/audit", "", "-- o ooox xx xxxx xx x"),
    // The last, for it ends a session.
    ("POST", "/api/auth/logout", "", "oo o oooo oo oooo oo o"),
];

/// What somebody comes with: the name of a header and its value.
type Credential = (&'static str, String);

fn bearer(token: &str) -> Credential {
    ("authorization", format!("Bearer {token}"))
}

fn program(scopes: &[&str], resources: &[&str]) -> String {
    signed(TokenClass::Service, "importer", scopes, |claims| {
        claims.resources = resources.iter().map(|resource| (*resource).to_owned()).collect();
    })
}

fn of_admin(scopes: &[&str]) -> String {
    signed(TokenClass::User, "ada@example.org", scopes, |claims| claims.groups = vec!["Admin".to_owned()])
}

/// Nobody, and somebody unknown; the scheduler; an admin by a session, an access token, a token with every scope and one
/// with none; a person by a session and an access token; a program with every scope, with none, bound to nothing, and bound to `tools`; a
/// run with every scope and with none; the session of the job.
async fn everybody(app: &TestApp, job: &str) -> Vec<Option<Credential>> {
    let (ada, bob) = (app.person("ada@example.org").await, app.person("bob@example.org").await);
    let session = app.post(&format!("/api/jobs/{job}/session")).cookie(&ada).send().await.json();
    let cookie = |cookie: &str| ("cookie", cookie.to_owned());
    let mut all = vec![None];
    all.extend(
        [
            bearer("wrong"),
            bearer(&secret()),
            cookie(&ada),
            bearer(&app.token(&ada).await),
            bearer(&of_admin(&SCOPES)),
            bearer(&of_admin(&[])),
            cookie(&bob),
            bearer(&app.token(&bob).await),
            bearer(&program(&SCOPES, &ALL)),
            bearer(&program(&[], &ALL)),
            bearer(&program(&SCOPES, &[])),
            bearer(&program(&SCOPES, &["marketplace:tools"])),
            bearer(&of_run("run-1", &SCOPES)),
            bearer(&of_run("run-1", &[])),
            bearer(session["token"].as_str().unwrap()),
        ]
        .map(Some),
    );
    all
}

/// A job of the scheduler's that is over.
async fn job(app: &TestApp) -> String {
    let id = app.enqueue(&json!({ "kind": "data-refresh" })).await;
    app.ended(&id).await;
    id
}

fn call(app: &TestApp, method: &str, path: &str, body: &str, credential: Option<&Credential>) -> Call {
    let mut call = app.call(method, path);
    if !body.is_empty() {
        call = call.json(&serde_json::from_str(body).unwrap());
    }
    match credential {
        Some((name, value)) => call.header(name, value),
        None => call,
    }
}

/// Seeds C3, C6, C13, A8: what each kind of principal may ask of each endpoint there is.
#[tokio::test]
async fn c3_each_endpoint_says_who_may() {
    let app = taking_tokens().start().await;
    let job = job(&app).await;
    let everybody = everybody(&app, &job).await;
    for (method, route, body, expected) in TABLE {
        // The session of the job is needed to the end.
        let id = if method == "DELETE" { "none" } else { &job };
        let path = route.replace("{id}", id).replace("{name}", "tools");
        let mut found = String::new();
        for credential in &everybody {
            let status = call(&app, method, &path, body, credential.as_ref()).send().await.status;
            assert!(status < 500, "{method} {path}: {status}");
            found.push(match status {
                401 => '-',
                403 => 'x',
                _ => 'o',
            });
        }
        assert_eq!(found, expected.replace(' ', ""), "{method} {route} {body}");
    }
    app.stop().await;
}

/// The table above has every address of the router and every method of an address.
#[tokio::test]
async fn the_table_is_whole() {
    let router = include_str!("../../../../src/reference_app/router.rs");
    let mut routes: Vec<&str> = router.split('"').filter(|text| text.starts_with("/api/")).collect();
    routes.dedup();
    let mut listed: Vec<&str> = TABLE.iter().map(|(_, route, ..)| *route).collect();
    for list in [&mut routes, &mut listed] {
        list.sort_unstable();
        list.dedup();
    }
    assert_eq!(routes, listed);
    let app = TestApp::start().await;
    for route in routes {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if !TABLE.iter().any(|row| (row.0, row.1) == (method, route)) {
                let path = route.replace("{id}", "none").replace("{name}", "none");
                let status = app.scheduler(method, &path).send().await.status;
                // Below another address' placeholder it may be one of that.
                assert!(status == 405 || route.ends_with("sync-all"), "{method} {route}: {status}");
            }
        }
    }
    app.stop().await;
}

/// Seed C3: no scope stands in for another, and all that an endpoint asks for are needed.
#[tokio::test]
async fn c3_no_scope_stands_in_for_another() {
    let app = taking_tokens().start().await;
    for (method, path, body, needed) in [
        ("GET", "/api/marketplaces", "", &["marketplaces:read"][..]),
        ("POST", "/api/marketplaces/sync-all", "", &["sync:run"]),
        ("POST", "/api/marketplaces/none/sync", "", &["sync:run"]),
        ("GET", "/api/sources", "", &["sources:read"]),
        ("GET", "/api/jobs", "", &["jobs:read"]),
        ("POST", "/api/jobs", DATA, &["jobs:enqueue"]),
        ("POST", "/api/jobs", MARKETPLACES, &["jobs:enqueue", "sync:run"]),
    ] {
        let status = async |scopes: &[&str]| {
            call(&app, method, path, body, Some(&bearer(&program(scopes, &ALL)))).send().await.status
        };
        assert!([200, 202, 404].contains(&status(needed).await), "{method} {path} with {needed:?}");
        for scope in needed {
            let others: Vec<&str> = SCOPES.into_iter().filter(|other| other != scope).collect();
            assert_eq!(status(&others).await, 403, "{method} {path} without {scope}");
        }
    }
    app.stop().await;
}
