//! The API's addresses: one table that the router is made of, and that the OpenAPI document is held against.

use axum::{Json, Router, routing};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{Admin, backfill, definitions, draft, jobs, operate, runs};

macro_rules! addresses {
    ($(#[$doc:meta])* $list:ident, $router:ident: $($method:ident $path:literal => $handler:path,)+) => {
        $(#[$doc])*
        pub const $list: &[(&str, &str)] = &[$((stringify!($method), $path),)+];

        pub(super) fn $router() -> Router<Admin> {
            Router::new()$(.route($path, routing::$method($handler)))+
        }
    };
}

addresses! {
    /// What may be read, by method and path.
    READ, reading:
    get "/api/v1/jobs" => jobs::list,
    get "/api/v1/jobs/{name}" => jobs::show,
    get "/api/v1/runs" => runs::list,
    get "/api/v1/runs/{id}" => runs::show,
    get "/api/v1/definitions" => definitions::show,
    get "/api/v1/openapi.json" => document,
}

addresses! {
    /// What changes something, by method and path.
    WRITE, writing:
    post "/api/v1/jobs/{name}/fire" => operate::fire,
    post "/api/v1/jobs/{name}/pause" => operate::pause,
    post "/api/v1/jobs/{name}/resume" => operate::resume,
    post "/api/v1/definitions/check" => draft::check,
    post "/api/v1/definitions/plan" => draft::plan,
    post "/api/v1/backfill" => backfill::step,
    post "/api/v1/pause" => operate::pause_all,
    post "/api/v1/resume" => operate::resume_all,
    post "/api/v1/runs/{id}/cancel" => operate::cancel,
    post "/api/v1/runs/{id}/settle" => operate::settle,
}

/// The sidecar's API. Without SEXTON_ADMIN_TOKEN it may be read, and on this machine only.
#[derive(OpenApi)]
#[openapi(
    info(title = "sexton"),
    paths(
        jobs::list,
        jobs::show,
        runs::list,
        runs::show,
        definitions::show,
        draft::check,
        draft::plan,
        document,
        operate::fire,
        operate::pause,
        operate::resume,
        operate::pause_all,
        operate::resume_all,
        operate::cancel,
        operate::settle,
        backfill::step
    ),
    modifiers(&AdminToken),
    security((), ("admin_token" = []))
)]
struct Document;

struct AdminToken;

impl Modify for AdminToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("SEXTON_ADMIN_TOKEN")).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("admin_token", SecurityScheme::Http(scheme));
    }
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "definitions", responses((status = 200, description = "OpenAPI 3.1.")))]
async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
