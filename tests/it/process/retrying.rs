//! Attempts that are made again, by the log of the app that they reach.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use rustix::process::Signal;
use serde_json::Value;

use super::working_app::{Absent, Pass, WorkingApp};
use crate::support::{
    process::{eventually, run},
    sidecar::{PATIENCE, Sidecar},
};

/// What a timer may be early by on another clock.
const SLACK: TimeDelta = TimeDelta::milliseconds(50);

/// A job that is fired by hand.
fn by_hand(name: &str, path: &str) -> String {
    format!(
        "[jobs.{name}]\nschedule = 'every 1d'\npath = '{path}'\n\
         retry = {{ attempts = 9, initial = '1s', factor = 1.0 }}\n"
    )
}

/// All attempts of one run carry its id as key, are numbered from `first` on, and are so many seconds apart, as the app asks.
fn assert_one_run(passes: &[Pass], first: u32, apart: i64) {
    let run = &passes[0].run;
    for (number, pass) in (first..).zip(passes) {
        assert_eq!((&pass.run, &pass.key, pass.attempt), (run, &format!("\"{run}\""), number), "{passes:#?}");
        assert_eq!(pass.scheduled_for, passes[0].scheduled_for);
    }
    for pair in passes.windows(2) {
        assert!(pair[1].received - pair[0].received >= TimeDelta::seconds(apart) - SLACK, "{passes:#?}");
    }
}

async fn row_in(state: &str, sidecar: &Sidecar) -> Value {
    let look = async || sidecar.runs().await.into_iter().find(|row| row["state"] == state);
    eventually(&format!("a run that is {state}"), PATIENCE, look).await
}

#[tokio::test]
async fn a_busy_app_is_asked_again_when_it_wants_to_be() {
    let app = WorkingApp::start();
    let sidecar = Sidecar::new(app.address, &by_hand("busy", "/busy/2/2"));
    let (mut running, address) = sidecar.operated().await;
    let done = sidecar.ask(address, &["fire", "busy", "--wait"]).await;
    assert_eq!(done.code, Some(0), "{done}");
    assert_one_run(&app.has("busy", 3).await, 1, 2);
    assert_eq!(running.stop().await, Some(0));
    assert_eq!(sidecar.runs().await.len(), 1, "one run, however often it was tried");
}

/// The app was away, and is there at one of the next attempts.
#[tokio::test]
async fn an_app_that_is_away_is_asked_again() {
    let absent = Absent::reserve();
    let sidecar = Sidecar::new(absent.address, &by_hand("away", "/takes/0"));
    let (mut running, address) = sidecar.operated().await;
    sidecar.ask(address, &["fire", "away"]).await.good();
    let waiting = row_in("retry_wait", &sidecar).await;
    assert_eq!(waiting["reason"], "connect", "{waiting}");
    let app = absent.appear();
    let passes = app.has("away", 1).await;
    assert!(passes[0].attempt > 1 && passes[0].run == waiting["id"].as_str().unwrap(), "{passes:?}");
    assert_one_run(&passes, passes[0].attempt, 0);
    row_in("succeeded", &sidecar).await;
    assert_eq!(running.stop().await, Some(0));
}

/// A pending attempt is in the ledger: neither a stop nor a kill forgets it, brings it forward or starts anew.
#[tokio::test]
async fn a_pending_attempt_survives_a_restart() {
    for signal in [Signal::TERM, Signal::KILL] {
        let app = WorkingApp::start();
        let sidecar = Sidecar::new(app.address, &by_hand("busy", "/busy/1/5"));
        let (mut running, address) = sidecar.operated().await;
        sidecar.ask(address, &["fire", "busy"]).await.good();
        row_in("retry_wait", &sidecar).await;
        running.signal(signal);
        running.ended().await;
        assert_eq!(app.passes().len(), 1);
        let (mut running, _) = sidecar.operated_at(address).await;
        assert_one_run(&app.has("busy", 2).await, 1, 5);
        row_in("succeeded", &sidecar).await;
        assert_eq!(running.stop().await, Some(0));
    }
}

/// Nobody knows how an attempt ended that ran out of time, or that a stop or a kill cut off. An idempotent job makes it again,
/// after a stop or a kill once even without `retry`; any other does not.
#[tokio::test]
async fn what_is_unknown_is_tried_again_where_that_does_no_harm() {
    let app = WorkingApp::start();
    let head = |name: &str| format!("[jobs.{name}]\nschedule = 'every 1d'\npath = '/takes/600000'\n");
    let jobs = [
        "[sexton]\nshutdown_grace = '0s'\n",
        &head("slow"),
        "timeout = '1s'\nidempotent = true\nretry = { attempts = 2, initial = '1s' }\n",
        &head("harmless"),
        "timeout = '1h'\nidempotent = true\n",
        &head("single"),
        "timeout = '1h'\nretry = { attempts = 9, initial = '1s' }\n",
    ];
    let sidecar = Sidecar::new(app.address, &jobs.concat());
    let (mut running, address) = sidecar.operated().await;
    let done = sidecar.ask(address, &["fire", "slow", "--wait"]).await;
    assert!(done.code == Some(1) && done.stdout.contains("unknown (timeout)"), "{done}");
    assert_one_run(&app.has("slow", 2).await, 1, 1);
    for (round, signal) in (1..).zip([Signal::TERM, Signal::KILL]) {
        for job in ["harmless", "single"] {
            sidecar.ask(address, &["fire", job]).await.good();
        }
        app.has("harmless", 2 * round - 1).await;
        app.has("single", 1).await;
        running.signal(signal);
        running.ended().await;
        (running, _) = sidecar.operated_at(address).await;
        let of_run = app.has("harmless", 2 * round).await.split_off(2 * round - 2);
        assert_one_run(&of_run, 1, 0);
        let cancelled = sidecar.ask(address, &["cancel", &of_run[0].run]).await;
        assert_eq!(cancelled.code, Some(0), "{cancelled}");
    }
    running.signal(Signal::KILL);
    running.ended().await;
    assert_eq!((app.of("slow").len(), app.of("single").len()), (2, 1), "it is held");
}

/// What is still to be tried when the next occurrence comes ends as the failure that it was.
#[tokio::test]
async fn no_attempt_runs_into_the_next_occurrence() {
    let app = WorkingApp::start();
    let jobs = "[jobs.busy]\nschedule = 'every 5s'\npath = '/busy/99/2'\nretry = { attempts = 99, initial = '1s' }\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let (mut running, _) = sidecar.run().await;
    let third = |app: &WorkingApp| {
        let instants: BTreeSet<_> = app.passes().iter().map(|pass| pass.scheduled_for).collect();
        (instants.len() > 2).then_some(())
    };
    app.shows("three occurrences", third).await;
    assert_eq!(running.stop().await, Some(0));
    let passes = app.passes();
    assert!(passes.iter().any(|pass| pass.attempt > 1), "{passes:#?}");
    for of_run in passes.chunk_by(|one, next| one.run == next.run) {
        assert_one_run(of_run, 1, 2);
        let next = of_run[0].scheduled_for + TimeDelta::seconds(5);
        assert!(of_run.iter().all(|pass| pass.received < next), "{of_run:#?}");
    }
    let rows = sidecar.runs().await;
    let told = (&rows[0]["outcome"], &rows[0]["reason"], &rows[0]["status"]);
    assert_eq!(told, (&"failed".into(), &"status".into(), &503.into()), "{}", rows[0]);
    run(sidecar.command(&["verify", "--store", "sqlite://sexton.db"])).await.good();
}
