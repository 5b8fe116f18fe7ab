//! A job as an HTTP request.

use bytes::Bytes;
use chrono::SecondsFormat;
use reqwest::{
    Method,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue},
};
use url::Url;
use zeroize::Zeroizing;

use super::{Inquiry, Order, request_id};
use crate::{
    entropy::Entropy,
    job::{self, Body, HeaderText, Job, Target},
    protocol::header,
    secret::Secret,
};

/// Method and URL as they are shown: without the URL's userinfo, and with the socket's path in place of a host.
#[must_use]
pub fn request_line(job: &Job) -> String {
    if job.target.wire.socket.is_some() {
        return format!("{} {}:{}", job.method, shown_address(&job.target), job.path);
    }
    let mut url = address(&job.target, &job.path);
    strip_userinfo(&mut url);
    format!("{} {url}", job.method)
}

/// The target's base address as it is shown: without userinfo.
#[must_use]
pub fn shown_address(target: &Target) -> String {
    if let Some(socket) = &target.wire.socket {
        return format!("unix://{}", socket.display());
    }
    let mut url = target.base_url.clone();
    strip_userinfo(&mut url);
    url.to_string()
}

/// A request that is ready to be sent.
pub(super) struct Call {
    method: Method,
    url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A definition that no request can be made of. It names the key, never a secret value.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error("`{0}` is no HTTP method")]
    Method(String),
    #[error("`{0}` is no header name: letters, digits and !#$%&'*+-.^_`|~ are allowed")]
    HeaderName(String),
    #[error("the value of header `{0}` holds a control character, which no header can carry")]
    HeaderValue(String, #[source] InvalidHeaderValue),
}

impl Call {
    /// The request of one attempt. `secret` is there exactly when the target's auth wants it.
    pub(super) fn of_order(order: &Order, secret: Option<&Secret>, entropy: Entropy) -> Result<Self, RequestError> {
        let job = &order.job;
        let method = method(&job.method)?;
        let url = address(&job.target, &job.path);
        let (content_type, body) = match &job.body {
            Body::Empty => (None, Bytes::new()),
            Body::Json(text) => (Some("application/json"), Bytes::from(text.clone())),
            Body::Text(text) => (Some("text/plain; charset=utf-8"), Bytes::from(text.clone())),
            Body::File { bytes, media_type } => (Some(*media_type), Bytes::copy_from_slice(bytes)),
        };
        let mut headers = HeaderMap::new();
        basic_auth(&url, &mut headers)?;
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        own_headers(job, &mut headers)?;
        if body.is_empty() {
            say_empty(&method, &mut headers);
        }
        describe(order, entropy, &mut headers)?;
        show_credential(&job.target, secret, &mut headers)?;
        Ok(Self { method, url, headers, body })
    }

    /// What is asked about a run beside its request. It has the job's own headers, which may route it or let it in, and no
    /// idempotency key: it is another request than the run's.
    pub(super) fn of_inquiry(
        inquiry: &Inquiry,
        call: &job::Call,
        secret: Option<&Secret>,
        entropy: Entropy,
    ) -> Result<Self, RequestError> {
        let Inquiry { job, run, attempt, fence } = inquiry;
        let (method, url) = (method(&call.method)?, address(&job.target, &call.path));
        let mut headers = HeaderMap::new();
        basic_auth(&url, &mut headers)?;
        own_headers(job, &mut headers)?;
        say_empty(&method, &mut headers);
        let run_id = run.to_string();
        for (name, value) in [
            (header::JOB, job.name.to_string()),
            (header::ATTEMPT, attempt.to_string()),
            (header::FENCE, fence.to_string()),
            (header::REQUEST_ID, request_id(*run, *attempt)),
            (header::TRACEPARENT, traceparent(&run_id.replace('-', ""), entropy)),
            (header::RUN, run_id),
        ] {
            insert(&mut headers, name, &value, false)?;
        }
        show_credential(&job.target, secret, &mut headers)?;
        Ok(Self { method, url, headers, body: Bytes::new() })
    }

    /// A question to `target` that belongs to no run: the self-check, and what `sexton doctor` asks.
    pub(super) fn outside_runs(
        method: &str,
        target: &Target,
        path: &str,
        secret: Option<&Secret>,
        entropy: Entropy,
    ) -> Result<Self, RequestError> {
        let method = self::method(method)?;
        let url = address(target, path);
        let mut headers = HeaderMap::new();
        basic_auth(&url, &mut headers)?;
        say_empty(&method, &mut headers);
        let trace = entropy.hex::<16>();
        insert(&mut headers, header::REQUEST_ID, &trace, false)?;
        insert(&mut headers, header::TRACEPARENT, &traceparent(&trace, entropy), false)?;
        show_credential(target, secret, &mut headers)?;
        Ok(Self { method, url, headers, body: Bytes::new() })
    }

