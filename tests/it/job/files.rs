//! Files on disk: `jobs.d`, missing and unreadable ones, and exact places in them.

use std::{fs, path::Path};

use sexton::job::{Body, FileWatch, LoadContext, Loaded, Overrides, Report, fingerprint, load, read_sources, render};

use super::{APP, job_a, line, lines, load_text, now};

fn load_path(path: &Path) -> Result<Loaded, Report> {
    load(path, &LoadContext { environment: &|_| None, overrides: &Overrides::default(), now: now() })
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn told(folder: &tempfile::TempDir) -> Vec<String> {
    let root = format!("{}/", folder.path().display());
    lines(load_path(&folder.path().join("jobs.toml"))).iter().map(|line| line.replace(&root, "")).collect()
}

const JOB_A: &str = "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\n";

#[test]
fn files_in_jobs_d_are_read_with_the_main_one() {
    let folder = folder(&[
        ("jobs.toml", &format!("{APP}[defaults]\ntimeout = \"1m\"\n{JOB_A}")),
        ("jobs.d/20.toml", "[jobs.c]\nschedule = \"every 1h\"\npath = \"/c\"\ntarget = \"other\"\n"),
        (
            "jobs.d/10.toml",
            "[targets.other]\nbase_url = \"http://other\"\n[jobs.b]\nschedule = \"every 1h\"\npath = \"/b\"\n",
        ),
        ("jobs.d/.hidden.toml", "no toml"),
        ("jobs.d/readme.md", "no toml"),
    ]);
    let loaded = load_path(&folder.path().join("jobs.toml")).unwrap();
    assert_eq!(loaded.definitions.jobs.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(loaded.definitions.jobs["c"].timeout.as_secs(), 60);
    let names: Vec<&str> = loaded.sources.iter().filter_map(|source| source.name().rsplit('/').next()).collect();
    assert_eq!(names, ["jobs.toml", "10.toml", "20.toml"]);
}

/// Seed E16: two files that define the same name do not collapse into one.
#[test]
fn e16_a_name_defined_in_two_files_is_an_error_that_shows_both_places() {
    let folder = folder(&[
        ("jobs.toml", &format!("{APP}{JOB_A}")),
        ("jobs.d/more.toml", &format!("# again\n{JOB_A}[targets.app]\nbase_url = \"http://b\"\n")),
    ]);
    let told = told(&folder);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told[0].starts_with("jobs.d/more.toml:2:7: error: job `a` is defined twice (first at jobs.toml:3:7)"),
        "{told:#?}"
    );
    assert!(
        told[1].starts_with("jobs.d/more.toml:5:10: error: target `app` is defined twice (first at jobs.toml:1:10)")
    );
}

#[test]
fn settings_and_defaults_stand_only_in_the_main_file() {
    let folder = folder(&[
        ("jobs.toml", APP),
        ("jobs.d/more.toml", "[sexton]\ntimezone = \"UTC\"\n[defaults]\ntimeout = \"1m\"\n"),
    ]);
    let told = told(&folder);
    assert!(told[0].starts_with("jobs.d/more.toml:1:2: error: [sexton] stands only in the main file"), "{told:#?}");
    assert!(told[1].starts_with("jobs.d/more.toml:3:2: error: [defaults] stands only in the main file"), "{told:#?}");
}

/// Seed E3: a rejected job is not counted as scheduled: nothing of the files is used.
#[test]
fn all_errors_of_all_files_come_in_one_report_in_the_order_of_the_files() {
    let folder = folder(&[
        (
            "jobs.toml",
            &format!(
                "{APP}{JOB_A}timout = \"1s\"\nmethod = \"get\"\n[jobs.good]\nschedule = \"every 1h\"\npath = \"/\"\n"
            ),
        ),
        ("jobs.d/a.toml", "[jobs.b]\npath = \"b\"\n"),
        ("jobs.d/b.toml", "[jobs.c\n"),
    ]);
    let places: Vec<String> =
        told(&folder).iter().map(|line| line.splitn(4, ':').take(3).collect::<Vec<_>>().join(":")).collect();
    assert_eq!(places, ["jobs.toml:6:1", "jobs.toml:7:10", "jobs.d/a.toml:2:8", "jobs.d/b.toml:1:8"]);
}

#[test]
fn a_missing_file_is_an_error_that_says_what_to_do() {
    let folder = folder(&[]);
    let told = told(&folder);
    assert!(told[0].starts_with("jobs.toml: error: there is no such file; help: name the file"), "{told:#?}");
    fs::create_dir(folder.path().join("jobs.toml")).unwrap();
    let told = lines(load_path(&folder.path().join("jobs.toml")));
    assert!(told[0].contains("error: cannot read the file"), "{told:#?}");
}

#[test]
fn bytes_that_are_not_utf8_have_a_place_too() {
    let folder = folder(&[("jobs.toml", "")]);
    fs::write(folder.path().join("jobs.toml"), b"# \xc3\xa4\n# \xff\n").unwrap();
    assert!(told(&folder)[0].starts_with("jobs.toml:2:3: error: this is not UTF-8"));
}

#[test]
fn columns_count_characters_and_lines_count_any_ending() {
    let column_of = |text: &str| line(load_text(text)).split(": error").next().unwrap().to_owned();
    let job = "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\n";
    assert_eq!(column_of(&format!("{APP}{job}json = {{ \"äöü🔔\" = nan }}\n")), "jobs.toml:6:19");
    assert_eq!(
        column_of(
            &format!("{APP}{job}headers = {{ \"äöü🔔\" = \"x\", X-B = 1 }}\n")
                .replace("\"äöü🔔\" = \"x\"", "X-A = \"~\"")
        ),
        "jobs.toml:6:30"
    );
    let windows = format!("{APP}{job}# ä\ntimeout = 5\n").replace('\n', "\r\n");
    assert_eq!(column_of(&windows), "jobs.toml:7:11");
    assert_eq!(column_of("\u{feff}sextn = 1\n"), "jobs.toml:1:1");
    assert_eq!(column_of("[sexton]\nsextn = 1"), "jobs.toml:2:1");
}

/// The error inside a schedule is where the schedule room says, not where the string begins.
#[test]
fn an_error_in_a_schedule_points_into_the_string() {
    let place = |schedule: &str| {
        let told = lines(load_text(&format!("{APP}[jobs.a]\npath = \"/ä\"\nschedule = {schedule}\n")));
        told[0].split(": error").next().unwrap().to_owned()
    };
    assert_eq!(place("\"0 25 * * *\""), "jobs.toml:5:15");
    assert_eq!(place("'0 25 * * *'"), "jobs.toml:5:15");
    assert_eq!(place("[\"every 1h\", \"0 25 * * *\"]"), "jobs.toml:5:28");
    assert_eq!(place("\"\"\"0 25 * * *\"\"\""), "jobs.toml:5:17");
    assert_eq!(place("\"\\u0030 25 * * *\""), "jobs.toml:5:12");
}

#[test]
fn the_fingerprint_tells_names_and_texts_apart() {
    let files = folder(&[("jobs.toml", APP), ("jobs.d/a.toml", JOB_A)]);
    let read = || fingerprint(&read_sources(&files.path().join("jobs.toml")).unwrap(), &[]);
    let before = read();
    assert_eq!(before, read());
    fs::rename(files.path().join("jobs.d/a.toml"), files.path().join("jobs.d/b.toml")).unwrap();
    assert_ne!(before, read());
}

#[test]
fn the_report_for_a_terminal_shows_the_line() {
    let report = job_a("timout = \"1s\"").unwrap_err();
    insta::assert_snapshot!("terminal", render(&report.findings, &report.sources, false));
    assert!(render(&report.findings, &report.sources, true).contains("\u{1b}["));
}

fn with_body(name: &str) -> String {
    format!("{APP}[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nbody_file = \"{name}\"\n")
}

#[test]
fn a_body_file_is_read_with_the_definitions() {
    for (name, content, media_type) in [
        ("body.json", &b"{\"full\": true}"[..], "application/json"),
        ("bodies/a.txt", "Pražská".as_bytes(), "text/plain; charset=utf-8"),
        ("./raw", &[0xff, 0x00], "application/octet-stream"),
        ("empty", b"", "text/plain; charset=utf-8"),
    ] {
        let folder = folder(&[("jobs.toml", &with_body(name)), ("bodies/a.txt", "")]);
        fs::write(folder.path().join(name), content).unwrap();
        let job = load_path(&folder.path().join("jobs.toml")).unwrap().definitions.jobs["a"].clone();
        assert_eq!(job.body, Body::File { bytes: content.into(), media_type }, "{name}");
        fs::write(folder.path().join(name), "something else").unwrap();
        let other = load_path(&folder.path().join("jobs.toml")).unwrap().definitions.jobs["a"].clone();
        assert_ne!(job.hash, other.hash, "{name}");
    }
}

/// A jobs.toml that somebody else may write gives nobody the files that Sexton may read.
#[test]
fn a_body_file_stays_under_the_folder_of_jobs_toml() {
    let outside = folder(&[("secret", "x")]);
    for (name, said) in [
        ("/etc/hostname", "leads out of the folder"),
        ("../secret", "leads out of the folder"),
        ("a/../../secret", "leads out of the folder"),
        ("", "leads out of the folder"),
        ("link", "is a link that leads out of the folder"),
        ("missing", "cannot be read: No such file"),
        ("sub", "cannot be read: it is no file"),
        ("large", "more than 1 MiB"),
    ] {
        let folder = folder(&[("jobs.toml", &with_body(name)), ("sub/x", ""), ("large", &"x".repeat((1 << 20) + 1))]);
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("link")).unwrap();
        let told = told(&folder);
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].starts_with("jobs.toml:6:13: error: `body_file = ") && told[0].contains(said), "{told:#?}");
    }
    // As Kubernetes mounts it: the folder's own links are fine.
    let folder = folder(&[("..1/jobs.toml", &with_body("body")), ("..1/body", "inside")]);
    std::os::unix::fs::symlink("..1", folder.path().join("..data")).unwrap();
    for name in ["jobs.toml", "body"] {
        std::os::unix::fs::symlink(format!("..data/{name}"), folder.path().join(name)).unwrap();
    }
    assert!(load_path(&folder.path().join("jobs.toml")).is_ok());
}

/// Guarantee G6: a body is a part of the definitions; it is seen when it changes, and when it comes to be there at last.
#[tokio::test(start_paused = true)]
async fn a_changed_body_file_is_news() {
    let folder = folder(&[("jobs.toml", &with_body("body"))]);
    let path = folder.path().join("jobs.toml");
    let mut watch = FileWatch::new(path.clone());
    let report = load_path(&path).unwrap_err();
    watch.knows(&report.sources, &report.attachments);
    assert!(watch.look(false).await.is_none(), "nothing is new");
    fs::write(folder.path().join("body"), "first").unwrap();
    assert!(watch.look(false).await.is_some(), "it is there");
    let loaded = load_path(&path).unwrap();
    watch.knows(&loaded.sources, &loaded.attachments);
    assert!(watch.look(true).await.is_none());
    fs::write(folder.path().join("body"), "second, and longer").unwrap();
    assert!(watch.look(false).await.is_some(), "it is another");
    assert_ne!(load_path(&path).unwrap().fingerprint, loaded.fingerprint);
}
