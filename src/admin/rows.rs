//! What the API shows of runs. The commands show the same, whether they read it here or from a ledger.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::{Attempt, Outcome, Run, State};

/// A run: the row of an occurrence, or of consecutive ones that ended alike without being sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunRow {
    /// Its id, a UUIDv7; also the `Sexton-Run` header that the app got.
    pub id: String,
    /// Whose run.
    pub job: String,
    /// The nominal instant of the occurrence; of a span, of the first.
    pub scheduled_for: DateTime<Utc>,
    /// The nominal instant of the last occurrence.
    pub through: DateTime<Utc>,
    /// How many occurrences the row accounts for.
    pub count: u64,
    /// Why it exists: `schedule`, `catch_up`, `manual`, `startup` or `backfill`.
    pub trigger: String,
    /// Where it stands; its outcome once it has one.
    pub state: String,
    /// `succeeded`, `failed`, `unknown`, `skipped`, `missed` or `cancelled`.
    pub outcome: Option<String>,
    /// Why it ended so.
    pub reason: Option<String>,
    /// What an unknown run turned out to be: `succeeded` or `failed`.
    pub settled: Option<String>,
    /// The number of its newest attempt in the job's order of attempts.
    pub fence: Option<u64>,
    /// Method and URL of the newest attempt, without secrets.
    pub request: Option<String>,
    /// The status of the newest answer.
    pub status: Option<u16>,
    /// From the instant it was due to the first byte sent.
    pub lateness_ms: Option<f64>,
    /// Of the newest attempt, from the first byte sent to the end.
    pub duration_ms: Option<f64>,
    /// The beginning of the newest answer's body, redacted; or what went wrong, in words.
    pub excerpt: Option<String>,
    /// Who asked for it, as `class:name`; absent for what a schedule demanded.
    pub asked_by: Option<String>,
}

/// A run with its attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    /// The run.
    #[serde(flatten)]
    pub run: RunRow,
    /// The hash of the definition it was claimed or last sent with.
    pub definition: String,
    /// When it got its outcome.
    pub finished_at: Option<DateTime<Utc>>,
    /// What the app took on with a 202; absent for runs that were over with their answer.
    pub work: Option<WorkRow>,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptRow>,
}

/// Work that an app took on with a 202, and that is asked after until it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkRow {
    /// The name of the target that took it on.
    pub target: String,
    /// Where it is asked after: a path on the target.
    pub path: String,
    /// Method and path of the call that stops it, where there is one.
    pub cancel: Option<String>,
    /// How far it is, in the app's words.
    pub progress: Option<String>,
    /// When it is asked after next; absent once the run is over.
    pub next_look: Option<DateTime<Utc>>,
    /// Up to when it is followed.
    pub until: DateTime<Utc>,
}

/// One HTTP request of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AttemptRow {
    /// Its number within the run, from 1.
    pub number: u32,
    /// Its number within the job.
    pub fence: u64,
    /// When the ledger let it go.
    pub sent_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Why it ended so.
    pub reason: Option<String>,
    /// The answer's status.
    pub status: Option<u16>,
    /// The beginning of the answer's body, redacted; or what went wrong, in words.
    pub excerpt: Option<String>,
}

/// A part of the history, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<RunRow>,
    /// What to give as `before` to read on; absent at the end of the history.
    pub next: Option<String>,
}

impl From<&Run> for RunRow {
    fn from(run: &Run) -> Self {
        Self {
            id: run.id.to_string(),
            job: run.job.to_string(),
            scheduled_for: run.scheduled_for,
            through: run.through,
            count: run.count,
            trigger: run.trigger.to_string(),
            state: run.state.to_string(),
            outcome: run.state.outcome().map(word),
            reason: run.reason.map(word),
            settled: run.settled.map(word),
            fence: run.fence,
            request: run.request.clone(),
            status: run.status,
            lateness_ms: run.lateness.map(millis),
            duration_ms: run.duration.map(millis),
            excerpt: run.excerpt.clone(),
            asked_by: run.asked_by.clone(),
        }
    }
}

impl RunDetail {
    /// A run with its attempts.
    #[must_use]
    pub fn of(run: &Run, attempts: &[Attempt]) -> Self {
        let definition = run.definition.clone();
        let attempts = attempts.iter().map(AttemptRow::from).collect();
        let work = run.work.as_ref().map(|work| WorkRow {
            target: work.target.clone(),
            path: work.path.clone(),
            cancel: work.cancel.as_ref().map(|call| format!("{} {}", call.method, call.path)),
            progress: run.progress.clone(),
            next_look: run.wake_at.filter(|_| run.state == State::Polling),
            until: work.until,
        });
        Self { run: run.into(), definition, finished_at: run.finished_at, work, attempts }
    }
}

impl From<&Attempt> for AttemptRow {
    fn from(attempt: &Attempt) -> Self {
        Self {
            number: attempt.number,
            fence: attempt.fence,
            sent_at: attempt.sent_at,
            finished_at: attempt.finished_at,
            outcome: attempt.outcome.map(word),
            reason: attempt.reason.map(word),
            status: attempt.status,
            excerpt: attempt.excerpt.clone(),
        }
    }
}

impl RunRow {
    /// The outcome, once there is one.
    #[must_use]
    pub fn ended(&self) -> Option<Outcome> {
        self.outcome.as_deref().and_then(|outcome| outcome.parse().ok())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "so that it can be handed to `map`")]
fn word(word: impl ToString) -> String {
    word.to_string()
}

fn millis(length: TimeDelta) -> f64 {
    length.as_seconds_f64() * 1e3
}
