//! What each gate lets through.

use axum::{Router, body::to_bytes, routing::get};
use serde_json::{Value, json};
use sexton::{
    auth::{Credential, Kind, Presented, Principal},
    protocol::Problem,
};

use super::{app, send, with_secret};
use crate::support::app::secret;

async fn body(response: axum::http::Response<axum::body::Body>) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), 64 * 1024).await.unwrap()).unwrap()
}

fn person(credential: Credential, groups: &[&str]) -> Principal {
    Principal {
        id: "7".to_owned(),
        email: "ada@example.org".to_owned(),
        name: "Ada".to_owned(),
        kind: Kind::User(credential),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}

/// An app whose people present `token`, `admin-token`, or the cookie `admin-session`.
async fn with_people() -> Router {
    let auth = with_secret().await.with_people(|presented| async move {
        Ok(match presented {
            Presented::Bearer(token) if token.matches(b"token") => Some(person(Credential::AccessToken, &[])),
            Presented::Bearer(token) if token.matches(b"admin-token") => {
                Some(person(Credential::AccessToken, &["Admin"]))
            }
            Presented::Bearer(token) if token.matches(b"broken") => {
                return Err(Problem::new(500, "Internal Server Error", "no").with_error_id("1"));
            }
            Presented::Cookies(cookies) if cookies.matches(b"admin-session") => {
                Some(person(Credential::Session, &["Admin"]))
            }
            _ => None,
        })
    });
    app(auth)
}

async fn statuses(app: &Router, header: (&str, &str)) -> [u16; 4] {
    let mut statuses = [0; 4];
    for (status, path) in statuses.iter_mut().zip(["/me", "/admin", "/person", "/open"]) {
        *status = send(app, path, &[(header.0, header.1.as_bytes())]).await.status().as_u16();
    }
    statuses
}

/// Seeds A8, A17: gates match on the kind. The scheduler and an admin's token pass as admins, and neither as a person.
#[tokio::test]
async fn a17_gates_match_on_the_kind() {
    let app = with_people().await;
    let secret = format!("Bearer {}", secret());
    assert_eq!(statuses(&app, ("authorization", &secret)).await, [200, 200, 403, 200]);
    assert_eq!(statuses(&app, ("authorization", "Bearer admin-token")).await, [200, 200, 403, 200]);
    assert_eq!(statuses(&app, ("authorization", "Bearer token")).await, [200, 403, 403, 200]);
    assert_eq!(statuses(&app, ("cookie", "admin-session")).await, [200, 200, 200, 200]);
    assert_eq!(statuses(&app, ("authorization", "Bearer nobody")).await, [401, 401, 401, 200]);
    assert_eq!(statuses(&app, ("cookie", "nobody")).await, [401, 401, 401, 200]);
    assert_eq!(statuses(&app, ("x-other", "")).await, [401, 401, 401, 200]);
}

/// The app's trouble shows where somebody asks who is there, and nowhere else.
#[tokio::test]
async fn an_app_that_cannot_look_closes_its_gates_only() {
    let app = with_people().await;
    assert_eq!(statuses(&app, ("authorization", "Bearer broken")).await, [500, 500, 500, 200]);
}

/// A wrong bearer is not made good by a cookie; another scheme, meant for a proxy, does not hide one.
#[tokio::test]
async fn a_bearer_counts_before_cookies() {
    let app = with_people().await;
    let both =
        |authorization: &'static str| [("cookie", &b"admin-session"[..]), ("authorization", authorization.as_bytes())];
    assert_eq!(send(&app, "/me", &both("Bearer nobody")).await.status(), 401);
    assert_eq!(send(&app, "/me", &both("Bearer")).await.status(), 401);
    assert_eq!(send(&app, "/me", &both("Basic eDp5")).await.status(), 200);
}

/// Seed A4.
#[tokio::test]
async fn the_scheduler_is_a_user_of_kind_service() {
    let bearer = format!("Bearer {}", secret());
    let reply = send(&app(with_secret().await), "/me", &[("authorization", bearer.as_bytes())]).await;
    let expected = json!({
        "id": "scheduler", "email": "scheduler@system.local", "name": "Scheduler", "kind": "service", "groups": ["Admin"],
    });
    assert_eq!(body(reply).await, expected);
}

/// Guarantee G8: put together wrongly, it is closed, and the log says what to do.
#[tokio::test]
async fn without_the_layer_gates_are_closed() {
    let app: Router = Router::new().route("/me", get(|me: Principal| async move { me.email }));
    let bearer = format!("Bearer {}", secret());
    let reply = send(&app, "/me", &[("authorization", bearer.as_bytes())]).await;
    assert_eq!(reply.status(), 500);
    assert!(body(reply).await["error_id"].is_string());
}
