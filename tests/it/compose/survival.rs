//! Stops, kills and restarts in the middle of runs.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rustix::process::{Pid, Signal, kill_process};
use sexton::clock::{Clock, SystemClock};
use tokio::time::Instant;

use super::{
    done,
    project::{Audited, PATIENCE, Project, Run, SCHEDULER, instant, summary},
};
use crate::support::process::eventually;

/// One job, each second.
pub(super) const JOBS: &str = r#"
[sexton]
shutdown_grace = "4s"

[targets.app]
base_url = "http://app:8000"
whoami = "/api/auth/me"

[jobs.tick]
schedule = "every 1s"
path = "/api/marketplaces/sync-all"
timeout = "30s"
hold = "1s"
"#;
/// Its `shutdown_grace`, and what the last writes may take.
const GRACE: Duration = Duration::from_secs(4 + 3);

/// Seeds A27, E5: every stop reaches its end within the grace, with what was in flight recorded; and no crash of either
/// side loses an occurrence.
pub(super) async fn of_stops_and_kills(project: &Project<'_>) {
    let began = Instant::now();
    let since = SystemClock.now();
    project.audited("marketplaces_all", since).await;
    let first = project.runs().await.into_iter().find(|run| run.job == "tick").unwrap().scheduled_for;

    a_stop_waits_for_the_answer(project).await;
    a_stop_gives_up_at_the_end_of_the_grace(project).await;
    a_kill_leaves_the_run_unknown(project).await;
    a_crash_is_restarted(project).await;
    an_app_killed_in_a_run_leaves_it_unknown(project).await;
    an_app_restarted_in_a_run_loses_nothing(project).await;
    an_app_restarted_between_runs_fires_on(project).await;

    stopped(project).await;
    let proof = project.beside_the_ledger(&["verify"]).await;
    println!("compose: {}", proof.trim_end());
    every_second_is_accounted_for_once(project, first).await;
    project.compose(&["start", "scheduler"]).await;
    done("stops and kills", began);
}

/// Freezes the app and waits for a request that it is going to have to answer when it thaws.
async fn in_flight(project: &Project<'_>) -> Run {
    let frozen = SystemClock.now();
    project.compose(&["pause", "app"]).await;
    project.run_that("a run in flight", |run| run.state == "sending" && run.scheduled_for > frozen).await
}

async fn thaw(project: &Project<'_>) {
    project.compose(&["unpause", "app"]).await;
}

/// Waits for the end of a run, whichever.
async fn ended(project: &Project<'_>, run: &Run) -> Run {
    let what = format!("the end of {run:?}");
    project.run_that(&what, |other| other.id == run.id && !["claimed", "sending"].contains(&other.state.as_str())).await
}

async fn a_stop_waits_for_the_answer(project: &Project<'_>) {
    let run = in_flight(project).await;
    let asked = SystemClock.now();
    let (took, ()) = tokio::join!(stopped(project), async {
        project.logged("scheduler", "stopping: open requests are waited for", asked).await;
        thaw(project).await;
    });
    assert!(took < GRACE, "{took:?}");
    let run = ended(project, &run).await;
    assert!(run.ended("succeeded", None), "the answer of the drain is recorded: {run:?}");
    project.compose(&["start", "scheduler"]).await;
}

async fn a_stop_gives_up_at_the_end_of_the_grace(project: &Project<'_>) {
    let run = in_flight(project).await;
    let took = stopped(project).await;
    assert!(took < GRACE, "{took:?}");
    thaw(project).await;
    let run = ended(project, &run).await;
    assert!(run.ended("unknown", Some("shutdown")), "{run:?}");
    project.compose(&["start", "scheduler"]).await;
}

async fn a_kill_leaves_the_run_unknown(project: &Project<'_>) {
    let run = in_flight(project).await;
    project.compose(&["kill", "-s", "KILL", "scheduler"]).await;
    thaw(project).await;
    project.compose(&["start", "scheduler"]).await;
    let run = ended(project, &run).await;
    assert!(run.ended("unknown", Some("crash")), "{run:?}");
}

