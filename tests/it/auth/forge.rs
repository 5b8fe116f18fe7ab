//! Tokens made by hand, good ones and forged ones, by ring alone: nothing here is what signs or verifies elsewhere.

use std::sync::Arc;

use axum::{Router, body::Body, http::Request, routing::get};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ring::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use sexton::{
    auth::{Admin, Auth, HumanSession, InMemory, Principal, Revocations, Verifier, VerifierConfig, require},
    clock::{SharedClock, VirtualClock},
    secret::{SecretSource, SharedSecrets},
};
use tempfile::NamedTempFile;
use tower::ServiceExt;

use super::config;

pub(super) const FIRST: &str = "the-first-secret-of-the-tokens-00000001";
pub(super) const SECOND: &str = "the-second-secret-of-the-tokens-0000002";
pub(super) const KID: &str = "key-1";
pub(super) const RUN: &str = "0195dc4c-0000-7000-8000-00000000000a";

pub(super) fn now() -> DateTime<Utc> {
    "2026-03-29T01:00:00Z".parse().unwrap()
}

/// A clock that stands at [`now`] and runs on tokio's time.
pub(super) fn clock() -> SharedClock {
    Arc::new(VirtualClock::at(now()))
}

/// A key pair that is the same in every run.
pub(super) struct Ed(Ed25519KeyPair);

impl Ed {
    pub(super) fn of(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    pub(super) fn public(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }

    pub(super) fn jwk(&self, kid: &str) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.public());
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": "EdDSA", "use": "sig" })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }

    /// A token as an honest issuer makes it.
    pub(super) fn token(&self, claims: &Value) -> String {
        token(&json!({ "alg": "EdDSA", "typ": "JWT", "kid": KID }), claims, |message| self.sign(message))
    }
}

pub(super) fn hmac(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    move |message| hmac::sign(&key, message).as_ref().to_vec()
}

pub(super) fn hs256(secret: &str, claims: &Value) -> String {
    token(&json!({ "alg": "HS256", "typ": "JWT" }), claims, hmac(secret.as_bytes()))
}

pub(super) fn token(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// The claims of a good service token with the scope `jobs:read`, and what `changes` says instead; `null` takes a claim
/// away.
pub(super) fn claims(changes: Value) -> Value {
    let at = now().timestamp();
    let mut claims = json!({
        "iss": "https://cron.example.org", "aud": "app", "sub": "reporting", "iat": at, "nbf": at, "exp": at + 600,
        "jti": "token-1", "scope": "jobs:read", "token_class": "service",
    });
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(&name)),
            value => claims[name] = value,
        }
    }
    claims
}

/// The claims of a good run token.
pub(super) fn run_claims(changes: Value) -> Value {
    let mut run = claims(json!({
        "sub": "scheduler@system.local", "token_class": "run", "job": "nightly", "run_id": RUN, "fence": 7,
    }));
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    run.as_object_mut().unwrap().extend(changes);
    run
}

pub(super) fn secrets() -> SharedSecrets {
    SharedSecrets::from_list(SecretSource::Variable("SECRETS".to_owned()), &format!("{FIRST},{SECOND}")).unwrap()
}

pub(super) fn jwks_file(keys: &[Value]) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(&file, json!({ "keys": keys }).to_string()).unwrap();
    file
}

/// Takes HS256 with [`FIRST`] and [`SECOND`], of one issuer for one app.
pub(super) fn taking_secrets() -> VerifierConfig {
    VerifierConfig::new("https://cron.example.org", "app").with_secrets(secrets())
}

/// An app that takes tokens as `taken` says; one route for each gate.
pub(super) async fn app(taken: VerifierConfig, revocations: impl Revocations, clock: &SharedClock) -> Router {
    guarded(Verifier::start(taken, revocations, Arc::clone(clock)).await.unwrap(), clock).await
}

pub(super) async fn guarded(verifier: Verifier, clock: &SharedClock) -> Router {
    let auth = Auth::start(config::<String>(&[]), InMemory::default(), Arc::clone(clock)).await;
    let read = get(|| async {}).route_layer(require(&["jobs:read"]));
    let both = get(|| async {}).route_layer(require(&["jobs:read", "jobs:enqueue"]));
    let run = get(|| async {}).route_layer(require(&["jobs:read"]).of_resource("run", "id"));
    Router::new()
        .route("/me", get(|me: Principal| async move { axum::Json(me) }))
        .route("/admin", get(|_: Admin| async {}))
        .route("/person", get(|_: HumanSession| async {}))
        .route("/open", get(|| async {}))
        .route("/read", read)
        .route("/both", both)
        .route("/runs/{id}", run)
        .layer(auth.with_tokens(verifier))
}

/// The status of a request with this token, and its body.
pub(super) async fn ask(app: &Router, path: &str, token: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let mut request = Request::get(path).header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let reply = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = reply.status().as_u16();
    let body = axum::body::to_bytes(reply.into_body(), 64 * 1024).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}
