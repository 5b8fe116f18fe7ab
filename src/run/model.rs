//! The run, its attempts, and its states.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Outcome, Reason, RunId, Trigger, UnknownWord};
use crate::job::JobName;

/// One row of the ledger: an occurrence, or consecutive ones that were missed or skipped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Whose run.
    pub job: JobName,
    /// The nominal instant of the occurrence; of a span, of the first.
    pub scheduled_for: DateTime<Utc>,
    /// The nominal instant of the last occurrence; differs from `scheduled_for` in a span only.
    pub through: DateTime<Utc>,
    /// How many occurrences the row accounts for.
    pub count: u64,
    /// Why it exists.
    pub trigger: Trigger,
    /// Where it stands.
    pub state: State,
    /// Why it ended so.
    pub reason: Option<Reason>,
    /// What an unknown run turned out to be; `state` stays unknown, both are kept.
    pub settled: Option<Outcome>,
    /// The number of its newest attempt in the job's order of attempts.
    pub fence: Option<u64>,
    /// The hash of the definition it was claimed or last sent with.
    pub definition: String,
    /// Method and URL of the newest attempt, without secrets.
    pub request: Option<String>,
    /// The status of the newest answer.
    pub status: Option<u16>,
    /// The beginning of the newest answer's body, redacted; or what went wrong, in words.
    pub excerpt: Option<String>,
    /// From the instant it was due to the first byte sent.
    pub lateness: Option<TimeDelta>,
    /// Of the newest attempt, from the first byte sent to the end.
    pub duration: Option<TimeDelta>,
    /// When it got its outcome.
    pub finished_at: Option<DateTime<Utc>>,
}

/// One HTTP request of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Whose attempt.
    pub run: RunId,
    /// Its number within the run, from 1.
    pub number: u32,
    /// Its number within the job.
    pub fence: u64,
    /// When the ledger let it go.
    pub sent_at: DateTime<Utc>,
    /// When it ended; `None` while it is open.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why it ended so.
    pub reason: Option<Reason>,
    /// The answer's status.
    pub status: Option<u16>,
    /// The beginning of the answer's body, redacted; or what went wrong, in words.
    pub excerpt: Option<String>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Taken, and nothing sent.
    Claimed,
    /// Its request may have left.
    Sending,
    /// It has its outcome.
    Ended(Outcome),
}

/// What can happen to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It gets its slot and its fence; the request follows.
    Send,
    /// It gets its outcome.
    End(Outcome),
    /// An unknown run turned out to be this.
    Settle(Outcome),
}

/// A change that the run's state does not allow: somebody else was there first, or a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a run in state {from} cannot change by {change:?}")]
pub struct IllegalChange {
    /// The state it is in.
    pub from: State,
    /// What was tried.
    pub change: Change,
}

/// The one function that says how a run's state changes.
///
/// # Errors
/// [`IllegalChange`] for everything that the diagram in the room's docs does not show.
pub fn transition(from: State, change: Change) -> Result<State, IllegalChange> {
    use Outcome::{Cancelled, Failed, Missed, Skipped, Succeeded, Unknown};
    match (from, change) {
        (State::Claimed, Change::Send) => Ok(State::Sending),
        (State::Claimed, Change::End(outcome @ (Skipped | Missed | Cancelled | Failed)))
        | (State::Sending, Change::End(outcome @ (Succeeded | Failed | Unknown | Skipped))) => {
            Ok(State::Ended(outcome))
        }
        (State::Ended(Unknown), Change::Settle(Succeeded | Failed)) => Ok(from),
        _ => Err(IllegalChange { from, change }),
    }
}

impl State {
    /// The word as the ledger and the API write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Sending => "sending",
            Self::Ended(outcome) => outcome.as_str(),
        }
    }

    /// The outcome, once there is one.
    #[must_use]
    pub const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Ended(outcome) => Some(outcome),
            Self::Claimed | Self::Sending => None,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "claimed" => Ok(Self::Claimed),
            "sending" => Ok(Self::Sending),
            other => {
                other.parse().map(Self::Ended).map_err(|UnknownWord { word, .. }| UnknownWord { list: "state", word })
            }
        }
    }
}
