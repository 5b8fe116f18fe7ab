//! `sexton backfill`: occurrences of the past, one by one.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::sidecar::{FakeApp, OTHER, Running, Sidecar, sexton};

const JOBS: &str = "[jobs.hourly]\nschedule = 'every 1h'\npath = '/ok'\n\
    [jobs.slow]\nschedule = 'every 1h'\npath = '/slow'\nhold = '1s'\n\
    [jobs.many]\nschedule = 'every 1h'\npath = '/ok'\noverlap = 'allow'\n\
    [jobs.busy]\nschedule = 'every 1h'\npath = '/busy'\n\
    [jobs.hang]\nschedule = 'every 1h'\npath = '/hang'\ntimeout = '1s'\nhold = '1s'\n";

/// The start of this hour, and of the one so many hours before.
fn hours_ago(hours: i64) -> (String, String) {
    let text = |at: DateTime<Utc>| at.format("%FT%TZ").to_string();
    let now = now();
    let hour = now.with_minute(0).and_then(|at| at.with_second(0)).and_then(|at| at.with_nanosecond(0)).unwrap();
    (text(hour - TimeDelta::hours(hours)), text(hour))
}

#[expect(clippy::disallowed_methods, reason = "the real program's past ends at the real now")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Without the breaks that fit it to a terminal.
fn flat(text: &str) -> String {
    text.split([' ', '\n', '│']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn backfill<'a>(job: &'a str, from: &'a str, to: &'a str) -> Vec<&'a str> {
    vec!["backfill", job, "--from", from, "--to", to]
}

#[tokio::test]
async fn what_did_not_succeed_is_sent_in_order_and_once() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.operated().await;
    let (from, to) = hours_ago(4);
    let done = sidecar.ask(address, &backfill("hourly", &from, &to)).await;
    assert_eq!(done.code, Some(0), "{done}");
    assert!(done.stderr.contains("5 of 5 occurrences sent, 5 of them succeeded"), "{done}");
    let instants: Vec<_> = app.of("hourly").into_iter().map(|arrival| arrival.scheduled_for).collect();
    assert_eq!(instants.len(), 5);
    assert!(instants.is_sorted() && instants[0] == from.parse::<DateTime<Utc>>().unwrap(), "{instants:?}");
    let rows = sidecar.runs().await;
    let by_hand: Vec<&Value> = rows.iter().filter(|row| row["trigger"] == "backfill").collect();
    assert!(by_hand.len() == 5 && by_hand.iter().all(|row| row["asked_by"] == "admin:ann"), "{by_hand:?}");

    let done = sidecar.ask(address, &backfill("hourly", &from, &to)).await;
    assert!(
        done.code == Some(0) && done.stderr.contains("0 of 0 occurrences sent"),
        "what succeeded is not sent again: {done}"
    );
    let done = sidecar.ask(address, &[&backfill("hourly", &from, &to)[..], &["--again", "--json"]].concat()).await;
    assert_eq!((done.code, done.stdout.lines().count(), app.of("hourly").len()), (Some(0), 5, 10), "{done}");

    let wrong = sidecar.ask(address, &backfill("hourly", &to, &from)).await;
    assert!(wrong.code == Some(2) && flat(&wrong.stderr).contains("lies before"), "{wrong}");
    let wrong = sidecar.ask(address, &backfill("hourly", &from, "2999-01-01T00:00:00Z")).await;
    assert!(wrong.code == Some(2) && flat(&wrong.stderr).contains("still to come"), "{wrong}");
    let wrong = sidecar.ask(address, &backfill("hourly", "1970-01-01T00:00:00Z", &to)).await;
    assert!(wrong.code == Some(2) && flat(&wrong.stderr).contains("more than 10000"), "{wrong}");
    assert_eq!(running.stop().await, Some(0));
}

/// Guarantee G2: also where runs may overlap, two who send the same stretch again share it.
#[tokio::test]
async fn two_at_once_send_each_occurrence_once() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.operated().await;
    let (from, to) = hours_ago(9);
    let asked = backfill("many", &from, &to);
    let all = tokio::join!(sidecar.ask(address, &asked), sidecar.ask(address, &asked), sidecar.ask(address, &asked));
    for done in [all.0, all.1, all.2] {
        assert_eq!(done.code, Some(0), "{done}");
    }
    let mut instants: Vec<_> = app.of("many").into_iter().map(|arrival| arrival.scheduled_for).collect();
    instants.sort();
    assert_eq!(instants.len(), 10, "{instants:?}");
    instants.dedup();
    assert_eq!(instants.len(), 10, "each once");
    assert_eq!(running.stop().await, Some(0));
}

#[tokio::test]
async fn the_first_that_does_not_succeed_ends_it_unless_told_to_go_on() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.operated().await;
    let (from, to) = hours_ago(1);
    let done = sidecar.ask(address, &backfill("hang", &from, &to)).await;
    assert_eq!(done.code, Some(1), "{done}");
    assert!(
        done.stderr.contains("1 of 2 occurrences sent, 0 of them succeeded; go on with: sexton backfill hang"),
        "{done}"
    );
    let done = sidecar.ask(address, &[&backfill("hang", &from, &to)[..], &["--keep-going"]].concat()).await;
    assert!(done.code == Some(1) && done.stderr.contains("2 of 2 occurrences sent"), "{done}");
    assert_eq!(app.of("hang").len(), 3, "held meanwhile, it was waited for and not skipped over");
    assert_eq!(running.stop().await, Some(0));
}

/// An app that says that it is busy is not asked without end.
#[tokio::test]
async fn an_app_that_is_busy_ends_it() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.operated().await;
    let (from, to) = hours_ago(1);
    let done = sidecar.ask(address, &backfill("busy", &from, &to)).await;
    assert!(done.code == Some(1) && done.stdout.contains("skipped (busy)"), "{done}");
    assert!(done.stderr.contains("1 of 2 occurrences sent, 0 of them succeeded"), "{done}");
    assert_eq!(app.of("busy").len(), 1);
    assert_eq!(running.stop().await, Some(0));
}

/// Ctrl-C says how far it got; a sidecar that dies half way is waited for.
#[tokio::test]
async fn it_survives_the_sidecar_and_says_how_far_it_got() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.operated().await;
    let (from, to) = hours_ago(2);
    let start = |more: &[&str]| {
        let mut command = sexton(sidecar.folder.path(), &[&backfill("slow", &from, &to)[..], more].concat());
        command.env("SEXTON_URL", format!("http://{address}")).env("SEXTON_ADMIN_TOKEN", OTHER);
        Running::start(command)
    };
    let mut interrupted = start(&[]);
    app.has("slow", 2).await;
    interrupted.signal(Signal::INT);
    assert_eq!(interrupted.ended().await, Some(130));
    assert!(
        interrupted.said.iter().any(|line| line.contains("1 of 3 occurrences sent, 1 of them succeeded")),
        "{:?}",
        interrupted.said
    );

    let mut again = start(&["--keep-going"]);
    app.has("slow", 3).await;
    running.signal(Signal::KILL);
    running.ended().await;
    let (mut running, _) = sidecar.operated_at(address).await;
    again.ended().await;
    let instants: std::collections::BTreeSet<_> =
        app.of("slow").into_iter().map(|arrival| arrival.scheduled_for).collect();
    assert_eq!(instants.len(), 3, "each was sent: {:?}", again.said);
    assert!(again.said.iter().any(|line| line.contains("occurrences sent")), "{:?}", again.said);
    assert_eq!(running.stop().await, Some(0));
}
