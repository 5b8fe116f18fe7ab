//! What is asked about a run beside its request: how far its work is, and to stop it.

use std::{sync::Arc, time::Duration};

use super::{
    Dispatcher,
    dispatcher::{Tried, secret_headers},
    redact::Redactor,
    request::Call,
    whereabouts,
};
use crate::{
    credentials::{Errand, Shown},
    job::{self, Job},
    run::RunId,
};

/// How long one such request may take. An app that needs longer to say how far it is, is asked again.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// The run that is asked about.
#[derive(Debug, Clone)]
pub struct Inquiry {
    /// Its job: whom to ask, with which headers and scopes.
    pub job: Arc<Job>,
    /// The run.
    pub run: RunId,
    /// The number of its newest attempt within the run.
    pub attempt: u32,
    /// The number of its newest attempt within the job.
    pub fence: u64,
}

/// How the app is asked to stop a run of `job` that it has not answered yet. `None` when there is no way, or what its path
/// needs is not known before the answer.
#[must_use]
pub fn stop_call(job: &Job) -> Option<job::Call> {
    whereabouts::filled_call(job.cancel.as_ref()?, None).ok()
}

impl Dispatcher {
    /// Makes one request about a run, with a credential of its own; what came of it, and what to keep out of sight.
    pub(super) async fn inquire(&self, inquiry: &Inquiry, call: &job::Call) -> (Tried, Redactor) {
        let job = &inquiry.job;
        let errand = Errand {
            job: job.name.as_str(),
            run: inquiry.run,
            fence: Some(inquiry.fence),
            scopes: &job.scopes,
            life: LIMIT,
        };
        let deadline = self.clock.monotonic() + LIMIT;
        let request = |secret: Option<&_>| Call::of_inquiry(inquiry, call, secret, self.entropy);
        let tried = self.authenticated(&job.target, &errand, deadline, request).await;
        let hidden = tried.shown.iter().flat_map(Shown::hidden).chain(secret_headers(job));
        let redactor = self.redactor(&job.target, hidden);
        (tried, redactor)
    }
}
