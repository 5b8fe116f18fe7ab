//! `sexton add`, `set` and `remove`.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::ExitCode};

use sexton::{
    cli::{edit as command, setting::Screen},
    job::edit::{self, Assignment, EditError},
};

use super::commands::output;

const FILE: &str = "#:schema ./jobs.schema.json
# All of our jobs.

[targets.app]
base_url = \"http://app:8000\"   # the app

# -- nightly --

# Pulls everything.
[jobs.nightly]
schedule   = 'daily 03:00'     # when nobody looks
path = \"/sync\"
headers = { X-Org = \"acme\" }
# timeout = \"15m\"

# Looks whether the app is there.
[jobs.health]
schedule = \"every 5m\"
path = \"/health\"
method = \"GET\"
[jobs.health.dst]
gap = \"skip\"
# the end
";

fn assignments(texts: &[&str]) -> Vec<Assignment> {
    texts.iter().map(|text| Assignment::parse(text).unwrap()).collect()
}

fn set(text: &str, job: &str, changes: &[&str]) -> String {
    edit::set(text, job, &assignments(changes), &[]).unwrap()
}

#[test]
fn set_touches_only_the_value() {
    assert_eq!(
        set(FILE, "nightly", &["schedule=every 1h"]),
        FILE.replace("'daily 03:00'", "\"every 1h\""),
        "the comment behind the value stays"
    );
    assert_eq!(set(FILE, "health", &["dst.gap=run_after"]), FILE.replace("gap = \"skip\"", "gap = \"run_after\""));
    assert_eq!(set(FILE, "nightly", &["headers.X-Org=other"]), FILE.replace("\"acme\"", "\"other\""));
}

#[test]
fn set_adds_keys_and_tables() {
    let added = set(FILE, "nightly", &["timeout=15m", "dst.overlap=both", "headers.X-Key={ env = \"KEY\" }"]);
    let expected = FILE.replace(
        "headers = { X-Org = \"acme\" }\n",
        "headers = { X-Org = \"acme\", X-Key = { env = \"KEY\" } }\ntimeout = \"15m\"\ndst = { overlap = \"both\" }\n",
    );
    assert_eq!(added, expected);
}

#[test]
fn values_are_read_as_their_keys_take_them() {
    for (written, toml) in [
        ("description=five", "description = \"five\""),
        ("description=5", "description = \"5\""),
        ("description=a=b", "description = \"a=b\""),
        ("enabled=false", "enabled = false"),
        ("enabled=no", "enabled = \"no\""),
        ("timeout=5", "timeout = \"5\""),
        ("schedule=[\"every 1h\", \"daily 03:00\"]", "schedule = [\"every 1h\", \"daily 03:00\"]"),
        ("json={\"b\": [1, 2.5, true, \"x\"]}", "json = { b = [1, 2.5, true, \"x\"] }"),
        ("json=\"text\"", "json = \"text\""),
        ("json.full=true", "json = { full = true }"),
        ("expect.status=2xx, 404", "expect = { status = [\"2xx\", 404] }"),
        ("expect.json.\"/errors\"=0", "expect = { json = { \"/errors\" = 0 } }"),
        ("expect.contains=5", "expect = { contains = \"5\" }"),
        ("retry.attempts=3", "retry = { attempts = 3 }"),
        ("retry.factor=2", "retry = { factor = 2 }"),
        ("retry.factor=1.5", "retry = { factor = 1.5 }"),
        ("retry.on=connect, 5xx, 429", "retry = { on = [\"connect\", \"5xx\", 429] }"),
        ("jitter=5m", "jitter = \"5m\""),
        ("idempotent=true", "idempotent = true"),
        ("cancel.path=/jobs/{id}", "cancel = { path = \"/jobs/{id}\" }"),
        ("poll.success=done, 1", "poll = { success = [\"done\", \"1\"] }"),
        ("poll={ url = \"location\" }", "poll = { url = \"location\" }"),
        ("headers={ X-A = \"1\" }", "headers = { X-A = \"1\" }"),
        ("headers.\"X.A\"=1", "headers = { \"X.A\" = \"1\" }"),
        ("headers.X-A.env=KEY", "headers = { X-A = { env = \"KEY\" } }"),
    ] {
        let text = edit::add("", "a", &assignments(&[written])).unwrap();
        assert_eq!(text, format!("[jobs.a]\n{toml}\n"), "{written}");
    }
    for written in
        ["timeout", "=5m", "", "json={", "json={\"a\":null}", "json=18446744073709551615", "headers=x", "a b=c"]
    {
        assert!(Assignment::parse(written).is_err(), "{written}");
    }
}

#[test]
fn unset_takes_keys_out() {
    let path = |key: &str| vec![edit::key_path(key).unwrap()];
    let without = edit::set(FILE, "health", &[], &path("method")).unwrap();
    assert_eq!(without, FILE.replace("method = \"GET\"\n", ""));
    let missing = edit::set(FILE, "health", &[], &path("dst.overlap")).unwrap_err();
    assert_eq!(missing, EditError::NoSuchKey { job: "health".to_owned(), key: "dst.overlap".to_owned() });
}

#[test]
fn add_writes_behind_the_other_jobs_and_their_comments() {
    let added = edit::add(FILE, "new:one", &assignments(&["schedule=every 1h", "path=/new"])).unwrap();
    assert_eq!(added, format!("{FILE}\n[jobs.\"new:one\"]\nschedule = \"every 1h\"\npath = \"/new\"\n"));
    let with_target = format!("{FILE}\n# another\n[targets.b]\nbase_url = \"http://b\"\n");
    let added = edit::add(&with_target, "c", &assignments(&["path=/c"])).unwrap();
    assert_eq!(added, with_target.replace("# the end\n", "# the end\n\n[jobs.c]\npath = \"/c\"\n"));
    assert_eq!(
        edit::add("# only this", "c", &assignments(&["path=/c"])).unwrap(),
        "# only this\n\n[jobs.c]\npath = \"/c\"\n"
    );
    assert_eq!(edit::add(FILE, "nightly", &[]).unwrap_err(), EditError::Exists("nightly".to_owned()));
}

#[test]
fn remove_takes_the_comments_that_belong_to_the_job_and_no_others() {
    let removed = edit::remove(FILE, "nightly").unwrap();
    let (head, rest) = FILE.split_once("# Pulls everything.").unwrap();
    let (_, tail) = rest.split_once("# timeout = \"15m\"\n\n").unwrap();
    assert_eq!(removed, format!("{head}{tail}"));
    let removed = edit::remove(FILE, "health").unwrap();
    assert_eq!(removed, FILE.split_once("\n# Looks whether").unwrap().0);
    assert_eq!(edit::remove(FILE, "nigthly").unwrap_err(), EditError::Missing("nigthly".to_owned()));
}

#[test]
fn the_line_for_editors_stays_when_the_first_job_goes() {
    let text = "#:schema ./jobs.schema.json\n[jobs.a]\npath = \"/a\"\n# of b\n[jobs.b]\npath = \"/b\"\n";
    assert_eq!(edit::remove(text, "a").unwrap(), "#:schema ./jobs.schema.json\n# of b\n[jobs.b]\npath = \"/b\"\n");
}

#[test]
fn jobs_written_inline_or_with_dotted_keys_can_be_edited_too() {
    let text =
        "[jobs]\na = { path = \"/a\", schedule = \"every 1h\" }  # one\nb.path = \"/b\"\nb.schedule = \"every 1h\"\n";
    assert_eq!(set(text, "a", &["path=/x"]), text.replace("/a", "/x"));
    assert_eq!(set(text, "b", &["path=/x"]), text.replace("/b", "/x"));
    assert_eq!(edit::remove(text, "b").unwrap(), text.split_once("b.path").unwrap().0);
    assert!(edit::remove(text, "a").unwrap().starts_with("[jobs]\nb.path"));
}

#[test]
fn line_endings_and_the_byte_order_mark_stay() {
    let windows = format!("\u{feff}{}", FILE.replace('\n', "\r\n"));
    assert_eq!(set(&windows, "nightly", &["path=/x"]), windows.replace("/sync", "/x"));
    let added = edit::add(&windows, "c", &assignments(&["path=/c"])).unwrap();
    assert_eq!(added, format!("{windows}\r\n[jobs.c]\r\npath = \"/c\"\r\n"));
    assert_eq!(edit::remove(&added, "c").unwrap(), windows);
}

/// What was added and is taken out again leaves no trace.
#[test]
fn add_and_remove_are_inverse() {
    for text in [FILE, include_str!("../../../jobs.toml"), "", "[targets.app]\nbase_url = \"http://a\"\n"] {
        let added = edit::add(text, "new", &assignments(&["schedule=every 1h", "path=/new"])).unwrap();
        assert_eq!(edit::remove(&added, "new").unwrap(), text);
    }
}

#[test]
fn a_value_cannot_break_out_of_its_string() {
    let nasty = "x\"\n[targets.evil]\nbase_url = \"http://evil";
    let text = edit::add("", "a", &assignments(&[&format!("description={nasty}")])).unwrap();
    let document: toml_edit::DocumentMut = text.parse().unwrap();
    assert_eq!(document["jobs"]["a"]["description"].as_str(), Some(nasty));
    assert!(!document.contains_key("targets"));
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.toml");
    fs::write(&path, FILE).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    (folder, path)
}

fn set_args(path: &std::path::Path, change: &str) -> command::SetArgs {
    let assignments = vec![change.to_owned()];
    command::SetArgs { name: "nightly".to_owned(), assignments, unset: Vec::new(), file: path.to_owned() }
}

/// Seed E2: what would not check is not written.
#[tokio::test]
async fn a_change_that_would_not_check_is_refused() {
    let (_folder, path) = file();
    for change in ["timout=5m", "timeout=5", "schedule=sometimes", "path=sync", "target=other"] {
        let (code, text) = output(command::set, &set_args(&path, change), Screen::Pipe).await;
        assert_eq!(code.unwrap(), ExitCode::from(2), "{change}");
        assert!(text.contains("error: ") && text.contains("nothing was written"), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), FILE, "{change}");
    }
    let add =
        command::AddArgs { name: "half".to_owned(), assignments: vec!["path=/half".to_owned()], file: path.clone() };
    let (code, text) = output(command::add, &add, Screen::Pipe).await;
    assert_eq!(code.unwrap(), ExitCode::from(2));
    assert!(text.contains("[jobs.half] has no `schedule`"), "{text}");
    assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
}

