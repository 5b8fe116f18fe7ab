//! `POST /api/v1/backfill`: an occurrence of the past that has no success, the oldest of a stretch of time.
//!
//! One step a request: who asks waits for its run and asks for the next. So a backfill needs no state here, and goes on
//! where it was after a restart of either side.

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Admin, input, operate::Asker, refusal};
use crate::{
    job::Job,
    protocol::Problem,
    run::{Outcome, Run, RunId, Trigger},
    scheduler::decisions::{Command, Done},
    store::RunQuery,
};

/// At most so many occurrences in one stretch.
const MOST: usize = 10_000;

/// What to send again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Backfill {
    /// Whose occurrences.
    pub job: String,
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The last instant.
    pub to: DateTime<Utc>,
    /// Also those that succeeded.
    #[serde(default)]
    pub again: bool,
}

/// One step of a backfill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackfillStep {
    /// Whose occurrences.
    pub job: String,
    /// How many are to be sent, this one included.
    pub left: usize,
    /// The run of the oldest: claimed now, or open already. None when nothing is left.
    pub run: Option<String>,
    /// The instant that it is for.
    pub scheduled_for: Option<DateTime<Utc>>,
}

/// Send the oldest occurrence of a stretch of time that has not succeeded.
#[utoipa::path(post, path = "/api/v1/backfill", tag = "runs", request_body = Backfill, responses(
    (status = 200, body = BackfillStep),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A stretch that cannot be sent.", body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")
))]
pub(super) async fn step(
    State(admin): State<Admin>,
    Asker(by): Asker,
    input::Json(asked): input::Json<Backfill>,
) -> Result<Json<BackfillStep>, Problem> {
    let job = admin.job(&asked.job)?;
    let occurrences = occurrences(&job, &asked, admin.clock.now())?;
    let (from, to) = (asked.from, asked.to);
    let query =
        RunQuery { job: Some(job.name.clone()), within: Some((from, to)), limit: u32::MAX, ..RunQuery::default() };
    let rows = admin.store.runs(query).await.map_err(|error| admin.failed(&error))?;
    let wanted = wanted(occurrences, &rows, asked.again);
    let Some(&scheduled_for) = wanted.first() else {
        return Ok(Json(BackfillStep { job: asked.job, left: 0, run: None, scheduled_for: None }));
    };
    let run = match open(&rows, scheduled_for) {
        Some(run) => run,
        None => {
            let (job, trigger, scheduled_for) = (job.name.clone(), Trigger::Backfill, Some(scheduled_for));
            match admin.ask(Command::Fire { job, trigger, scheduled_for, by }).await? {
                Done::Claimed { run, .. } => run,
                other => return Err(admin.unexpected(other)),
            }
        }
    };
    let (run, left) = (Some(run.to_string()), wanted.len());
    Ok(Json(BackfillStep { job: asked.job, left, run, scheduled_for: Some(scheduled_for) }))
}

fn occurrences(job: &Job, asked: &Backfill, now: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, Problem> {
    let refused = |why: String| refusal(StatusCode::UNPROCESSABLE_ENTITY, why);
    if asked.to < asked.from {
        return Err(refused(format!("`to` ({}) lies before `from` ({})", asked.to, asked.from)));
    }
    if asked.to > now {
        return Err(refused(format!("`to` ({}) is still to come: what is to come is fired by the schedule", asked.to)));
    }
    let before = asked.from.checked_sub_signed(TimeDelta::nanoseconds(1)).unwrap_or(asked.from);
    let all = std::iter::successors(job.schedule.next_after(before), |last| job.schedule.next_after(*last));
    let found: Vec<_> = all.take_while(|at| *at <= asked.to).take(MOST + 1).collect();
    if found.len() > MOST {
        return Err(refused(format!("there are more than {MOST} occurrences in it: take a shorter stretch of time")));
    }
    Ok(found)
}

/// Those that are to be sent, oldest first.
fn wanted(occurrences: Vec<DateTime<Utc>>, rows: &[Run], again: bool) -> Vec<DateTime<Utc>> {
    let succeeded = |run: &&Run| run.settled.or(run.state.outcome()) == Some(Outcome::Succeeded);
    let done: BTreeSet<DateTime<Utc>> = rows.iter().filter(succeeded).map(|run| run.scheduled_for).collect();
    occurrences.into_iter().filter(|at| again || !done.contains(at)).collect()
}

/// The run of an occurrence that is open already: it is not sent beside it.
fn open(rows: &[Run], scheduled_for: DateTime<Utc>) -> Option<RunId> {
    let open = rows.iter().filter(|run| run.state.outcome().is_none());
    let by_instant: BTreeMap<DateTime<Utc>, RunId> = open.map(|run| (run.scheduled_for, run.id)).collect();
    by_instant.get(&scheduled_for).copied()
}
