//! `sexton runs`: the history.

use std::{io::Write, process::ExitCode};

use miette::IntoDiagnostic;

use super::{
    client::{Client, NoAnswer, talk},
    firing::instant,
    origin::{Chosen, Origin},
    setting::Screen,
    table::{Tone, table},
};
use crate::{
    admin::{RunPage, RunRow},
    config::Environment,
    job::JobName,
    run::Outcome,
    store::RunQuery,
};

/// How many runs are asked for at once.
const PAGE: usize = 1000;

/// Show the history of runs, newest first
///
/// Asks the running sidecar, or reads a ledger with --store, beside a running sidecar or without one. It changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sexton runs\n  sexton runs --store sqlite://sexton.db\n  \
    sexton runs --job marketplaces --outcome failed -n 5\n  sexton runs --json | jq .outcome")]
pub(super) struct Args {
    #[command(flatten)]
    origin: Origin,
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
    let runs = match args.origin.choose(environment)? {
        Ok(Chosen::Sidecar(client)) => talk(async { Ok(ask(args, &client).await?) })?,
        Ok(Chosen::Ledger(ledger)) => {
            let (job, outcome) = (args.job.clone(), args.outcome);
            let query = RunQuery { job, outcome, limit: args.limit, ..RunQuery::default() };
            let found = ledger.read(environment, async |store| store.runs(query).await)?;
            found.iter().map(RunRow::from).collect()
        }
        Err(code) => return Ok(code),
    };
    if args.json {
        for run in &runs {
            serde_json::to_writer(&mut *out, run).into_diagnostic()?;
            writeln!(out).into_diagnostic()?;
        }
    } else if runs.is_empty() {
        writeln!(out, "no run of that kind, so far; `sexton list` shows what is to come").into_diagnostic()?;
    } else {
        write!(out, "{}", as_table(&runs, screen)).into_diagnostic()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Page by page, as many as are asked for.
async fn ask(args: &Args, client: &Client) -> Result<Vec<RunRow>, NoAnswer> {
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let mut runs: Vec<RunRow> = Vec::new();
    let mut before: Option<String> = None;
    while runs.len() < limit {
        let mut parameters = vec![("limit", (limit - runs.len()).min(PAGE).to_string())];
        parameters.extend(args.job.as_ref().map(|job| ("job", job.to_string())));
        parameters.extend(args.outcome.map(|outcome| ("outcome", outcome.to_string())));
        parameters.extend(before.take().map(|before| ("before", before)));
        let page: RunPage = client.get(&["runs"], &parameters).await?;
        runs.extend(page.runs);
        match page.next {
            Some(next) => before = Some(next),
            None => break,
        }
    }
    Ok(runs)
}

fn as_table(runs: &[RunRow], screen: Screen) -> String {
    let head = ["SCHEDULED FOR", "JOB", "STATE", "REASON", "COUNT", "STATUS", "LATE", "TOOK", "RUN"];
    let rows = runs.iter().map(|run| (tone(run.ended()), row(run)));
    table(&head, rows, screen)
}

fn row(run: &RunRow) -> Vec<String> {
    let text = |value: Option<String>| value.unwrap_or_default();
    vec![
        instant(run.scheduled_for),
        run.job.clone(),
        match &run.settled {
            Some(settled) => format!("{}, settled {settled}", run.state),
            None => run.state.clone(),
        },
        text(run.reason.clone()),
        text((run.count > 1).then(|| run.count.to_string())),
        text(run.status.map(|status| status.to_string())),
        text(run.lateness_ms.map(short)),
        text(run.duration_ms.map(short)),
        run.id.clone(),
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

/// A length of so many milliseconds.
pub(super) fn short(millis: f64) -> String {
    if millis.abs() < 1e3 { format!("{millis:.1} ms") } else { format!("{:.1} s", millis / 1e3) }
}
