//! `sexton add`, `set` and `remove`: edit jobs.toml and keep its comments, order and blank lines.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use miette::{IntoDiagnostic, WrapErr, miette};

use super::{
    firing::Firing,
    replace::{Replaced, replace},
    setting::{Screen, Setting},
};
use crate::job::{
    Loaded, Report, Source,
    edit::{self, Assignment, EditError},
    load_sources, read_sources, render,
};

/// Add a job, leaving the rest of the file as it is
///
/// The job is written behind the others, the rest of the file stays as it is, comments included. Nothing is written when
/// the result would not pass `sexton check`.
///
/// Example: sexton add nightly schedule="daily 03:00" path=/api/sync timeout=15m json='{"full":false}'
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// The name of the new job: letters, digits, `.`, `_`, `:` and `-`
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The job's keys; schedule and path have to be there. Text needs no quotes of its own, json is JSON, lists and tables
    /// are TOML
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub assignments: Vec<String>,
    /// The file to edit
    #[arg(long, default_value = "jobs.toml", value_name = "FILE")]
    pub file: PathBuf,
}

/// Change keys of a job, leaving comments and order as they are
///
/// Comments, order and blank lines stay. Nothing is written when the result would not pass `sexton check`. A job of a file
/// in jobs.d is changed there.
///
/// Example: sexton set nightly timeout=20m dst.gap=skip headers.X-Org=acme --unset description
#[derive(Debug, clap::Args)]
pub struct SetArgs {
    /// The job
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Keys and their new values; dst.gap, headers.X-Org and the like reach into a table
    #[arg(value_name = "KEY=VALUE", required_unless_present = "unset")]
    pub assignments: Vec<String>,
    /// Take a key out, so that its default holds again; may be given several times
    #[arg(long, value_name = "KEY")]
    pub unset: Vec<String>,
    /// The file that defines the jobs
    #[arg(long, default_value = "jobs.toml", value_name = "FILE")]
    pub file: PathBuf,
}

/// Remove a job, leaving the rest of the file as it is
///
/// Its table goes, with the comments directly above it and directly below its keys; everything else stays. In a running
/// sidecar its pending occurrences end as cancelled.
#[derive(Debug, clap::Args)]
pub struct RemoveArgs {
    /// The job
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The file that defines the jobs
    #[arg(long, default_value = "jobs.toml", value_name = "FILE")]
    pub file: PathBuf,
}

/// Runs `sexton add`.
///
/// # Errors
/// A change that cannot be made, or a file that cannot be written.
pub fn add(args: &AddArgs, setting: &Setting, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let assignments = parsed(&args.assignments)?;
    change(&args.file, Change { name: &args.name, verb: "added" }, setting, out, |sources| {
        if let Some(source) = sources.iter().find(|source| edit::defines(source.text(), &args.name)) {
            return Err(miette!(
                "there is a job `{}` in {} already: `sexton set` changes it",
                args.name,
                source.name()
            ));
        }
        Ok((0, edit::add(sources[0].text(), &args.name, &assignments).into_diagnostic()?))
    })
}

/// Runs `sexton set`.
///
/// # Errors
/// A change that cannot be made, or a file that cannot be written.
pub fn set(args: &SetArgs, setting: &Setting, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let assignments = parsed(&args.assignments)?;
    let unset: Vec<_> = args.unset.iter().map(|key| edit::key_path(key)).collect::<Result<_, _>>().into_diagnostic()?;
    change(&args.file, Change { name: &args.name, verb: "changed" }, setting, out, |sources| {
        let index = defining(sources, &args.name)?;
        Ok((index, edit::set(sources[index].text(), &args.name, &assignments, &unset).into_diagnostic()?))
    })
}

/// Runs `sexton remove`.
///
/// # Errors
/// A change that cannot be made, or a file that cannot be written.
pub fn remove(args: &RemoveArgs, setting: &Setting, out: &mut dyn Write) -> miette::Result<ExitCode> {
    change(&args.file, Change { name: &args.name, verb: "removed" }, setting, out, |sources| {
        let index = defining(sources, &args.name)?;
        Ok((index, edit::remove(sources[index].text(), &args.name).into_diagnostic()?))
    })
}

fn parsed(assignments: &[String]) -> miette::Result<Vec<Assignment>> {
    assignments.iter().map(|text| Assignment::parse(text)).collect::<Result<_, EditError>>().into_diagnostic()
}

/// The file that defines a job.
fn defining(sources: &[Source], name: &str) -> miette::Result<usize> {
    sources
        .iter()
        .position(|source| edit::defines(source.text(), name))
        .ok_or_else(|| miette!(help = "`sexton check` lists the jobs", "there is no job `{name}`"))
}

/// What is done to which job, in words.
#[derive(Clone, Copy)]
struct Change<'a> {
    name: &'a str,
    verb: &'static str,
}

/// Edits one of the files when all of them can be used then.
fn change(
    file: &Path,
    change: Change,
    setting: &Setting,
    out: &mut dyn Write,
    edit: impl FnOnce(&[Source]) -> miette::Result<(usize, String)>,
) -> miette::Result<ExitCode> {
    let sources = match read_sources(file) {
        Ok(sources) => sources,
        Err(report) => return refuse(&report, setting, out).into_diagnostic(),
    };
    let (index, text) = edit(&sources)?;
    let edited = Source::new(sources[index].name().clone(), text);
    let mut all = sources.clone();
    all[index] = edited.clone();
    let loaded = match load_sources(all, &setting.load_context()) {
        Ok(loaded) => loaded,
        Err(report) => return refuse(&report, setting, out).into_diagnostic(),
    };
    let path = Path::new(edited.name().as_ref());
    let replaced = replace(path, sources[index].text(), edited.text())
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot write {}", edited.name()))?;
    confirm(change, path, replaced, &loaded, setting, out).into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}

fn refuse(report: &Report, setting: &Setting, out: &mut dyn Write) -> io::Result<ExitCode> {
    match setting.screen {
        Screen::Terminal { color } => write!(out, "{}", render(&report.findings, &report.sources, color))?,
        Screen::Pipe => writeln!(out, "{report}")?,
    }
    writeln!(out, "nothing was written: the places above are those of the file as it would have been")?;
    Ok(ExitCode::from(2))
}

fn confirm(
    change: Change,
    path: &Path,
    replaced: Replaced,
    loaded: &Loaded,
    setting: &Setting,
    out: &mut dyn Write,
) -> io::Result<()> {
    let how = match replaced {
        Replaced::Renamed => "",
        Replaced::InPlace => " (in place: the file cannot be renamed over)",
    };
    writeln!(out, "{} job `{}` in {}{how}", change.verb, change.name, path.display())?;
    let Some(job) = loaded.definitions.jobs.get(change.name) else { return Ok(()) };
    match job.firings_after(setting.clock.now()).next() {
        Some(next) if job.enabled => writeln!(out, "it fires next at {}", Firing::new(job, next)),
        Some(_) => writeln!(out, "it is disabled"),
        None => writeln!(out, "it never fires again"),
    }
}
