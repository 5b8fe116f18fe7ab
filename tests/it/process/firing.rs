//! What is sent, when, and with what.

use std::fmt::Write;

use chrono::TimeDelta;

use crate::support::sidecar::{FakeApp, Running, SECRET, Sidecar};

/// Seeds A20, A24, A25: a job that hangs is given up at its timeout and is not stacked while it may be running; the other
/// jobs are on time meanwhile.
#[tokio::test]
async fn a_hanging_job_hinders_only_itself() {
    let app = FakeApp::start().await;
    let jobs = "[jobs.hang]\nschedule = 'every 1s'\npath = '/hang'\ntimeout = '2s'\nhold = '3s'\n\
                [jobs.quick]\nschedule = 'every 1s'\npath = '/ok'\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let (mut running, _) = sidecar.run().await;
    app.has("hang", 2).await;
    assert_eq!(running.stop().await, Some(0));

    let hung = app.of("hang");
    let apart = hung[1].at - hung[0].at;
    assert!(apart >= TimeDelta::seconds(5), "a second pass after {apart}: timeout and hold are 5 s");
    let runs = sidecar.runs().await;
    let of_hang: Vec<_> = runs.iter().filter(|row| row["job"] == "hang").collect();
    let told = |row: &serde_json::Value| {
        format!("{} {}", row["state"].as_str().unwrap(), row["reason"].as_str().unwrap_or("-"))
    };
    let story: Vec<String> = of_hang.iter().take(3).map(|row| told(row)).collect();
    assert_eq!(story, ["unknown timeout", "skipped running", "skipped possibly_running"]);
    assert!(of_hang[2]["count"].as_u64().unwrap() >= 2, "one row for the span: {}", of_hang[2]);

    let quick = app.of("quick");
    assert!(quick.len() >= 5);
    for pair in quick.windows(2) {
        assert_eq!(pair[1].scheduled_for - pair[0].scheduled_for, TimeDelta::seconds(1), "none is left out");
    }
    for arrival in &quick {
        let late = arrival.at - arrival.scheduled_for;
        assert!((TimeDelta::zero()..TimeDelta::milliseconds(900)).contains(&late), "{late} late");
        assert_eq!(arrival.authorization, format!("Bearer {SECRET}"));
    }
}

/// A thousand jobs due in the same second: none is lost, none comes twice.
#[tokio::test]
async fn a_thousand_jobs_of_one_second_all_come_once() {
    let app = FakeApp::start().await;
    let mut jobs = String::new();
    for number in 0..1_000 {
        writeln!(jobs, "[jobs.job-{number}]\nschedule = 'every 1h'\npath = '/ok'").unwrap();
    }
    // `every 1h` lies at the full hour; an instant of a few seconds from now is what `at` is for.
    let soon = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::UNIX_EPOCH) + soon();
    let jobs = jobs.replace("every 1h", &format!("at {}", soon.to_rfc3339()));
    let sidecar = Sidecar::new(app.address, &jobs);
    let (mut running, _) = sidecar.run().await;
    crate::support::process::eventually("all of them", crate::support::sidecar::PATIENCE, async || {
        (app.arrivals().len() >= 1_000).then_some(())
    })
    .await;
    assert_eq!(running.stop().await, Some(0));
    super::crash::assert_each_sent_once(&app.arrivals());
    assert_eq!(app.arrivals().len(), 1_000);
    assert_eq!(sidecar.tally().await, [("succeeded".to_owned(), 1_000)].into());
}

/// A whole second, about six from now: time enough to start.
#[expect(clippy::disallowed_methods, reason = "a real process needs a real instant")]
fn soon() -> TimeDelta {
    TimeDelta::seconds(chrono::Utc::now().timestamp() + 6)
}

/// Seed E10: what `next` shows is what is fired.
#[tokio::test]
async fn e10_what_next_shows_is_fired() {
    let app = FakeApp::start().await;
    let jobs = "[jobs.zoned]\nschedule = '* * * * * *'\ntimezone = 'Asia/Kathmandu'\npath = '/ok'\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let shown = crate::support::process::run(sidecar.command(&["next", "-n", "60", "--json"])).await.good();
    let (mut running, _) = sidecar.run().await;
    app.has("zoned", 3).await;
    assert_eq!(running.stop().await, Some(0));
    for arrival in app.arrivals() {
        let instant = arrival.scheduled_for.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        assert!(shown.contains(&format!("\"scheduled_for\":\"{instant}\"")), "{instant} was not shown:\n{shown}");
    }
}

/// Guarantee G5: with every level of the log on, in both forms, the secret is in none of it, nor in the ledger.
#[tokio::test]
async fn the_secret_is_in_no_log_and_not_in_the_ledger() {
    let app = FakeApp::start().await;
    for format in ["text", "json"] {
        let sidecar = Sidecar::new(app.address, "[jobs.quick]\nschedule = 'every 1s'\npath = '/ok'\n");
        let mut command = sidecar.command(&["run", "--listen", "127.0.0.1:0"]);
        command.env("RUST_LOG", "trace").env("SEXTON_LOG", format);
        let seen = app.of("quick").len();
        let mut running = Running::start(command);
        app.has("quick", seen + 2).await;
        assert_eq!(running.stop().await, Some(0));
        assert!(running.said.iter().any(|line| line.contains("run ended")), "the log is on");
        assert!(!running.said.iter().any(|line| line.contains(SECRET)), "the secret is in the log");
        for entry in std::fs::read_dir(sidecar.folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "the secret is in a file");
        }
    }
}
