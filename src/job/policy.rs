//! What holds around the attempts of a job: overlap, retry, catch-up, completion, and what counts as success.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What happens to an occurrence while an earlier run may still be running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// It is skipped.
    Skip,
    /// One waits until the earlier run is over; further ones are skipped.
    Queue,
    /// The app is asked to stop the earlier run, and it takes its place.
    Replace,
    /// It is sent all the same.
    Allow,
}

/// What is sent for occurrences that fell into downtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// Nothing.
    None,
    /// The newest of them.
    Latest,
    /// Each, oldest first, one by one.
    All,
}

/// A limit that several jobs share, over all replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name in `jobs.toml`.
    pub name: String,
    /// How many runs of its jobs may be in flight at once.
    pub concurrency: u32,
}

/// Whether and how an attempt is made again.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// Attempts of one run in all; 1 is no retry.
    pub attempts: u32,
    /// The wait before the second attempt.
    pub initial: Duration,
    /// What each wait is multiplied by for the next.
    pub factor: f64,
    /// The longest wait.
    pub max: Duration,
    /// What a failed attempt is made again after.
    pub on: Vec<RetryOn>,
}

/// One element of `retry.on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryOn {
    /// The app was never reached.
    Connect,
    /// It answered so.
    Status(ExpectedStatus),
}

/// Statuses that something between sidecar and app may have answered with when it gave up: a run that ends so is unknown, not
/// failed.
pub const GATEWAY_STATUSES: [u16; 4] = [408, 502, 504, 524];

/// A request to the target of a job, beside that of the job itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The HTTP method, upper case.
    pub method: String,
    /// The path on the target. Each `{name}` in it is filled with the member `name` of the answer to the job's request,
    /// which only jobs that poll have.
    pub path: String,
}

/// When a run is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// With the answer.
    Response,
    /// With the answer, unless that is a 202: then with the state that polling finds.
    Poll(Poll),
}

/// How a run that the app took on with a 202 is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Where its state is.
    pub url: PollUrl,
    /// How long to wait between two looks, unless the app says otherwise with `Retry-After`.
    pub interval: Duration,
    /// The JSON Pointer (RFC 6901) of the state in the answer.
    pub state: String,
    /// The states of a run that succeeded.
    pub success: Vec<String>,
    /// The states of a run that failed.
    pub failure: Vec<String>,
    /// How long it is followed.
    pub timeout: Duration,
    /// The JSON Pointer of what is shown as progress.
    pub progress: String,
}

/// Where the state of a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollUrl {
    /// Where the `Location` header of the 202 says.
    Location,
    /// A path on the target, filled as that of a [`Call`] is.
    Template(String),
}

/// Which answers are a success: those that meet all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// The status is one of these.
    pub status: Vec<ExpectedStatus>,
    /// The body is JSON, and what stands at each JSON Pointer (RFC 6901) equals the value.
    pub json: Vec<(String, Value)>,
    /// The body has this text in it.
    pub contains: Option<String>,
}

/// One element of `expect.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedStatus {
    /// Exactly this.
    Exact(u16),
    /// Any of a class.
    Class(StatusClass),
}

/// A status class, by its first digit: 2 for `2xx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusClass(pub u8);

impl Completion {
    /// How the run is followed, for jobs that poll.
    #[must_use]
    pub fn poll(&self) -> Option<&Poll> {
        match self {
            Self::Response => None,
            Self::Poll(poll) => Some(poll),
        }
    }
}

impl ExpectedStatus {
    /// Whether `status` is it.
    #[must_use]
    pub fn covers(self, status: u16) -> bool {
        match self {
            Self::Exact(exact) => status == exact,
            Self::Class(StatusClass(class)) => status / 100 == u16::from(class),
        }
    }
}
