//! The tower layer.

use std::{
    convert::Infallible,
    panic::resume_unwind,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{OriginalUri, Request},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use tokio::task::JoinError;
use tower::{Layer, Service};
use tracing::Instrument;

use super::{
    Answer, Answers, Begun, Fingerprint, Key, Lane,
    body::{self, Read},
};
use crate::{
    auth::extract::{failed, found},
    clock::SharedClock,
    protocol::Problem,
};

/// How long an answer is kept unless said otherwise: longer than any retry of the scheduler's.
const LIFE: TimeDelta = TimeDelta::hours(24);
/// How long a fence is kept after it was last seen: longer than any request lies frozen somewhere and still finds a
/// credential that holds.
const FENCE_LIFE: TimeDelta = TimeDelta::days(90);
/// The largest body of a request with a key, and of an answer that is kept.
const BODY: usize = 1024 * 1024;

/// When to look again for the answer to a request that is worked on, in seconds.
const RETRY_AFTER: &str = "1";

/// Headers that are one connection's or one client's.
const NOT_KEPT: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::DATE,
    header::SET_COOKIE,
    header::TRANSFER_ENCODING,
    header::TRAILER,
];

/// In an answer that was stored and is given again.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Does work once for each key. Cheap to clone.
#[derive(Debug)]
pub struct Idempotency<A> {
    answers: Arc<A>,
    clock: SharedClock,
    life: TimeDelta,
    body: usize,
}

impl<A: Answers> Idempotency<A> {
    /// Keeps answers in `answers` for 24 hours, and takes bodies of up to 1 MiB.
    #[must_use]
    pub fn new(answers: A, clock: SharedClock) -> Self {
        Self { answers: Arc::new(answers), clock, life: LIFE, body: BODY }
    }

    /// Keeps answers for so long.
    #[must_use]
    pub fn with_life(self, life: TimeDelta) -> Self {
        Self { life, ..self }
    }

    /// Takes requests, and keeps answers, of up to so many bytes.
    #[must_use]
    pub fn with_body(self, body: usize) -> Self {
        Self { body, ..self }
    }

    async fn answer<S>(self, request: Request, inner: S) -> Result<Response, Problem>
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send + 'static,
        S::Future: Send,
    {
        let (parts, body) = request.into_parts();
        // A gate inside refuses whom nobody knows; there is no space for their keys.
        let Some(who) = found(&parts.extensions)? else {
            return Ok(call(inner, Request::from_parts(parts, body)).await);
        };
        // What only looks is never too late, and may be done as often as it comes.
        if parts.method.is_safe() {
            return Ok(call(inner, Request::from_parts(parts, body)).await);
        }
        if let Some((lane, fence)) = Lane::of(who, &parts.headers)? {
            self.refuse_late(&lane, fence).await?;
        }
        // Inside a nested router the address has lost its prefix; two of them are not one endpoint.
        let address = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let Some(key) = Key::of(who, &parts.method, address, &parts.headers)? else {
            return Ok(call(inner, Request::from_parts(parts, body)).await);
        };
        let body = self.whole(body).await?;
        let fingerprint = Fingerprint::of(&parts.uri, &parts.headers, &body);
        let now = self.clock.now();
        match self.answers.begin(&key, &fingerprint, now, now + self.life).await.map_err(|error| broken(&error))? {
            Begun::New => Ok(self.work(key, parts, body, inner).await),
            Begun::Done(answer) => replayed(answer),
            Begun::InProgress => {
                let problem = Problem::new(409, "Conflict", "A request with this key is being worked on.");
                Ok(([(header::RETRY_AFTER, RETRY_AFTER)], problem).into_response())
            }
            Begun::Other => {
                let detail = "This key was used for another request: choose a new one for each thing to do.";
                Err(Problem::new(422, "Unprocessable Content", detail))
            }
        }
    }

    /// A request of a fence that was passed already comes too late to do anything.
    async fn refuse_late(&self, lane: &Lane, fence: u64) -> Result<(), Problem> {
        let now = self.clock.now();
        let raised = self.answers.raise(lane, fence, now, now + FENCE_LIFE).await;
        let highest = raised.map_err(|error| broken(&error))?;
        if fence < highest {
            let detail =
                format!("The fence {fence} of `{}` is lower than {highest}, which was seen already.", lane.job);
            return Err(Problem::new(412, "Precondition Failed", detail));
        }
        Ok(())
    }

