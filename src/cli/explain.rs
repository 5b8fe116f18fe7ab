//! `sexton explain`: a schedule in words.

use std::{io::Write, process::ExitCode};

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use miette::{IntoDiagnostic, miette};

use super::{argument, setting::Setting, tell};
use crate::schedule::{Dst, Schedule, ScheduleError};

/// Say a schedule in words, and when it fires next
///
/// EXPR is anything that `schedule` takes in jobs.toml. Exits 2 when it is none, and says what is wrong with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sexton explain '*/15 8-18 * * mon-fri' --tz Europe/Prague\n  \
    sexton explain 'monthly last 23:30' -n 12")]
pub(super) struct Args {
    /// The schedule
    #[arg(value_name = "EXPR")]
    expression: String,
    /// The IANA zone it is read in
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = argument::zone)]
    tz: Tz,
    /// How many firings to show
    #[arg(short = 'n', value_name = "COUNT", default_value_t = 5)]
    count: usize,
    /// Start after this instant instead of now (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = argument::instant)]
    from: Option<DateTime<Utc>>,
}

pub(super) fn run(args: &Args, setting: &Setting, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let from = args.from.unwrap_or_else(|| setting.clock.now());
    let read = Schedule::parse(&args.expression, args.tz, Dst::default());
    match read.and_then(|schedule| schedule.check_future(from).map(|()| schedule)) {
        Ok(schedule) => explain(&schedule, from, args, out),
        Err(error) => {
            tell(&refusal(&args.expression, &error));
            Ok(ExitCode::from(2))
        }
    }
}

fn explain(schedule: &Schedule, from: DateTime<Utc>, args: &Args, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let mut line = |text: String| writeln!(out, "{text}").into_diagnostic();
    line(schedule.describe())?;
    for warning in schedule.warnings(from) {
        let help = warning.help().map(|help| format!("; {help}")).unwrap_or_default();
        line(format!("warning: {warning}{help}"))?;
    }
    let firings = std::iter::successors(schedule.next_after(from), |last| schedule.next_after(*last));
    let mut shown = 0;
    for at in firings.take(args.count) {
        let local = at.with_timezone(&args.tz).to_rfc3339_opts(SecondsFormat::AutoSi, false);
        let note = schedule.note(at).map(|note| format!("  ({note})")).unwrap_or_default();
        line(format!("  {}  {local}{note}", at.to_rfc3339_opts(SecondsFormat::AutoSi, true)))?;
        shown += 1;
    }
    if shown == 0 && args.count > 0 {
        return Err(miette!("`{}` has no firing after {from}", args.expression));
    }
    Ok(ExitCode::SUCCESS)
}

/// The expression with the offending part marked.
fn refusal(expression: &str, error: &ScheduleError) -> String {
    let before = expression.get(..error.at.start).unwrap_or(expression).chars().count();
    let marked = expression.get(error.at.clone()).map_or(1, |part| part.chars().count().max(1));
    let help = error.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    format!("error: {}\n  {expression}\n  {}{}{help}", error.message, " ".repeat(before), "^".repeat(marked))
}
