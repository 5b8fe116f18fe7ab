//! One request and its answer on the wire.

use std::{error::Error, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{
    Client, Response,
    header::{DATE, LOCATION},
};
use tokio::time::{Instant, timeout_at};

use super::{
    handover::{Handover, Sent},
    request::Call,
    retry_after::retry_after,
};
use crate::clock::SharedClock;

/// How much of an answer's body is read; what is longer is judged as read so far (seed E12).
const BODY_LIMIT: usize = 1024 * 1024;

/// What came of one request.
pub(super) enum Exchange {
    /// A complete answer, or one read up to [`BODY_LIMIT`].
    Answered { sent: Option<Sent>, answer: Answer },
    /// No connection took the request: the app cannot have seen it.
    NotSent { words: String },
    /// The time was over after the request was handed over.
    TimedOut { sent: Sent, status: Option<u16> },
    /// The connection broke after the request was handed over.
    Broken { sent: Sent, status: Option<u16>, words: String },
}

impl Exchange {
    /// The app answered that it does not know who asks.
    pub(super) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Answered { answer: Answer { status: 401, .. }, .. })
    }
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Where a redirect points.
    pub(super) location: Option<String>,
    /// How long the app asks to be left alone.
    pub(super) retry_after: Option<Duration>,
    /// What the app's clock said, in whole seconds.
    pub(super) date: Option<DateTime<Utc>>,
    pub(super) body: Vec<u8>,
    /// The body went on.
    pub(super) cut: bool,
}

/// Sends `call` and reads the answer, both until `deadline`.
pub(super) async fn exchange(client: &Client, clock: &SharedClock, call: Call, deadline: Instant) -> Exchange {
    let handover = Handover::new(clock.clone());
    let request = call.into_request(|bytes| handover.body(bytes));
    let response = match timeout_at(deadline, client.execute(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return broken(&handover, None, error),
        Err(_) => return timed_out(&handover, None),
    };
    let status = response.status().as_u16();
    match timeout_at(deadline, read(response, clock)).await {
        Ok(Ok(answer)) => Exchange::Answered { sent: handover.sent(), answer },
        Ok(Err(error)) => broken(&handover, Some(status), error),
        Err(_) => timed_out(&handover, Some(status)),
    }
}

async fn read(mut response: Response, clock: &SharedClock) -> Result<Answer, reqwest::Error> {
    let status = response.status().as_u16();
    let location = response.headers().get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let retry_after = retry_after(response.headers(), clock.now());
    let date = response.headers().get(DATE).and_then(|value| DateTime::parse_from_rfc2822(value.to_str().ok()?).ok());
    let date = date.map(|date| date.to_utc());
    let mut body = Vec::new();
    let mut cut = false;
    while let Some(chunk) = response.chunk().await? {
        let room = BODY_LIMIT - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            cut = true;
            break;
        }
    }
    Ok(Answer { status, location, retry_after, date, body, cut })
}

fn timed_out(handover: &Handover, status: Option<u16>) -> Exchange {
    match handover.sent() {
        Some(sent) => Exchange::TimedOut { sent, status },
        None => Exchange::NotSent { words: "the time was over before a connection came about".to_owned() },
    }
}

fn broken(handover: &Handover, status: Option<u16>, error: reqwest::Error) -> Exchange {
    let words = in_words(error);
    match handover.sent() {
        Some(sent) => Exchange::Broken { sent, status, words },
        None => Exchange::NotSent { words },
    }
}

/// The chain of causes, without the URL: it may carry userinfo.
fn in_words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.ends_with(&text) {
            words.push_str(": ");
            words.push_str(&text);
        }
        cause = inner.source();
    }
    words
}
