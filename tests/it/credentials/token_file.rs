//! auth = "token-file": a token that somebody else issues and rotates.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use sexton::{
    credentials::{Config, Credentials},
    dispatch::{Dispatcher, Report, WhoamiError},
    job::{Auth, Target},
    run::{Outcome, Reason},
};
use tempfile::TempDir;

use super::showing;
use crate::dispatch::{
    fake_app::{FakeApp, Reply, Seen, answer},
    log::Log,
    orders::{dispatcher_with, job_of, order, target},
};

const OLD: &str = "the-token-of-today";
const NEW: &str = "the-token-of-tomorrow";

/// A folder with a token file, a dispatcher that knows nothing but it, and an app that takes one token.
struct Scene {
    _folder: TempDir,
    file: std::path::PathBuf,
    app: FakeApp,
    dispatcher: Dispatcher,
    target: Target,
}

impl Scene {
    async fn with(accepted: &'static str) -> Self {
        Self::of(FakeApp::start(move |seen| Reply::Whole(answer(judged(seen, accepted), ""))).await)
    }

    fn of(app: FakeApp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let target = Target { auth: Auth::TokenFile { path: file.clone(), header: None }, ..target(&app.url()) };
        Self { _folder: folder, file, dispatcher: dispatcher_with(nothing_else()), target, app }
    }

    async fn send(&self) -> Report {
        self.dispatcher.send(&order(job_of(self.target.clone()))).await
    }

    /// The bearers of the requests since the last look.
    fn bearers(&mut self) -> Vec<String> {
        self.app.rest().iter().map(bearer).collect()
    }
}

fn nothing_else() -> Credentials {
    Credentials::load(Config::from_lookup(|_| None).unwrap())
}

fn bearer(seen: &Seen) -> String {
    seen.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().to_owned()
}

fn judged(seen: &Seen, accepted: &str) -> u16 {
    if bearer(seen) == accepted { 200 } else { 401 }
}

/// As whoever issues it does: whole, for the owner only.
fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Seed D1: missing, unreadable or empty is no token: nothing is sent. It is not remembered either: the next run looks
/// again.
#[tokio::test]
async fn d1_what_is_missing_is_not_cached() {
    let mut scene = Scene::with(OLD).await;
    let refuse = async |scene: &mut Scene, words: &str| {
        let report = scene.send().await;
        assert_eq!((report.outcome, report.reason, report.sent_at), (Outcome::Failed, Some(Reason::Credential), None));
        let excerpt = report.excerpt.unwrap();
        assert!(excerpt.contains(words) && excerpt.contains("token"), "{excerpt}");
        assert!(scene.bearers().is_empty());
    };
    refuse(&mut scene, "No such file").await;
    fs::create_dir(&scene.file).unwrap();
    refuse(&mut scene, "cannot read the token file").await;
    fs::remove_dir(&scene.file).unwrap();
    for text in ["", " \n\t\n"] {
        write(&scene.file, text);
        refuse(&mut scene, "is empty").await;
    }
    write(&scene.file, &format!("  {OLD}\r\n"));
    assert_eq!(scene.send().await.outcome, Outcome::Succeeded);
    assert_eq!(scene.bearers(), [OLD], "trimmed");
}

/// Seed D1: an unreadable file warns, once; so does one that others can read, with its mode.
#[tokio::test]
async fn d1_unreadable_and_open_files_warn() {
    let log = Log::start();
    let scene = Scene::with(OLD).await;
    fs::create_dir(&scene.file).unwrap();
    for _ in 0..3 {
        scene.send().await;
    }
    let warned = |words: &str| log.text().lines().filter(|line| line.contains("WARN") && line.contains(words)).count();
    assert_eq!(warned("cannot read the token file"), 1, "{}", log.text());

    fs::remove_dir(&scene.file).unwrap();
    write(&scene.file, OLD);
    fs::set_permissions(&scene.file, fs::Permissions::from_mode(0o644)).unwrap();
    for _ in 0..3 {
        assert_eq!(scene.send().await.outcome, Outcome::Succeeded);
    }
    assert_eq!(warned("mode=0644"), 1, "asked when it is read, and read once: {}", log.text());
}

/// Seed D1: a file for the owner only, with one line, is what is wanted: no warning.
#[tokio::test]
async fn d1_a_file_of_0600_is_fine() {
    let log = Log::start();
    let scene = Scene::with(OLD).await;
    write(&scene.file, OLD);
    assert_eq!(scene.send().await.outcome, Outcome::Succeeded);
    assert!(!log.text().contains("WARN"), "{}", log.text());
}

/// Seed D3: as long as the app takes it, the token is not read again; the file may even be gone.
#[tokio::test]
async fn d3_the_happy_path_reads_no_disk() {
    let mut scene = Scene::with(OLD).await;
    write(&scene.file, OLD);
    assert_eq!(scene.send().await.outcome, Outcome::Succeeded);
    fs::remove_file(&scene.file).unwrap();
    for _ in 0..3 {
        assert_eq!(scene.send().await.outcome, Outcome::Succeeded);
    }
    assert_eq!(scene.bearers(), [OLD; 4]);
}

/// Seed D3: on a real 401 the file is read again and the request sent once more, and from then on the new token is the one.
#[tokio::test]
async fn d3_a_401_is_answered_with_the_new_token_once() {
    let mut scene = Scene::with(NEW).await;
    write(&scene.file, OLD);
    assert_eq!(scene.send().await.reason, Some(Reason::Credential), "the same token is on disk");
    assert_eq!(scene.bearers(), [OLD], "the same token is not sent again");

    write(&scene.file, NEW);
    assert_eq!(scene.send().await.outcome, Outcome::Succeeded);
    assert_eq!(scene.bearers(), [OLD, NEW]);
    assert_eq!(scene.send().await.outcome, Outcome::Succeeded);
    assert_eq!(scene.bearers(), [NEW]);
}

