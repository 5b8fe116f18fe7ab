//! What happens when an app refuses the credential.

use std::{fs, path::Path};

use sexton::{
    credentials::{Config, Credentials},
    dispatch::Dispatcher,
    job::{Auth, Target},
    run::{Outcome, Reason},
};

use super::{
    fake_app::{FakeApp, Reply, answer},
    log::Log,
    orders::{SECRET, dispatcher, dispatcher_with, job, job_of, order, target},
};

const NEW: &str = "the-shared-secret-after-the-rotation-42";

/// An app that knows `NEW` only.
async fn rotated_app() -> FakeApp {
    FakeApp::start(|seen| {
        let known = seen.header("authorization") == Some(&format!("Bearer {NEW}"));
        Reply::Whole(if known { answer(200, "fine") } else { answer(401, "who are you") })
    })
    .await
}

fn reading(file: &Path) -> Dispatcher {
    dispatcher_with(Credentials::load(Config::file(file)))
}

/// Seed D3: on a real 401 the file is read again and the request sent again, once.
#[tokio::test]
async fn a_rotated_file_is_read_and_sent_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, SECRET).unwrap();
    let mut app = rotated_app().await;
    let dispatcher = reading(&file);
    fs::write(&file, format!("{NEW}\n{SECRET}\n")).unwrap();

    let order = order(job(&app.url()));
    let report = dispatcher.send(&order).await;
    assert_eq!((report.outcome, report.status), (Outcome::Succeeded, Some(200)));
    let seen = app.rest();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].header("idempotency-key"), seen[1].header("idempotency-key"));
    assert_eq!(seen[0].header("sexton-attempt"), seen[1].header("sexton-attempt"));
    assert_eq!(dispatcher.rejections("app"), 0);

    fs::remove_file(&file).unwrap();
    assert_eq!(dispatcher.send(&order).await.outcome, Outcome::Succeeded, "no disk on the happy path");
}

/// Seed D3: the same secret on disk, no second request. Exactly one more when there is another.
#[tokio::test]
async fn the_same_secret_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, SECRET).unwrap();
    let mut app = rotated_app().await;
    let dispatcher = reading(&file);
    let report = dispatcher.send(&order(job(&app.url()))).await;
    assert_eq!((report.outcome, report.reason), (Outcome::Failed, Some(Reason::Credential)));
    assert_eq!(report.excerpt.as_deref(), Some("who are you"));
    assert_eq!(app.rest().len(), 1);

    fs::write(&file, "another-secret-that-the-app-does-not-know").unwrap();
    let report = dispatcher.send(&order(job(&app.url()))).await;
    assert_eq!((report.outcome, report.reason), (Outcome::Failed, Some(Reason::Credential)));
    assert_eq!(app.rest().len(), 2);
}

/// Seed D3: only a 401 says that the secret is unknown; after anything else the request may have done its work.
#[tokio::test]
async fn nothing_but_401_makes_it_read_and_send_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    for status in [200, 403, 429, 500, 503] {
        fs::write(&file, SECRET).unwrap();
        let mut app = FakeApp::replying(Reply::Whole(answer(status, ""))).await;
        let dispatcher = reading(&file);
        fs::write(&file, NEW).unwrap();
        assert_eq!(dispatcher.send(&order(job(&app.url()))).await.status, Some(status));
        assert_eq!(app.rest().len(), 1, "{status}");
    }
}

/// Seed D4: an empty file during a rotation keeps the old secret for the next try.
#[tokio::test]
async fn a_file_that_turns_bad_keeps_the_last_good_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, SECRET).unwrap();
    let mut app = rotated_app().await;
    let dispatcher = reading(&file);
    fs::write(&file, "").unwrap();
    for _ in 0..2 {
        dispatcher.send(&order(job(&app.url()))).await;
        let seen = app.rest();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    }
}

/// Seed D5: the third in a row is one error with instructions, again every 20.
#[tokio::test]
async fn the_third_refusal_in_a_row_is_loud() {
    let log = Log::start();
    let app = FakeApp::start(|seen| Reply::Whole(answer(if seen.earlier % 2 == 0 { 401 } else { 403 }, ""))).await;
    let dispatcher = dispatcher();
    let order = order(job(&app.url()));
    let mut loud_at = Vec::new();
    for count in 1..=44 {
        let before = log.errors();
        dispatcher.send(&order).await;
        assert_eq!(dispatcher.rejections("app"), count);
        if log.errors() > before {
            loud_at.push(count);
        }
    }
    assert_eq!(loud_at, [3, 23, 43]);
    assert_eq!(dispatcher.rejections("another"), 0);
    let text = log.text();
    assert!(text.contains("SCHEDULER_API_TOKEN") && text.contains("sexton secret check"), "{text}");
    assert!(!text.contains(SECRET));
}

/// Seed D5: 5xx, 429 and transport errors neither count nor excuse; a success starts anew.
#[tokio::test]
async fn only_refusals_count_and_only_success_resets() {
    let app = FakeApp::start(|seen| match seen.earlier {
        0 | 4 | 6 => Reply::Whole(answer(401, "")),
        1 => Reply::Whole(answer(500, "")),
        2 => Reply::Whole(answer(429, "")),
        3 => Reply::Closing(Vec::new()),
        _ => Reply::Whole(answer(200, "")),
    })
    .await;
    let dispatcher = dispatcher();
    let order = order(job(&app.url()));
    let mut counts = Vec::new();
    for _ in 0..7 {
        dispatcher.send(&order).await;
        counts.push(dispatcher.rejections("app"));
    }
    assert_eq!(counts, [1, 1, 1, 1, 2, 0, 1]);
}

/// Guarantee G8: without a secret nothing is sent.
#[tokio::test]
async fn without_a_usable_secret_nothing_is_sent() {
    let mut app = FakeApp::replying(Reply::Whole(answer(200, ""))).await;
    let nothing = || Credentials::load(Config::from_lookup(|_| None).unwrap());
    let report = dispatcher_with(nothing()).send(&order(job(&app.url()))).await;
    assert_eq!((report.outcome, report.reason, report.sent_at), (Outcome::Failed, Some(Reason::Credential), None));
    assert!(report.excerpt.unwrap().contains("SCHEDULER_API_TOKEN_FILE"));
    assert!(app.rest().is_empty());

    let open = Target { auth: Auth::None, ..target(&app.url()) };
    let report = dispatcher_with(nothing()).send(&order(job_of(open))).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
}
