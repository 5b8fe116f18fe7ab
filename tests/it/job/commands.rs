//! `sexton check` and `sexton next`.

use std::{fs, path::PathBuf, process::ExitCode};

use sexton::{
    cli::{
        check, next,
        setting::{Screen, Setting},
    },
    clock::VirtualClock,
    job::Overrides,
};

use super::{APP, now};

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

pub(crate) async fn output<A>(
    run: fn(&A, &Setting, &mut dyn std::io::Write) -> miette::Result<ExitCode>,
    args: &A,
    screen: Screen,
) -> (miette::Result<ExitCode>, String) {
    let clock = VirtualClock::at(now());
    let setting = Setting { environment: &|_| None, overrides: &Overrides::default(), clock: &clock, screen };
    let mut out = Vec::new();
    let code = run(args, &setting, &mut out);
    (code, String::from_utf8(out).unwrap())
}

fn checked(file: PathBuf) -> check::Args {
    check::Args { file, strict: false, format: check::Format::Text }
}

fn nexts(file: PathBuf) -> next::Args {
    next::Args { file, job: None, count: 5, from: None, json: true }
}

const JOBS: &str = "[sexton]\ntimezone = \"Europe/Prague\"\n[jobs.nightly]\nschedule = \"daily 02:30\"\npath = \"/n\"\n\
                    [jobs.often]\nschedule = \"every 6h\"\npath = \"/o\"\n\
                    [jobs.off]\nschedule = \"every 1h\"\npath = \"/x\"\nenabled = false\n";

/// Seed E2: `check` exits non-zero when anything is wrong.
#[tokio::test]
async fn e2_check_exits_2_for_errors_and_with_strict_for_warnings() {
    for (keys, plain, strict) in [("", 0, 0), ("timeout = \"2h\"\n", 0, 2), ("timout = \"2h\"\n", 2, 2)] {
        let (_folder, path) = file(&format!("{APP}[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\n{keys}"));
        let (code, text) = output(check::run, &checked(path.clone()), Screen::Pipe).await;
        assert_eq!(code.unwrap(), ExitCode::from(plain), "{text}");
        let args = check::Args { strict: true, ..checked(path) };
        let (code, text) = output(check::run, &args, Screen::Pipe).await;
        assert_eq!(code.unwrap(), ExitCode::from(strict), "{text}");
    }
    let (code, text) = output(check::run, &checked(PathBuf::from("no/such.toml")), Screen::Pipe).await;
    assert_eq!(code.unwrap(), ExitCode::from(2), "{text}");
}

#[tokio::test]
async fn check_shows_the_next_three_firings_of_each_job() {
    let (folder, path) = file(&format!("{APP}{JOBS}"));
    let (_, text) = output(check::run, &checked(path.clone()), Screen::Pipe).await;
    insta::assert_snapshot!("check_text", text.replace(&format!("{}/", folder.path().display()), ""));
    let args = check::Args { format: check::Format::Json, ..checked(path) };
    let (_, text) = output(check::run, &args, Screen::Pipe).await;
    insta::assert_snapshot!("check_json", text.replace(&format!("{}/", folder.path().display()), ""));
}

#[tokio::test]
async fn check_writes_findings_as_json_lines_or_pictures() {
    let (_folder, path) = file("[sexton]\ntimezon = \"UTC\"\n");
    let args = check::Args { format: check::Format::Json, ..checked(path.clone()) };
    let (_, text) = output(check::run, &args, Screen::Pipe).await;
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["valid"], &json["errors"]), (&false.into(), &1.into()));
    let finding = &json["findings"][0];
    assert_eq!((&finding["line"], &finding["column"]), (&2.into(), &1.into()));
    assert_eq!((&finding["start"], &finding["end"]), (&9.into(), &16.into()));
    assert!(finding["help"].as_str().unwrap().contains("did you mean `timezone`?"));
    let (_, text) = output(check::run, &checked(path), Screen::Terminal { color: false }).await;
    assert!(text.contains("timezon = \"UTC\"") && text.contains("── here"), "{text}");
}

#[tokio::test]
async fn next_merges_the_enabled_jobs_in_the_order_of_time() {
    let (_folder, path) = file(&format!("{APP}{JOBS}"));
    let (code, text) = output(next::run, &nexts(path.clone()), Screen::Pipe).await;
    assert_eq!(code.unwrap(), ExitCode::SUCCESS);
    insta::assert_snapshot!("next_json", text);
    let args = next::Args { json: false, ..nexts(path) };
    let (_, text) = output(next::run, &args, Screen::Pipe).await;
    insta::assert_snapshot!("next_table", text);
}

#[tokio::test]
async fn next_of_one_job_from_an_instant_tells_what_the_clocks_did() {
    let (_folder, path) = file(&format!("{APP}{JOBS}"));
    let from = Some("2026-03-28T12:00:00Z".parse().unwrap());
    let args = next::Args { job: Some("nightly".to_owned()), count: 2, from, ..nexts(path.clone()) };
    let (_, text) = output(next::run, &args, Screen::Pipe).await;
    let moved: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(moved["scheduled_for"], "2026-03-29T01:00:00Z");
    assert_eq!(moved["local"], "2026-03-29T03:00:00+02:00");
    assert!(moved["note"].is_string(), "{text}");
    let normal: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert!(normal["note"].is_null() && normal["local"] == "2026-03-30T02:30:00+02:00", "{text}");
    let disabled = next::Args { job: Some("off".to_owned()), count: 1, ..nexts(path.clone()) };
    assert_eq!(output(next::run, &disabled, Screen::Pipe).await.1.lines().count(), 1);
    let unknown = next::Args { job: Some("nightl".to_owned()), ..nexts(path) };
    assert!(output(next::run, &unknown, Screen::Pipe).await.0.unwrap_err().to_string().contains("no job `nightl`"));
}

#[tokio::test]
async fn next_says_where_a_schedule_ends() {
    let (_folder, path) = file(&format!("{APP}[jobs.once]\nschedule = \"at 2026-04-01T00:00:00Z\"\npath = \"/\"\n"));
    let args = next::Args { json: false, ..nexts(path) };
    let (_, text) = output(next::run, &args, Screen::Pipe).await;
    assert!(text.ends_with("no firing after 2026-04-01T00:00:00Z\n"), "{text}");
}

/// The example that the README runs.
#[tokio::test]
async fn the_example_in_the_project_passes_check_strictly() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("jobs.toml");
    let args = check::Args { strict: true, ..checked(path) };
    let (code, text) = output(check::run, &args, Screen::Pipe).await;
    assert_eq!(code.unwrap(), ExitCode::SUCCESS, "{text}");
}
