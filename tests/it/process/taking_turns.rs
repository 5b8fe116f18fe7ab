//! Limits that jobs share: groups, and the open requests of a target.

use std::{collections::BTreeSet, fmt::Write};

use chrono::TimeDelta;
use rustix::process::Signal;

use super::working_app::{Pass, WorkingApp, most_at_once};
use crate::support::sidecar::Sidecar;

/// Seed E9: two jobs of a group of one never meet, and what a kill cut off keeps its place until its hold is over.
#[tokio::test]
async fn a_group_of_one_is_one_at_a_time_also_over_a_kill() {
    let app = WorkingApp::start();
    let jobs = "[groups.db]\nconcurrency = 1\n[defaults]\ngroup = 'db'\noverlap = 'queue'\nhold = '4s'\n\
        [jobs.one]\nschedule = 'every 1s'\npath = '/takes/1500'\n[jobs.other]\nschedule = 'every 1s'\npath = '/takes/1500'\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let (mut running, _) = sidecar.run().await;
    app.has("one", 2).await;
    app.has("other", 2).await;
    let at_work = |app: &WorkingApp| app.passes().into_iter().find(|pass| pass.finished.is_none());
    app.shows("work", at_work).await;
    running.signal(Signal::KILL);
    running.ended().await;
    let before = app.passes();
    let (mut running, _) = sidecar.run().await;
    for job in ["one", "other"] {
        app.has(job, before.iter().filter(|pass| pass.job == job).count() + 1).await;
    }
    assert_eq!(running.stop().await, Some(0));

    let passes = app.is_idle().await;
    let worst = most_at_once(&passes);
    assert!(worst.len() == 1, "{worst:#?}");
    let rows = sidecar.runs().await;
    let cut_off: Vec<&str> =
        rows.iter().filter(|row| row["reason"] == "crash").map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(cut_off, [before.last().unwrap().run.as_str()]);
    let held = passes[before.len()].received - before.last().unwrap().received;
    assert!(held >= TimeDelta::seconds(4), "after {held}: its hold is 4 s");
}

/// A group of two sends two at once and never three, in the order in which they fell due.
#[tokio::test]
async fn a_group_of_two_is_two_at_a_time() {
    let app = WorkingApp::start();
    let mut jobs = "[groups.db]\nconcurrency = 2\n[defaults]\ngroup = 'db'\n".to_owned();
    for number in 0..5 {
        write!(jobs, "[jobs.job-{number}]\nschedule = 'every 4s'\npath = '/takes/500'\n").unwrap();
    }
    let sidecar = Sidecar::new(app.address, &jobs);
    let (mut running, _) = sidecar.run().await;
    for number in 0..5 {
        app.has(&format!("job-{number}"), 2).await;
    }
    assert_eq!(running.stop().await, Some(0));
    let passes = app.is_idle().await;
    assert_eq!(most_at_once(&passes).len(), 2);
    assert!(passes.iter().map(|pass| pass.scheduled_for).is_sorted(), "{passes:#?}");
}

/// A target that is full keeps its own jobs waiting, in due order, and nobody else's.
#[tokio::test]
async fn a_full_target_hinders_only_itself() {
    let (app, other) = (WorkingApp::start(), WorkingApp::start());
    let mut jobs = format!("[targets.other]\nbase_url = 'http://{}'\n[sexton]\nmax_in_flight = 2\n", other.address);
    for number in 0..6 {
        write!(jobs, "[jobs.job-{number}]\nschedule = 'every 4s'\npath = '/takes/700'\n").unwrap();
    }
    jobs += "[jobs.elsewhere]\ntarget = 'other'\nschedule = 'every 4s'\npath = '/takes/700'\n";
    let sidecar = Sidecar::new(app.address, &jobs);
    let (mut running, _) = sidecar.run().await;
    for number in 0..6 {
        app.has(&format!("job-{number}"), 2).await;
    }
    assert_eq!(running.stop().await, Some(0));
    let passes = app.is_idle().await;
    assert_eq!(most_at_once(&passes).len(), 2);
    assert!(passes.iter().map(|pass| pass.scheduled_for).is_sorted(), "{passes:#?}");
    let occurrences: BTreeSet<_> = passes.iter().map(|pass| (&pass.job, pass.scheduled_for)).collect();
    assert_eq!(occurrences.len(), passes.len(), "each once");

    let late = |pass: &Pass| pass.received - pass.scheduled_for;
    let waited = passes.iter().map(late).max().unwrap();
    assert!(waited >= TimeDelta::milliseconds(1_400), "the last two come third: {waited}");
    let elsewhere = other.passes();
    assert!(elsewhere.len() >= 2 && elsewhere.iter().all(|pass| late(pass) < waited), "{elsewhere:#?}");
}
