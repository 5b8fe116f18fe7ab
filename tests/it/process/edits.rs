//! Edits of a live `jobs.toml`, as people and tools make them.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::Write as _,
    ops::Range,
    os::unix::fs::symlink,
    path::PathBuf,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::time::Instant;

use crate::support::{
    process::{eventually, run},
    sidecar::{Arrival, FakeApp, PATIENCE, Running, Sidecar, get},
};

/// Within this time an edit is in force, or named (guarantee G6).
const SEEN: Duration = Duration::from_secs(2);

const EDITS: u64 = 200;
const PROBES: [&str; 4] = ["probe-a", "probe-b", "probe-c", "probe-d"];

/// A run that takes 20 s is in flight nearly all the time.
const LONG: &str = "[jobs.long]\nschedule = 'every 25s'\npath = '/takes/20'\ntimeout = '40s'\n";

/// Chance that is the same in every run (an LCG by Knuth).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// The ways in which a file comes to have another text.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// An editor writes another file and renames it.
    Rename,
    /// `echo >`.
    InPlace,
    /// A slow writer: the first half is there before the second.
    InHalves,
    /// A link to another file is renamed over the file.
    Symlink,
    /// Kubernetes: the file links into a folder `..data`, and that link is swapped.
    DataFolder,
}

struct Editor<'a> {
    sidecar: &'a Sidecar,
    chance: Chance,
    edit: u64,
}

impl Editor<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.sidecar.path(name)
    }

    async fn write(&mut self, text: &str) -> Way {
        let ways = [Way::Rename, Way::InPlace, Way::InHalves, Way::Symlink, Way::DataFolder];
        let way = ways[usize::try_from(self.chance.below(5)).unwrap()];
        match way {
            Way::Rename => {
                fs::write(self.path("new"), text).unwrap();
                fs::rename(self.path("new"), self.path("jobs.toml")).unwrap();
            }
            Way::InPlace => fs::write(self.path("jobs.toml"), text).unwrap(),
            Way::InHalves => {
                let (first, second) = text.split_at(text.len() / 2);
                let mut file = OpenOptions::new().write(true).truncate(true).open(self.path("jobs.toml")).unwrap();
                file.write_all(first.as_bytes()).unwrap();
                tokio::time::sleep(Duration::from_millis(30)).await;
                file.write_all(second.as_bytes()).unwrap();
            }
            Way::Symlink => self.link_to(text, "file"),
            Way::DataFolder => {
                let folder = format!("..{}", self.edit);
                fs::create_dir(self.path(&folder)).unwrap();
                fs::write(self.path(&folder).join("jobs.toml"), text).unwrap();
                symlink(&folder, self.path("..data_tmp")).unwrap();
                fs::rename(self.path("..data_tmp"), self.path("..data")).unwrap();
                symlink("..data/jobs.toml", self.path("link")).unwrap();
                fs::rename(self.path("link"), self.path("jobs.toml")).unwrap();
            }
        }
        way
    }

    fn link_to(&self, text: &str, kind: &str) {
        let target = format!("{kind}-{}", self.edit);
        fs::write(self.path(&target), text).unwrap();
        symlink(&target, self.path("link")).unwrap();
        fs::rename(self.path("link"), self.path("jobs.toml")).unwrap();
    }

    /// A file in which the probes and the long run have the instants that they had.
    fn good(&mut self, head: &str) -> String {
        let mut text = format!("# edit {}\n{head}", self.edit);
        for probe in PROBES {
            let keys = ["", "timeout = '10s'\n", "description = 'edited'\n", "hold = '5s'\n"];
            let keys = keys[usize::try_from(self.chance.below(4)).unwrap()];
            write!(text, "[jobs.{probe}]\nschedule = 'every 1s'\npath = '/ok'\n{keys}").unwrap();
        }
        for number in 0..self.chance.below(4) {
            let minutes = 1 + self.chance.below(50);
            write!(text, "[jobs.other-{number}]\nschedule = 'every {minutes}m'\npath = '/ok'\n").unwrap();
        }
        text + LONG
    }

    /// A file that cannot be used, and what must be named: each time other words.
    fn broken(&mut self, head: &str) -> (String, String) {
        let (edit, good) = (self.edit, self.good(head));
        let job = format!("[jobs.broken-{edit}]\n");
        let (tail, named) = match self.chance.below(5) {
            0 => (format!("{job}schedule = 'every 1h'\npath = '/'\nkey-{edit} = 1\n"), format!("key-{edit}")),
            1 => (format!("{job}schedule = 'every {edit}'\npath = '/'\n"), format!("`every {edit}` has no unit")),
            2 => (format!("{job}schedule = 'every 1h'\npath = '/'\ntarget = 'app-{edit}'\n"), format!("app-{edit}")),
            3 => (format!("{job}schedule = every-{edit}\npath = '/'\n"), format!("every-{edit}")),
            _ => (format!("[jobs.broken-{edit}"), "unclosed table".to_owned()),
        };
        (good + &tail, named)
    }
}

