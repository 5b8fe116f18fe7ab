//! Edits of a mounted `jobs.toml`.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::symlink,
    process::Command,
};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::clock::{Clock, SystemClock};

use super::{Jobs, done, project::Project};

/// Within this time an edit is in force.
const SEEN: TimeDelta = TimeDelta::seconds(2);

/// Seed E17: the replacing rename of vim and of `sed -i`, a write in place, and a swapped symlink are all seen through a
/// bind mount, and what they say is fired.
pub(super) async fn are_seen(project: &Project<'_>, jobs: &Jobs) {
    let began = tokio::time::Instant::now();
    let (file, text) = (jobs.file(), fs::read_to_string(jobs.file()).unwrap());
    seen(project, "vim", || {
        fs::write(jobs.folder().join("new"), with_probe(&text, "vim")).unwrap();
        fs::rename(&file, jobs.folder().join("jobs.toml~")).unwrap();
        fs::rename(jobs.folder().join("new"), &file).unwrap();
        fs::remove_file(jobs.folder().join("jobs.toml~")).unwrap();
    })
    .await;
    seen(project, "sed", || {
        assert!(Command::new("sed").args(["-i", "s/probe-vim/probe-sed/"]).arg(&file).status().unwrap().success());
    })
    .await;
    seen(project, "echo", || {
        let mut appended = OpenOptions::new().append(true).open(&file).unwrap();
        appended.write_all(probe("second", "echo").as_bytes()).unwrap();
    })
    .await;
    seen(project, "symlink", || {
        fs::create_dir(jobs.folder().join("swapped")).unwrap();
        fs::write(jobs.folder().join("swapped/jobs.toml"), with_probe(&text, "symlink")).unwrap();
        symlink("swapped/jobs.toml", jobs.folder().join("link")).unwrap();
        fs::rename(jobs.folder().join("link"), &file).unwrap();
    })
    .await;
    seen_again(project, jobs, &text).await;
    done("edits", began);
}

/// Makes an edit with a job that asks the app for `probe-NAME`.
async fn seen(project: &Project<'_>, name: &str, edit: impl FnOnce()) {
    let before = now();
    edit();
    in_force(project, name, before).await;
    project.audited(&format!("marketplace:probe-{name}"), before).await;
}

/// Back to what was, without a probe.
async fn seen_again(project: &Project<'_>, jobs: &Jobs, text: &str) {
    let before = now();
    fs::remove_file(jobs.file()).unwrap();
    fs::write(jobs.file(), text).unwrap();
    in_force(project, "the old text", before).await;
}

async fn in_force(project: &Project<'_>, edit: &str, before: DateTime<Utc>) {
    let taken = project.logged("scheduler", "new definitions are in force", before).await;
    assert!(taken - before < SEEN, "{edit}: taken after {}", taken - before);
}

fn with_probe(text: &str, name: &str) -> String {
    format!("{text}{}", probe("probe", name))
}

/// A job every second whose row in the app's audit log has a name of its own; that the app has no such marketplace does
/// not matter.
fn probe(job: &str, name: &str) -> String {
    format!(
        "\n[jobs.{job}]\nschedule = \"every 1s\"\npath = \"/api/marketplaces/probe-{name}/sync\"\ncatch_up = \"none\"\n"
    )
}

fn now() -> DateTime<Utc> {
    SystemClock.now()
}
