//! `sexton cancel`: ends a run.

use std::{io::Write, process::ExitCode};

use miette::IntoDiagnostic;
use serde_json::json;

use super::{
    client::{Client, Where, talk},
    fire::{in_words, until_ended},
};
use crate::{
    admin::RunDetail,
    config::Environment,
    run::{Outcome, RunId},
};

/// Cancel a run that has no outcome yet
///
/// A run that waits ends at once. For one that the app is at, it is asked to stop, by the job's `cancel`: confirmed, the run
/// ends `cancelled` with its request. If the app does not confirm that, the request goes on until its timeout, or the job does
/// not say how to ask, the run ends `cancelled` all the same, but its job counts as possibly running for its `hold`.
///
/// Exits 0 when the run ended `cancelled`, and 1 when it had ended, or ended otherwise meanwhile.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sexton cancel 0198c0de-8a4e-7000-8000-2b5f1d6c9a10")]
pub(super) struct Args {
    /// The run's id: the last column of `sexton runs`
    #[arg(value_name = "RUN")]
    run: RunId,
    #[command(flatten)]
    place: Where,
    /// Write the run as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, environment: &Environment, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let client = Client::new(&args.place, environment)?;
    let id = args.run.to_string();
    let ended = talk(async {
        client.post::<RunDetail>(&["runs", &id, "cancel"], &json!({})).await?;
        Ok(until_ended(&client, &id, true).await?)
    })?;
    let text = if args.json {
        serde_json::to_string(&ended).into_diagnostic()?
    } else {
        let why = ended.run.excerpt.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{}{why}", in_words(&ended))
    };
    writeln!(out, "{text}").into_diagnostic()?;
    let cancelled = ended.run.ended() == Some(Outcome::Cancelled);
    Ok(if cancelled { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