/// A process that dies by itself comes back by `restart: unless-stopped`.
async fn a_crash_is_restarted(project: &Project<'_>) {
    let run = in_flight(project).await;
    let pid = project.inspect("scheduler").await["State"]["Pid"].as_i64().unwrap();
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    thaw(project).await;
    eventually("a restart by the engine", PATIENCE, async || {
        (project.inspect("scheduler").await["RestartCount"] == 1).then_some(())
    })
    .await;
    let run = ended(project, &run).await;
    assert!(run.ended("unknown", Some("crash")), "{run:?}");
}

async fn an_app_killed_in_a_run_leaves_it_unknown(project: &Project<'_>) {
    let run = in_flight(project).await;
    project.compose(&["kill", "-s", "KILL", "app"]).await;
    let run = ended(project, &run).await;
    assert!(run.ended("unknown", Some("broken")), "{run:?}");
    project.compose(&["start", "app"]).await;
    fires_again(project).await;
}

/// The restart thaws the app with the signal already there: it may answer in its drain, or go without a word.
async fn an_app_restarted_in_a_run_loses_nothing(project: &Project<'_>) {
    let run = in_flight(project).await;
    project.compose(&["restart", "app"]).await;
    let run = ended(project, &run).await;
    assert!(run.ended("succeeded", None) || run.ended("unknown", Some("broken")), "{run:?}");
    fires_again(project).await;
}

async fn an_app_restarted_between_runs_fires_on(project: &Project<'_>) {
    project.compose(&["restart", "app"]).await;
    fires_again(project).await;
}

async fn fires_again(project: &Project<'_>) {
    project.audited("marketplaces_all", SystemClock.now()).await;
}

/// Stops the scheduler as people do; how long that took from the signal on.
async fn stopped(project: &Project<'_>) -> Duration {
    let asked = SystemClock.now();
    project.compose(&["stop", "scheduler"]).await;
    let signalled = project.logged("scheduler", "stopping: open requests are waited for", asked).await;
    let state = project.inspect("scheduler").await["State"].clone();
    assert_eq!((&state["Status"], &state["ExitCode"]), (&"exited".into(), &0.into()), "{state}");
    let log = project.logs("scheduler").await;
    assert!(log.trim_end().ends_with("stopped"), "the end of the drain is the end of the log: {log}");
    let finished = instant(state["FinishedAt"].as_str().unwrap()).unwrap();
    (finished - signalled).to_std().unwrap()
}

/// Guarantees G1 and G2, from the first second to the last that is in the ledger; and the app's own log agrees: it saw
/// every run that succeeded, and nothing that the ledger does not know.
async fn every_second_is_accounted_for_once(project: &Project<'_>, first: DateTime<Utc>) {
    let runs: Vec<Run> = project.runs().await.into_iter().filter(|run| run.job == "tick").collect();
    for pair in runs.windows(2) {
        let next = pair[0].through + TimeDelta::seconds(1);
        assert_eq!(pair[1].scheduled_for, next, "a gap or an overlap: {pair:?}");
    }
    let spanned = |run: &Run| u64::try_from((run.through - run.scheduled_for).num_seconds()).unwrap() + 1;
    assert!(runs.iter().all(|run| run.count == spanned(run)), "{runs:?}");
    assert_eq!(runs[0].scheduled_for, first);
    let of = |outcomes: &[&str]| runs.iter().filter(|run| outcomes.contains(&run.state.as_str())).count();
    let audited = project.audit().await;
    let done = |row: &&Audited| row.user == SCHEDULER && row.resource == "marketplaces_all" && row.at >= first;
    let audited = audited.iter().filter(done).count();
    let (sure, possible) = (of(&["succeeded"]), of(&["succeeded", "unknown", "failed"]));
    assert!(sure <= audited && audited <= possible, "{sure} <= {audited} <= {possible}: {:?}", summary(&runs));
    println!("compose: {} seconds accounted for: {:?}", runs.iter().map(|run| run.count).sum::<u64>(), summary(&runs));
}
