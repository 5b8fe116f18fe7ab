//! `sexton backfill`: occurrences of the past, one by one.

use std::{io::Write, process::ExitCode, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use miette::{IntoDiagnostic, miette};
use tokio::time::Instant;

use super::{
    argument,
    client::{Client, NoAnswer, Where, talk},
    fire::{ABSENCE, in_words, until_ended},
    firing::{instant, utc},
    progress, tell,
};
use crate::{
    admin::{Backfill, BackfillStep, RunDetail},
    config::Environment,
    job::JobName,
    run::{Outcome, Reason},
};

/// How long to wait before an occurrence is tried again that was skipped because the job was at something else: at first, and
/// at most after waiting twice as long each time. Each try is a row.
const AGAIN: Duration = Duration::from_secs(2);
const AT_MOST: Duration = Duration::from_secs(60);
/// How wide the bar is, in characters.
const BAR: usize = 30;

/// Send a job's occurrences of the past that have not succeeded, one by one, oldest first
///
/// Each is a run of its own with the trigger `backfill`; the app gets the occurrence's instant in Sexton-Scheduled-For. The
/// next one is sent when the one before has ended. While the job is at something else, it waits. The first that does not
/// succeed, an app that says it is busy (409) included, ends the backfill, unless --keep-going says to go on. Ctrl-C ends it
/// too, and leaves the open run to end: the same command goes on from there, for what succeeded is not sent again.
///
/// Exits 0 when all succeeded.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  sexton backfill marketplaces --from 2026-01-01T00:00:00Z --to 2026-01-07T23:59:59Z"
)]
pub(super) struct Args {
    /// The job's name
    #[arg(value_name = "JOB", value_parser = JobName::new)]
    job: JobName,
    /// The first instant (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = argument::instant)]
    from: DateTime<Utc>,
    /// The last instant (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = argument::instant)]
    to: DateTime<Utc>,
    /// Send those that succeeded too
    #[arg(long)]
    again: bool,
    /// Go on after one that does not succeed
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    place: Where,
    /// One JSON object a line, for each run as `sexton show --json` writes it
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, environment: &Environment, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let client = Client::new(&args.place, environment)?;
    let mut pass = Pass { args, from: args.from, total: 0, sent: 0, succeeded: 0 };
    talk(async {
        tokio::select! {
            ended = pass.go_on(&client, out) => ended?,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.into_diagnostic()?;
                progress("");
                tell(&format!("stopped; a run that is open goes on. {}", pass.how_far()));
                return Ok(ExitCode::from(130));
            }
        }
        progress("");
        tell(&pass.how_far());
        Ok(if pass.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

/// How far a backfill is.
struct Pass<'a> {
    args: &'a Args,
    /// What lies before is done with.
    from: DateTime<Utc>,
    total: usize,
    sent: usize,
    succeeded: usize,
}

impl Pass<'_> {
    async fn go_on(&mut self, client: &Client, out: &mut dyn Write) -> miette::Result<()> {
        let mut pause = AGAIN;
        while let Some((run, scheduled_for)) = self.next(client).await? {
            self.show(scheduled_for);
            let shown = match until_ended(client, &run, false).await {
                Ok(shown) if !was_in_the_way(&shown) => shown,
                Ok(_) | Err(NoAnswer::Joined { .. }) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(AT_MOST);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            pause = AGAIN;
            self.sent += 1;
            self.from = scheduled_for + TimeDelta::microseconds(1);
            let succeeded = shown.run.ended() == Some(Outcome::Succeeded);
            self.succeeded += usize::from(succeeded);
            progress("");
            let line = if self.args.json {
                serde_json::to_string(&shown).into_diagnostic()?
            } else {
                format!("{}  {}", instant(scheduled_for), in_words(&shown))
            };
            writeln!(out, "{line}").into_diagnostic()?;
            if !succeeded && !self.args.keep_going {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Has the next one claimed. A sidecar that restarts is waited for.
    async fn next(&mut self, client: &Client) -> miette::Result<Option<(String, DateTime<Utc>)>> {
        let Args { job, to, again, .. } = self.args;
        if self.sent > 0 && self.from > *to {
            return Ok(None);
        }
        let asked = Backfill { job: job.to_string(), from: self.from, to: *to, again: *again };
        let begin = Instant::now();
        let step = loop {
            match client.post::<BackfillStep>(&["backfill"], &asked).await {
                Err(error) if error.is_passing() && self.total > 0 && begin.elapsed() < ABSENCE => {
                    progress("the sidecar does not answer; it is waited for");
                    tokio::time::sleep(AGAIN).await;
                }
                answered => break answered?,
            }
        };
        let step = step.ok_or_else(|| miette!("the sidecar answered with nothing"))?;
        // Somebody else may send some of them meanwhile.
        self.total = self.sent + step.left;
        Ok(step.run.zip(step.scheduled_for))
    }

    fn show(&self, scheduled_for: DateTime<Utc>) {
        let filled = (BAR * self.sent).checked_div(self.total).unwrap_or_default();
        let (done, rest) = ("#".repeat(filled), "-".repeat(BAR - filled.min(BAR)));
        progress(&format!("[{done}{rest}] {}/{}  {}", self.sent, self.total, instant(scheduled_for)));
    }

    fn is_complete(&self) -> bool {
        self.succeeded == self.total
    }

    fn how_far(&self) -> String {
        let Self { args, from, total, sent, succeeded } = self;
        let so_far = format!("{sent} of {total} occurrences sent, {succeeded} of them succeeded");
        if sent == total {
            return so_far;
        }
        format!("{so_far}; go on with: sexton backfill {} --from {} --to {}", args.job, utc(*from), utc(args.to))
    }
}

/// Nothing was sent, because the job was at something else or the sidecar was away: the occurrence is still to be sent. That
/// it is busy is the app's own answer.
fn was_in_the_way(shown: &RunDetail) -> bool {
    let busy = shown.run.reason.as_deref() == Some(Reason::Busy.as_str());
    matches!(shown.run.ended(), Some(Outcome::Skipped | Outcome::Missed)) && !busy
}
