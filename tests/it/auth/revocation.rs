//! Tokens that are taken back.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sexton::auth::{InMemoryRevocations, LEEWAY, Revocation, Revocations};
use tokio::time::advance;

use super::forge::{FIRST, app, ask, claims, clock, hs256, now, taking_secrets};
use crate::support::logs::Logs;

/// A store that can be broken and mended, and counts how often it is read.
#[derive(Clone, Default)]
struct Store {
    kept: InMemoryRevocations,
    broken: Arc<AtomicBool>,
    hung: Arc<AtomicBool>,
    read: Arc<AtomicUsize>,
}

impl Revocations for Store {
    type Error = io::Error;

    async fn in_force(&self, now: DateTime<Utc>) -> io::Result<Vec<Revocation>> {
        self.read.fetch_add(1, SeqCst);
        if self.hung.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.broken.load(SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        Ok(self.kept.in_force(now).await.unwrap())
    }

    async fn revoke(&self, revocation: Revocation) -> io::Result<()> {
        self.kept.revoke(revocation).await.unwrap();
        Ok(())
    }
}

async fn with(store: &Store) -> Router {
    app(taking_secrets(), store.clone(), &clock()).await
}

async fn read(app: &Router, changes: Value) -> (u16, Value) {
    ask(app, "/read", &hs256(FIRST, &claims(changes)), &[]).await
}

async fn status(app: &Router, changes: Value) -> u16 {
    read(app, changes).await.0
}

fn after(seconds: u64) -> impl Future<Output = ()> {
    advance(Duration::from_secs(seconds))
}

/// Seeds C4 and C7: a revoked token is 403 within a second; it is looked up after the signature and before the scopes.
#[tokio::test(start_paused = true)]
async fn c7_a_revoked_token_is_403() {
    let store = Store::default();
    let app = with(&store).await;
    assert_eq!(status(&app, json!({})).await, 200);
    store.revoke(Revocation::of_token("token-1", None, now())).await.unwrap();
    after(1).await;
    assert_eq!(status(&app, json!({})).await, 403);
    assert_eq!(status(&app, json!({ "jti": "token-2" })).await, 200, "another token of the same subject");
    let forged = hs256("the-secret-of-a-stranger-000000000000001", &claims(json!({})));
    assert_eq!(ask(&app, "/read", &forged, &[]).await.0, 401, "whether it is revoked is not told to a forger");
    let detail = read(&app, json!({ "scope": "" })).await.1["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("revoked"), "before the scopes: {detail}");
}

/// Seed C7: an entry lives for what is left of the token's life and the leeway, at least an hour; where the end is not
/// known, as long as any token lives.
#[test]
fn c7_how_long_an_entry_is_kept() {
    let until =
        |expires: Option<TimeDelta>| Revocation::of_token("t", expires.map(|life| now() + life), now()).until - now();
    assert_eq!(until(Some(TimeDelta::hours(5))), TimeDelta::hours(5) + LEEWAY);
    assert_eq!(until(Some(TimeDelta::seconds(10))), TimeDelta::hours(1));
    assert_eq!(until(Some(TimeDelta::days(-3))), TimeDelta::hours(1));
    assert_eq!(until(None), TimeDelta::days(180) + LEEWAY);
    assert_eq!(until(Some(TimeDelta::days(999))), until(None), "no token lives longer");
    let never = Revocation::of_token("t", Some(DateTime::<Utc>::MAX_UTC), now());
    assert_eq!(never.until - now(), until(None), "an end beyond what can be counted is one");
    let subject = Revocation::of_subject("s", now());
    assert_eq!(subject.until - now(), TimeDelta::days(180) + LEEWAY);
}

#[tokio::test]
async fn an_entry_is_forgotten_when_its_time_is_over_and_kept_for_the_longer() {
    let kept = InMemoryRevocations::default();
    let entry = |life| Revocation::of_token("t", Some(now() + life), now());
    kept.revoke(entry(TimeDelta::hours(3))).await.unwrap();
    kept.revoke(entry(TimeDelta::hours(1))).await.unwrap();
    assert_eq!(kept.in_force(now() + TimeDelta::hours(2)).await.unwrap(), [entry(TimeDelta::hours(3))]);
    assert_eq!(kept.in_force(now() + TimeDelta::hours(4)).await.unwrap(), []);
}

/// Seed C8: everything of a subject that was issued before an instant, and nothing that was issued after.
#[tokio::test(start_paused = true)]
async fn c8_a_subject_is_revoked_up_to_an_instant() {
    let store = Store::default();
    let app = with(&store).await;
    store.revoke(Revocation::of_subject("reporting", now())).await.unwrap();
    store.revoke(Revocation::of_subject("reporting", now() - TimeDelta::hours(1))).await.unwrap();
    let at = now().timestamp();
    for jti in ["one", "two"] {
        assert_eq!(status(&app, json!({ "iat": at - 1, "jti": jti })).await, 403);
    }
    assert_eq!(status(&app, json!({ "iat": at })).await, 200, "issued since");
    assert_eq!(status(&app, json!({ "iat": at - 1, "sub": "reporting2" })).await, 200, "another subject");
}

/// Seed C4: a store that is down is 503 with an id, once what is known is older than ten seconds; before that it counts.
#[tokio::test(start_paused = true)]
async fn c4_a_store_that_is_down_is_503() {
    let (store, logs) = (Store::default(), Logs::capture());
    let app = with(&store).await;
    store.revoke(Revocation::of_token("bad", None, now())).await.unwrap();
    assert_eq!(status(&app, json!({})).await, 200);
    store.broken.store(true, SeqCst);
    for _ in 0..9 {
        after(1).await;
        assert_eq!(status(&app, json!({})).await, 200);
        assert_eq!(status(&app, json!({ "jti": "bad" })).await, 403);
    }
    after(1).await;
    let (status_then, body) = read(&app, json!({})).await;
    assert_eq!((status_then, body["error_id"].is_string()), (503, true), "{body}");
    assert!(logs.text().contains(body["error_id"].as_str().unwrap()), "the log has the id");
    assert!(!body.to_string().contains("disk") && logs.text().contains("the disk is gone"), "{body}");
    assert_eq!(status(&app, json!({ "jti": "bad" })).await, 503, "nothing is said of any token");
    assert_eq!(ask(&app, "/open", &hs256(FIRST, &claims(json!({}))), &[]).await.0, 200);
    store.broken.store(false, SeqCst);
    after(1).await;
    assert_eq!((status(&app, json!({})).await, status(&app, json!({ "jti": "bad" })).await), (200, 403));
}

/// One that never could be read, or that hangs, is no open door either; and it is not asked for every request.
#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_503_and_is_asked_once_a_second() {
    let store = Store::default();
    store.hung.store(true, SeqCst);
    let app = with(&store).await;
    for _ in 0..5 {
        assert_eq!(status(&app, json!({})).await, 503);
    }
    assert_eq!(store.read.load(SeqCst), 1);
    store.hung.store(false, SeqCst);
    after(1).await;
    for _ in 0..5 {
        assert_eq!(status(&app, json!({})).await, 200);
    }
    assert_eq!(store.read.load(SeqCst), 2);
}
