//! `sexton show`: one run with its attempts.

use std::{io::Write, process::ExitCode};

use miette::{IntoDiagnostic, miette};

use super::{
    client::{Client, talk},
    firing::instant,
    origin::{Chosen, Origin},
    runs::{short, tone},
    setting::Screen,
    table::table,
};
use crate::{
    admin::{AttemptRow, RunDetail},
    config::Environment,
    run::RunId,
};

/// Show one run: its outcome and why, its attempts with their timings, the request line, what the app answered
///
/// Asks the running sidecar, or reads a ledger with --store, beside a running sidecar or without one; it changes nothing.
/// What is shown was redacted before it was written down.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sexton runs --outcome failed -n 1 --json | jq -r .id\n  \
    sexton show 0198c0de-8a4e-7000-8000-2b5f1d6c9a10\n  sexton show --json 0198c0de-8a4e-7000-8000-2b5f1d6c9a10 | jq .attempts")]
pub(super) struct Args {
    /// The run's id: the last column of `sexton runs`, and the Sexton-Run header that the app got
    #[arg(value_name = "RUN")]
    run: RunId,
    #[command(flatten)]
    origin: Origin,
    /// Write one JSON object: the run as `sexton runs --json` writes it, and its attempts
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    environment: &Environment,
    screen: Screen,
    out: &mut dyn Write,
) -> miette::Result<ExitCode> {
    let found = match args.origin.choose(environment)? {
        Ok(Chosen::Sidecar(client)) => talk(async { ask(&client, args.run).await })?,
        Ok(Chosen::Ledger(ledger)) => {
            let found = ledger.read(environment, async |store| store.run(args.run).await)?;
            found.map(|(run, attempts)| RunDetail::of(&run, &attempts))
        }
        Err(code) => return Ok(code),
    };
    let shown = found.ok_or_else(|| {
        miette!(
            help = "`sexton runs` lists those that are there; old ones are pruned, and a skipped one may have joined the \
                    row before it",
            "the ledger holds no run {}",
            args.run
        )
    })?;
    if args.json {
        serde_json::to_writer(&mut *out, &shown).into_diagnostic()?;
        writeln!(out).into_diagnostic()?;
    } else {
        write!(out, "{}{}", facts(&shown), attempts_table(&shown.attempts, screen)).into_diagnostic()?;
        write!(out, "{}", excerpts(&shown)).into_diagnostic()?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask(client: &Client, run: RunId) -> miette::Result<Option<RunDetail>> {
    match client.get(&["runs", &run.to_string()], &[]).await {
        Ok(shown) => Ok(Some(shown)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is known, a line each.
fn facts(shown: &RunDetail) -> String {
    let run = &shown.run;
    let state = match (&run.reason, &run.settled) {
        (None, None) => run.state.clone(),
        (Some(reason), None) => format!("{} ({reason})", run.state),
        (None, Some(settled)) => format!("{}, settled {settled}", run.state),
        (Some(reason), Some(settled)) => format!("{} ({reason}), settled {settled}", run.state),
    };
    let span = (run.count > 1).then(|| format!("{}, {} occurrences in all", instant(run.through), run.count));
    let work = shown.work.as_ref();
    let followed = work.filter(|_| run.outcome.is_none());
    let facts = [
        ("run", Some(run.id.clone())),
        ("job", Some(run.job.clone())),
        ("scheduled for", Some(instant(run.scheduled_for))),
        ("through", span),
        ("trigger", Some(run.trigger.clone())),
        ("asked by", run.asked_by.clone()),
        ("state", Some(state)),
        ("finished at", shown.finished_at.map(instant)),
        ("late", run.lateness_ms.map(short)),
        ("took", run.duration_ms.map(short)),
        ("status", run.status.map(|status| status.to_string())),
        ("request", run.request.clone()),
        ("definition", Some(shown.definition.clone())),
        ("followed at", work.map(|work| format!("{} of target {}", work.path, work.target))),
        ("progress", work.and_then(|work| Some(printable(work.progress.as_deref()?)))),
        ("next look", followed.and_then(|work| work.next_look).map(instant)),
        ("followed until", followed.map(|work| instant(work.until))),
        ("is stopped by", followed.and_then(|work| work.cancel.clone())),
    ];
    let known = facts.into_iter().filter_map(|(name, value)| Some(format!("{name:15}{}\n", value?)));
    known.collect()
}

fn attempts_table(attempts: &[AttemptRow], screen: Screen) -> String {
    if attempts.is_empty() {
        return "\nNothing was sent.\n".to_owned();
    }
    let head = ["ATTEMPT", "FENCE", "SENT AT", "TOOK", "OUTCOME", "REASON", "STATUS"];
    let rows = attempts.iter().map(|attempt| {
        let took = attempt.finished_at.map(|end| short((end - attempt.sent_at).as_seconds_f64() * 1e3));
        let cells = vec![
            attempt.number.to_string(),
            attempt.fence.to_string(),
            instant(attempt.sent_at),
            took.unwrap_or_default(),
            attempt.outcome.clone().unwrap_or_else(|| "open".to_owned()),
            attempt.reason.clone().unwrap_or_default(),
            attempt.status.map(|status| status.to_string()).unwrap_or_default(),
        ];
        (tone(attempt.outcome.as_deref().and_then(|outcome| outcome.parse().ok())), cells)
    });
    format!("\n{}", table(&head, rows, screen))
}

/// What the app answered to each attempt, and to the run where its attempts say nothing.
fn excerpts(shown: &RunDetail) -> String {
    let of_attempt = |attempt: &AttemptRow| {
        Some(format!("\nattempt {}:\n{}\n", attempt.number, printable(attempt.excerpt.as_deref()?)))
    };
    let of_attempts: Vec<String> = shown.attempts.iter().filter_map(of_attempt).collect();
    match (&of_attempts[..], shown.run.excerpt.as_deref()) {
        ([], Some(excerpt)) => format!("\n{}\n", printable(excerpt)),
        _ => of_attempts.concat(),
    }
}

/// An app's text must not steer the terminal.
fn printable(text: &str) -> String {
    let harmless = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c };
    text.trim_end().chars().map(harmless).collect()
}
