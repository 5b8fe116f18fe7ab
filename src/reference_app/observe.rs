//! Around every request: an id, a log line, and a task of its own, so that a client that hangs up ends nothing and a panic
//! is one answer of 500 (seeds A37, A42, D9).

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use super::{
    problem::{Cause, internal, problem},
    state::Shared,
};
use crate::{
    entropy::Entropy,
    protocol::{Problem, header},
};

/// How long a request has to notice that the app is stopping at once. A killed sync writes its audit row within it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The outermost middleware.
pub(super) async fn observe(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers(), app.entropy);
    let span = tracing::info_span!("request", request_id = %id);
    let entropy = app.entropy;
    let task = tokio::spawn(answer(app, id, request, next).instrument(span));
    match task.await {
        Ok(response) => response,
        Err(error) => internal(&error, entropy).into_response(),
    }
}

async fn answer(app: Shared, id: String, request: Request, next: Next) -> Response {
    let mut work = app.lifecycle.begin();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let started = app.clock.monotonic();
    let cut_off = async {
        work.stopped().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    let mut response = tokio::select! {
        done = caught(next.run(request)) => match done {
            Ok(response) => response,
            Err(panic) => internal(&panic, app.entropy).into_response(),
        },
        () = cut_off => stopping(app.entropy).into_response(),
    };
    if let Some(Cause(cause)) = response.extensions_mut().remove() {
        response = internal(&cause, app.entropy).into_response();
    }
    let duration_ms = (app.clock.monotonic() - started).as_millis();
    let status = response.status().as_u16();
    if path == "/api/health" {
        tracing::debug!(%method, path, status, duration_ms, "answered");
    } else {
        tracing::info!(%method, path, status, duration_ms, "answered");
    }
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(HeaderName::from_static(header::REQUEST_ID), value);
    }
    response
}

fn stopping(entropy: Entropy) -> Problem {
    let error_id = entropy.hex::<8>();
    tracing::warn!(error_id, "a request had not ended when the app did");
    problem(StatusCode::SERVICE_UNAVAILABLE, "The app is stopping.").with_error_id(error_id)
}

/// The client's id when it is one that can be logged as it is, else a new one.
fn request_id(headers: &HeaderMap, entropy: Entropy) -> String {
    let plain = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    let given = headers.get(header::REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plain);
    given.map_or_else(|| entropy.hex::<16>(), str::to_owned)
}

/// What a panic said.
#[derive(Debug)]
pub(super) struct Panic(String);

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panic: {}", self.0)
    }
}

impl Panic {
    fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Self(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default())
    }
}

/// Runs `future`, and hands back its panic. What it shares with others is behind locks and transactions that do not
/// outlive a panic.
pub(super) async fn caught<F: Future>(future: F) -> Result<F::Output, Panic> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(payload) => Poll::Ready(Err(Panic::new(payload.as_ref()))),
    })
    .await
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::caught;

    /// Seed A37: what the audit log and the answer are made of when work panics, before or after it waited.
    #[tokio::test]
    async fn a_panic_is_caught_with_its_words() {
        assert_eq!(caught(async { 7 }).await.ok(), Some(7));
        let panic = caught(async { [0_u8; 0][std::hint::black_box(0)] }).await.unwrap_err();
        assert!(panic.to_string().starts_with("panic: index out of bounds"), "{panic}");
        let panic = caught(async {
            tokio::task::yield_now().await;
            std::panic::resume_unwind(Box::new("words"));
        });
        assert_eq!(panic.await.unwrap_err().to_string(), "panic: words");
    }
}
