//! `POST /api/v1/definitions/check` and `plan`: what a text would do that is not in force.

use std::{collections::BTreeMap, fmt, sync::Arc};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Admin, Firing, ShownJob, input, jobs::next};
use crate::job::{Definitions, Finding, Loaded, Report};

/// How many firings of each job are shown.
const FIRINGS: usize = 3;

/// Reads a text as if it stood in the sidecar's own file, with the files of `jobs.d` beside it.
#[derive(Clone)]
pub struct Drafts(Arc<Read>);

type Read = dyn Fn(&str) -> Result<Loaded, Report> + Send + Sync;

impl Drafts {
    /// Read by `read`.
    pub fn new(read: impl Fn(&str) -> Result<Loaded, Report> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    fn read(&self, text: &str) -> (Vec<FindingRow>, Option<Definitions>) {
        match (self.0)(text) {
            Ok(loaded) => (loaded.warnings.iter().map(FindingRow::from).collect(), Some(loaded.definitions)),
            Err(report) => (report.findings.iter().map(FindingRow::from).collect(), None),
        }
    }
}

impl fmt::Debug for Drafts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drafts")
    }
}

/// A text that is not in force.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    /// A whole jobs.toml.
    text: String,
}

/// What is wrong with a text, and when its jobs would fire.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Checked {
    /// Whether it could be taken into force.
    valid: bool,
    /// Errors and warnings.
    findings: Vec<FindingRow>,
    /// Its jobs, where it is valid.
    jobs: Vec<CheckedJob>,
}

/// A job of a text.
#[derive(Debug, Serialize, ToSchema)]
struct CheckedJob {
    job: String,
    /// Its schedule in words.
    schedule: String,
    enabled: bool,
    /// Its next three firings.
    next: Vec<Firing>,
}

/// What taking a text into force would change.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Planned {
    /// Whether it could be taken into force.
    valid: bool,
    /// Errors and warnings.
    findings: Vec<FindingRow>,
    /// What would change, by job.
    steps: Vec<Step>,
}

/// One thing found in a text.
#[derive(Debug, Serialize, ToSchema)]
struct FindingRow {
    /// `error` or `warning`.
    severity: String,
    /// The file.
    file: String,
    /// The line, from 1; none of a file as a whole.
    line: Option<usize>,
    /// The character of that line, from 1.
    column: Option<usize>,
    /// What is wrong, with the offending text.
    message: String,
    /// What is allowed, and the likely fix.
    help: Option<String>,
}

impl From<&Finding> for FindingRow {
    fn from(finding: &Finding) -> Self {
        let position = finding.place.position.as_ref();
        Self {
            severity: finding.severity.to_string(),
            file: finding.place.file.to_string(),
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            message: finding.message.clone(),
            help: finding.help.clone(),
        }
    }
}

/// What would become of one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Its name.
    pub job: String,
    /// What would change.
    pub change: Change,
    /// Its schedule now.
    pub from: Option<String>,
    /// Its schedule then.
    pub to: Option<String>,
}

/// What would change of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is not there now.
    Added,
    /// It is not there then.
    Removed,
    /// It has other instants.
    Rescheduled,
    /// It fires then.
    Enabled,
    /// It fires no more.
    Disabled,
    /// It does something else at the same instants.
    Redefined,
}

impl Step {
    /// What would become of the jobs `now` in force, were those of `then` taken into force; unchanged ones are left out.
    #[must_use]
    pub fn between(now: &[ShownJob], then: &[ShownJob]) -> Vec<Self> {
        let mut pairs: BTreeMap<&str, (Option<&ShownJob>, Option<&ShownJob>)> = BTreeMap::new();
        now.iter().for_each(|job| pairs.entry(&job.name).or_default().0 = Some(job));
        then.iter().for_each(|job| pairs.entry(&job.name).or_default().1 = Some(job));
        let schedule = |shown: Option<&ShownJob>| shown.map(|shown| shown.schedule.clone());
        let step = |(job, (from, to)): (&str, (Option<&ShownJob>, Option<&ShownJob>))| {
            let change = Change::between(from, to)?;
            Some(Self { job: job.to_owned(), change, from: schedule(from), to: schedule(to) })
        };
        pairs.into_iter().filter_map(step).collect()
    }
}

impl Change {
    fn between(from: Option<&ShownJob>, to: Option<&ShownJob>) -> Option<Self> {
        match (from, to) {
            (None, Some(_)) => Some(Self::Added),
            (Some(_), None) => Some(Self::Removed),
            (Some(from), Some(to)) if from.enabled != to.enabled => {
                Some(if to.enabled { Self::Enabled } else { Self::Disabled })
            }
            (Some(from), Some(to)) if from.instants != to.instants => Some(Self::Rescheduled),
            (Some(from), Some(to)) if from.hash != to.hash => Some(Self::Redefined),
            _ => None,
        }
    }
}

/// Check a whole jobs.toml as the sidecar would read it. Nothing is taken into force.
#[utoipa::path(post, path = "/api/v1/definitions/check", tag = "definitions", request_body = Draft, responses(
    (status = 200, body = Checked),
    (status = 403, body = crate::protocol::Problem, content_type = "application/problem+json")
))]
pub(super) async fn check(State(admin): State<Admin>, input::Json(draft): input::Json<Draft>) -> Json<Checked> {
    let now = admin.clock.now();
    let (findings, definitions) = admin.drafts.read(&draft.text);
    let jobs = definitions.iter().flat_map(|definitions| definitions.jobs.values());
    let jobs = jobs.map(|job| {
        let firings = std::iter::successors(next(job, now), |last| next(job, last.fires_at));
        CheckedJob {
            job: job.name.to_string(),
            schedule: job.schedule.describe(),
            enabled: job.enabled,
            next: if job.enabled { firings.take(FIRINGS).collect() } else { Vec::new() },
        }
    });
    Json(Checked { valid: definitions.is_some(), jobs: jobs.collect(), findings })
}

/// Tell what taking a whole jobs.toml into force would change. Nothing is taken into force.
#[utoipa::path(post, path = "/api/v1/definitions/plan", tag = "definitions", request_body = Draft, responses(
    (status = 200, body = Planned),
    (status = 403, body = crate::protocol::Problem, content_type = "application/problem+json")
))]
pub(super) async fn plan(State(admin): State<Admin>, input::Json(draft): input::Json<Draft>) -> Json<Planned> {
    let (findings, definitions) = admin.drafts.read(&draft.text);
    let now = ShownJob::all(&admin.health.definitions.borrow().loaded.definitions);
    let steps = definitions.as_ref().map(|then| Step::between(&now, &ShownJob::all(then))).unwrap_or_default();
    Json(Planned { valid: definitions.is_some(), findings, steps })
}
