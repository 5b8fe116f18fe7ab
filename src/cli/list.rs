//! `sexton list`: the jobs, what is next, and how they have gone lately.

use std::{io::Write, process::ExitCode};

use chrono::{DateTime, Utc};
use miette::IntoDiagnostic;

use super::{
    client::talk,
    firing::instant,
    origin::{Chosen, Origin},
    runs::tone,
    setting::{Screen, Setting},
    table::{Tone, table},
};
use crate::{
    admin::{Firing, JobRow, recent_runs},
    config::Environment,
    run::Outcome,
    schedule::Schedule,
    store::{Cursor, Period, RunStore, StoreError},
};

/// List the jobs: what is next, how the last run ended, and for how many in a row
///
/// Asks the running sidecar, or reads a ledger with --store, beside a running sidecar or without one. A ledger knows the
/// schedules as they were when a sidecar last ran on it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  sexton list\n  sexton list --json | jq -r 'select(.last.outcome == \"failed\") | .job'"
)]
pub(super) struct Args {
    #[command(flatten)]
    origin: Origin,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    environment: &Environment,
    setting: &Setting,
    out: &mut dyn Write,
) -> miette::Result<ExitCode> {
    let now = setting.clock.now();
    let jobs: Vec<JobRow> = match args.origin.choose(environment)? {
        Ok(Chosen::Sidecar(client)) => talk(async { Ok(client.get(&["jobs"], &[]).await?) })?,
        Ok(Chosen::Ledger(ledger)) => ledger.read(environment, async |store| of_ledger(store, now).await)?,
        Err(code) => return Ok(code),
    };
    if args.json {
        for job in &jobs {
            serde_json::to_writer(&mut *out, job).into_diagnostic()?;
            writeln!(out).into_diagnostic()?;
        }
    } else if jobs.is_empty() {
        writeln!(out, "no jobs").into_diagnostic()?;
    } else {
        write!(out, "{}", as_table(&jobs, setting.screen)).into_diagnostic()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The jobs that are not gone, as far as a ledger knows them.
async fn of_ledger(store: &dyn RunStore, now: DateTime<Utc>) -> Result<Vec<JobRow>, StoreError> {
    let slots = store.slots(now).await?;
    let mut pauses = store.pauses().await?;
    pauses.retain(|pause| pause.until.is_none_or(|until| until > now));
    let mut rows = Vec::new();
    for cursor in store.cursors().await?.iter().filter(|cursor| cursor.schedule != Period::REMOVED) {
        let recent = recent_runs(store, &cursor.job).await?;
        let slot = slots.iter().find(|slot| slot.job == cursor.job);
        let (schedule, next) = plan_of(cursor, now);
        let enabled = cursor.schedule != Period::DISABLED;
        let row = JobRow::new(cursor.job.as_str(), schedule, next, &recent, slot);
        rows.push(JobRow { enabled, ..row }.held_by(&cursor.job, &pauses));
    }
    Ok(rows)
}

/// A ledger keeps no jitter: what it says of a firing is the nominal instant.
fn plan_of(cursor: &Cursor, now: DateTime<Utc>) -> (String, Option<Firing>) {
    let Some(schedule) = Schedule::from_identity(&cursor.schedule) else { return (cursor.schedule.clone(), None) };
    let next = schedule.next_after(now.max(cursor.accounted_to));
    (schedule.describe(), next.map(|at| Firing { scheduled_for: at, fires_at: at }))
}

fn as_table(jobs: &[JobRow], screen: Screen) -> String {
    let head = ["JOB", "NEXT", "LAST", "ENDED", "STREAK", "STATE", "SCHEDULE"];
    table(&head, jobs.iter().map(|job| (tone_of(job), row(job))), screen)
}

fn tone_of(job: &JobRow) -> Tone {
    let outcome = job.last.as_ref().and_then(|last| last.outcome.parse::<Outcome>().ok());
    tone(outcome)
}

fn row(job: &JobRow) -> Vec<String> {
    let last = job.last.as_ref();
    vec![
        job.job.clone(),
        job.next.as_ref().map_or_else(|| "-".to_owned(), |next| instant(next.fires_at)),
        last.map_or_else(|| "-".to_owned(), |last| instant(last.scheduled_for)),
        last.map_or_else(
            || "-".to_owned(),
            |last| match &last.reason {
                Some(reason) => format!("{} ({reason})", last.outcome),
                None => last.outcome.clone(),
            },
        ),
        last.map_or_else(String::new, |_| job.streak.to_string()),
        state(job),
        job.schedule.clone(),
    ]
}

/// What stands in the way of its next firing, or what it is at.
fn state(job: &JobRow) -> String {
    match (&job.open, job.held_until, &job.paused) {
        _ if !job.enabled => "disabled".to_owned(),
        (Some(open), ..) => open.state.clone(),
        (None, Some(until), _) => format!("possibly running until {}", instant(until)),
        (None, None, Some(pause)) => match pause.until {
            Some(until) => format!("paused until {}", instant(until)),
            None => "paused".to_owned(),
        },
        (None, None, None) => "idle".to_owned(),
    }
}
