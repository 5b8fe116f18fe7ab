//! `explain` and `simulate`: what a schedule and a file will do.

use std::process::Stdio;

use serde_json::Value;

use crate::support::{
    process::run,
    sidecar::{FakeApp, Sidecar},
};

fn preview() -> Sidecar {
    let jobs = "[jobs.quarter]\nschedule = '*/15 * * * *'\npath = '/'\n\
                [jobs.night]\nschedule = '30 2 * * *'\ntimezone = 'Europe/Prague'\npath = '/'\n\
                [jobs.off]\nschedule = 'every 1s'\npath = '/'\nenabled = false\n";
    Sidecar::new(([127, 0, 0, 1], 9).into(), jobs)
}

#[tokio::test]
async fn a_schedule_is_explained_with_what_the_clocks_do_to_it() {
    let arguments = ["explain", "30 2 * * *", "--tz", "Europe/Prague", "--from", "2026-03-28T12:00:00Z", "-n", "2"];
    let said = run(preview().command(&arguments)).await.good();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "every day at 02:30 in Europe/Prague");
    assert!(lines[1].starts_with("warning: 2026-03-29 02:30:00 does not exist"), "{said}");
    assert!(lines[2].contains("2026-03-29T01:00:00Z") && lines[2].contains("moved"), "{said}");
    assert_eq!(lines[3].trim(), "2026-03-30T00:30:00Z  2026-03-30T02:30:00+02:00");
}

#[tokio::test]
async fn a_text_that_is_no_schedule_is_marked() {
    let done = run(preview().command(&["explain", "0 25 * * *"])).await;
    assert_eq!(done.code, Some(2), "{done}");
    assert!(done.stderr.contains("`25` is no hour") && done.stderr.contains("\n    ^^"), "{done}");
}

/// A whole day over a change of the clocks: 96 quarters, and the night job once, in the minute in which it is moved to.
#[tokio::test]
async fn a_day_is_simulated_by_the_firings_themselves() {
    let span = ["simulate", "--from", "2026-03-28T23:59:59Z", "--to", "2026-03-29T23:59:00Z"];
    let sidecar = preview();
    let text = run(sidecar.command(&span)).await.good();
    assert!(text.starts_with("97 firings after"), "{text}");
    assert!(text.contains("\nper 2 h\n"), "{text}");
    let report: Value =
        serde_json::from_str(&run(sidecar.command(&[&span[..], &["--json"]].concat())).await.good()).unwrap();
    assert_eq!(report["firings"], 97);
    let busiest = &report["busiest"][0];
    assert_eq!(busiest["minute"], "2026-03-29T01:00:00Z");
    assert_eq!(busiest["jobs"], serde_json::json!(["night", "quarter"]));
    let total: u64 = report["per_minute"].as_array().unwrap().iter().map(|row| row["firings"].as_u64().unwrap()).sum();
    assert_eq!(total, 97);
}

/// The ledger's durations tell which runs would meet the one before.
#[tokio::test]
async fn measured_durations_show_overlaps() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "[jobs.slow]\nschedule = 'every 4s'\npath = '/slow'\n");
    let (mut running, _) = sidecar.run().await;
    app.has("slow", 1).await;
    assert_eq!(running.stop().await, Some(0));
    sidecar.define(&format!(
        "[targets.app]\nbase_url = 'http://{}'\n[jobs.slow]\nschedule = 'every 1s'\npath = '/slow'\n",
        app.address
    ));
    let span = ["simulate", "--from", "2026-03-01T00:00:00Z", "--to", "2026-03-01T00:00:10Z", "--json"];
    let arguments = [&span[..], &["--store", "sqlite://sexton.db"]].concat();
    let report: Value = serde_json::from_str(&run(sidecar.command(&arguments)).await.good()).unwrap();
    assert_eq!(report["overlaps"][0]["overlapping"], 9, "{report}");
    assert!(report["peak"]["open"].as_u64().unwrap() >= 2, "{report}");
}

/// `sexton next | head`: who has read enough makes no failure of it.
#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    let sidecar = preview();
    let mut command = tokio::process::Command::from(sidecar.command(&["next", "-n", "20000"]));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}

/// Guarantee G4, seed A26: what the commands say of a job with jitter is when it leaves.
#[tokio::test]
async fn a26_jitter_is_in_every_preview() {
    let jobs = "[jobs.a]\nschedule = 'daily 03:00'\njitter = '10m'\npath = '/'\n";
    let sidecar = Sidecar::new(([127, 0, 0, 1], 9).into(), jobs);
    // Of the night's firing, whose nominal instant is over, and of the next.
    let next = run(sidecar.command(&["next", "-n", "2", "--json", "--from", "2026-03-10T03:05:00Z"])).await.good();
    let firings: Vec<Value> = next.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(firings[0]["scheduled_for"], "2026-03-10T03:00:00Z");
    assert_eq!(firings[0]["fires_at"], "2026-03-10T03:07:54.824Z");
    assert_eq!(firings[1]["fires_at"], "2026-03-11T03:07:54.824Z");
    let check = run(sidecar.command(&["check"])).await.good();
    assert_eq!(check.matches("T03:00:00+00:00, jitter: leaves at ").count(), 3, "{check}");
    let span = ["simulate", "--json", "--from", "2026-03-10T03:07:54Z", "--to", "2026-03-10T03:07:55Z"];
    let simulated: Value = serde_json::from_str(&run(sidecar.command(&span)).await.good()).unwrap();
    assert_eq!(simulated["firings"], 1);
}
