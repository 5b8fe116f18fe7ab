//! `sexton secret`.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::ExitCode,
};

use clap::Parser;
use sexton::{
    cli::secret::{self, SecretArgs},
    credentials::{TOKEN, TOKEN_FILE},
    entropy::Entropy,
};

use crate::dispatch::orders::SECRET;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: SecretArgs,
}

/// What the command prints, or the message it fails with.
pub(crate) fn secret(line: &[&str], environment: &[(&str, &str)]) -> Result<String, String> {
    let args = Line::try_parse_from([&["secret"], line].concat()).map_err(|error| error.to_string())?.args;
    let lookup = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let mut out = Vec::new();
    let code = secret::run(args, lookup, Entropy::System, &mut out).map_err(|error| format!("{error:?}"))?;
    assert_eq!(code, ExitCode::SUCCESS);
    Ok(String::from_utf8(out).unwrap())
}

pub(super) fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o7777
}

/// Seed A10: 64 hex digits, 0600, made once, kept over reboots.
#[test]
fn a10_ensure_makes_a_secret_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    let out = secret(&["ensure", path], &[]).unwrap();
    let value = fs::read_to_string(&file).unwrap();
    let digits = value.strip_suffix('\n').unwrap();
    assert!(digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "64 hex digits");
    assert_eq!(mode(&file), 0o600);
    assert_eq!(out, format!("{path}: made, 64 characters\n"));

    let again = secret(&["ensure", path], &[]).unwrap();
    assert_eq!(again, format!("{path}: was there already, left as it is, 64 characters\n"));
    assert_eq!(fs::read_to_string(&file).unwrap(), value);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left in the folder");

    let other = folder.path().join("other");
    secret(&["ensure", other.to_str().unwrap()], &[]).unwrap();
    assert_ne!(fs::read_to_string(&other).unwrap(), value);
}

/// Seed A10: one file for the two services, whose users share a group.
#[test]
fn a10_a_group_may_read_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let own_group = fs::metadata(folder.path()).unwrap().gid().to_string();
    secret(&["ensure", file.to_str().unwrap(), "--group", &own_group], &[]).unwrap();
    assert_eq!(mode(&file), 0o640);
    assert_eq!(fs::metadata(&file).unwrap().gid().to_string(), own_group);
}

/// Seed A10: of many that start at once, one makes it; nobody ever sees it half made or too open.
#[test]
fn a10_a_race_has_one_winner() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    let outs: Vec<String> = std::thread::scope(|scope| {
        let watch = || loop {
            if let Ok(value) = fs::read_to_string(&file) {
                return (value.len(), mode(&file));
            }
        };
        let watching = scope.spawn(watch);
        let all: Vec<_> = (0..16).map(|_| scope.spawn(|| secret(&["ensure", path], &[]).unwrap())).collect();
        assert_eq!(watching.join().unwrap(), (65, 0o600), "at first sight");
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(outs.iter().filter(|out| out.contains(": made,")).count(), 1, "{outs:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Seed A10: what is there is never overwritten, however bad; the one loader says what is wrong with it.
#[test]
fn a10_an_unusable_file_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    for (content, expected) in
        [("", "is empty"), ("short", "has 5 characters"), ("has a space, and is long enough for it", "space")]
    {
        let file = folder.path().join("token");
        fs::write(&file, content).unwrap();
        let error = secret(&["ensure", file.to_str().unwrap()], &[]).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), content);
    }
}

#[test]
fn ensure_says_which_folder_is_missing() {
    let error = secret(&["ensure", "/nonexistent/folder/token"], &[]).unwrap_err();
    assert!(error.contains("/nonexistent/folder/token"), "{error}");
}

#[test]
fn check_loads_as_run_would() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{SECRET}\n{SECRET}-before\n")).unwrap();
    let path = file.to_str().unwrap();
    let length = SECRET.len();
    let from_file = format!("{path}: usable, {length} characters, and 1 more that the app accepts\n");

    assert_eq!(secret(&["check", path], &[(TOKEN, "ignored")]).unwrap(), from_file);
    assert_eq!(secret(&["check"], &[(TOKEN_FILE, path)]).unwrap(), from_file);
    let from_value = format!("SCHEDULER_API_TOKEN: usable, {length} characters\n");
    assert_eq!(secret(&["check"], &[(TOKEN, &format!(" {SECRET} "))]).unwrap(), from_value);
}

/// Seed A28 for secrets: what is of no use is an error that names the variable, never a default.
#[test]
fn check_refuses_what_is_of_no_use() {
    for (environment, expected) in [
        (&[][..], "SCHEDULER_API_TOKEN_FILE"),
        (&[(TOKEN, "")], "SCHEDULER_API_TOKEN is empty"),
        (&[(TOKEN, "too-short")], "SCHEDULER_API_TOKEN has 9 characters"),
        (&[(TOKEN, "x"), (TOKEN_FILE, "y")], "both set"),
        (&[(TOKEN_FILE, "/nonexistent/token")], "/nonexistent/token"),
    ] {
        let error = secret(&["check"], environment).unwrap_err();
        assert!(
            error.replace(['\n', '│'], " ").split_whitespace().collect::<Vec<_>>().join(" ").contains(expected),
            "{error}"
        );
        assert!(!error.contains("too-short"));
    }
}

/// Guarantee G5: nothing prints the value, and the help says how to use it.
#[test]
fn the_value_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    let made = secret(&["ensure", path], &[]).unwrap();
    let value = fs::read_to_string(&file).unwrap();
    let checked = secret(&["check", path], &[]).unwrap();
    assert!(!made.contains(value.trim()) && !checked.contains(value.trim()));
    let help = secret(&["ensure", "--help"], &[]).unwrap_err();
    assert!(help.contains("0640") && help.contains("Example"), "{help}");
}
