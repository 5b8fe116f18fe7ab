//! `sexton plan`: what taking a file into force would change in the running sidecar.

use std::{io::Write, path::PathBuf, process::ExitCode};

use miette::IntoDiagnostic;

use super::{
    client::{Client, Where, talk},
    definitions,
    setting::Setting,
};
use crate::{
    admin::{Change, Shown, ShownJob, Step},
    config::Environment,
};

/// Show what a file would change in the running sidecar
///
/// Checks FILE as `sexton check` does and compares it with the definitions in force, which the sidecar's
/// /api/v1/definitions tells. Nothing is changed.
///
/// Exits 2 when FILE cannot be used.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sexton plan jobs.toml --url http://127.0.0.1:7070")]
pub(super) struct Args {
    /// The file that would be taken into force
    #[arg(default_value = "jobs.toml", value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    place: Where,
    /// One JSON object a line: `{"job","change","from","to"}`
    #[arg(long)]
    json: bool,
}

fn words(change: Change) -> &'static str {
    match change {
        Change::Added => "new: it starts now, nothing is caught up",
        Change::Removed => "goes away: what it has pending is cancelled, an open request ends as it would have",
        Change::Rescheduled => "other instants: accounted for up to now, then it starts anew",
        Change::Enabled => "enabled: it starts now, nothing is caught up",
        Change::Disabled => "disabled: what it has pending is cancelled",
        Change::Redefined => "same instants, another request or other rules: from its next sending on",
    }
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
    let client = Client::new(&args.place, environment)?;
    let now: Shown = talk(async { Ok(client.get(&["definitions"], &[]).await?) })?;
    let then = ShownJob::all(&loaded.definitions);
    let steps = Step::between(&now.jobs, &then);
    for step in &steps {
        let line = if args.json { serde_json::to_string(step).into_diagnostic()? } else { in_words(step) };
        writeln!(out, "{line}").into_diagnostic()?;
    }
    if !args.json {
        let same = then.len() - steps.iter().filter(|step| step.to.is_some()).count();
        writeln!(out, "{} to change, {same} unchanged (generation {} is in force)", steps.len(), now.generation)
            .into_diagnostic()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(step: &Step) -> String {
    let Step { job, change, from, to } = step;
    let sign = match change {
        Change::Added => '+',
        Change::Removed => '-',
        _ => '~',
    };
    let schedule = match (from, to) {
        (Some(from), Some(to)) if from != to => format!("{from} -> {to}"),
        (from, to) => to.as_deref().or(from.as_deref()).unwrap_or_default().to_owned(),
    };
    format!("{sign} {job} ({schedule}): {}", words(*change))
}
