//! Changing the secret while the app runs.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    process::Command,
    sync::Arc,
    time::Duration,
};

use chrono::DateTime;
use rustix::fs::OFlags;
use sexton::{
    auth::{Auth, Config, InMemory},
    clock::VirtualClock,
    entropy::Entropy,
};
use tempfile::NamedTempFile;

use super::{app, auth, config, me};
use crate::support::{app::secret, logs::Logs};

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, text).unwrap();
    file
}

fn from(file: &NamedTempFile) -> Config {
    config(&[("SCHEDULER_API_TOKEN_FILE", file.path())])
}

async fn on_virtual_time(config: Config) -> axum::Router {
    let clock = Arc::new(VirtualClock::at(DateTime::UNIX_EPOCH));
    app(Auth::start(config, InMemory::default(), clock).await)
}

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

/// Seed A10: 64 hex digits in a file of mode 0600, as the sidecar's side makes it, are taken without a warning.
#[tokio::test]
async fn a10_a_made_secret_is_loaded() {
    let made = Entropy::System.hex::<32>();
    let file = file(&format!("{made}\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let logs = Logs::capture();
    let app = app(auth(from(&file)).await);
    assert_eq!(me(&app, bearer(&made)).await, 200);
    assert_eq!(logs.lines("WARN"), Vec::<String>::new());
}

/// Every line of the file is accepted, and so is the variable of the secret before.
#[tokio::test]
async fn all_secrets_are_accepted() {
    let [first, second, before] = ["a1", "b2", "c3"].map(|part| part.repeat(20));
    let file = file(&format!("{first}\n\n{second}\r\n"));
    let variables = [
        ("SCHEDULER_API_TOKEN_FILE", file.path().as_os_str().to_owned()),
        ("SCHEDULER_API_TOKEN_PREVIOUS", before.clone().into()),
    ];
    let app = app(auth(config(&variables)).await);
    for accepted in [&first, &second, &before] {
        assert_eq!(me(&app, bearer(accepted)).await, 200);
    }
    assert_eq!(me(&app, bearer(&format!("{first}{second}"))).await, 401);
}

/// A bad secret of before does not spoil the good one of now, and a good one of before is nothing without one of now.
#[tokio::test]
async fn the_previous_secret_stands_beside_the_current_one() {
    let both = [("SCHEDULER_API_TOKEN", secret()), ("SCHEDULER_API_TOKEN_PREVIOUS", "short".to_owned())];
    let app_with_both = app(auth(config(&both)).await);
    assert_eq!(me(&app_with_both, bearer(&secret())).await, 200);
    assert_eq!(me(&app_with_both, bearer("short")).await, 401);
    let alone = app(auth(config(&[("SCHEDULER_API_TOKEN_PREVIOUS", secret())])).await);
    assert_eq!(me(&alone, bearer(&secret())).await, 401);
}

/// Seed A11, without the restart: an unknown bearer makes the app read the file again, once a second at most.
#[tokio::test(start_paused = true)]
async fn a11_a_new_secret_is_known_within_a_second() {
    let (old, new) = ("a1".repeat(20), "b2".repeat(20));
    let file = file(&old);
    let app = on_virtual_time(from(&file)).await;
    fs::write(&file, format!("{new}\n{old}\n")).unwrap();
    assert_eq!(me(&app, bearer(&new)).await, 401, "the file was read less than a second ago");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(me(&app, bearer(&new)).await, 200);
    assert_eq!(me(&app, bearer(&old)).await, 200);
}

/// A secret that was dropped is refused although only its owner still calls.
#[tokio::test(start_paused = true)]
async fn a_dropped_secret_is_forgotten() {
    let (old, new) = ("a1".repeat(20), "b2".repeat(20));
    let file = file(&old);
    let app = on_virtual_time(from(&file)).await;
    assert_eq!(me(&app, bearer(&old)).await, 200);
    fs::write(&file, &new).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(me(&app, bearer(&old)).await, 401);
}

/// What turns bad while running leaves the last good one in place, with one warning.
#[tokio::test(start_paused = true)]
async fn a_file_that_turns_bad_keeps_the_last_good_secret() {
    let old = "a1".repeat(20);
    let file = file(&old);
    let app = on_virtual_time(from(&file)).await;
    let logs = Logs::capture();
    for bad in ["short", "", "two words"] {
        fs::write(&file, bad).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(me(&app, bearer(&old)).await, 200);
        assert_eq!(me(&app, bearer(bad)).await, 401);
    }
    assert_eq!(logs.lines("WARN").len(), 1, "{}", logs.text());
}

/// While the file hangs one request waits for it, and that one for a second; the others go by the secret that is known. It
/// is read again when it hangs no longer.
#[tokio::test(start_paused = true)]
async fn a_file_that_hangs_delays_nobody_else() {
    let (old, new) = ("a1".repeat(20), "b2".repeat(20));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, &old).unwrap();
    let app = on_virtual_time(config(&[("SCHEDULER_API_TOKEN_FILE", path.as_path())])).await;
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    tokio::time::advance(Duration::from_secs(1)).await;
    let (asking, bearer_then) = (app.clone(), bearer(&old));
    let first = tokio::spawn(async move { me(&asking, bearer_then).await });
    let hanging = loop {
        // It can be opened for writing as soon as somebody reads.
        match OpenOptions::new().write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(&path) {
            Ok(pipe) => break pipe,
            Err(_nobody_reads) => tokio::task::yield_now().await,
        }
    };
    let at_once = async || {
        tokio::select! {
            biased;
            status = me(&app, bearer(&old)) => assert_eq!(status, 200),
            () = std::future::ready(()) => panic!("it waits for the file"),
        }
    };
    at_once().await;
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::task::yield_now().await;
        at_once().await;
    }
    assert_eq!(first.await.unwrap(), 200);
    fs::remove_file(&path).unwrap();
    fs::write(&path, &new).unwrap();
    drop(hanging);
    while me(&app, bearer(&new)).await == 401 {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(me(&app, bearer(&old)).await, 401);
}

/// A file that is made after the app was started is found.
#[tokio::test(start_paused = true)]
async fn a_file_that_comes_late_turns_the_path_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let app = on_virtual_time(config(&[("SCHEDULER_API_TOKEN_FILE", path.as_path())])).await;
    assert_eq!(me(&app, bearer(&secret())).await, 401);
    fs::write(&path, secret()).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(me(&app, bearer(&secret())).await, 200);
}
