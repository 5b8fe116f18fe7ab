//! The holder of the shared secret.

use std::fs;

use sexton::{
    credentials::{Config, Credentials, TOKEN, TOKEN_FILE},
    job::Auth,
};

use super::showing;
use crate::dispatch::{
    log::Log,
    orders::{SECRET, from_value},
};

const NEW: &str = "the-shared-secret-after-the-rotation-42";

const SHARED: Auth = Auth::SharedSecret { header: None };

/// An app refuses what is sent: is there anything else by now?
async fn another(credentials: &Credentials) -> bool {
    let shown = showing(credentials, &SHARED).await.unwrap();
    credentials.another(&shown).await
}

fn sent(credentials: &Credentials) -> String {
    credentials.current().unwrap().current().expose().to_owned()
}

/// Seed A14: the sidecar's half trims as the app's does, for both go through one loader.
#[test]
fn a14_a_value_and_a_file_are_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("\n  {SECRET}\t\r\n\n {NEW}")).unwrap();
    let from_file = Credentials::load(Config::file(&file));
    assert_eq!(sent(&from_file), SECRET);
    assert_eq!(sent(&Credentials::load(from_value(&format!(" {SECRET}\n")))), SECRET);

    let accepted: Vec<String> = from_file.known().iter().map(|secret| secret.expose().to_owned()).collect();
    assert_eq!(accepted, [SECRET, NEW]);
}

/// Seed A14: what the app refuses, the sidecar refuses too, and says why without the value.
#[test]
fn a14_a_bad_value_is_refused() {
    for (value, expected) in [
        ("", "SCHEDULER_API_TOKEN is empty"),
        ("  \n", "SCHEDULER_API_TOKEN is empty"),
        ("short-one", "has 9 characters"),
        ("a-secret-that-is-long-enough-but-nöt-ascii", "non-ASCII"),
        ("changeme-changeme-changeme-changeme-changeme", "placeholder"),
    ] {
        let error = Credentials::load(from_value(value)).current().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(value.trim().is_empty() || !error.contains(value.trim()));
    }
}

#[test]
fn nothing_set_names_both_variables() {
    let credentials = Credentials::load(Config::from_lookup(|_| None).unwrap());
    let error = credentials.current().unwrap_err().to_string();
    assert!(error.contains("SCHEDULER_API_TOKEN,") && error.contains("SCHEDULER_API_TOKEN_FILE"), "{error}");
}

#[test]
fn both_set_is_an_error_that_names_both() {
    let error = Config::from_lookup(|_| Some("x".to_owned())).unwrap_err().to_string();
    assert!(error.contains("SCHEDULER_API_TOKEN and SCHEDULER_API_TOKEN_FILE"), "{error}");
}

/// A compose file passes an unset variable on as an empty one.
#[test]
fn a_blank_variable_next_to_the_other_is_unset() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, NEW).unwrap();
    let path = file.to_str().unwrap().to_owned();
    let lookup = |value: &'static str, path: String| {
        move |name: &str| match name {
            TOKEN => Some(value.to_owned()),
            TOKEN_FILE => Some(path.clone()),
            _ => None,
        }
    };
    assert_eq!(sent(&Credentials::load(Config::from_lookup(lookup(" ", path)).unwrap())), NEW);
    assert_eq!(sent(&Credentials::load(Config::from_lookup(lookup(SECRET, String::new())).unwrap())), SECRET);
}

#[tokio::test]
async fn a_value_from_a_variable_never_changes() {
    assert!(!another(&Credentials::load(from_value(SECRET))).await);
}

/// Seed D4: the last good secret is kept; the trouble shows, is logged once per kind, and ends.
#[tokio::test]
async fn trouble_is_kept_until_the_file_is_good_again() {
    let log = Log::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, SECRET).unwrap();
    let credentials = Credentials::load(Config::file(&file));
    assert!(credentials.troubles([&SHARED]).is_empty());

    for (content, errors) in [("", 1), ("", 1), ("too-short-but-a-secret", 2), ("too-short-but-a-secret", 2)] {
        fs::write(&file, content).unwrap();
        assert!(!another(&credentials).await);
        assert_eq!(sent(&credentials), SECRET);
        assert_eq!(credentials.troubles([&SHARED]).len(), 1);
        assert_eq!(log.errors(), errors, "{}", log.text());
    }

    fs::write(&file, NEW).unwrap();
    assert!(another(&credentials).await);
    assert!(credentials.troubles([&SHARED]).is_empty());
    assert_eq!(sent(&credentials), NEW);
    let text = log.text();
    assert!(!text.contains("too-short-but-a-secret") && !text.contains(SECRET) && !text.contains(NEW), "{text}");
}

/// Guarantee G5: an app may still echo what was replaced.
#[tokio::test]
async fn a_replaced_secret_stays_known() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, SECRET).unwrap();
    let credentials = Credentials::load(Config::file(&file));
    for content in [NEW, SECRET, NEW] {
        fs::write(&file, content).unwrap();
        assert!(another(&credentials).await);
    }
    let known: Vec<String> = credentials.known().iter().map(|secret| secret.expose().to_owned()).collect();
    assert_eq!(known, [NEW, SECRET], "each of them once, the one in force first");
}

/// A refusal that arrives after another one already brought the new secret needs no disk.
#[tokio::test]
async fn a_late_refusal_of_the_old_secret_finds_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, SECRET).unwrap();
    let credentials = Credentials::load(Config::file(&file));
    let early = showing(&credentials, &SHARED).await.unwrap();
    let late = showing(&credentials, &SHARED).await.unwrap();
    fs::write(&file, NEW).unwrap();
    assert!(credentials.another(&early).await);
    fs::remove_file(&file).unwrap();
    assert!(credentials.another(&late).await);
    assert!(credentials.troubles([&SHARED]).is_empty());
}

/// A file that was missing at start is found when it is there.
#[tokio::test]
async fn a_file_that_comes_later_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let credentials = Credentials::load(Config::file(&file));
    assert!(credentials.current().unwrap_err().to_string().contains("cannot read the secret file"));
    assert!(showing(&credentials, &SHARED).await.is_err());
    fs::write(&file, SECRET).unwrap();
    assert_eq!(showing(&credentials, &SHARED).await.unwrap().secret().expose(), SECRET);
    assert_eq!(sent(&credentials), SECRET);
}