/// Seeds E6, E7, E8, E17; guarantee G6. However the file is edited, good or broken: no firing is lost, doubled or moved,
/// the long run ends as it would have, and each broken edit is named in the log and in `/healthz` within 2 s.
#[tokio::test(flavor = "multi_thread")]
async fn e7_two_hundred_edits_of_a_live_file_disturb_nothing() {
    let app = FakeApp::start().await;
    let head = format!("[targets.app]\nbase_url = 'http://{}'\n", app.address);
    let sidecar = Sidecar::new(app.address, "");
    let mut editor = Editor { sidecar: &sidecar, chance: Chance(0x5e0a_57a1), edit: 0 };
    let first = editor.good(&head);
    sidecar.define(&first);
    let (mut running, address) = sidecar.run().await;
    app.has("probe-a", 1).await;

    let (mut broken, mut slowest) = (0, Duration::ZERO);
    for edit in 1..=EDITS {
        editor.edit = edit;
        if editor.chance.below(5) > 0 {
            let text = editor.good(&head);
            editor.write(&text).await;
            // As fast as people save; nothing is waited for.
            tokio::time::sleep(Duration::from_millis(100 + editor.chance.below(200))).await;
            continue;
        }
        let (text, named) = editor.broken(&head);
        let way = editor.write(&text).await;
        let began = Instant::now();
        running.hear(&named).await;
        let told = eventually("it is in /healthz", SEEN, async || {
            let (status, body) = get(address, "/healthz").await;
            (status == 200 && body.contains("definitions_rejected") && body.contains(&named)).then_some(body)
        });
        let body = told.await;
        let took = began.elapsed();
        assert!(took <= SEEN, "edit {edit} ({way:?}, {named}) was named after {took:?}");
        assert!(body.contains("jobs.toml:") && body.contains("\"degraded\""), "{body}");
        (broken, slowest) = (broken + 1, slowest.max(took));
    }
    assert!(broken >= 25, "{broken} broken edits");
    editor.edit = EDITS + 1;
    let last = editor.good(&head);
    editor.write(&last).await;
    eventually("the last edit is in force", PATIENCE, async || {
        let (_, body) = get(address, "/healthz").await;
        body.contains("\"ok\"").then_some(())
    })
    .await;
    eventually("no long run is open", PATIENCE, async || {
        let (_, metrics) = get(address, "/metrics").await;
        let ended = format!("sexton_runs_total{{job=\"long\",outcome=\"succeeded\"}} {}\n", app.of("long").len());
        metrics.contains(&ended).then_some(())
    })
    .await;
    assert_eq!(running.stop().await, Some(0));

    for probe in PROBES {
        on_time(probe, &app.of(probe), TimeDelta::seconds(1));
    }
    on_time("long", &app.of("long"), TimeDelta::seconds(25));
    let runs = sidecar.runs().await;
    // What was claimed ahead when it stopped is the next start's.
    for row in runs.iter().filter(|row| row["state"] != "claimed") {
        assert_eq!(row["state"], "succeeded", "{row}");
        let whole = row["job"] != "long" || row["duration_ms"].as_f64().unwrap() >= 20_000.0;
        assert!(whole, "the long run was cut short: {row}");
    }
    let proof = run(sidecar.command(&["verify"])).await;
    assert_eq!(proof.code, Some(0), "{proof}");
    println!("{broken} broken edits, named after {slowest:?} at most");
}

