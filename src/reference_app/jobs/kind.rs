//! What can be asked for.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A kind with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// Bring every marketplace up to date, as `POST /api/marketplaces/sync-all` does.
    Marketplaces,
    /// Import the sources that changed.
    DataRefresh(Sources),
}

/// Arguments of a kind that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Which sources to look at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sources {
    /// By name; all of them when nothing is said.
    pub(super) sources: Option<Vec<String>>,
}

/// Why a kind and its arguments are no work.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError {
    /// Seed A35: a client learns what there is. What it said is not repeated: the answer is kept for whoever asks again
    /// with its key, and it may be anything.
    #[error("`kind` names no kind of job: the kinds are {kinds}.", kinds = Work::KINDS.join(", "))]
    Kind,
    #[error(transparent)]
    Arguments(#[from] serde_path_to_error::Error<serde_json::Error>),
}

impl Work {
    /// Every kind, by name.
    pub(super) const KINDS: [&'static str; 2] = ["data-refresh", "marketplaces"];

    /// Reads what a request, or a row, says.
    pub(super) fn read(kind: &str, arguments: Map<String, Value>) -> Result<Self, WorkError> {
        let arguments = Value::Object(arguments);
        match kind {
            "data-refresh" => Ok(serde_path_to_error::deserialize(arguments).map(Self::DataRefresh)?),
            "marketplaces" => Ok(serde_path_to_error::deserialize(arguments).map(|Nothing {}| Self::Marketplaces)?),
            _ => Err(WorkError::Kind),
        }
    }

    /// The name of the kind.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Marketplaces => "marketplaces",
            Self::DataRefresh(_) => "data-refresh",
        }
    }

    /// The arguments, as JSON.
    pub(super) fn arguments(&self) -> String {
        match self {
            Self::Marketplaces => "{}".to_owned(),
            Self::DataRefresh(Sources { sources: None }) => "{}".to_owned(),
            Self::DataRefresh(Sources { sources: Some(names) }) => json!({ "sources": names }).to_string(),
        }
    }

    /// What the audit log calls it: the action, and what it was done to. The same as where it is asked for directly, and a
    /// bulk action's resource ends in `_all` (seed A9).
    pub(super) fn audited(&self) -> (&'static str, String) {
        match self {
            Self::Marketplaces => ("marketplace.sync", "marketplaces_all".to_owned()),
            Self::DataRefresh(Sources { sources: None }) => ("source.import", "sources_all".to_owned()),
            Self::DataRefresh(Sources { sources: Some(names) }) => {
                ("source.import", format!("source:{}", names.join(",")))
            }
        }
    }
}
