//! A durable queue of work that takes longer than a request should: asked for with a `POST`, done by the app's own workers,
//! and polled.
//!
//! ```text
//! POST /api/jobs --row--> runner --claim, lease--> attempt --perform--> end: status, result, audit row
//! ```
//! A job is a row before it is answered with 202, so a restart forgets none. Who works on it holds a lease that is renewed
//! while the work goes on; when the process dies, the lease runs out and the job is tried again, three times at most.

mod access;
mod api;
mod attempt;
mod kind;
mod lease;
mod perform;
mod runner;
mod sessions;
mod shown;
mod status;
mod table;

use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};

use self::runner::Cancel;
pub(super) use self::{
    access::{BUNDLE, may_enqueue},
    api::{cancel, enqueue, list, may_ask_for, show},
    runner::Runner,
    sessions::{close as close_sessions, is_alive, open as open_session},
};

/// How many cancellations wait for the runner before the next one waits in its handler.
const CANCELS: usize = 16;

/// The handlers' end of the queue.
#[derive(Debug)]
pub(super) struct Jobs {
    workers: usize,
    limit: Duration,
    noticed: Notify,
    cancels: mpsc::Sender<Cancel>,
}

/// Why a job could not be cancelled.
#[derive(Debug, thiserror::Error)]
pub(super) enum CancelError {
    #[error("the queue's runner has ended")]
    Closed,
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

impl Jobs {
    /// `workers` jobs at once, each attempt of at most `limit`; the receiver is for the [`Runner`].
    pub(super) fn new(workers: usize, limit: Duration) -> (Self, mpsc::Receiver<Cancel>) {
        let (cancels, receiver) = mpsc::channel(CANCELS);
        (Self { workers, limit, noticed: Notify::new(), cancels }, receiver)
    }

    fn workers(&self) -> usize {
        self.workers
    }

    fn limit(&self) -> Duration {
        self.limit
    }

    /// Whether anybody would do what is asked for (seed B9).
    fn has_executor(&self) -> bool {
        self.workers > 0 && !self.cancels.is_closed()
    }

    /// Tells the runner that there is something new.
    fn notice(&self) {
        self.noticed.notify_one();
    }

    async fn noticed(&self) {
        self.noticed.notified().await;
    }

    /// Ends when the job is over and nothing of it is running any more.
    async fn cancel(&self, id: &str) -> Result<(), CancelError> {
        let (done, ended) = oneshot::channel();
        if self.cancels.send(Cancel { id: id.to_owned(), done }).await.is_err() {
            return Err(CancelError::Closed);
        }
        match ended.await {
            Ok(cancelled) => Ok(cancelled?),
            Err(_closed) => Err(CancelError::Closed),
        }
    }
}