    async fn whole(&self, body: Body) -> Result<Vec<u8>, Problem> {
        match body::read(body, self.body).await {
            Ok(Read::Whole(bytes)) => Ok(bytes),
            Ok(Read::Longer(_)) => {
                let detail = format!("A request with an idempotency key has a body of {} bytes at most.", self.body);
                Err(Problem::new(413, "Content Too Large", detail))
            }
            Err(_broke_off) => Err(Problem::new(400, "Bad Request", "The body broke off.")),
        }
    }

    /// Works in a task of its own: a client that hangs up ends neither the work nor the storing of its answer.
    async fn work<S>(self, key: Key, parts: Parts, body: Vec<u8>, inner: S) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send + 'static,
        S::Future: Send,
    {
        let request = Request::from_parts(parts, Body::from(body));
        let worker = tokio::spawn(call(inner, request).in_current_span());
        let keeper = async move {
            match worker.await {
                Ok(response) => self.keep(&key, response).await,
                Err(ended) => {
                    self.free(&key).await;
                    passed_on(ended)
                }
            }
        };
        tokio::spawn(keeper.in_current_span()).await.unwrap_or_else(passed_on)
    }

    async fn keep(&self, key: &Key, response: Response) -> Response {
        if !is_final(response.status()) {
            self.free(key).await;
            return response;
        }
        let (parts, body) = response.into_parts();
        let (kept, answered) = match body::read(body, self.body).await {
            Ok(Read::Whole(bytes)) => (Some(bytes.clone()), Ok(Body::from(bytes))),
            Ok(Read::Longer(body)) => (None, Ok(body)),
            Err(error) => (None, Err(error)),
        };
        let headers = parts.headers.iter().filter(|(name, _)| !NOT_KEPT.contains(name));
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
        let answer = Answer { status: parts.status.as_u16(), headers, body: kept };
        if let Err(error) = self.answers.finish(key, answer, self.clock.now() + self.life).await {
            tracing::error!(%error, "an answer could not be stored: the same request gets 409 until its key is over");
        }
        match answered {
            Ok(body) => Response::from_parts(parts, body),
            Err(error) => failed(500, &error, "the body of an answer broke off").into_response(),
        }
    }

    async fn free(&self, key: &Key) {
        if let Err(error) = self.answers.free(key).await {
            tracing::error!(%error, "a key could not be freed: the same request gets 409 until it is over");
        }
    }
}

/// Whether an answer is the last word: a success, or a refusal that would come again. One of who is asking is not: the same
/// request may come with a better credential.
fn is_final(status: StatusCode) -> bool {
    const NOT_NOW: [StatusCode; 4] =
        [StatusCode::REQUEST_TIMEOUT, StatusCode::CONFLICT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    const NOT_YOU: [StatusCode; 2] = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
    status.is_success() || status.is_client_error() && !NOT_NOW.contains(&status) && !NOT_YOU.contains(&status)
}

fn replayed(answer: Answer) -> Result<Response, Problem> {
    let Some(body) = answer.body else {
        let detail = "The work of this key is done; its answer was too large to be kept.";
        return Err(Problem::new(409, "Conflict", detail));
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in answer.headers {
        // What a store gives back was a header once.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn broken(error: &impl std::fmt::Display) -> Problem {
    failed(503, error, "keys and answers cannot be kept")
}

/// A panic goes on where the app's own layers look for it. The other end is that of the whole process.
fn passed_on(ended: JoinError) -> Response {
    match ended.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(ended) => failed(503, &ended, "work was given up").into_response(),
    }
}

async fn call<S>(mut inner: S, request: Request) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    match inner.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

impl<A> Clone for Idempotency<A> {
    fn clone(&self) -> Self {
        let (answers, clock) = (Arc::clone(&self.answers), Arc::clone(&self.clock));
        Self { answers, clock, life: self.life, body: self.body }
    }
}

impl<S, A> Layer<S> for Idempotency<A> {
    type Service = IdempotencyService<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        IdempotencyService { layer: self.clone(), inner }
    }
}

/// A service behind [`Idempotency`].
#[derive(Debug)]
pub struct IdempotencyService<S, A> {
    layer: Idempotency<A>,
    inner: S,
}

impl<S: Clone, A> Clone for IdempotencyService<S, A> {
    fn clone(&self) -> Self {
        Self { layer: self.layer.clone(), inner: self.inner.clone() }
    }
}

impl<S, A> Service<Request> for IdempotencyService<S, A>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    A: Answers,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Boxed<Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let layer = self.layer.clone();
        // The service that said it is ready does the work; its clone waits for the next request.
        let waiting = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, waiting);
        Box::pin(async move { Ok(layer.answer(request, ready).await.unwrap_or_else(IntoResponse::into_response)) })
    }
}
