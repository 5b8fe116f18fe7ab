//! `sexton check`: everything that is wrong with the definitions, and when the jobs fire next.

use std::{io::Write, path::PathBuf, process::ExitCode};

use miette::IntoDiagnostic;
use serde::Serialize;

use super::{
    firing::Firing,
    setting::{Screen, Setting},
};
use crate::job::{Definitions, Finding, Job, Loaded, Report, Severity, Source, load, render};

/// How many firings of each job are shown.
const FIRINGS: usize = 3;

/// Check a file of job definitions
///
/// Reads FILE and the jobs.d/*.toml next to it, and reports every error and warning in one go, each with file, line,
/// column and the likely fix; then the next three firings of each job. Nothing is sent, and no sidecar is needed.
///
/// Environment variables that the file names with `env` have to be set, as they have to be for `sexton run`.
///
/// Exits 0 when the definitions can be used, 2 when they cannot (with --strict: also for warnings).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file that defines the jobs
    #[arg(default_value = "jobs.toml", value_name = "FILE")]
    pub file: PathBuf,
    /// Exit 2 for warnings too
    #[arg(long)]
    pub strict: bool,
    /// How to write the result: text for people, or one JSON object with `valid`, `findings` and `jobs`
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How to write the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people; one line per finding when the output is no terminal.
    Text,
    /// One object.
    Json,
}

/// The result of a check as `--format json` writes it.
#[derive(Serialize)]
struct Checked<'a> {
    valid: bool,
    errors: usize,
    warnings: usize,
    findings: &'a [Finding],
    jobs: Vec<CheckedJob<'a>>,
}

#[derive(Serialize)]
struct CheckedJob<'a> {
    job: &'a str,
    enabled: bool,
    schedule: String,
    next: Vec<Firing>,
}

/// Runs the command.
///
/// # Errors
/// When the output cannot be written.
pub fn run(args: &Args, setting: &Setting, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let context = setting.load_context();
    let (findings, sources, definitions) = match load(&args.file, &context) {
        Ok(Loaded { definitions, warnings, sources, .. }) => (warnings, sources, Some(definitions)),
        Err(Report { findings, sources, .. }) => (findings, sources, None),
    };
    let jobs = definitions.as_ref().map(|definitions| checked_jobs(definitions, setting)).unwrap_or_default();
    let warnings = findings.iter().filter(|finding| finding.severity == Severity::Warning).count();
    let errors = findings.len() - warnings;
    let checked = Checked { valid: errors == 0, errors, warnings, findings: &findings, jobs };
    match args.format {
        Format::Json => serde_json::to_writer_pretty(&mut *out, &checked).into_diagnostic()?,
        Format::Text => write_text(&checked, args, &sources, setting.screen, out).into_diagnostic()?,
    }
    writeln!(out).into_diagnostic()?;
    let refused = errors > 0 || (args.strict && warnings > 0);
    Ok(if refused { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

fn checked_jobs<'a>(definitions: &'a Definitions, setting: &Setting) -> Vec<CheckedJob<'a>> {
    let now = setting.clock.now();
    let next = |job: &Job| job.firings_after(now).take(FIRINGS).map(|instant| Firing::new(job, instant)).collect();
    definitions
        .jobs
        .values()
        .map(|job| CheckedJob {
            job: job.name.as_str(),
            enabled: job.enabled,
            schedule: job.schedule.describe(),
            next: if job.enabled { next(job) } else { Vec::new() },
        })
        .collect()
}

fn write_text(
    checked: &Checked,
    args: &Args,
    sources: &[Source],
    screen: Screen,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    match screen {
        Screen::Terminal { color } => write!(out, "{}", render(checked.findings, sources, color))?,
        Screen::Pipe => checked.findings.iter().try_for_each(|finding| writeln!(out, "{finding}"))?,
    }
    for job in &checked.jobs {
        write!(out, "{}", paragraph(job))?;
    }
    let verdict = if checked.valid { "can be used" } else { "cannot be used" };
    let (file, jobs) = (args.file.display(), counted(checked.jobs.len(), "job"));
    let (errors, warnings) = (counted(checked.errors, "error"), counted(checked.warnings, "warning"));
    if checked.valid {
        write!(out, "{file} {verdict}: {jobs}, {warnings}")
    } else {
        write!(out, "{file} {verdict}: {errors}, {warnings}")
    }
}

/// A job with its schedule in words, and below it when it fires.
fn paragraph(job: &CheckedJob) -> String {
    let state = match (job.enabled, job.next.is_empty()) {
        (false, _) => ", disabled",
        (true, true) => ", never again",
        (true, false) => "",
    };
    let mut text = format!("{}: {}{state}\n", job.job, job.schedule);
    for firing in &job.next {
        text.push_str("  ");
        text.push_str(&firing.to_string());
        if let Some(note) = &firing.note {
            text.push_str("  ");
            text.push_str(note);
        }
        text.push('\n');
    }
    text
}

fn counted(count: usize, thing: &str) -> String {
    match count {
        0 => format!("no {thing}s"),
        1 => format!("1 {thing}"),
        more => format!("{more} {thing}s"),
    }
}
