//! Who may ask for work that is done once for a key. Judged before keys and answers are looked at: what is stored is for
//! whoever may ask for it, not for whoever knows the key (seed C3).

use axum::{
    RequestExt,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    audit::{self, Action},
    input::MAX_BODY,
    jobs, marketplaces,
    problem::problem,
    state::Shared,
};
use crate::{
    auth::{Admin, Principal},
    protocol::Problem,
};

/// Who may ask.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gate {
    /// Members of `Admin`.
    Admins,
    /// Who may sync the marketplace of the path, or all of them.
    Sync,
    /// Who may ask for a job of the kind that the body names.
    Enqueue,
}

/// The middleware of one route. Whom it refuses has a row in the audit log.
pub(super) async fn judge(
    State((app, action, gate)): State<(Shared, Action, Gate)>,
    mut request: Request,
    next: Next,
) -> Response {
    match gate.judge(&mut request).await {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            audit::refused(&app, action, &mut request).await;
            problem.into_response()
        }
    }
}

impl Gate {
    async fn judge(self, request: &mut Request) -> Result<(), Problem> {
        let who: Principal = request.extract_parts().await?;
        match self {
            Self::Admins => request.extract_parts::<Admin>().await.map(|_| ()),
            Self::Sync => {
                let named = request.extract_parts::<Path<String>>().await.ok();
                marketplaces::may_sync(&who, named.as_ref().map(|Path(name)| name.as_str()))
            }
            Self::Enqueue => {
                jobs::may_enqueue(&who)?;
                let body = to_bytes(std::mem::take(request.body_mut()), MAX_BODY).await.map_err(|_too_large| {
                    problem(StatusCode::PAYLOAD_TOO_LARGE, format!("A body has {MAX_BODY} bytes at most."))
                })?;
                jobs::may_ask_for(&who, &body)?;
                *request.body_mut() = Body::from(body);
                Ok(())
            }
        }
    }
}
