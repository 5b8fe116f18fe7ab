//! How far a job is.

use std::str::FromStr;

use serde::Serialize;

/// How far a job is (seed B11):
///
/// ```text
/// pending --claim--> claimed --start--> running --> completed | failed | cancelled
///    ^                  |                  |
///    +------------------+------------------+   lease expired, another try, or the app stops
/// ```
/// Every arrow is one statement that names the status, and from `claimed` on the lease, that it leaves. So a late worker
/// overwrites nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// Waits for a worker.
    Pending,
    /// A worker has it.
    Claimed,
    /// The worker is at it.
    Running,
    /// Done; some parts may have failed, which the result tells.
    Completed,
    /// Given up.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
}

/// A text is no status.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no status: it is one of pending, claimed, running, completed, failed, cancelled.")]
pub(super) struct StatusError(String);

impl Status {
    const ALL: [Self; 6] =
        [Self::Pending, Self::Claimed, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// As the table and the answers have it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed => "claimed",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing happens to the job any more.
    pub(super) const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl FromStr for Status {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| StatusError(text.chars().take(40).collect()))
    }
}
