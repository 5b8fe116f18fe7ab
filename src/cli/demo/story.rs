//! What the demo says.

use std::{
    io::{self, Write},
    path::Path,
};

use serde::Deserialize;

use super::scene::Scene;
use crate::scheduler::RunEnded;

/// `program`: how this one was called, and can be called again.
pub(super) fn introduce(program: &str, scene: &Scene, folder: &Path) {
    let Scene { app_address, sidecar_address, jobs, store, secret_file, .. } = scene;
    say(&format!(
        "The app listens at http://{app_address}, the sidecar at http://{sidecar_address}, all files are in {folder}.\n\
         `sync-all` fires every 5 s as scheduler@system.local; a commit comes to `recipes` every 7 s.\n\
         `data-refresh` is taken on by the app's job queue every 10 s, and polled; a row comes to `prices` every 14 s.\n\
         \n\
         Try meanwhile, in another terminal:\n\
         \x20 {program} runs --store {store}\n\
         \x20 {program} next {jobs} -n 3\n\
         \x20 curl -s http://{sidecar_address}/healthz\n\
         \x20 curl -s http://{app_address}/api/audit -H \"Authorization: Bearer $(cat {secret})\"\n\
         \x20 git -C {living} log --oneline\n\
         Ctrl-C ends it and removes the files.\n",
        folder = folder.display(),
        jobs = jobs.display(),
        secret = secret_file.display(),
        living = folder.join("upstream/recipes").display(),
    ));
}

/// One line a firing.
pub(super) fn tell_run(run: &RunEnded) {
    let at = run.scheduled_for.format("%H:%M:%S");
    let late = run.lateness.map(|late| format!(", {:.1} ms late", late.as_seconds_f64() * 1e3)).unwrap_or_default();
    let took = run.duration.map(|took| format!(", took {:.0} ms", took.as_seconds_f64() * 1e3)).unwrap_or_default();
    let why = run.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let found = run.excerpt.as_deref().and_then(brought).unwrap_or_default();
    say(&format!("{at}Z  {:<12} {}{why}{late}{took}{found}", run.job.as_str(), run.outcome));
}

pub(super) fn end(program: &str) {
    say(&format!("The demo is over. Next: {program} check jobs.toml, and the README."));
}

/// What the app answered.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Synced { repositories: Vec<Report> },
    Worked { result: Imports },
}

#[derive(Deserialize)]
struct Imports {
    sources: Vec<Import>,
}

#[derive(Deserialize)]
struct Import {
    name: String,
    status: String,
    rows: Option<i64>,
}

#[derive(Deserialize)]
struct Report {
    name: String,
    status: String,
    old: Option<String>,
    new: Option<String>,
}

/// What a firing brought, from the app's answer.
fn brought(answer: &str) -> Option<String> {
    let told: Vec<String> = match serde_json::from_str(answer).ok()? {
        Answer::Synced { repositories } => repositories.iter().map(told).collect(),
        Answer::Worked { result } => result.sources.iter().map(imported).collect(),
    };
    Some(format!(": {}", told.join(", ")))
}

fn imported(Import { name, status, rows }: &Import) -> String {
    let rows = rows.map(|rows| format!(" ({rows} rows)")).unwrap_or_default();
    format!("{name} {status}{rows}")
}

fn told(report: &Report) -> String {
    let short = |commit: &Option<String>| commit.as_deref().unwrap_or("nothing").chars().take(7).collect::<String>();
    match report.status.as_str() {
        "updated" => format!("{} {} -> {}", report.name, short(&report.old), short(&report.new)),
        status => format!("{} {status}", report.name),
    }
}

fn say(text: &str) {
    drop(writeln!(io::stdout(), "{text}"));
}
