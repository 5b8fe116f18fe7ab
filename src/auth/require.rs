//! Scopes and resources as a layer of a route.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    RequestExt,
    extract::{RawPathParams, Request},
    response::{IntoResponse, Response},
};
use tower::{Layer, Service};

use super::extract::{failed, resolved};
use crate::protocol::Problem;

/// Lets a request pass whose principal may do all of `scopes` ([`Principal::require`](super::Principal::require)); nobody
/// known is 401, the rest 403. For [`Router::route_layer`](axum::Router::route_layer) or a method router's, inside
/// [`Auth`](super::Auth).
///
/// ```
/// # use axum::{Router, routing::post};
/// # use sexton::auth;
/// let cancel = post(|| async {}).route_layer(auth::require(&["jobs:cancel"]).of_resource("run", "id"));
/// let app: Router = Router::new().route("/runs/{id}/cancel", cancel);
/// ```
#[must_use]
pub const fn require(scopes: &'static [&'static str]) -> Require {
    Require { scopes, resource: None }
}

/// See [`require`].
#[derive(Debug, Clone, Copy)]
pub struct Require {
    scopes: &'static [&'static str],
    resource: Option<Resource>,
}

#[derive(Debug, Clone, Copy)]
struct Resource {
    kind: &'static str,
    parameter: &'static str,
}

impl Require {
    /// A machine's token must also name the resource of this `kind` whose id is the path's `parameter`
    /// ([`Principal::require_resource`](super::Principal::require_resource)).
    #[must_use]
    pub const fn of_resource(self, kind: &'static str, parameter: &'static str) -> Self {
        Self { resource: Some(Resource { kind, parameter }), ..self }
    }

    async fn judge(self, request: &mut Request) -> Result<(), Problem> {
        let params = match self.resource {
            Some(_) => request.extract_parts::<RawPathParams>().await.ok(),
            None => None,
        };
        let principal = resolved(request.extensions())?.as_ref().map_err(|denial| Problem::from(denial.clone()))?;
        principal.require(self.scopes)?;
        let Some(Resource { kind, parameter }) = self.resource else { return Ok(()) };
        let named = params.iter().flatten().find(|(name, _)| *name == parameter);
        let (_, id) =
            named.ok_or_else(|| failed(500, &parameter, "the path has no such parameter to check a token by"))?;
        principal.require_resource(kind, id)
    }
}

impl<S> Layer<S> for Require {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService { require: *self, inner }
    }
}

/// A service behind [`require`].
#[derive(Debug, Clone)]
pub struct RequireService<S> {
    require: Require,
    inner: S,
}

impl<S> Service<Request> for RequireService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let require = self.require;
        // The service that said it is ready does the work; its clone waits for the next request.
        let waiting = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, waiting);
        Box::pin(async move {
            match require.judge(&mut request).await {
                Ok(()) => ready.call(request).await,
                Err(problem) => Ok(problem.into_response()),
            }
        })
    }
}
