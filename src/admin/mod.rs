//! The sidecar's own listener: health, metrics. What is open to all and what is behind the `door`.

mod definitions;
mod door;
mod health;
mod listen;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Extension, Router,
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::sync::watch;

pub use definitions::{Shown, ShownJob};
pub use door::Door;
pub use health::{Condition, Health, Verdict};
pub use listen::{Address, AddressError, Listener, bind};

use crate::{credentials::Credentials, protocol::Problem, scheduler::Metrics};

/// What the listener shows.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Who may see what is not open.
    pub door: Arc<Door>,
    /// How the sidecar is.
    pub health: Health,
    /// Its counts and gauges.
    pub metrics: Metrics,
    /// Whose public keys apps may fetch.
    pub credentials: Arc<Credentials>,
}

/// Answers on every listener until `stop` turns true.
///
/// # Errors
/// When a listener breaks.
pub async fn serve(admin: Admin, listeners: Vec<Listener>, stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let app = router(admin);
    let mut servers = tokio::task::JoinSet::new();
    for listener in listeners {
        servers.spawn(listener.serve(app.clone(), stop.clone()));
    }
    while let Some(server) = servers.join_next().await {
        server.map_err(std::io::Error::other)??;
    }
    Ok(())
}

fn router(admin: Admin) -> Router {
    let behind_the_door = Router::new()
        .route("/healthz", get(healthz))
        .route("/api/v1/definitions", get(definitions::show))
        .route_layer(middleware::from_fn_with_state(admin.clone(), only_readers));
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/.well-known/jwks.json", get(public_keys))
        .merge(behind_the_door)
        .fallback(async || problem(StatusCode::NOT_FOUND, "there is nothing at this address"))
        .with_state(admin)
}

async fn only_readers(
    State(admin): State<Admin>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    request: Request,
    next: Next,
) -> Response {
    let peer = peer.map(|Extension(ConnectInfo(address))| address);
    match admin.door.may_read(peer, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(why) => problem(StatusCode::FORBIDDEN, why),
    }
}

async fn livez(State(admin): State<Admin>) -> Response {
    probe(admin.health.not_alive(), "alive")
}

async fn readyz(State(admin): State<Admin>) -> Response {
    probe(admin.health.not_ready(), "ready")
}

async fn metrics(State(admin): State<Admin>) -> Response {
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], admin.metrics.render())
        .into_response()
}

/// The public halves of the keys that sign run tokens (RFC 7517); none when there are no such keys.
async fn public_keys(State(admin): State<Admin>) -> Response {
    let keys = admin.credentials.public_keys().await;
    let body = axum::Json(keys).into_response().into_body();
    ([(header::CONTENT_TYPE, "application/jwk-set+json")], body).into_response()
}

async fn healthz(State(admin): State<Admin>) -> Response {
    let verdict = admin.health.verdict();
    let status = if verdict.is_failing() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, axum::Json(verdict)).into_response()
}

/// A probe's answer: short text that `sexton healthcheck` passes on.
fn probe(trouble: Option<&'static str>, fine: &'static str) -> Response {
    match trouble {
        None => (StatusCode::OK, fine).into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why).into_response(),
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body = Problem::new(status.as_u16(), title, detail);
    (status, [(header::CONTENT_TYPE, Problem::CONTENT_TYPE)], axum::Json(body).into_response().into_body())
        .into_response()
}
