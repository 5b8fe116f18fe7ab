//! `GET /api/v1/jobs`: each job with its next firing, how it went lately, and what holds it.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Admin, PauseRow, RunRow, input::Path};
use crate::{
    job::{Job, JobName, nearest},
    protocol::Problem,
    run::{Outcome, Run, State as RunState},
    store::{Pause, RunQuery, RunStore, Slot, StoreError},
};

/// How many runs are looked at for a streak, and shown with a job.
const RECENT: u32 = 30;

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobRow {
    /// Its name.
    pub job: String,
    /// Its schedule in words.
    pub schedule: String,
    /// Whether it fires by its schedule.
    pub enabled: bool,
    /// Its next firing; none while it is disabled, or when nothing is to come.
    pub next: Option<Firing>,
    /// Its newest run with an outcome.
    pub last: Option<LastRun>,
    /// How many occurrences in a row have ended like the last one, as far as the newest 30 rows tell.
    pub streak: u64,
    /// The run that it is at.
    pub open: Option<OpenRun>,
    /// Why it is held back: the pause of its own, or else that of all jobs.
    pub paused: Option<PauseRow>,
    /// Until when it counts as possibly running, because nobody knows how a run ended (guarantee G3).
    pub held_until: Option<DateTime<Utc>>,
}

/// An occurrence to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Firing {
    /// Its nominal instant.
    pub scheduled_for: DateTime<Utc>,
    /// When the request leaves.
    pub fires_at: DateTime<Utc>,
}

/// How a job's newest run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LastRun {
    /// Its id.
    pub run: String,
    /// Its nominal instant; of a span, of the last occurrence.
    pub scheduled_for: DateTime<Utc>,
    /// Its outcome, or what it was settled as.
    pub outcome: String,
    /// Why so.
    pub reason: Option<String>,
}

/// A run without an outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OpenRun {
    /// Its id.
    pub run: String,
    /// Where it stands.
    pub state: String,
}

/// A job with its newest runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobDetail {
    /// The job.
    #[serde(flatten)]
    pub job: JobRow,
    /// What it is for.
    pub description: Option<String>,
    /// The zone of its schedule.
    pub timezone: String,
    /// What is sent: method and URL.
    pub request: String,
    /// The limit of one attempt, in seconds.
    pub timeout_s: f64,
    /// Its newest runs, newest first.
    pub recent: Vec<RunRow>,
}

impl JobRow {
    /// A job of which `recent` are the newest rows, newest first, and `slot` is what it has taken.
    #[must_use]
    pub fn new(job: &str, schedule: String, next: Option<Firing>, recent: &[Run], slot: Option<&Slot>) -> Self {
        let mut ended = recent.iter().filter_map(|run| Some((run, turned_out(run)?))).peekable();
        let last = ended.peek().map(|(run, outcome)| LastRun {
            run: run.id.to_string(),
            scheduled_for: run.through,
            outcome: outcome.to_string(),
            reason: run.reason.map(|reason| reason.to_string()),
        });
        let outcome = ended.peek().map(|(_, outcome)| *outcome);
        let alike = ended.take_while(|(_, of_run)| Some(*of_run) == outcome);
        let open = recent.iter().find(|run| !matches!(run.state, RunState::Ended(_) | RunState::Claimed));
        Self {
            job: job.to_owned(),
            schedule,
            enabled: true,
            next,
            last,
            streak: alike.map(|(run, _)| run.count).sum(),
            paused: None,
            open: open.map(|run| OpenRun { run: run.id.to_string(), state: run.state.to_string() }),
            held_until: slot.filter(|slot| matches!(slot.state, RunState::Ended(_))).map(|slot| slot.until),
        }
    }

    /// With the pause that holds it back, if one does.
    #[must_use]
    pub fn held_by(mut self, job: &JobName, pauses: &[Pause]) -> Self {
        let all = pauses.iter().filter(|pause| pause.is_for(job));
        self.paused = all.max_by_key(|pause| pause.job.is_some()).map(PauseRow::from);
        self
    }