/// Each occurrence once, none left out, each at its instant.
fn on_time(job: &str, arrivals: &[Arrival], interval: TimeDelta) {
    assert!(arrivals.len() >= 2, "{job}: {}", arrivals.len());
    for pair in arrivals.windows(2) {
        assert_eq!(pair[1].scheduled_for - pair[0].scheduled_for, interval, "{job} after {}", pair[0].scheduled_for);
    }
    for Arrival { at, scheduled_for, .. } in arrivals {
        assert_eq!(scheduled_for.timestamp_millis() % interval.num_milliseconds(), 0, "{job}: moved");
        assert!(
            (TimeDelta::zero()..TimeDelta::seconds(2)).contains(&(*at - *scheduled_for)),
            "{job}: {at} for {scheduled_for}"
        );
    }
}

/// A file of ten thousand jobs is read and checked beside the firings, and compared in a moment.
///
/// What makes firings late at each edit, and not just before it, is the sidecar's fault; the rest is a busy machine's. Probes
/// fire all over the second, so that whenever the loop stands still, one of them is late by all but a tenth of that.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_ten_thousand_jobs_delays_no_firing() {
    let app = FakeApp::start().await;
    let mut probes = format!("[targets.app]\nbase_url = 'http://{}'\n", app.address);
    for number in 0..10 {
        let name = format!("probe-{number}");
        write!(probes, "[jobs.{name}]\nschedule = 'every 1s'\npath = '/ok'\njitter = '1s'\noverlap = 'allow'\n")
            .unwrap();
    }
    let mut many = String::new();
    for number in 0..10_000 {
        let (hour, minute) = (number % 24, number % 60);
        write!(many, "[jobs.job-{number}]\nschedule = 'daily {hour:02}:{minute:02}'\npath = '/ok'\njitter = '59s'\n")
            .unwrap();
    }
    let sidecar = Sidecar::new(app.address, "");
    sidecar.define(&format!("{probes}{many}"));
    let (mut running, _) = sidecar.run().await;
    // The start itself, with so many jobs that are new, makes the first ones late.
    app.has("probe-0", 4).await;
    let three_more = async || {
        app.has("probe-0", app.of("probe-0").len() + 3).await;
        app.of("probe-0").pop().unwrap().scheduled_for
    };
    let mut delays = Vec::new();
    for hours in 1..=8 {
        let (calm, edit) = (app.of("probe-0").pop().unwrap().scheduled_for, three_more().await);
        sidecar.define(&format!("{probes}{many}[jobs.edited]\nschedule = 'every {hours}h'\npath = '/ok'\n"));
        let line = running.hear("new definitions are in force").await;
        assert_eq!(Running::field(&line, "total"), "10011", "{line}");
        let end = three_more().await;
        let rows = sidecar.runs().await;
        delays.push(latest(&rows, edit..end) - latest(&rows, calm..edit));
        if delays.last().is_some_and(|millis| *millis < 700.0) {
            break;
        }
    }
    println!("by so many ms more were firings late at each edit than before it: {delays:.1?}");
    assert!(delays.last().is_some_and(|millis| *millis < 700.0), "each edit delayed a firing, by ms: {delays:.1?}");
    assert_eq!(running.stop().await, Some(0));
    let proof = run(sidecar.command(&["verify"])).await;
    assert_eq!(proof.code, Some(0), "{proof}");
}

/// By how many milliseconds the latest firing of that time was late; one that was not sent by a second.
fn latest(rows: &[Value], time: Range<DateTime<Utc>>) -> f64 {
    let instant = |row: &Value| row["scheduled_for"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    let over = rows.iter().filter(|row| time.contains(&instant(row)) && !row["outcome"].is_null());
    let late: Vec<f64> = over.map(|row| row["lateness_ms"].as_f64().unwrap_or(1000.0)).collect();
    assert!(late.len() >= 10, "{} rows in {time:?}", late.len());
    late.into_iter().fold(0.0, f64::max)
}
