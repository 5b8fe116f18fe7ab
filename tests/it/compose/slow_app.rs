//! An app that boots for a minute, one that is not there, and one that comes back.

use std::{fs, path::PathBuf};

use chrono::TimeDelta;
use sexton::clock::{Clock, SystemClock};
use tokio::time::Instant;

use super::{
    Jobs, done,
    project::{PATIENCE, Project, Run, instant, summary},
    root,
};
use crate::support::{docker::Engine, process::eventually};

/// How long the app boots, in seconds.
const BOOT: i64 = 60;

const SLOW: &str = r#"
services:
  app:
    entrypoint: [tini, --, sh, -c, 'sleep 60; exec sexton "$$@"', sexton]
    command: [app, --listen, "0.0.0.0:8000", --data, /data]
"#;

/// What is due while nobody looks counts as downtime at once, so that a short pause of the test is one.
const JOBS: &str = r#"
[sexton]
late_limit = "1s"

[targets.app]
base_url = "http://app:8000"
whoami = "/api/auth/me"

[jobs.patient]
schedule = "every 3s"
path = "/api/marketplaces/sync-all"
timeout = "2s"
"#;

/// Seed A41: `up` waits for an app that boots for longer than a minute and then starts the scheduler, which fires.
pub(super) async fn is_waited_for(engine: &Engine) {
    let began = Instant::now();
    let jobs = Jobs::new(JOBS);
    let override_file = jobs.folder().join("slow.yaml");
    fs::write(&override_file, SLOW).unwrap();
    let real = root().join("docker/compose.yaml");
    let mut project = Project::new(engine, "slow", [real.clone(), override_file]);
    project.jobs(jobs.folder());
    project.compose(&["up", "--detach", "--no-build"]).await;
    let (app, scheduler) = (started(&project, "app").await, started(&project, "scheduler").await);
    assert!(scheduler - app >= TimeDelta::seconds(BOOT), "the scheduler started {} after the app", scheduler - app);
    project.audited("marketplaces_all", scheduler).await;
    done("an app that boots for a minute", began);
    without_an_app(&mut project, real).await;
    done("an app that is not there, and comes back", began);
}

async fn started(project: &Project<'_>, service: &str) -> chrono::DateTime<chrono::Utc> {
    instant(project.inspect(service).await["State"]["StartedAt"].as_str().unwrap()).unwrap()
}

/// Without an app the scheduler runs, is healthy, says once that nobody is there, and records each run as failed; back
/// again, the app is called again, and what was missed in a downtime of the scheduler is caught up by policy.
async fn without_an_app(project: &mut Project<'_>, real: PathBuf) {
    project.compose(&["rm", "--force", "--stop", "scheduler"]).await;
    project.compose(&["rm", "--force", "--stop", "app"]).await;
    project.files([real]);
    project.compose(&["up", "--detach", "--no-build", "--no-deps", "scheduler"]).await;
    let alone = started(project, "scheduler").await;
    // Three runs take longer than the first repetition of the self-check.
    eventually("five failed runs", PATIENCE, async || {
        let failed = |run: &&Run| run.ended("failed", Some("connect")) && run.scheduled_for > alone;
        (project.runs().await.iter().filter(failed).count() >= 5).then_some(())
    })
    .await;
    let log = project.logs("scheduler").await;
    assert_eq!(log.matches("the self-check found nobody there").count(), 1, "{log}");
    let scheduler = project.container("scheduler").await;
    let health = project.engine.run(&["exec", &scheduler, "/sexton", "healthcheck"]).await;
    assert!(health.starts_with("200 "), "{health}");
    project.compose(&["up", "--detach", "--no-build", "--no-deps", "app"]).await;
    project.audited("marketplaces_all", SystemClock.now()).await;

    project.compose(&["stop", "scheduler"]).await;
    let last = project.runs().await.last().unwrap().through;
    let missed = last + TimeDelta::seconds(9);
    eventually("a downtime of three occurrences", PATIENCE, async || (SystemClock.now() > missed).then_some(())).await;
    project.compose(&["start", "scheduler"]).await;
    // By catch-up, or late when the start happens to come within `late_limit` of its instant: the newest either way.
    let newest = |run: &Run| run.scheduled_for > last && run.state != "missed";
    let caught_up = project.run_that("a run that catches up", newest).await;
    let caught_up = project.run_that("its end", |run| run.id == caught_up.id && run.ended("succeeded", None)).await;
    let runs = project.runs().await;
    let missed = runs.iter().find(|run| run.scheduled_for > last && run.ended("missed", Some("downtime")));
    let missed = missed.unwrap_or_else(|| panic!("{:?}", summary(&runs)));
    assert!(missed.count >= 2 && missed.through < caught_up.scheduled_for, "the newest of them is sent: {missed:?}");
}