    fn of(job: &Job, now: DateTime<Utc>, recent: &[Run], slots: &[Slot], pauses: &[Pause]) -> Self {
        let slot = slots.iter().find(|slot| slot.job == job.name);
        let next = next(job, now).filter(|_| job.enabled);
        let this = Self::new(job.name.as_str(), job.schedule.describe(), next, recent, slot);
        Self { enabled: job.enabled, ..this }.held_by(&job.name, pauses)
    }
}

fn turned_out(run: &Run) -> Option<Outcome> {
    run.settled.or(run.state.outcome())
}

/// What is sent next after `now`. The time between an occurrence and its firing is the same for all of a job.
pub(super) fn next(job: &Job, now: DateTime<Utc>) -> Option<Firing> {
    let scheduled_for = job.firings_after(now).next()?;
    Some(Firing { scheduled_for, fires_at: job.fires_at(scheduled_for) })
}

/// A job's newest rows, newest first.
///
/// # Errors
/// The ledger cannot be read.
pub async fn recent_runs(store: &dyn RunStore, job: &JobName) -> Result<Vec<Run>, StoreError> {
    store.runs(RunQuery { job: Some(job.clone()), limit: RECENT, ..RunQuery::default() }).await
}

/// All jobs of the definitions in force.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", responses(
    (status = 200, body = [JobRow]),
    (status = 403, body = Problem, content_type = "application/problem+json")
))]
pub(super) async fn list(State(admin): State<Admin>) -> Result<Json<Vec<JobRow>>, Problem> {
    let (now, jobs) = (admin.clock.now(), admin.jobs());
    let slots = admin.store.slots(now).await.map_err(|error| admin.failed(&error))?;
    let pauses = admin.health.scheduler.status().pauses;
    let mut rows = Vec::with_capacity(jobs.len());
    for job in jobs {
        let recent = recent_runs(admin.store.as_ref(), &job.name).await.map_err(|error| admin.failed(&error))?;
        rows.push(JobRow::of(&job, now, &recent, &slots, &pauses));
    }
    Ok(Json(rows))
}

/// One job, with its newest runs.
#[utoipa::path(get, path = "/api/v1/jobs/{name}", tag = "jobs", responses(
    (status = 200, body = JobDetail),
    (status = 404, description = "No job has this name.", body = Problem, content_type = "application/problem+json")
), params(("name" = String, Path, description = "The job's name, percent-encoded.")))]
pub(super) async fn show(State(admin): State<Admin>, Path(name): Path) -> Result<Json<JobDetail>, Problem> {
    let (now, job) = (admin.clock.now(), admin.job(&name)?);
    let slots = admin.store.slots(now).await.map_err(|error| admin.failed(&error))?;
    let recent = recent_runs(admin.store.as_ref(), &job.name).await.map_err(|error| admin.failed(&error))?;
    Ok(Json(JobDetail {
        job: JobRow::of(&job, now, &recent, &slots, &admin.health.scheduler.status().pauses),
        description: job.description.clone(),
        timezone: job.schedule.zone().to_string(),
        request: admin.health.scheduler.request_line(&job),
        timeout_s: job.timeout.as_secs_f64(),
        recent: recent.iter().map(RunRow::from).collect(),
    }))
}

/// What to say to somebody who names a job that is not there.
#[must_use]
pub fn unknown_job(name: &str, known: &[&str]) -> String {
    match (nearest(name, known), known) {
        (Some(meant), _) => format!("there is no job `{name}`: did you mean `{meant}`?"),
        (None, []) => format!("there is no job `{name}`: none is defined"),
        (None, known) => format!("there is no job `{name}`: there are {}", known.join(", ")),
    }
}

impl Admin {
    /// The jobs in force, by name.
    fn jobs(&self) -> Vec<Arc<Job>> {
        self.health.definitions.borrow().loaded.definitions.jobs.values().cloned().collect()
    }

    /// The job of this name.
    pub(super) fn job(&self, name: &str) -> Result<Arc<Job>, Problem> {
        let in_force = self.health.definitions.borrow();
        let jobs = &in_force.loaded.definitions.jobs;
        jobs.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = jobs.keys().map(JobName::as_str).collect();
            super::not_found(unknown_job(name, &known))
        })
    }
}
