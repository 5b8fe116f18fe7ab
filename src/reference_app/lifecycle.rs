//! Which work is under way, and the word to stop.

use tokio::sync::watch;

/// Knows when the last piece of work has ended. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Lifecycle(watch::Sender<bool>);

/// Held by a piece of work for as long as it runs.
#[derive(Debug, Clone)]
pub(super) struct Work(watch::Receiver<bool>);

impl Lifecycle {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(super) fn begin(&self) -> Work {
        Work(self.0.subscribe())
    }

    /// Tells all work to stop now.
    pub(super) fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Ends when no work is under way.
    pub(super) async fn idle(&self) {
        self.0.closed().await;
    }
}

impl Work {
    /// Ends when the work is told to stop.
    pub(super) async fn stopped(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            // The app is gone without a word; that, too, means stop.
        }
    }
}
