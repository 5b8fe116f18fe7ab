//! `sexton simulate`: what a file would fire in a span of time.

mod firings;
mod report;

use std::{collections::HashMap, io::Write, path::PathBuf, process::ExitCode, time::Duration};

use chrono::{DateTime, Utc};
use miette::{IntoDiagnostic, bail};

use self::report::{Report, write_text};
use super::{argument, definitions, ledger::Ledger, setting::Setting};
use crate::{
    config::Environment,
    job::{Definitions, JobName},
    store::RunQuery,
};

/// From how many past runs of a job its duration is taken.
const SAMPLE: u32 = 200;

/// Show what a file would fire: per minute, the busiest minutes, and who gets in whose way
///
/// Nothing is sent. The firings come from the same function that fires them. With a ledger (--store), the durations of
/// past runs tell how many requests would be open at once and which runs would meet the one before.
///
/// Exits 2 when FILE cannot be used.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sexton simulate jobs.toml --from 2026-03-29T00:00:00Z --to 2026-03-30T00:00:00Z \
    --store sqlite://sexton.db")]
pub(super) struct Args {
    /// The file that defines the jobs
    #[arg(default_value = "jobs.toml", value_name = "FILE")]
    file: PathBuf,
    /// Firings after this instant (RFC 3339); without it, from now on
    #[arg(long, value_name = "INSTANT", value_parser = argument::instant)]
    from: Option<DateTime<Utc>>,
    /// Up to this instant (RFC 3339); without it, a day
    #[arg(long, value_name = "INSTANT", value_parser = argument::instant)]
    to: Option<DateTime<Utc>>,
    #[command(flatten)]
    ledger: Ledger,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    environment: &Environment,
    setting: &Setting,
    out: &mut dyn Write,
) -> miette::Result<ExitCode> {
    let loaded = match definitions::load(&args.file, setting.overrides, environment, setting.clock) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    definitions::warn(&loaded);
    let from = args.from.unwrap_or_else(|| setting.clock.now());
    let to = args.to.unwrap_or(from + chrono::TimeDelta::days(1));
    if to <= from {
        bail!("--to {to} is not after --from {from}");
    }
    let durations = if args.ledger.is_named(environment) {
        measured(&loaded.definitions, &args.ledger, environment)?
    } else {
        HashMap::new()
    };
    let report = Report::of(&loaded.definitions, &durations, from, to);
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &report).into_diagnostic()?;
        writeln!(out).into_diagnostic()?;
    } else {
        write_text(&report, out).into_diagnostic()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The longest of each job's newest runs.
fn measured(
    definitions: &Definitions,
    ledger: &Ledger,
    environment: &Environment,
) -> miette::Result<HashMap<JobName, Duration>> {
    ledger.read(environment, async |store| {
        let mut longest = HashMap::new();
        for job in definitions.jobs.keys() {
            let query = RunQuery { job: Some(job.clone()), limit: SAMPLE, ..RunQuery::default() };
            let runs = store.runs(query).await?;
            if let Some(duration) = runs.iter().filter_map(|run| run.duration?.to_std().ok()).max() {
                longest.insert(job.clone(), duration);
            }
        }
        Ok(longest)
    })
}
