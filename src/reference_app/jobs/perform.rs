//! Doing what a kind asks for.

use serde_json::Value;

use super::{
    kind::{Sources, Work},
    lease::Claimed,
};
use crate::reference_app::{
    marketplaces::{self, SyncAllError},
    progress::Progress,
    sources,
    state::Shared,
};

/// What an attempt came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is done. With `partly`, some parts of it failed, as the result tells.
    Completed { result: Value, partly: bool },
    /// It failed for a reason that whoever asked may see; with `again`, another try may do better.
    Failed { reason: String, result: Option<Value>, again: bool },
}

/// Why an attempt came to nothing, for the log only.
#[derive(Debug, thiserror::Error)]
pub(super) enum PerformError {
    #[error("this version of the app knows no kind `{0}`, or not with these arguments")]
    Unreadable(String),
    #[error("marketplaces: {0}")]
    Marketplaces(#[from] SyncAllError),
    #[error("sources: {0}")]
    Sources(#[from] sources::TableError),
    #[error("the result cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Reads a row's kind and arguments.
pub(super) fn read(claimed: &Claimed) -> Result<Work, PerformError> {
    let unreadable = || PerformError::Unreadable(claimed.kind.clone());
    let Ok(arguments) = serde_json::from_str(&claimed.arguments) else { return Err(unreadable()) };
    Work::read(&claimed.kind, arguments).map_err(|_unreadable| unreadable())
}

/// What the audit log calls a job: the action, and what it was done to.
pub(super) fn audited(claimed: &Claimed, work: &Result<Work, PerformError>) -> (&'static str, String) {
    work.as_ref().map_or_else(|_unreadable| ("job.run", format!("job:{}", claimed.id)), Work::audited)
}

/// Does the work to its end. Dropping the future ends it at once: nothing of it goes on by itself.
pub(super) async fn perform(app: &Shared, work: Work, progress: &Progress) -> Result<Outcome, PerformError> {
    match work {
        Work::Marketplaces => synced(&marketplaces::sync_queued(app, progress).await?),
        Work::DataRefresh(Sources { sources: names }) => {
            refreshed(&sources::refresh(app, names.as_deref(), progress).await?)
        }
    }
}

/// The same as the endpoint answers: some repositories failed and the pass was made, or all did and it failed.
fn synced(reports: &marketplaces::Reports) -> Result<Outcome, PerformError> {
    let (errors, total) = reports.errors();
    let result = serde_json::to_value(reports)?;
    Ok(if errors > 0 && errors == total {
        let reason = "No repository could be brought up to date; the result has each one's reason.".to_owned();
        Outcome::Failed { reason, result: Some(result), again: true }
    } else {
        Outcome::Completed { result, partly: errors > 0 }
    })
}

/// By the same rule. A source whose data is wrong is so again until somebody mends it: that is not tried again.
fn refreshed(reports: &sources::Reports) -> Result<Outcome, PerformError> {
    let (errors, total, may_pass) = reports.errors();
    let result = serde_json::to_value(reports)?;
    Ok(if errors > 0 && errors == total {
        let reason = "No source could be brought up to date; the result has each one's reason.".to_owned();
        Outcome::Failed { reason, result: Some(result), again: may_pass }
    } else {
        Outcome::Completed { result, partly: errors > 0 }
    })
}