    /// Hands over to the HTTP client, with `wrap` around the body.
    pub(super) fn into_request(self, wrap: impl FnOnce(Bytes) -> reqwest::Body) -> reqwest::Request {
        let Self { method, mut url, headers, body } = self;
        strip_userinfo(&mut url);
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(wrap(body));
        request
    }
}

fn method(text: &str) -> Result<Method, RequestError> {
    Method::from_bytes(text.as_bytes()).map_err(|_source| RequestError::Method(text.to_owned()))
}

/// The headers that the job's definition gives it.
fn own_headers(job: &Job, headers: &mut HeaderMap) -> Result<(), RequestError> {
    for (name, text) in &job.headers {
        let (value, sensitive) = match text {
            HeaderText::Plain(value) => (value.as_str(), false),
            HeaderText::Secret { text, .. } => (text.expose(), true),
        };
        insert(headers, name, value, sensitive)?;
    }
    Ok(())
}

/// RFC 9110, 8.6; without it some servers answer 411.
fn say_empty(method: &Method, headers: &mut HeaderMap) {
    if [Method::POST, Method::PUT, Method::PATCH].contains(method) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    }
}

/// The target's base with `path` appended; `path` may carry a query (seed A34).
pub(super) fn address(target: &Target, path: &str) -> Url {
    let mut url = target.base_url.clone();
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let joined = format!("{}{path}", url.path().trim_end_matches('/'));
    url.set_path(&joined);
    url.set_query(query);
    url.set_fragment(None);
    url
}

/// What the app is told about the run.
fn describe(order: &Order, entropy: Entropy, headers: &mut HeaderMap) -> Result<(), RequestError> {
    let run = order.run.to_string();
    let trace = run.replace('-', "");
    let timeout = order.job.timeout;
    let seconds = timeout.as_secs() + u64::from(timeout.subsec_nanos() > 0);
    for (name, value) in [
        (header::IDEMPOTENCY_KEY, format!("\"{run}\"")),
        (header::JOB, order.job.name.to_string()),
        (header::RUN, run),
        (header::SCHEDULED_FOR, order.scheduled_for.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        (header::ATTEMPT, order.attempt.to_string()),
        (header::FENCE, order.fence.to_string()),
        (header::TRIGGER, order.trigger.to_string()),
        (header::TIMEOUT, seconds.to_string()),
        (header::REQUEST_ID, order.request_id()),
        (header::TRACEPARENT, traceparent(&trace, entropy)),
    ] {
        insert(headers, name, &value, false)?;
    }
    Ok(())
}

/// W3C Trace Context: all attempts of a run are one trace (its id is the run's), each a span of its own; `01` asks the
/// app to record it.
fn traceparent(trace: &str, entropy: Entropy) -> String {
    format!("00-{trace}-{}-01", entropy.hex::<8>())
}

fn show_credential(target: &Target, secret: Option<&Secret>, headers: &mut HeaderMap) -> Result<(), RequestError> {
    match (secret, target.auth.header()) {
        (Some(secret), Some(name)) => insert(headers, name, secret.expose(), true),
        (Some(secret), None) => {
            let value = Zeroizing::new(format!("Bearer {}", secret.expose()));
            insert(headers, AUTHORIZATION.as_str(), &value, true)
        }
        (None, _) => Ok(()),
    }
}

/// The base URL's userinfo as basic authentication (RFC 7617), for a target behind a gate of its own. A credential in
/// `Authorization` takes its place.
fn basic_auth(url: &Url, headers: &mut HeaderMap) -> Result<(), RequestError> {
    use base64::prelude::{BASE64_STANDARD, Engine};

    if url.username().is_empty() && url.password().is_none() {
        return Ok(());
    }
    let userinfo = format!("{}:{}", url.username(), url.password().unwrap_or_default());
    let encoded = BASE64_STANDARD.encode(super::redact::percent_decoded(&userinfo));
    insert(headers, AUTHORIZATION.as_str(), &format!("Basic {encoded}"), true)
}

pub(super) fn strip_userinfo(url: &mut Url) {
    // Both refuse only a URL without a host, which has no userinfo either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str, sensitive: bool) -> Result<(), RequestError> {
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_source| RequestError::HeaderName(name.to_owned()))?;
    let mut value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|source| RequestError::HeaderValue(name.to_owned(), source))?;
    value.set_sensitive(sensitive);
    headers.insert(key, value);
    Ok(())
}
