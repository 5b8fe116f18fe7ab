//! What a valid `jobs.toml` means. Every default is already in it.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    JobName,
    policy::{Call, CatchUp, Completion, Expect, Group, Overlap, Retry},
    wire::Wire,
};
use crate::{schedule::Schedule, secret::Secret};

/// Everything that one load of `jobs.toml` defines.
#[derive(Debug, Clone)]
pub struct Definitions {
    /// The `[sexton]` table.
    pub settings: Settings,
    /// The apps to call, by name.
    pub targets: BTreeMap<String, Arc<Target>>,
    /// The limits that jobs share, by name; those that no job names too.
    pub groups: BTreeMap<String, Arc<Group>>,
    /// The jobs, by name; disabled ones too.
    pub jobs: BTreeMap<JobName, Arc<Job>>,
}

/// The `[sexton]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The zone of schedules that name none.
    pub timezone: Tz,
    /// How long after its start it fires nothing (seed A26); what falls due meanwhile is downtime.
    pub startup_grace: Duration,
    /// How long a stop waits for open requests.
    pub shutdown_grace: Duration,
    /// Of what is found due, the newest occurrence within this is sent late; all else is downtime.
    pub late_limit: Duration,
    /// Open requests per target; the rest wait in due order.
    pub max_in_flight: usize,
    /// How much the ledger keeps.
    pub history: History,
    /// The `iss` of run tokens; there whenever a target wants them.
    pub issuer: Option<String>,
}

/// How much of what is over the ledger keeps; what goes beyond either is pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// How old a run may become.
    pub keep: Duration,
    /// How many runs of one job there may be.
    pub per_job: u64,
}

/// An app to call.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name in `jobs.toml`.
    pub name: String,
    /// What paths are appended to; may have a path prefix, never a query.
    pub base_url: Url,
    /// How a request shows who sends it.
    pub auth: Auth,
    /// The path of the authenticated self-check (seed A33).
    pub whoami: Option<String>,
    /// How it is reached.
    pub wire: Wire,
}

/// How a request shows who sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// The shared secret of `SCHEDULER_API_TOKEN`.
    SharedSecret {
        /// The header that carries the bare secret instead of `Authorization: Bearer`.
        header: Option<String>,
    },
    /// A token that somebody else issues and rotates (seeds D1 to D4).
    TokenFile {
        /// The file that holds it, absolute.
        path: PathBuf,
        /// The header that carries the bare token instead of `Authorization: Bearer`.
        header: Option<String>,
    },
    /// A JWT minted for each run (seeds B2 and B8).
    RunToken(RunTokens),
    /// Nothing at all; must be written down (guarantee G8).
    None,
}

/// What the tokens minted for a target say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTokens {
    /// `[sexton] issuer`, the `iss` of every token.
    pub issuer: String,
    /// The `aud` that the app expects.
    pub audience: String,
    /// The scopes of a job that names none; those of a job lie within them.
    pub scopes: Vec<String>,
    /// The header that carries the bare token instead of `Authorization: Bearer`.
    pub header: Option<String>,
}

impl Auth {
    /// As `auth` names it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::SharedSecret { .. } => "shared-secret",
            Self::TokenFile { .. } => "token-file",
            Self::RunToken(_) => "run-token",
            Self::None => "none",
        }
    }

    /// The header that carries the bare credential instead of `Authorization: Bearer`.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::SharedSecret { header }
            | Self::TokenFile { header, .. }
            | Self::RunToken(RunTokens { header, .. }) => header.as_deref(),
            Self::None => None,
        }
    }
}

/// One job, as it is to be run.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name.
    pub name: JobName,
    /// Whom to call.
    pub target: Arc<Target>,
    /// When.
    pub schedule: Schedule,
    /// The window that the firings of jobs are spread over, see [`Job::delay`].
    pub jitter: Duration,
    /// The HTTP method, upper case.
    pub method: String,
    /// The path on the target, with an optional query; starts with `/`.
    pub path: String,
    /// Headers beyond Sexton's own, in the order written.
    pub headers: Vec<(String, HeaderText)>,
    /// What its run tokens allow; empty for targets that take none.
    pub scopes: Vec<String>,
    /// What is sent.
    pub body: Body,
    /// The limit of one attempt, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// Whether and how a failed attempt is made again.
    pub retry: Retry,
    /// Whether an attempt of which nobody knows how it ended may be made again.
    pub idempotent: bool,
    /// What happens to an occurrence while an earlier run may still be running.
    pub overlap: Overlap,
    /// The limit that it shares with other jobs.
    pub group: Option<Arc<Group>>,
    /// How long an unknown attempt keeps the job "possibly running" (guarantee G3).
    pub hold: Duration,
    /// How the app is asked to stop a run; always there with [`Overlap::Replace`].
    pub cancel: Option<Call>,
    /// What is sent for occurrences that fell into downtime.
    pub catch_up: CatchUp,
    /// How far back in downtime an occurrence is still sent; `None` without limit, never with [`CatchUp::All`].
    pub catch_up_window: Option<Duration>,
    /// When a run is over.
    pub completion: Completion,
    /// Which answers are a success.
    pub expect: Expect,
    /// Whether it also fires once when the sidecar starts.
    pub run_on_start: bool,
    /// Whether it fires at all.
    pub enabled: bool,
    /// For people.
    pub description: Option<String>,
    /// A hash of everything above but `enabled` and `description`: it changes when what the job does changes.
    pub hash: String,
}

impl Job {
    /// When the occurrence `scheduled_for` is to be sent.
    #[must_use]
    pub fn fires_at(&self, scheduled_for: DateTime<Utc>) -> DateTime<Utc> {
        scheduled_for.checked_add_signed(self.delay()).unwrap_or(scheduled_for)
    }

    /// How much later than nominal each of its firings is, in `[0, jitter)`. A hash of its name chooses, so that it is the
    /// same after a restart and on every replica, and two jobs do not march in step (seed A26).
    #[must_use]
    pub fn delay(&self) -> TimeDelta {
        if self.jitter.is_zero() {
            return TimeDelta::zero();
        }
        let digest = Sha256::digest(self.name.as_str());
        let share = digest.iter().take(8).fold(0_u128, |share, byte| share << 8 | u128::from(*byte));
        let millis = (self.jitter.as_millis() * share) >> 64;
        TimeDelta::milliseconds(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    /// Its occurrences that are to be sent after `t`; the same function that fires them (guarantee G4).
    pub fn firings_after(&self, t: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        let start = t.checked_sub_signed(self.delay()).unwrap_or(t);
        std::iter::successors(self.schedule.next_after(start), |last| self.schedule.next_after(*last))
    }
}

/// A header's value.
#[derive(Debug, Clone)]
pub enum HeaderText {
    /// Written in the file.
    Plain(String),
    /// From an environment variable: never shown.
    Secret {
        /// What is sent: the variable's value within the text of `format`.
        text: Secret,
        /// The variable's value alone: an app may echo it without what stands around it.
        value: Secret,
    },
}

/// A request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// Serialized JSON, sent as `application/json`.
    Json(String),
    /// Text, sent as it is.
    Text(String),
    /// What was in a file when the definitions were loaded.
    File {
        /// Sent as they are.
        bytes: Arc<[u8]>,
        /// The `Content-Type`, unless a header of the job says another.
        media_type: &'static str,
    },
}