#[tokio::test]
async fn the_file_is_replaced_whole_with_its_permissions_and_links_are_followed() {
    let (folder, path) = file();
    let link = folder.path().join("link.toml");
    std::os::unix::fs::symlink("jobs.toml", &link).unwrap();
    let (code, text) = output(command::set, &set_args(&link, "timeout=10m"), Screen::Pipe).await;
    assert_eq!(code.unwrap(), ExitCode::SUCCESS, "{text}");
    assert!(
        text.contains("changed job `nightly`") && text.contains("it fires next at 2026-03-11T03:00:00+00:00"),
        "{text}"
    );
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&path).unwrap().contains("timeout = \"10m\""));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[tokio::test]
async fn add_and_remove_work_on_files_and_jobs_d() {
    let (folder, path) = file();
    fs::create_dir(folder.path().join("jobs.d")).unwrap();
    let more = folder.path().join("jobs.d/more.toml");
    fs::write(&more, "[jobs.extra]\nschedule = \"every 1h\"\npath = \"/e\"\n").unwrap();
    let add = |name: &str| command::AddArgs {
        name: name.to_owned(),
        assignments: vec!["schedule=every 1h".to_owned(), "path=/n".to_owned()],
        file: path.clone(),
    };
    assert_eq!(output(command::add, &add("new"), Screen::Pipe).await.0.unwrap(), ExitCode::SUCCESS);
    assert!(fs::read_to_string(&path).unwrap().ends_with("[jobs.new]\nschedule = \"every 1h\"\npath = \"/n\"\n"));
    let twice = output(command::add, &add("extra"), Screen::Pipe).await.0.unwrap_err();
    assert!(twice.to_string().contains("jobs.d/more.toml already"), "{twice}");
    let remove = |name: &str| command::RemoveArgs { name: name.to_owned(), file: path.clone() };
    for name in ["new", "extra"] {
        assert_eq!(output(command::remove, &remove(name), Screen::Pipe).await.0.unwrap(), ExitCode::SUCCESS);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
    assert_eq!(fs::read_to_string(&more).unwrap(), "");
    assert!(output(command::remove, &remove("new"), Screen::Pipe).await.0.is_err());
}

/// A file that is itself a bind mount, as `docker run -v ./jobs.toml:/jobs.toml` makes it, cannot be renamed over. Needs a
/// machine that lets us mount; elsewhere it says so.
#[test]
fn a_file_that_is_a_mount_point_is_written_in_place() {
    let (folder, _) = file();
    fs::write(folder.path().join("mounted"), FILE).unwrap();
    let test = std::env::current_exe().unwrap();
    let script = format!(
        "mount --bind mounted jobs.toml || exit 77; exec {} --exact --ignored job::edit::inside_the_mount",
        test.display()
    );
    let made = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .current_dir(folder.path())
        .output();
    match made {
        Ok(output) if output.status.success() => {
            assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
            let mounted = fs::read_to_string(folder.path().join("mounted")).unwrap();
            assert_eq!(mounted, FILE.replace("/sync", "/elsewhere"));
            assert_eq!(fs::read_to_string(folder.path().join("jobs.toml")).unwrap(), FILE, "the mount is over");
        }
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains("running 1 test") => {
            panic!("{}", String::from_utf8_lossy(&output.stdout));
        }
        cannot => eprintln!("not tested, this machine lets nobody mount: {cannot:?}"),
    }
}

#[tokio::test]
#[ignore = "run by the test above, in a mount namespace"]
async fn inside_the_mount() {
    let path = PathBuf::from("jobs.toml");
    let (code, text) = output(command::set, &set_args(&path, "path=/elsewhere"), Screen::Pipe).await;
    assert_eq!(code.unwrap(), ExitCode::SUCCESS, "{text}");
    assert!(text.contains("(in place"), "{text}");
}
