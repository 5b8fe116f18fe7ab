//! The auth layer around a small app.

mod credentials;
mod forge;
mod gated;
mod gates;
mod idempotency;
mod keys;
mod revocation;
mod rotation;
mod tokens;

use std::{ffi::OsString, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
    routing::get,
};
use sexton::{
    auth::{
        Admin, Auth, Config, HumanSession, InMemory, InMemoryRevocations, Mode, Principal, Verifier, VerifierConfig,
        require,
    },
    clock::{SharedClock, SystemClock},
};
use tower::ServiceExt;

use crate::support::app::secret;

/// Variables of an environment.
fn config<V: Into<OsString> + Clone>(variables: &[(&str, V)]) -> Config {
    Config::from_lookup(|name| {
        variables.iter().find_map(|(known, value)| (*known == name).then(|| value.clone().into()))
    })
}

async fn auth(config: Config) -> Auth<InMemory> {
    Auth::start(config, InMemory::default(), Arc::new(SystemClock) as SharedClock).await
}

async fn with_secret() -> Auth<InMemory> {
    auth(config(&[("SCHEDULER_API_TOKEN", secret())])).await
}

/// One route for each gate, and an open one.
fn app(auth: Auth<InMemory>) -> Router {
    Router::new()
        .route("/me", get(|me: Principal| async move { axum::Json(me) }))
        .route("/admin", get(|_: Admin| async {}))
        .route("/person", get(|_: HumanSession| async {}))
        .route("/open", get(|| async {}))
        .layer(auth)
}

async fn send(app: &Router, path: &str, headers: &[(&str, &[u8])]) -> Response<Body> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// The status of `GET /me` with this `Authorization` header.
async fn me(app: &Router, authorization: impl AsRef<[u8]>) -> u16 {
    send(app, "/me", &[("authorization", authorization.as_ref())]).await.status().as_u16()
}

/// An app in this mode that takes tokens, with an open endpoint and two gates.
async fn in_mode(mode: Mode, taken: VerifierConfig) -> Router {
    let clock = forge::clock();
    let verifier = Verifier::start(taken, InMemoryRevocations::default(), Arc::clone(&clock)).await.unwrap();
    let auth =
        Auth::start(config::<String>(&[]), InMemory::default(), clock).await.with_tokens(verifier).with_mode(mode);
    Router::new()
        .route("/me", get(|_: Principal| async {}))
        .route("/read", get(|| async {}).route_layer(require(&["jobs:read"])))
        .route("/open", get(|| async {}))
        .layer(auth)
}
