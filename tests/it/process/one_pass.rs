//! Guarantee G3 at its hardest: an app that takes 2.5 times the timeout never sees two passes of a job at once, by its own log.

use std::{fmt::Write, net::SocketAddr, time::Duration};

use chrono::TimeDelta;
use rustix::process::Signal;
use serde_json::Value;

use super::working_app::{Pass, WorkingApp, most_at_once};
use crate::support::{process::run, sidecar::Sidecar};

/// How long the app takes; the timeout of each job is 1 s.
const WORK: TimeDelta = TimeDelta::milliseconds(2_500);

/// Everything that could stack a second pass on the first: name, how often it is due, further keys.
const CASES: [(&str, &str, &str); 16] = [
    ("plain", "1s", ""),
    ("retried", "1s", "retry = { attempts = 3, initial = '1s', on = ['connect', '3xx', '4xx', '5xx'] }"),
    ("queued", "1s", "overlap = 'queue'"),
    ("caught-up", "1s", "catch_up = 'all'"),
    ("replaced-unless-gone", "1s", "overlap = 'replace'\ncancel = { path = '/lie/404' }"),
    ("replaced", "1s", "overlap = 'replace'\ncancel = { path = '/lie/200' }"),
    (
        "replaced-and-retried",
        "1s",
        "overlap = 'replace'\ncancel = { path = '/lie/200' }\nretry = { attempts = 3, initial = '1s' }",
    ),
    ("replaced-never", "1s", "overlap = 'replace'\ncancel = { path = '/lie/500' }"),
    ("cancelled", "1s", "cancel = { path = '/lie/200' }"),
    ("cancelled-and-queued", "1s", "overlap = 'queue'\ncancel = { path = '/lie/404' }"),
    ("polled", "1s", "completion = 'poll'\npoll = { timeout = '1s', interval = '1s' }"),
    (
        "polled-and-replaced",
        "1s",
        "completion = 'poll'\npoll = { timeout = '1s', interval = '1s' }\noverlap = 'replace'\ncancel = { path = '/lie/500' }",
    ),
    (
        "polled-and-queued",
        "1s",
        "completion = 'poll'\npoll = { timeout = '1s', interval = '1s' }\noverlap = 'queue'\nretry = { attempts = 3 }",
    ),
    ("by-hand", "1h", ""),
    ("by-hand-queued", "1h", "overlap = 'queue'"),
    ("by-hand-replaced", "1h", "overlap = 'replace'\ncancel = { path = '/lie/200' }"),
];

fn jobs() -> String {
    let mut text = "[sexton]\nshutdown_grace = '0s'\n[defaults]\ntimeout = '1s'\nhold = '4s'\n".to_owned();
    for (name, every, keys) in CASES {
        let path = if keys.contains("poll") { "/accepts/2500" } else { "/takes/2500" };
        write!(text, "[jobs.{name}]\nschedule = 'every {every}'\npath = '{path}'\n{keys}\n").unwrap();
    }
    text
}

/// An operator who does not wait for things to end.
struct Operator<'a> {
    app: &'a WorkingApp,
    sidecar: &'a Sidecar,
    address: SocketAddr,
}

impl Operator<'_> {
    async fn meddle(&self) {
        tokio::join!(self.fire(), self.cancel("cancelled"), self.cancel("cancelled-and-queued"));
    }

    async fn fire(&self) {
        let mut pace = tokio::time::interval(Duration::from_millis(300));
        for command in [&["fire", "by-hand", "--wait"][..], &["fire", "by-hand-queued"], &["fire", "by-hand-replaced"]]
            .into_iter()
            .cycle()
        {
            pace.tick().await;
            self.sidecar.ask(self.address, command).await;
        }
    }

    /// Cancels each pass as soon as it is there, and fires the job again.
    async fn cancel(&self, job: &str) {
        let mut last = String::new();
        loop {
            let next = |app: &WorkingApp| app.at_work_on(job).filter(|pass| pass.run != last);
            last = self.app.shows(&format!("a pass of {job}"), next).await.run;
            self.sidecar.ask(self.address, &["cancel", &last]).await;
            self.sidecar.ask(self.address, &["fire", job]).await;
        }
    }
}

/// Waits until the app had so many passes of each job, and then for the beginning of another one.
async fn each_has(app: &WorkingApp, count: usize) {
    for (job, ..) in CASES {
        app.has(job, count).await;
    }
    app.has("plain", app.of("plain").len() + 1).await;
}

/// Guarantee G3, seeds A24, A25: by retries, firing by hand, replacing, cancelling, a stop and a kill.
#[tokio::test]
async fn whatever_anybody_does_there_is_one_pass_at_a_time() {
    let app = WorkingApp::start();
    let sidecar = Sidecar::new(app.address, &jobs());
    let (mut running, address) = sidecar.operated().await;
    let operator = Operator { app: &app, sidecar: &sidecar, address };
    let story = async {
        each_has(&app, 1).await;
        assert_eq!(running.stop().await, Some(0));
        let (mut running, _) = sidecar.operated_at(address).await;
        each_has(&app, 2).await;
        running.signal(Signal::KILL);
        running.ended().await;
        let (running, _) = sidecar.operated_at(address).await;
        each_has(&app, 3).await;
        running
    };
    let mut running = tokio::select! {
        running = story => running,
        () = operator.meddle() => unreachable!("it never tires"),
    };
    assert_eq!(running.stop().await, Some(0));

    let passes = app.is_idle().await;
    for (job, ..) in CASES {
        let worst = most_at_once(passes.iter().filter(|pass| pass.job == job));
        assert!(worst.len() == 1, "{} passes of {job} at once: {worst:#?}", worst.len());
    }
    assert!(passes.iter().all(|pass| pass.finished.unwrap() - pass.received >= WORK), "each takes 2.5 timeouts");
    tried_everything(&passes, &sidecar.runs().await);
    run(sidecar.command(&["verify", "--store", "sqlite://sexton.db"])).await.good();
}

/// What is to be withstood did happen.
fn tried_everything(passes: &[Pass], rows: &[Value]) {
    let of = |job: &str, field: &str, value: &str| {
        rows.iter().filter(|row| row["job"] == job && row[field] == value).count()
    };
    for reason in ["timeout", "shutdown", "crash", "possibly_running", "running"] {
        assert!(of("plain", "reason", reason) > 0, "plain was never {reason}");
    }
    for job in ["cancelled", "cancelled-and-queued", "replaced", "replaced-never", "by-hand-replaced"] {
        assert!(of(job, "outcome", "cancelled") > 0, "{job} was never cancelled");
    }
    assert!(of("polled", "reason", "timeout") > 0, "polled was never out of time");
    for job in ["by-hand-queued", "queued", "polled-and-queued"] {
        assert!(of(job, "reason", "queue_full") > 0, "nobody waited for {job}");
    }
    assert!(of("by-hand", "outcome", "skipped") > 0, "by-hand was never fired while it was at it");
    assert!(passes.iter().filter(|pass| pass.trigger == "manual").count() >= 9, "each of three, three times");
}
