//! `POST /api/v1/backfill`: an occurrence of the past that has no success, the oldest of a stretch of time.
//!
//! One step a request: who asks waits for its run and asks for the next. So a backfill needs no state here, and goes on
//! where it was after a restart of either side.

use std::collections::BTreeSet;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Admin, input, operate::Asker, refusal};
use crate::{
    job::{Job, JobName},
    protocol::Problem,
    run::{Outcome, Run, RunId},
    scheduler::decisions::{Command, Done, Refused},
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
    let stretch = Stretch::of(&job, &asked, admin.clock.now());
    let stretch = stretch.map_err(|why| refusal(StatusCode::UNPROCESSABLE_ENTITY, why))?;
    loop {
        let rows = admin.store.runs(stretch.rows()).await.map_err(|error| admin.failed(&error))?;
        let Some(Oldest { scheduled_for, open, left }) = stretch.oldest(&rows) else {
            return Ok(Json(BackfillStep { job: asked.job, left: 0, run: None, scheduled_for: None }));
        };
        let run = match open {
            Some(run) => run,
            None => {
                let (job, again, by) = (job.name.clone(), asked.again, by.clone());
                match admin.try_ask(Command::Backfill { job, scheduled_for, again, by }).await {
                    Ok(Done::Claimed { run, .. }) => run,
                    Ok(other) => return Err(admin.unexpected(other)),
                    // The ledger knows more by now: another backfill, or the schedule, was there first.
                    Err(Refused::Taken(_)) => continue,
                    Err(refused) => return Err(admin.refused(&refused)),
                }
            }
        };
        let (run, scheduled_for) = (Some(run.to_string()), Some(scheduled_for));
        return Ok(Json(BackfillStep { job: asked.job, left, run, scheduled_for }));
    }
}

/// The occurrences of a stretch of time.
#[derive(Debug)]
pub struct Stretch {
    job: JobName,
    within: (DateTime<Utc>, DateTime<Utc>),
    again: bool,
    occurrences: Vec<DateTime<Utc>>,
}

/// The oldest occurrence of a stretch that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oldest {
    /// Its instant.
    pub scheduled_for: DateTime<Utc>,
    /// Its run that is open already: it is not sent beside that.
    pub open: Option<RunId>,
    /// How many are to be sent, this one included.
    pub left: usize,
}

impl Stretch {
    /// What is asked for at `now`. An occurrence that jitter puts off beyond that is the schedule's own still.
    ///
    /// # Errors
    /// In words: it ends before it begins or is not over, or there is too much in it.
    pub fn of(job: &Job, asked: &Backfill, now: DateTime<Utc>) -> Result<Self, String> {
        let Backfill { from, to, again, .. } = *asked;
        if to < from {
            return Err(format!("`to` ({to}) lies before `from` ({from})"));
        }
        if to > now {
            return Err(format!("`to` ({to}) is still to come: what is to come is fired by the schedule"));
        }
        let before = from.checked_sub_signed(TimeDelta::nanoseconds(1)).unwrap_or(from);
        let all = std::iter::successors(job.schedule.next_after(before), |last| job.schedule.next_after(*last));
        let all = all.take_while(|at| *at <= to && job.fires_at(*at) <= now);
        let occurrences: Vec<_> = all.take(MOST + 1).collect();
        if occurrences.len() > MOST {
            return Err(format!("there are more than {MOST} occurrences in it: take a shorter stretch of time"));
        }
        Ok(Self { job: job.name.clone(), within: (from, to), again, occurrences })
    }

    /// The rows that say what became of them so far.
    #[must_use]
    pub fn rows(&self) -> RunQuery {
        let (job, within) = (Some(self.job.clone()), Some(self.within));
        RunQuery { job, within, limit: u32::MAX, ..RunQuery::default() }
    }

    /// The oldest that has not succeeded by `rows`, or that is to be sent again.
    #[must_use]
    pub fn oldest(&self, rows: &[Run]) -> Option<Oldest> {
        let succeeded = |run: &&Run| run.settled.or(run.state.outcome()) == Some(Outcome::Succeeded);
        let done: BTreeSet<DateTime<Utc>> = rows.iter().filter(succeeded).map(|run| run.scheduled_for).collect();
        let wanted = || self.occurrences.iter().filter(|at| self.again || !done.contains(*at));
        let scheduled_for = *wanted().next()?;
        let is_open = |run: &&Run| run.scheduled_for == scheduled_for && run.state.outcome().is_none();
        let open = rows.iter().find(is_open).map(|run| run.id);
        Some(Oldest { scheduled_for, open, left: wanted().count() })
    }
}
