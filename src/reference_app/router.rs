//! Which address does what.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, StatusCode, Uri},
    middleware::from_fn_with_state,
    routing::{MethodRouter, delete, get, post},
};

use super::{
    access_tokens,
    answers::AnswerTable,
    audit::{self, Action},
    directory::UserTable,
    gates::{self, Gate},
    health::health,
    input::MAX_BODY,
    jobs, marketplaces,
    observe::observe,
    people,
    problem::{problem, unavailable},
    sessions, sources,
    state::Shared,
    users,
};
use crate::{
    auth::{Auth, Idempotency},
    protocol::Problem,
};

/// The whole app. The log sees everything, the auth layer sees everything but the log, each audited route is wrapped in
/// its own row, and what may be asked for twice is done, and in the audit log, once, behind a gate. An answer that shows a
/// new credential is not among that: it must not be kept. Nor is a cancellation: it may follow a run that a later one has
/// passed.
pub(super) fn router(app: &Shared, auth: Auth<UserTable>, idempotency: &Idempotency<AnswerTable>) -> Router {
    let audited = |method: MethodRouter<Shared>, name, resource| {
        let action = Action { name, resource };
        method.route_layer(from_fn_with_state((Arc::clone(app), action), audit::record))
    };
    // The last layer is the outermost: the gate is asked before the stored answers are.
    let once = |gate: Gate, method: MethodRouter<Shared>, name, resource| {
        let action = Action { name, resource };
        let judged = from_fn_with_state((Arc::clone(app), action, gate), gates::judge);
        audited(method, name, resource).route_layer(idempotency.clone()).route_layer(judged)
    };
    let sync = |method: MethodRouter<Shared>, resource| once(Gate::Sync, method, "marketplace.sync", resource);
    let tokens = audited(post(access_tokens::mint), "token.create", "token");
    let marketplaces = once(Gate::Admins, post(marketplaces::add), "marketplace.add", "marketplace");
    let sources = once(Gate::Admins, post(sources::add), "source.add", "source").get(sources::list);
    let jobs = once(Gate::Enqueue, post(jobs::enqueue), "job.enqueue", "job").get(jobs::list);
    let job_sessions = audited(post(jobs::open_session).delete(jobs::close_sessions), "job.session", "job:{id}");
    Router::new()
        .route("/api/health", get(health))
        .route("/api/auth/register", audited(post(users::register), "user.register", "user"))
        .route("/api/auth/login", audited(post(sessions::log_in), "user.login", "user"))
        .route("/api/auth/logout", audited(post(sessions::log_out), "user.logout", "session"))
        .route("/api/auth/me", get(users::me))
        .route("/api/auth/tokens", tokens.get(access_tokens::list))
        .route("/api/auth/tokens/{id}", audited(delete(access_tokens::revoke), "token.revoke", "token:{id}"))
        .route("/api/marketplaces", marketplaces.get(marketplaces::list))
        .route(
            "/api/marketplaces/{name}",
            audited(delete(marketplaces::remove), "marketplace.remove", "marketplace:{name}"),
        )
        .route("/api/marketplaces/sync-all", sync(post(marketplaces::sync_all), "marketplaces_all"))
        .route("/api/marketplaces/{name}/sync", sync(post(marketplaces::sync_one), "marketplace:{name}"))
        .route("/api/sources", sources)
        .route("/api/sources/{name}", audited(delete(sources::remove), "source.remove", "source:{name}"))
        .route("/api/jobs", jobs)
        .route("/api/jobs/{id}", get(jobs::show))
        .route("/api/jobs/{id}/session", job_sessions)
        .route("/api/jobs/{id}/cancel", audited(post(jobs::cancel), "job.cancel", "job:{id}"))
        .route("/api/audit", get(audit::list))
        .fallback(unknown_address)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::clone(app))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(with_people(app, auth))
        .layer(from_fn_with_state(Arc::clone(app), observe))
}

/// Sessions and access tokens, besides the shared secret.
fn with_people(app: &Shared, auth: Auth<UserTable>) -> Auth<UserTable> {
    let app = Arc::clone(app);
    auth.with_people(move |presented| {
        let app = Arc::clone(&app);
        async move {
            let found = people::find(&app.pool, &app.clock, presented).await;
            found.map_err(|error| unavailable(&error, app.entropy))
        }
    })
}

async fn unknown_address(uri: Uri) -> Problem {
    problem(StatusCode::NOT_FOUND, format!("There is nothing at {}.", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    problem(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not take {method}.", uri.path()))
}
