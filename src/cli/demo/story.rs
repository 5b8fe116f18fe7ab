//! What the demo says.

use std::{
    io::{self, Write},
    path::Path,
};

use serde::Deserialize;

use super::scene::Scene;
use crate::scheduler::RunEnded;

pub(super) fn introduce(scene: &Scene, folder: &Path) {
    let Scene { app_address, sidecar_address, jobs, store, secret_file, .. } = scene;
    say(&format!(
        "The app listens at http://{app_address}, the sidecar at http://{sidecar_address}, all files are in {folder}.\n\
         `sync-all` fires every 5 s as scheduler@system.local; a commit comes to `recipes` every 7 s.\n\
         \n\
         Try meanwhile, in another terminal:\n\
         \x20 sexton runs --store {store}\n\
         \x20 sexton next {jobs} -n 3\n\
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
    let found = run.excerpt.as_deref().and_then(synced).unwrap_or_default();
    say(&format!("{at}Z  {:<9} {}{why}{late}{took}{found}", run.job.as_str(), run.outcome));
}

pub(super) fn end() {
    say("The demo is over. Next: sexton check jobs.toml, and the README.");
}

#[derive(Deserialize)]
struct Reports {
    repositories: Vec<Report>,
}

#[derive(Deserialize)]
struct Report {
    name: String,
    status: String,
    old: Option<String>,
    new: Option<String>,
}

/// What a sync brought, from the app's answer.
fn synced(answer: &str) -> Option<String> {
    let reports: Reports = serde_json::from_str(answer).ok()?;
    let told: Vec<String> = reports.repositories.iter().map(told).collect();
    Some(format!(": {}", told.join(", ")))
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
