//! `sexton runs`: the history, from the ledger.

use std::{io::Write, process::ExitCode};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use miette::IntoDiagnostic;
use serde::Serialize;

use super::{
    ledger::Ledger,
    setting::Screen,
    table::{Tone, table},
};
use crate::{
    config::Environment,
    job::JobName,
    run::{Outcome, Run},
    store::RunQuery,
};

/// Show the history of runs, newest first
///
/// Reads the ledger beside a running sidecar or without one; it changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sexton runs --store sqlite://sexton.db\n  \
    sexton runs --job marketplaces --outcome failed -n 5\n  sexton runs --json | jq .outcome")]
pub(super) struct Args {
    #[command(flatten)]
    ledger: Ledger,
    /// Of this job only
    #[arg(long, value_name = "NAME", value_parser = JobName::new)]
    job: Option<JobName>,
    /// With this outcome only: succeeded, failed, unknown, skipped, missed or cancelled
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<Outcome>,
    /// At most so many
    #[arg(short = 'n', long = "limit", value_name = "N", default_value_t = 50)]
    limit: u32,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    environment: &Environment,
    screen: Screen,
    out: &mut dyn Write,
) -> miette::Result<ExitCode> {
    let query = RunQuery { job: args.job.clone(), outcome: args.outcome, limit: args.limit };
    let runs = args.ledger.read(environment, async |store| store.runs(query).await)?;
    if args.json {
        for run in &runs {
            serde_json::to_writer(&mut *out, &Line::of(run)).into_diagnostic()?;
            writeln!(out).into_diagnostic()?;
        }
    } else {
        write!(out, "{}", as_table(&runs, screen)).into_diagnostic()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A run as one JSON object.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    id: String,
    job: &'a str,
    scheduled_for: String,
    through: String,
    count: u64,
    trigger: &'a str,
    state: &'a str,
    outcome: Option<&'a str>,
    reason: Option<&'a str>,
    settled: Option<&'a str>,
    fence: Option<u64>,
    request: Option<&'a str>,
    status: Option<u16>,
    lateness_ms: Option<f64>,
    duration_ms: Option<f64>,
    excerpt: Option<&'a str>,
}

impl<'a> Line<'a> {
    pub(super) fn of(run: &'a Run) -> Self {
        Self {
            id: run.id.to_string(),
            job: run.job.as_str(),
            scheduled_for: utc(run.scheduled_for),
            through: utc(run.through),
            count: run.count,
            trigger: run.trigger.as_str(),
            state: run.state.as_str(),
            outcome: run.state.outcome().map(Outcome::as_str),
            reason: run.reason.map(|reason| reason.as_str()),
            settled: run.settled.map(Outcome::as_str),
            fence: run.fence,
            request: run.request.as_deref(),
            status: run.status,
            lateness_ms: run.lateness.map(millis),
            duration_ms: run.duration.map(millis),
            excerpt: run.excerpt.as_deref(),
        }
    }
}

fn as_table(runs: &[Run], screen: Screen) -> String {
    let head = ["SCHEDULED FOR", "JOB", "STATE", "REASON", "COUNT", "STATUS", "LATE", "TOOK", "RUN"];
    let rows = runs.iter().map(|run| (tone(run.state.outcome()), row(run)));
    table(&head, rows, screen)
}

fn row(run: &Run) -> Vec<String> {
    let text = |value: Option<String>| value.unwrap_or_default();
    vec![
        utc(run.scheduled_for),
        run.job.to_string(),
        match run.settled {
            Some(settled) => format!("{}, settled {settled}", run.state),
            None => run.state.to_string(),
        },
        text(run.reason.map(|reason| reason.to_string())),
        text((run.count > 1).then(|| run.count.to_string())),
        text(run.status.map(|status| status.to_string())),
        text(run.lateness.map(short)),
        text(run.duration.map(short)),
        run.id.to_string(),
    ]
}

pub(super) fn tone(outcome: Option<Outcome>) -> Tone {
    match outcome {
        Some(Outcome::Succeeded) => Tone::Good,
        Some(Outcome::Failed | Outcome::Unknown) => Tone::Bad,
        Some(Outcome::Missed) => Tone::Doubtful,
        Some(Outcome::Skipped | Outcome::Cancelled) | None => Tone::Plain,
    }
}

pub(super) fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn millis(length: TimeDelta) -> f64 {
    length.as_seconds_f64() * 1e3
}

pub(super) fn short(length: TimeDelta) -> String {
    match length.as_seconds_f64() {
        seconds if seconds.abs() < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}
