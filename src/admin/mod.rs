//! The sidecar's own listener: health, metrics, and the API that the commands talk to. What is open to all, and what is
//! behind the `door`.

mod api;
mod backfill;
mod definitions;
mod door;
mod draft;
mod health;
mod input;
mod jobs;
mod listen;
mod operate;
mod rows;
mod runs;

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

pub use api::{READ, WRITE};
pub use backfill::{Backfill, BackfillStep, Oldest, Stretch};
pub use definitions::{Shown, ShownJob};
pub use door::Door;
pub use draft::{Change, Drafts, Step};
pub use health::{Condition, Health, Verdict};
pub use jobs::{Firing, JobDetail, JobRow, LastRun, OpenRun, recent_runs, unknown_job};
pub use listen::{Address, AddressError, Listener, bind};
pub use operate::{Fire, Fired, Hold, OPERATOR, PauseRow, Settle};
pub use rows::{AttemptRow, RunDetail, RunPage, RunRow};

use crate::{
    clock::SharedClock,
    credentials::Credentials,
    entropy::Entropy,
    protocol::Problem,
    scheduler::{Handle, Metrics},
    store::RunStore,
};

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
    /// What happened.
    pub store: Arc<dyn RunStore>,
    /// The time.
    pub clock: SharedClock,
    /// Reads texts that are not in force.
    pub drafts: Drafts,
    /// Who does what is asked for.
    pub handle: Handle,
    /// Randomness, for the ids of errors.
    pub entropy: Entropy,
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
    let for_readers = Router::new()
        .route("/healthz", get(healthz))
        .merge(api::reading())
        .route_layer(middleware::from_fn_with_state(admin.clone(), only_readers));
    let for_writers = api::writing().route_layer(middleware::from_fn_with_state(admin.clone(), only_writers));
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/.well-known/jwks.json", get(public_keys))
        .merge(for_readers)
        .merge(for_writers)
        .fallback(async || not_found("there is nothing at this address"))
        .method_not_allowed_fallback(async || {
            refusal(StatusCode::METHOD_NOT_ALLOWED, "this address takes another method: see /api/v1/openapi.json")
        })
        .with_state(admin)
}

type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

async fn only_readers(State(admin): State<Admin>, peer: Peer, request: Request, next: Next) -> Response {
    let peer = peer.map(|Extension(ConnectInfo(address))| address);
    match admin.door.may_read(peer, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(why) => refusal(StatusCode::FORBIDDEN, why).into_response(),
    }
}

async fn only_writers(State(admin): State<Admin>, peer: Peer, request: Request, next: Next) -> Response {
    let peer = peer.map(|Extension(ConnectInfo(address))| address);
    match admin.door.may_write(peer, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(why) => refusal(StatusCode::FORBIDDEN, why).into_response(),
    }
}

async fn livez(State(admin): State<Admin>) -> Response {
    probe(admin.health.not_alive(), "alive")
}

async fn readyz(State(admin): State<Admin>) -> Response {
    probe(admin.health.not_ready(), "ready")
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let text = admin.metrics.render(admin.health.silence());
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}

/// The public halves of the keys that sign run tokens (RFC 7517); none when there are no such keys.
async fn public_keys(State(admin): State<Admin>) -> Response {
    let keys = admin.credentials.public_keys().await;
    let body = axum::Json(keys).into_response().into_body();
    ([(header::CONTENT_TYPE, "application/jwk-set+json")], body).into_response()
}

async fn healthz(State(admin): State<Admin>) -> Response {
    let verdict = admin.health.verdict(admin.store.as_ref(), admin.clock.now()).await;
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

fn refusal(status: StatusCode, detail: impl Into<String>) -> Problem {
    Problem::new(status.as_u16(), status.canonical_reason().unwrap_or("Error"), detail)
}

fn not_found(detail: impl Into<String>) -> Problem {
    refusal(StatusCode::NOT_FOUND, detail)
}

impl Admin {
    /// The scheduler cannot do it now, for a reason that the asker may know.
    fn unavailable(&self, cause: &dyn std::error::Error) -> Problem {
        let error_id = self.entropy.hex::<8>();
        tracing::warn!(error_id, %cause, "a request to the API came to nothing");
        refusal(StatusCode::SERVICE_UNAVAILABLE, cause.to_string()).with_error_id(error_id)
    }

    /// The asker gets an id, and the log the cause (seed C15).
    fn failed(&self, cause: &dyn std::error::Error) -> Problem {
        let error_id = self.entropy.hex::<8>();
        tracing::error!(error_id, %cause, "a request to the API failed");
        let detail = "the sidecar failed; its log has the cause under the error id";
        refusal(StatusCode::INTERNAL_SERVER_ERROR, detail).with_error_id(error_id)
    }
}