/// Seed D3: exactly once, however fast the token changes and whatever the app says to the second.
#[tokio::test]
async fn d3_never_a_third_request() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    write(&file, "token-number-0");
    let (rewritten, number) = (file.clone(), Arc::new(std::sync::atomic::AtomicUsize::new(1)));
    let app = FakeApp::start(move |_| {
        let next = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        write(&rewritten, &format!("token-number-{next}"));
        Reply::Whole(answer(401, ""))
    })
    .await;
    let mut scene = Scene::of(app);
    scene.target.auth = Auth::TokenFile { path: file, header: None };
    assert_eq!(scene.send().await.reason, Some(Reason::Credential));
    assert_eq!(scene.bearers(), ["token-number-0", "token-number-1"]);
}

/// Seed D3: every call site does it; the self-check is one.
#[tokio::test]
async fn d3_the_self_check_reads_again_too() {
    let mut scene = Scene::with(NEW).await;
    write(&scene.file, OLD);
    let refused = scene.dispatcher.whoami(&scene.target, "/me").await.unwrap_err();
    assert!(matches!(refused, WhoamiError::Rejected { status: 401, .. }));
    let words = refused.to_string();
    assert!(words.contains("sexton token store") && words.contains("token") && !words.contains(OLD), "{words}");
    write(&scene.file, NEW);
    scene.dispatcher.whoami(&scene.target, "/me").await.unwrap();
    assert_eq!(scene.bearers(), [OLD, OLD, NEW]);
}

/// Seed D4: an empty or missing file during a rotation keeps the old token for the next try.
#[tokio::test]
async fn d4_an_empty_read_keeps_the_old_token() {
    let mut scene = Scene::with(NEW).await;
    write(&scene.file, OLD);
    scene.send().await;
    scene.bearers();
    write(&scene.file, "");
    assert_eq!(scene.send().await.reason, Some(Reason::Credential));
    assert_eq!(scene.bearers(), [OLD]);
    fs::remove_file(&scene.file).unwrap();
    scene.send().await;
    assert_eq!(scene.bearers(), [OLD]);
    write(&scene.file, NEW);
    assert_eq!(scene.send().await.outcome, Outcome::Succeeded);
    assert_eq!(scene.bearers(), [OLD, NEW]);
}

/// Two targets with one file share what was read; another file is another token.
#[tokio::test]
async fn a_file_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = nothing_else();
    let auth = |name: &str| Auth::TokenFile { path: folder.path().join(name), header: None };
    write(&folder.path().join("one"), OLD);
    write(&folder.path().join("two"), NEW);
    assert_eq!(showing(&credentials, &auth("one")).await.unwrap().secret().expose(), OLD);
    assert_eq!(showing(&credentials, &auth("two")).await.unwrap().secret().expose(), NEW);
    fs::remove_file(folder.path().join("one")).unwrap();
    assert_eq!(showing(&credentials, &auth("one")).await.unwrap().secret().expose(), OLD);
    let known: Vec<String> = credentials.known().iter().map(|secret| secret.expose().to_owned()).collect();
    assert_eq!(known, [OLD, NEW]);
}

/// What is in the file has to be one token that can travel in a header and be blacked out; the messages never show it.
#[tokio::test]
async fn what_is_no_token_is_refused() {
    let long = "x".repeat(16 * 1024 + 1);
    for (text, words) in [
        ("two-tokens-on\ntwo-lines", "position 14"),
        ("a-token with-a-space", "position 8"),
        ("tökens-are-ascii", "position 2"),
        ("seven77", "holds 7 characters"),
        (&long, "more than 16384"),
    ] {
        let scene = Scene::with(OLD).await;
        write(&scene.file, text);
        let report = scene.send().await;
        let excerpt = report.excerpt.unwrap();
        assert_eq!(report.reason, Some(Reason::Credential));
        assert!(excerpt.contains(words) && !excerpt.contains(text), "{excerpt}");
    }
}

#[tokio::test]
async fn a_header_of_its_own_carries_the_bare_token() {
    let mut scene = Scene::of(FakeApp::replying(Reply::Whole(answer(200, ""))).await);
    scene.target.auth = Auth::TokenFile { path: scene.file.clone(), header: Some("X-Api-Key".to_owned()) };
    write(&scene.file, OLD);
    scene.send().await;
    let seen = scene.app.next().await;
    assert_eq!((seen.header("x-api-key"), seen.header("authorization")), (Some(OLD), None));
}

/// Guarantee G5: neither the token that was sent first nor the one that was sent then is kept.
#[tokio::test]
async fn an_echo_is_blacked_out() {
    use base64::{Engine, prelude::BASE64_STANDARD};

    let app = FakeApp::start(|seen| {
        let shown = bearer(seen);
        let hexed: String = shown.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let body = format!("{OLD} {shown} {hexed} {}", BASE64_STANDARD.encode(format!("token={shown}")));
        Reply::Whole(answer(if shown == NEW { 500 } else { 401 }, body))
    })
    .await;
    let scene = Scene::of(app);
    write(&scene.file, OLD);
    scene.send().await;
    write(&scene.file, NEW);
    let excerpt = scene.send().await.excerpt.unwrap();
    assert_eq!(excerpt.matches("[redacted]").count(), 4, "{excerpt}");
}
