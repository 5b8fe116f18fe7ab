//! `sexton show`: one run with its attempts, from the ledger.

use std::{io::Write, process::ExitCode};

use miette::{IntoDiagnostic, miette};
use serde::Serialize;

use super::{
    ledger::Ledger,
    runs::{Line, short, tone, utc},
    setting::Screen,
    table::table,
};
use crate::{
    config::Environment,
    run::{Attempt, Outcome, Run, RunId},
};

/// Show one run: its outcome and why, its attempts with their timings, the request line, what the app answered
///
/// Reads the ledger beside a running sidecar or without one; it changes nothing. What is shown was redacted before it was
/// written down.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sexton runs --outcome failed -n 1 --json | jq -r .id\n  \
    sexton show 0198c0de-8a4e-7000-8000-2b5f1d6c9a10\n  sexton show --json 0198c0de-8a4e-7000-8000-2b5f1d6c9a10 | jq .attempts")]
pub(super) struct Args {
    /// The run's id: the last column of `sexton runs`, and the Sexton-Run header that the app got
    #[arg(value_name = "RUN")]
    run: RunId,
    #[command(flatten)]
    ledger: Ledger,
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
    let found = args.ledger.read(environment, async |store| store.run(args.run).await)?;
    let (run, attempts) = found.ok_or_else(|| {
        miette!(
            help = "`sexton runs` lists those that are there; old ones are pruned, and a skipped one may have joined the \
                    row before it",
            "the ledger holds no run {}",
            args.run
        )
    })?;
    if args.json {
        serde_json::to_writer(&mut *out, &Shown::of(&run, &attempts)).into_diagnostic()?;
        writeln!(out).into_diagnostic()?;
    } else {
        write!(out, "{}{}", facts(&run), attempts_table(&attempts, screen)).into_diagnostic()?;
        write!(out, "{}", excerpts(&run, &attempts)).into_diagnostic()?;
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    run: Line<'a>,
    definition: &'a str,
    finished_at: Option<String>,
    attempts: Vec<AttemptLine<'a>>,
}

#[derive(Serialize)]
struct AttemptLine<'a> {
    number: u32,
    fence: u64,
    sent_at: String,
    finished_at: Option<String>,
    outcome: Option<&'a str>,
    reason: Option<&'a str>,
    status: Option<u16>,
    excerpt: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(run: &'a Run, attempts: &'a [Attempt]) -> Self {
        let attempts = attempts.iter().map(|attempt| AttemptLine {
            number: attempt.number,
            fence: attempt.fence,
            sent_at: utc(attempt.sent_at),
            finished_at: attempt.finished_at.map(utc),
            outcome: attempt.outcome.map(Outcome::as_str),
            reason: attempt.reason.map(|reason| reason.as_str()),
            status: attempt.status,
            excerpt: attempt.excerpt.as_deref(),
        });
        Self {
            run: Line::of(run),
            definition: &run.definition,
            finished_at: run.finished_at.map(utc),
            attempts: attempts.collect(),
        }
    }
}

/// What is known, a line each.
fn facts(run: &Run) -> String {
    let state = match (run.reason, run.settled) {
        (None, None) => run.state.to_string(),
        (Some(reason), None) => format!("{} ({reason})", run.state),
        (None, Some(settled)) => format!("{}, settled {settled}", run.state),
        (Some(reason), Some(settled)) => format!("{} ({reason}), settled {settled}", run.state),
    };
    let span = (run.count > 1).then(|| format!("{}, {} occurrences in all", utc(run.through), run.count));
    let facts = [
        ("run", Some(run.id.to_string())),
        ("job", Some(run.job.to_string())),
        ("scheduled for", Some(utc(run.scheduled_for))),
        ("through", span),
        ("trigger", Some(run.trigger.to_string())),
        ("state", Some(state)),
        ("finished at", run.finished_at.map(utc)),
        ("late", run.lateness.map(short)),
        ("took", run.duration.map(short)),
        ("status", run.status.map(|status| status.to_string())),
        ("request", run.request.clone()),
        ("definition", Some(run.definition.clone())),
    ];
    let known = facts.into_iter().filter_map(|(name, value)| Some(format!("{name:15}{}\n", value?)));
    known.collect()
}

fn attempts_table(attempts: &[Attempt], screen: Screen) -> String {
    if attempts.is_empty() {
        return "\nNothing was sent.\n".to_owned();
    }
    let head = ["ATTEMPT", "FENCE", "SENT AT", "TOOK", "OUTCOME", "REASON", "STATUS"];
    let rows = attempts.iter().map(|attempt| {
        let outcome = attempt.outcome.map_or("open", Outcome::as_str);
        let cells = vec![
            attempt.number.to_string(),
            attempt.fence.to_string(),
            utc(attempt.sent_at),
            attempt.finished_at.map(|end| short(end - attempt.sent_at)).unwrap_or_default(),
            outcome.to_owned(),
            attempt.reason.map(|reason| reason.to_string()).unwrap_or_default(),
            attempt.status.map(|status| status.to_string()).unwrap_or_default(),
        ];
        (tone(attempt.outcome), cells)
    });
    format!("\n{}", table(&head, rows, screen))
}

/// What the app answered to each attempt, and to the run where its attempts say nothing.
fn excerpts(run: &Run, attempts: &[Attempt]) -> String {
    let of_attempts: Vec<String> = attempts
        .iter()
        .filter_map(|attempt| {
            Some(format!("\nattempt {}:\n{}\n", attempt.number, printable(attempt.excerpt.as_deref()?)))
        })
        .collect();
    match (&of_attempts[..], run.excerpt.as_deref()) {
        ([], Some(excerpt)) => format!("\n{}\n", printable(excerpt)),
        _ => of_attempts.concat(),
    }
}

/// An app's text must not steer the terminal.
fn printable(text: &str) -> String {
    let harmless = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c };
    text.trim_end().chars().map(harmless).collect()
}
