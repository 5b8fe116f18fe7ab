//! `sexton plan`: what taking a file into force would change in the running sidecar.

use std::{collections::BTreeMap, io::Write, path::PathBuf, process::ExitCode};

use miette::IntoDiagnostic;
use serde::Serialize;

use super::{
    client::{Client, Where, talk},
    definitions,
    setting::Setting,
};
use crate::{
    admin::{Shown, ShownJob},
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

/// What would become of one job.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Step<'a> {
    job: &'a str,
    change: Change,
    from: Option<&'a str>,
    to: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Added,
    Removed,
    Rescheduled,
    Enabled,
    Disabled,
    Redefined,
}

impl Change {
    fn words(self) -> &'static str {
        match self {
            Self::Added => "new: it starts now, nothing is caught up",
            Self::Removed => "goes away: what it has pending is cancelled, an open request ends as it would have",
            Self::Rescheduled => "other instants: accounted for up to now, then it starts anew",
            Self::Enabled => "enabled: it starts now, nothing is caught up",
            Self::Disabled => "disabled: what it has pending is cancelled",
            Self::Redefined => "same instants, another request or other rules: from its next sending on",
        }
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
    let steps = compare(&now.jobs, &then);
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

fn compare<'a>(now: &'a [ShownJob], then: &'a [ShownJob]) -> Vec<Step<'a>> {
    let mut pairs: BTreeMap<&str, (Option<&ShownJob>, Option<&ShownJob>)> = BTreeMap::new();
    now.iter().for_each(|job| pairs.entry(&job.name).or_default().0 = Some(job));
    then.iter().for_each(|job| pairs.entry(&job.name).or_default().1 = Some(job));
    let step = |(job, (from, to)): (&'a str, (Option<&'a ShownJob>, Option<&'a ShownJob>))| {
        let schedule = |shown: Option<&'a ShownJob>| shown.map(|shown| shown.schedule.as_str());
        Some(Step { job, change: change(from, to)?, from: schedule(from), to: schedule(to) })
    };
    pairs.into_iter().filter_map(step).collect()
}

fn change(from: Option<&ShownJob>, to: Option<&ShownJob>) -> Option<Change> {
    match (from, to) {
        (None, Some(_)) => Some(Change::Added),
        (Some(_), None) => Some(Change::Removed),
        (Some(from), Some(to)) if from.enabled != to.enabled => {
            Some(if to.enabled { Change::Enabled } else { Change::Disabled })
        }
        (Some(from), Some(to)) if from.instants != to.instants => Some(Change::Rescheduled),
        (Some(from), Some(to)) if from.hash != to.hash => Some(Change::Redefined),
        _ => None,
    }
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
        (from, to) => to.or(*from).unwrap_or_default().to_owned(),
    };
    format!("{sign} {job} ({schedule}): {}", change.words())
}
