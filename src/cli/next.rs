//! `sexton next`: the next firings, as the sidecar will make them.

use std::{cmp::Reverse, collections::BinaryHeap, io::Write, path::PathBuf, process::ExitCode, sync::Arc};

use chrono::{DateTime, Utc};
use miette::{IntoDiagnostic, miette};

use super::{
    argument,
    firing::{Firing, utc},
    setting::{Screen, Setting},
    table::{Tone, table},
};
use crate::job::{Definitions, Job, load, render};

/// Show the next firings of one job, or of all
///
/// They come from the same function that fires them, DST included: a firing that a change of the clocks moved or merged
/// carries a note. Disabled jobs are left out unless they are named.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file that defines the jobs
    #[arg(default_value = "jobs.toml", value_name = "FILE")]
    pub file: PathBuf,
    /// Only this job; without it, those of all enabled jobs in the order of time
    #[arg(long, short, value_name = "NAME")]
    pub job: Option<String>,
    /// How many firings in all
    #[arg(short = 'n', default_value_t = 5, value_name = "COUNT")]
    pub count: usize,
    /// Start after this instant instead of now (RFC 3339, such as 2026-03-29T00:00:00Z)
    #[arg(long, value_name = "INSTANT", value_parser = argument::instant)]
    pub from: Option<DateTime<Utc>>,
    /// Write one JSON object a line: job, scheduled_for, fires_at (UTC), local (with offset), note
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// A job that is not defined, or an output that cannot be written.
pub fn run(args: &Args, setting: &Setting, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let loaded = match load(&args.file, &setting.load_context()) {
        Ok(loaded) => loaded,
        Err(report) => {
            let text = match setting.screen {
                Screen::Terminal { color } => render(&report.findings, &report.sources, color),
                Screen::Pipe => format!("{report}\n"),
            };
            write!(out, "{text}").into_diagnostic()?;
            return Ok(ExitCode::from(2));
        }
    };
    let jobs = chosen(&loaded.definitions, args.job.as_deref())?;
    let from = args.from.unwrap_or_else(|| setting.clock.now());
    let firings: Vec<Firing> = merged(&jobs, from).take(args.count).collect();
    if args.json {
        for firing in &firings {
            writeln!(out, "{}", serde_json::to_string(firing).into_diagnostic()?).into_diagnostic()?;
        }
    } else {
        write!(out, "{}", listed(&firings, setting.screen)).into_diagnostic()?;
        if firings.len() < args.count {
            let last = firings.last().map_or_else(|| utc(from), |last| last.scheduled_for.clone());
            writeln!(out, "no firing after {last}").into_diagnostic()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen(definitions: &Definitions, name: Option<&str>) -> miette::Result<Vec<Arc<Job>>> {
    let Some(name) = name else {
        return Ok(definitions.jobs.values().filter(|job| job.enabled).cloned().collect());
    };
    definitions.jobs.get(name).map(|job| vec![job.clone()]).ok_or_else(|| {
        let known: Vec<&str> = definitions.jobs.keys().map(|name| name.as_str()).collect();
        let help = if known.is_empty() { "there are none".to_owned() } else { known.join(", ") };
        miette!(help = format!("jobs: {help}"), "there is no job `{name}`")
    })
}

/// The firings of several jobs in the order of time; those of one instant in the order of names.
fn merged(jobs: &[Arc<Job>], from: DateTime<Utc>) -> impl Iterator<Item = Firing> {
    let of = |index: usize, next: Option<DateTime<Utc>>| next.map(|at| Reverse((jobs[index].fires_at(at), index, at)));
    let mut heap: BinaryHeap<_> =
        (0..jobs.len()).filter_map(|index| of(index, jobs[index].firings_after(from).next())).collect();
    std::iter::from_fn(move || {
        let Reverse((_, index, at)) = heap.pop()?;
        let job = &jobs[index];
        heap.extend(of(index, job.schedule.next_after(at)));
        Some(Firing::new(job, at))
    })
}

/// The note of a firing that the clocks moved stands out.
fn listed(firings: &[Firing], screen: Screen) -> String {
    let rows = firings.iter().map(|firing| {
        let tone = if firing.note.is_some() { Tone::Doubtful } else { Tone::Plain };
        let note = firing.note.clone().unwrap_or_default();
        let cells = [&firing.job, &firing.local, &firing.scheduled_for, &firing.fires_at, &note];
        (tone, cells.map(String::clone).to_vec())
    });
    table(&["JOB", "LOCAL", "SCHEDULED FOR", "FIRES AT", "NOTE"], rows, screen)
}
