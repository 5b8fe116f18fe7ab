//! How much of a piece of work is done.

use tokio::sync::watch;

/// Where work tells how far it is, from 0 to 1.
#[derive(Debug)]
pub(super) struct Progress(watch::Sender<f64>);

impl Progress {
    /// At 0, and where to see it move.
    pub(super) fn new() -> (Self, watch::Receiver<f64>) {
        let (sender, receiver) = watch::channel(0.0);
        (Self(sender), receiver)
    }

    /// Nobody looks at it.
    pub(super) fn unseen() -> Self {
        Self::new().0
    }

    /// `done` of `total` parts are done, and of the next one the share `next`, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a share of so many parts needs no more digits")]
    pub(super) fn at(&self, done: usize, next: f64, total: usize) {
        let share = if total == 0 { 1.0 } else { (done as f64 + next) / total as f64 };
        self.0.send_replace(share.clamp(0.0, 1.0));
    }
}
