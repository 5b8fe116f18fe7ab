//! What is fired, when, and what is told of it.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use sexton::run::{Outcome, Reason, Trigger};

use super::{Turning, clock_at, jobs_of, story};
use crate::support::sidecar::FakeApp;

/// A thousand jobs on one second: none lost, none twice, none early; by the app's own log and by the ledger.
#[tokio::test]
async fn a_thousand_jobs_on_one_second() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let names: Vec<String> = (0..1_000).map(|number| format!("job-{number}")).collect();
    let keys = "path = \"/ok\"";
    let tables: Vec<_> = names.iter().map(|name| (name.as_str(), "daily 12:00", keys)).collect();
    let (_, clock) = clock_at("2026-03-10T11:59:57Z");
    let mut turning = Turning::start(folder.path(), jobs_of(&app, "", &tables), &clock).await;
    let mut ended = HashSet::new();
    while ended.len() < 1_000 {
        let run = turning.next().await;
        assert_eq!((run.outcome, run.trigger), (Outcome::Succeeded, Some(Trigger::Schedule)), "{run:?}");
        assert!(run.lateness.unwrap() >= TimeDelta::zero(), "early: {run:?}");
        assert!(ended.insert(run.job.to_string()), "twice: {run:?}");
    }
    let rows = turning.stop().await;
    let mut arrived = BTreeMap::<String, usize>::new();
    for arrival in app.arrivals() {
        *arrived.entry(arrival.job).or_default() += 1;
    }
    assert_eq!(arrived.len(), 1_000);
    assert!(arrived.values().all(|count| *count == 1), "sent twice: {arrived:?}");
    assert_eq!(rows.len(), 1_000);
    assert!(rows.iter().all(|run| run.state.outcome() == Some(Outcome::Succeeded) && run.status == Some(200)));
}

/// Seeds A24, A25: an endpoint that hangs is given up at the timeout; what comes meanwhile is skipped, as one row for each
/// reason, until the hold is over; nobody else is late.
#[tokio::test]
async fn a_hanging_endpoint_hinders_only_its_own_job() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let tables = [
        ("hang", "every 1s", "path = \"/hang\"\ntimeout = \"2s\"\nhold = \"3s\""),
        ("quick", "every 1s", "path = \"/ok\""),
    ];
    let (_, clock) = clock_at("2026-03-10T12:00:00.300Z");
    let mut turning = Turning::start(folder.path(), jobs_of(&app, "", &tables), &clock).await;
    let mut lateness = Vec::new();
    let unknown = loop {
        let run = turning.next().await;
        match run.job.as_str() {
            "quick" => lateness.push(run.lateness.unwrap()),
            _ if run.outcome == Outcome::Unknown => break run,
            _ => {}
        }
    };
    assert_eq!(unknown.reason, Some(Reason::Timeout));
    let took = unknown.duration.unwrap();
    assert!((TimeDelta::milliseconds(1_950)..TimeDelta::milliseconds(2_900)).contains(&took), "{took}");
    while app.of("hang").len() < 2 {
        let run = turning.next().await;
        lateness.extend(run.lateness.filter(|_| run.job.as_str() == "quick"));
    }
    let hung = app.of("hang");
    let apart = hung[1].scheduled_for - hung[0].scheduled_for;
    assert!(apart >= TimeDelta::seconds(5), "2 s open and 3 s held, and sent again after {apart}");
    let metrics = turning.metrics.render(None);
    assert!(metrics.contains("sexton_holds_over_total{job=\"hang\"} 1"), "{metrics}");

    let rows = turning.stop().await;
    let told = story(&rows, "hang");
    assert!(told[0].ends_with("unknown timeout"), "{told:#?}");
    assert!(told[1].ends_with("skipped running") && told[2].ends_with("skipped possibly_running"), "{told:#?}");
    assert!(rows.iter().filter(|run| run.job.as_str() == "hang" && run.count > 1).count() >= 1, "{told:#?}");
    let quick = app.of("quick");
    let steps = quick.windows(2).map(|pair| pair[1].scheduled_for - pair[0].scheduled_for);
    assert!(steps.eq(std::iter::repeat_n(TimeDelta::seconds(1), quick.len() - 1)), "one was left out");
    assert!(lateness.iter().all(|late| *late < TimeDelta::milliseconds(900)), "{lateness:?}");
}

/// The names of the contract: other programs have them in their dashboards.
#[tokio::test]
async fn what_was_fired_is_counted() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00.300Z");
    let tables = [("quick", "every 1s", "path = \"/ok\""), ("nightly", "daily 03:00", "path = \"/ok\"")];
    let mut turning = Turning::start(folder.path(), jobs_of(&app, "", &tables), &clock).await;
    turning.next_of("quick", Outcome::Succeeded).await;
    let metrics = turning.metrics.clone();
    let counted = turning.stop().await.iter().filter(|run| run.state.outcome() == Some(Outcome::Succeeded)).count();
    let text = metrics.render(None);
    for line in [
        format!("sexton_runs_total{{job=\"quick\",outcome=\"succeeded\"}} {counted}"),
        format!("sexton_attempts_total{{job=\"quick\",class=\"succeeded\"}} {counted}"),
        format!("sexton_lateness_seconds_count {counted}"),
        format!("sexton_run_duration_seconds_count {counted}"),
        // 03:00 UTC of 11 March 2026.
        "sexton_next_fire_timestamp_seconds{job=\"nightly\"} 1773198000".to_owned(),
        "sexton_last_success_timestamp_seconds{job=\"quick\"} 17731".to_owned(),
        "sexton_in_flight 0".to_owned(),
        "sexton_waiting 0".to_owned(),
        "# EOF".to_owned(),
    ] {
        assert!(text.contains(&line), "no `{line}` in\n{text}");
    }
}

/// Seed E18: zero jobs is a healthy start.
#[tokio::test]
async fn nothing_to_fire_is_healthy() {
    let (app, folder) = (FakeApp::start().await, tempfile::tempdir().unwrap());
    let (_, clock) = clock_at("2026-03-10T12:00:00Z");
    let turning = Turning::start(folder.path(), jobs_of(&app, "", &[]), &clock).await;
    let mut status = turning.watch.clone();
    crate::support::process::eventually("a tick", super::PATIENCE, async || status.is_ticking().then_some(())).await;
    clock.sleep_until(clock.now() + TimeDelta::seconds(6)).await;
    assert!(status.is_ticking(), "the loop looks also when it has nothing to do");
    status = turning.watch.clone();
    assert!(status.status().store_writable && !status.status().stopping);
    assert!(turning.stop().await.is_empty());
}
