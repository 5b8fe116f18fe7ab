//! The run, its attempts, and its states.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Outcome, Reason, RunId, Trigger, UnknownWord, Work};
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
    /// When a waiting run goes on: the next attempt, or the next time the app is asked.
    pub wake_at: Option<DateTime<Utc>>,
    /// What the app took on with its newest attempt.
    pub work: Option<Work>,
    /// How far that is, in the app's words, redacted.
    pub progress: Option<String>,
    /// How many attempts it had.
    pub attempts: u32,
    /// How the newest of them ended; `None` while it is open.
    pub tried: Option<Outcome>,
    /// When it got its outcome.
    pub finished_at: Option<DateTime<Utc>>,
    /// Who asked for it, as `class:name`; `None` for what a schedule demanded.
    pub asked_by: Option<String>,
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
    /// Waits, with nothing sent, for an earlier run of its job to end.
    Queued,
    /// Its request may have left.
    Sending,
    /// The app took it and works on it; it is asked until it says how that ended.
    Polling,
    /// An attempt did not do it; the next one waits for its instant.
    RetryWait,
    /// It has its outcome.
    Ended(Outcome),
}

/// What can happen to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It lines up behind an earlier run of its job.
    Queue,
    /// It gets its slots and its fence; the request follows.
    Send,
    /// The app took it and will say later how it ended.
    Poll,
    /// The attempt is over and another one is to follow.
    Retry,
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
        (State::Claimed, Change::Queue) => Ok(State::Queued),
        (State::Claimed | State::Queued | State::RetryWait, Change::Send) => Ok(State::Sending),
        (State::Sending, Change::Poll) => Ok(State::Polling),
        (State::Sending | State::Polling, Change::Retry) => Ok(State::RetryWait),
        (State::Claimed | State::Queued, Change::End(outcome @ (Skipped | Missed | Cancelled | Failed)))
        | (State::Sending, Change::End(outcome @ (Succeeded | Failed | Unknown | Skipped | Cancelled)))
        | (State::Polling, Change::End(outcome @ (Succeeded | Failed | Unknown | Cancelled)))
        | (State::RetryWait, Change::End(outcome @ (Failed | Unknown | Cancelled))) => Ok(State::Ended(outcome)),
        (State::Ended(Unknown), Change::Settle(Succeeded | Failed)) => Ok(from),
        _ => Err(IllegalChange { from, change }),
    }
}

impl State {
    /// Whether it can become `sending`: nothing of it is on its way now.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Claimed | Self::Queued | Self::RetryWait)
    }

    /// Whether the app may be at it, and somebody listens.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Sending | Self::Polling)
    }

    /// Those without an outcome.
    pub const OPEN: [Self; 5] = [Self::Claimed, Self::Queued, Self::Sending, Self::Polling, Self::RetryWait];

    /// The word as the ledger and the API write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Polling => "polling",
            Self::RetryWait => "retry_wait",
            Self::Ended(outcome) => outcome.as_str(),
        }
    }

    /// The outcome, once there is one.
    #[must_use]
    pub const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Ended(outcome) => Some(outcome),
            Self::Claimed | Self::Queued | Self::Sending | Self::Polling | Self::RetryWait => None,
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
        if let Some(state) = Self::OPEN.iter().find(|state| state.as_str() == text) {
            return Ok(*state);
        }
        text.parse().map(Self::Ended).map_err(|UnknownWord { word, .. }| UnknownWord { list: "state", word })
    }
}
