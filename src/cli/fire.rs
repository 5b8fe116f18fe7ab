//! `sexton fire`: a run by hand.

use std::{io::Write, process::ExitCode, time::Duration};

use miette::IntoDiagnostic;
use serde::Serialize;
use tokio::time::Instant;

use super::{
    client::{Client, NoAnswer, Where, talk},
    progress,
    runs::short,
};
use crate::{
    admin::{Fire, Fired, RunDetail},
    config::Environment,
    job::JobName,
    run::Outcome,
};

/// How long between two looks at a run that is waited for: short at first, for those that end at once.
const LOOKS: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1)];
/// How long a sidecar that is gone is waited for: it may be restarting, and the run is in its ledger.
pub(super) const ABSENCE: Duration = Duration::from_secs(60);

/// Fire a job now, whatever its schedule says
///
/// The run is no occurrence: the schedule goes on as if nothing had been. Overlap, groups and holds count as always: while
/// the job may still be running, the run is skipped or lines up, as its `overlap` says. A paused or disabled job is fired too.
///
/// With --wait, exits 0 only when the run succeeded, and 1 otherwise. Ctrl-C ends the waiting and not the run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sexton fire marketplaces --wait\n  sexton fire marketplaces --dry-run")]
pub(super) struct Args {
    /// The job's name
    #[arg(value_name = "JOB", value_parser = JobName::new)]
    job: JobName,
    /// Wait until the run has its outcome
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
    /// Show the request as it would be sent, without its secrets; nothing is sent
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Where,
    /// Write one JSON object: what was claimed, or with --wait the run as `sexton show --json` writes it
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, environment: &Environment, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let client = Client::new(&args.place, environment)?;
    talk(fire(args, &client, out))
}

async fn fire(args: &Args, client: &Client, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let path = ["jobs", args.job.as_str(), "fire"];
    let Some(fired) = client.post::<Fired>(&path, &Fire { dry_run: args.dry_run }).await? else {
        return Ok(ExitCode::FAILURE);
    };
    match (&fired.run, &fired.request) {
        (Some(run), _) if args.wait => {
            let run = until_ended(client, run, true).await?;
            say(args.json, &run, &in_words(&run), out)?;
            let succeeded = run.run.ended() == Some(Outcome::Succeeded);
            Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        (Some(run), _) => {
            say(
                args.json,
                &fired,
                &format!("run {run} of {} is claimed; `sexton show {run}` tells how it goes", args.job),
                out,
            )?;
            Ok(ExitCode::SUCCESS)
        }
        (None, request) => {
            say(args.json, &fired, request.as_deref().unwrap_or_default(), out)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn say(json: bool, value: &impl Serialize, words: &str, out: &mut dyn Write) -> miette::Result<()> {
    let text = if json { serde_json::to_string(value).into_diagnostic()? } else { words.trim_end().to_owned() };
    writeln!(out, "{text}").into_diagnostic()
}

/// Looks until the run, which the sidecar knows, has its outcome, also over a restart of the sidecar. `tells` how it stands
/// meanwhile, on a terminal.
pub(super) async fn until_ended(client: &Client, run: &str, tells: bool) -> Result<RunDetail, NoAnswer> {
    let progress = |text: &str| {
        if tells {
            progress(text);
        }
    };
    let mut absent_since: Option<Instant> = None;
    let mut looks = LOOKS.into_iter();
    let begin = Instant::now();
    loop {
        match client.get::<RunDetail>(&["runs", run], &[]).await {
            Ok(shown) if shown.run.outcome.is_some() => {
                progress("");
                return Ok(shown);
            }
            Ok(shown) => {
                absent_since = None;
                progress(&format!("{} ({} s)", shown.run.state, begin.elapsed().as_secs()));
            }
            Err(error) if error.is_passing() => {
                if absent_since.get_or_insert_with(Instant::now).elapsed() > ABSENCE {
                    return Err(error);
                }
                progress("the sidecar does not answer; it is waited for");
            }
            Err(error) if error.is_not_found() => return Err(NoAnswer::Joined { run: run.to_owned() }),
            Err(error) => return Err(error),
        }
        tokio::time::sleep(looks.next().unwrap_or(LOOKS[LOOKS.len() - 1])).await;
    }
}

/// How a run ended, in one line.
pub(super) fn in_words(shown: &RunDetail) -> String {
    let run = &shown.run;
    let reason = run.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let status = run.status.map(|status| format!(", status {status}")).unwrap_or_default();
    let took = run.duration_ms.map(|millis| format!(", took {}", short(millis))).unwrap_or_default();
    format!("run {} {}{reason}{status}{took}", run.id, run.state)
}
