//! `GET /api/health`

use axum::{Json as Body, extract::State, http::StatusCode, response::IntoResponse};
use serde_json::json;

use super::{
    problem::{internal, problem},
    state::Shared,
};
use crate::protocol::Problem;

/// Open to anybody: 200 while the database answers, else 503.
pub(super) async fn health(State(app): State<Shared>) -> Result<impl IntoResponse, Problem> {
    match sqlx::query("SELECT 1 FROM users LIMIT 1").execute(&app.pool).await {
        Ok(_) => Ok(Body(json!({ "status": "ok" }))),
        Err(error) => {
            let logged = internal(&error, app.entropy);
            let unavailable = problem(StatusCode::SERVICE_UNAVAILABLE, "The app's database does not answer.");
            Err(unavailable.with_error_id(logged.error_id.unwrap_or_default()))
        }
    }
}
