//! `sexton settle`: what an unknown run turned out to be.

use std::{io::Write, process::ExitCode};

use miette::IntoDiagnostic;

use super::client::{Client, Where, talk};
use crate::{
    admin::{RunDetail, Settle},
    config::Environment,
    run::RunId,
};

/// Write down what an unknown run turned out to be, so that its job may be sent again
///
/// A run is unknown when nobody heard how it ended: it timed out, the connection broke, or the sidecar died. Until its hold
/// is over the job counts as possibly running. Who looked at the app knows better. That it was unknown stays in the ledger.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sexton runs --outcome unknown\n  \
    sexton settle 0198c0de-8a4e-7000-8000-2b5f1d6c9a10 --as succeeded")]
pub(super) struct Args {
    /// The run's id: the last column of `sexton runs`
    #[arg(value_name = "RUN")]
    run: RunId,
    /// What it turned out to be
    #[arg(long = "as", value_name = "OUTCOME", value_parser = ["succeeded", "failed"])]
    outcome: String,
    #[command(flatten)]
    place: Where,
    /// Write the run as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, environment: &Environment, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let client = Client::new(&args.place, environment)?;
    let body = Settle { r#as: args.outcome.clone() };
    let settled: Option<RunDetail> =
        talk(async { Ok(client.post(&["runs", &args.run.to_string(), "settle"], &body).await?) })?;
    match settled.filter(|_| args.json) {
        Some(run) => writeln!(out, "{}", serde_json::to_string(&run).into_diagnostic()?).into_diagnostic()?,
        None => writeln!(out, "run {} is settled as {}", args.run, args.outcome).into_diagnostic()?,
    }
    Ok(ExitCode::SUCCESS)
}
