//! Where answers are kept.

use chrono::{DateTime, Utc};

use super::{Fingerprint, Key, Lane};

/// An answer as it is stored: never a cookie, nor what belongs to one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, in order, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, or `None` when it was too large to keep: then the work is done and a second request gets 409.
    pub body: Option<Vec<u8>>,
}

/// What became of the wish to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nobody had the key: it is the caller's now, until it is finished or freed.
    New,
    /// Somebody works on it.
    InProgress,
    /// It is done.
    Done(Answer),
    /// It was used for another request.
    Other,
}

/// Keeps keys, answers and fences. Each method is atomic, over all processes of an app.
///
/// A process that dies leaves its keys taken. A store of one process frees every key in progress when it is opened; one of
/// several lets `until` do it.
pub trait Answers: Send + Sync + 'static {
    /// Why nothing can be kept. It is logged, and the request gets 503.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Takes the key when nobody has it or its time is over. `until` is when it is free again if nobody ever says more.
    fn begin(
        &self,
        key: &Key,
        request: &Fingerprint,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<Begun, Self::Error>> + Send;

    /// Stores the answer of a key that this process began, to be forgotten at `until`.
    fn finish(
        &self,
        key: &Key,
        answer: Answer,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Frees a key that this process began: the next request may try anew.
    fn free(&self, key: &Key) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Raises the fence of a lane to `fence`, never lowers it, and says where it stands then. It is forgotten at `until`,
    /// unless it is seen again before; what is over at `now` counts for nothing.
    fn raise(
        &self,
        lane: &Lane,
        fence: u64,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<u64, Self::Error>> + Send;
}
