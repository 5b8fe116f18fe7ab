//! `sexton pause` and `sexton resume`.

use std::{io::Write, process::ExitCode};

use chrono::{DateTime, Utc};
use miette::IntoDiagnostic;
use serde_json::json;

use super::{
    argument,
    client::{Client, Where, talk},
    firing::instant,
};
use crate::{
    admin::{Hold, PauseRow},
    config::Environment,
    job::JobName,
};

/// Hold a job back, or all of them: what falls due is skipped, and not caught up
///
/// An open request goes on, and `sexton fire` sends all the same. A pause is kept in the ledger: it holds over restarts and
/// over edits of jobs.toml. `sexton list` and /healthz show it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  sexton pause marketplaces --note 'the mirror moves' --until 2027-01-31T06:00:00Z\n  \
    sexton pause --all"
)]
pub(super) struct PauseArgs {
    #[command(flatten)]
    whom: Whom,
    /// Why, for whoever wonders
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// When it ends by itself (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = argument::instant)]
    until: Option<DateTime<Utc>>,
    #[command(flatten)]
    place: Where,
    /// Write the pause as one JSON object
    #[arg(long)]
    json: bool,
}

/// End the pause of a job, or the one of all
///
/// What fell due meanwhile stays skipped. `--all` ends the pause of all jobs; a job that has one of its own keeps it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sexton resume marketplaces\n  sexton resume --all")]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Whom {
    /// The job's name
    #[arg(value_name = "JOB", value_parser = JobName::new)]
    job: Option<JobName>,
    /// All jobs, also those that an edit adds
    #[arg(long)]
    all: bool,
}

impl Whom {
    fn path<'a>(&'a self, verb: &'a str) -> Vec<&'a str> {
        match &self.job {
            Some(job) => vec!["jobs", job.as_str(), verb],
            None => vec![verb],
        }
    }
}

pub(super) fn pause(args: &PauseArgs, environment: &Environment, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let client = Client::new(&args.place, environment)?;
    let hold = Hold { note: args.note.clone(), until: args.until };
    let paused: Option<PauseRow> = talk(async { Ok(client.post(&args.whom.path("pause"), &hold).await?) })?;
    match paused {
        Some(pause) if args.json => writeln!(out, "{}", serde_json::to_string(&pause).into_diagnostic()?),
        paused => {
            let job = args.whom.job.as_ref().map_or_else(|| "all jobs are".to_owned(), |job| format!("{job} is"));
            let until = paused.and_then(|pause| pause.until).map(|until| format!(" until {}", instant(until)));
            writeln!(out, "{job} paused{}", until.unwrap_or_default())
        }
    }
    .into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn resume(args: &ResumeArgs, environment: &Environment, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let client = Client::new(&args.place, environment)?;
    talk(async { Ok(client.post::<()>(&args.whom.path("resume"), &json!({})).await?) })?;
    let job = args.whom.job.as_ref().map_or_else(|| "the pause of all jobs".to_owned(), |job| format!("{job}'s pause"));
    writeln!(out, "{job} is over").into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}
