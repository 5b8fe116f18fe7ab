//! What is to be sent, and what came of it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use crate::{
    job::Job,
    run::{Outcome, Reason, RunId, Trigger, Work},
};

/// One attempt that is to be made.
#[derive(Debug, Clone)]
pub struct Order {
    /// What to send and to whom.
    pub job: Arc<Job>,
    /// The run it belongs to.
    pub run: RunId,
    /// The nominal instant of the occurrence.
    pub scheduled_for: DateTime<Utc>,
    /// The attempt's number within the run, from 1.
    pub attempt: u32,
    /// The attempt's number within the job.
    pub fence: u64,
    /// Why the run exists.
    pub trigger: Trigger,
}

/// The `X-Request-ID` of an attempt.
#[must_use]
pub fn request_id(run: RunId, attempt: u32) -> String {
    format!("{run}-{attempt}")
}

impl Order {
    /// The `X-Request-ID` that the app sees and both halves log: the run's id and the attempt's number (seed A42).
    #[must_use]
    pub fn request_id(&self) -> String {
        request_id(self.run, self.attempt)
    }
}

impl Report {
    /// The app answered that it does not take the credential (401 or 403).
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.reason == Some(Reason::Credential) && self.status.is_some()
    }
}

/// How an attempt ended. Everything in it is redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// `succeeded`, `failed`, `unknown`, or `skipped` when the app says that it is already running.
    pub outcome: Outcome,
    /// Why; `None` when it succeeded.
    pub reason: Option<Reason>,
    /// The answer's status, also of an answer that broke off.
    pub status: Option<u16>,
    /// At most 8 KiB from the beginning of the answer's body; or what went wrong, in words.
    pub excerpt: Option<String>,
    /// The answer's body was longer than the 1 MiB that is read.
    pub body_cut: bool,
    /// How long the app asks to be left alone (`Retry-After`), from the end on.
    pub retry_after: Option<Duration>,
    /// When the connection began to write the request. `None`: the app saw nothing of it.
    pub sent_at: Option<DateTime<Utc>>,
    /// From `sent_at` to the end, or from the call to the end when nothing was sent.
    pub duration: Duration,
    /// What the app took on with a 202. With it the attempt is not over: how it ended is unknown until it was followed.
    pub work: Option<Box<Work>>,
}
