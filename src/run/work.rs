//! Work that an app took on with a 202.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::job::Call;

/// Work that is followed until the app says how it ended, as the ledger keeps it over restarts and edits of its job.
///
/// There is no secret in it: its paths are on the target, whose address and credential are looked up each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The number within its run of the attempt that it came of.
    pub attempt: u32,
    /// That attempt's number within the job.
    pub fence: u64,
    /// The name of the target that took it on.
    pub target: String,
    /// Where the app says how far it is: a path on the target, with an optional query.
    pub path: String,
    /// How the app is asked to stop; its path is filled.
    pub cancel: Option<Call>,
    /// How long to wait between two looks, unless the app says otherwise.
    pub interval: Duration,
    /// The JSON Pointer of the state in the answer.
    pub state: String,
    /// The states of work that succeeded.
    pub success: Vec<String>,
    /// The states of work that failed.
    pub failure: Vec<String>,
    /// The JSON Pointer of what is shown as progress.
    pub progress: String,
    /// When the request that it came of was sent.
    pub since: DateTime<Utc>,
    /// Up to when it is followed.
    pub until: DateTime<Utc>,
}
