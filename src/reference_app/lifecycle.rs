//! Which work is under way, and the words to end it.

use tokio::sync::watch;

/// Knows when the last piece of work has ended. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Lifecycle(watch::Sender<Phase>);

/// Held by a piece of work for as long as it runs.
#[derive(Debug, Clone)]
pub(super) struct Work(watch::Receiver<Phase>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    /// Nothing new begins; what is under way may end by itself.
    Closing,
    /// Everything ends now.
    Stopping,
}

impl Lifecycle {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Phase::Open))
    }

    pub(super) fn begin(&self) -> Work {
        Work(self.0.subscribe())
    }

    /// Tells whoever begins work by itself to begin none any more.
    pub(super) fn close(&self) {
        self.0.send_modify(|phase| *phase = (*phase).max(Phase::Closing));
    }

    /// Tells all work to stop now.
    pub(super) fn stop(&self) {
        self.0.send_replace(Phase::Stopping);
    }

    /// Ends when no work is under way.
    pub(super) async fn idle(&self) {
        self.0.closed().await;
    }
}

impl Work {
    /// Ends when the work is told to stop.
    pub(super) async fn stopped(&mut self) {
        self.reached(Phase::Stopping).await;
    }

    /// Ends when nothing new should begin.
    pub(super) async fn closing(&mut self) {
        self.reached(Phase::Closing).await;
    }

    async fn reached(&mut self, wanted: Phase) {
        if self.0.wait_for(|phase| *phase >= wanted).await.is_err() {
            // The app is gone without a word; that, too, means stop.
        }
    }
}
