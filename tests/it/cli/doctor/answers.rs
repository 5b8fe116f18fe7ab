//! What the answers of an app are taken for.

use std::{fs, os::unix::fs::PermissionsExt};

use chrono::TimeDelta;
use sexton::clock::{Clock, SystemClock};

use super::{checks, doctor, finding, text, verdicts};
use crate::{
    credentials::run_token::parts,
    dispatch::fake_app::{FakeApp, Reply, Seen, answer, answer_with},
    support::{
        process::{Done, run},
        sidecar::{OTHER, SECRET, Sidecar},
    },
};

const JOBS: &str = r#"
whoami = "/me"

[jobs.sync]
schedule = "every 1h"
path = "/sync?full=1"
headers = { X-Org = "acme" }
json = { full = true }
cancel = { method = "POST", path = "/sync/cancel" }
"#;

/// A doctor's visit to an app that answers as `script` says.
async fn visit(script: impl Fn(&str, bool) -> Vec<u8> + Send + Sync + 'static) -> Done {
    let bearer = format!("Bearer {SECRET}");
    let app =
        FakeApp::start(move |seen| Reply::Whole(script(&seen.line, seen.header("authorization") == Some(&bearer))));
    doctor(app.await.address, JOBS, SECRET, &["--json"]).await
}

/// As a good app answers, but for requests that begin with `line`.
fn good_but(line: &'static str, instead: Vec<u8>) -> impl Fn(&str, bool) -> Vec<u8> {
    move |asked, knows| match asked {
        asked if asked.starts_with(line) => instead.clone(),
        asked if asked.starts_with("GET /me ") => answer(if knows { 200 } else { 401 }, ""),
        asked if asked.starts_with("POST /api/auth/tokens ") => answer(403, ""),
        asked if asked.starts_with("OPTIONS ") => answer(204, ""),
        asked => panic!("nobody should ask for {asked}"),
    }
}

/// The requests, to the byte: nothing of a run is in them, and the job itself is not sent.
#[tokio::test]
async fn the_job_itself_is_never_sent() {
    let good = good_but("nothing", Vec::new());
    let mut app = FakeApp::start(move |seen| {
        Reply::Whole(good(&seen.line, seen.header("authorization") == Some(&format!("Bearer {SECRET}"))))
    })
    .await;
    let done = doctor(app.address, JOBS, SECRET, &[]).await;
    assert_eq!(done.code, Some(0), "{done}");
    let seen = app.rest();
    let lines: Vec<&str> = seen.iter().map(|seen| seen.line.as_str()).collect();
    let paths = ["OPTIONS /sync?full=1", "OPTIONS /sync/cancel"];
    let expected = [&["GET /me", "GET /me", "GET /me", "POST /api/auth/tokens"][..], &paths].concat();
    assert_eq!(lines, expected.iter().map(|line| format!("{line} HTTP/1.1")).collect::<Vec<_>>());
    for seen in &seen {
        let of_a_run = |(name, _): &&(String, String)| name.starts_with("sexton-") || name == "idempotency-key";
        assert_eq!(seen.headers.iter().find(of_a_run), None, "{seen:?}");
        assert!(seen.body.is_empty() && seen.header("x-org").is_none(), "{seen:?}");
    }
    let shown: Vec<Option<&str>> = seen.iter().map(|seen| seen.header("authorization")).collect();
    let own = format!("Bearer {SECRET}");
    assert_eq!((shown[0], shown[1]), (None, Some(own.as_str())));
    let forged = shown[2].unwrap();
    assert!(forged.starts_with("Bearer ") && forged.len() > 39 && forged != own, "{forged}");
    assert_eq!(shown[3..], [Some(own.as_str()); 3]);
}

/// An app that lets everybody in proves nothing, and a job against it would not either.
#[tokio::test]
async fn an_app_that_is_open() {
    let done = visit(good_but("GET /me", answer(200, ""))).await;
    let expected = ["accepted: ok", "nothing_refused: wrong", "forged_refused: wrong", "no_tokens: ok"];
    assert_eq!(verdicts(&done)[1..5], expected);
    assert!(finding(&done, "nothing_refused").1.contains("The app lets in who shows nothing: everybody."), "{done}");
    assert_eq!(done.code, Some(1));
}

/// Seeds A8, A33: each kind of answer to each question.
#[tokio::test]
async fn what_an_answer_means() {
    for (line, status, subject, verdict, words) in [
        ("GET /me", 403, "accepted", "wrong", "give the scheduler's user the right"),
        ("GET /me", 404, "accepted", "cannot_tell", "must name a path that answers 2xx to whom the app knows"),
        ("GET /me", 500, "nothing_refused", "cannot_tell", "401 to everybody else"),
        ("POST", 201, "no_tokens", "wrong", "makes a token for whoever has the sidecar's credential"),
        ("POST", 401, "no_tokens", "ok", "POST /api/auth/tokens: 401"),
        ("POST", 404, "no_tokens", "cannot_tell", "name the path where it does with --tokens"),
        ("POST", 422, "no_tokens", "cannot_tell", "try a whole request by hand"),
        ("OPTIONS", 200, "path", "ok", "OPTIONS /sync?full=1: 200"),
        ("OPTIONS", 405, "path", "ok", "OPTIONS /sync?full=1: 405"),
        ("OPTIONS", 404, "path", "wrong", "The app has no /sync?full=1: correct `path` or `cancel` of the job"),
        ("OPTIONS", 401, "path", "cannot_tell", "401"),
        ("OPTIONS", 500, "path", "cannot_tell", "500"),
    ] {
        let done = visit(good_but(line, answer(status, ""))).await;
        let (found, said) = finding(&done, subject);
        assert!(found == verdict && said.contains(words), "{line} {status}: {found}, {said}");
        assert_eq!(done.code, Some(i32::from(checks(&done).iter().any(|check| check["verdict"] == "wrong"))));
    }
}

/// An app that answers 403 to a secret that it does not know hides a rotation from the sidecar, which reads its file again at
/// a 401 only. To who shows nothing it may answer 403.
#[tokio::test]
async fn a_wrong_credential_is_answered_401() {
    let done = visit(|asked, knows| match asked {
        asked if asked.starts_with("GET") => answer(if knows { 200 } else { 403 }, ""),
        _ => answer(403, ""),
    })
    .await;
    let expected = ["accepted: ok", "nothing_refused: ok", "forged_refused: wrong", "no_tokens: ok"];
    assert_eq!(verdicts(&done)[1..5], expected, "{done}");
    let said = finding(&done, "forged_refused").1;
    assert!(said.contains("GET /me: 403") && said.contains("answer 401"), "{said}");
    assert!(said.contains("or a rotation is never noticed"), "{said}");
}

/// Guarantee G5: what an app sends back holds no secret by the time it is shown.
#[tokio::test]
async fn a_redirect_is_shown_without_secrets_and_not_followed() {
    let location = format!("location: http://elsewhere.example/?key={SECRET}\r\n");
    let done = visit(good_but("OPTIONS", answer_with(307, &location, ""))).await;
    let (verdict, said) = finding(&done, "path");
    assert_eq!(verdict, "cannot_tell");
    assert!(said.contains("307 to http://elsewhere.example/?key=[redacted] Write the path"), "{said}");
    assert!(!done.said().contains(SECRET));
}

#[tokio::test]
async fn clocks_are_compared() {
    for (seconds, verdict, words) in [
        (0, "ok", "within 5s of this one"),
        (-30, "ok", "behind this one"),
        (30, "ok", "ahead of this one"),
        (-3600, "wrong", "Set both clocks by NTP: jobs fire by this one."),
        (3600, "wrong", "Set both clocks by NTP"),
    ] {
        let done = visit(move |asked, knows| {
            let there = SystemClock.now() + TimeDelta::seconds(seconds);
            let date = format!("date: {}\r\n", there.format("%a, %d %b %Y %H:%M:%S GMT"));
            match asked {
                asked if asked.starts_with("GET") => answer_with(if knows { 200 } else { 401 }, &date, ""),
                _ => answer_with(403, &date, ""),
            }
        })
        .await;
        let (found, said) = finding(&done, "clock");
        assert!(found == verdict && said.contains(words), "{seconds}: {found}, {said}");
    }
    assert_eq!(
        finding(&visit(good_but("nothing", Vec::new())).await, "clock").0,
        "cannot_tell",
        "an app without `Date`"
    );
}

/// Without `whoami` nothing is known of the credential; without auth nothing is asked of it.
#[tokio::test]
async fn what_there_is_to_ask_depends_on_the_target() {
    let app = FakeApp::start(|_| Reply::Whole(answer(204, ""))).await;
    let done = doctor(app.address, "", SECRET, &["--json"]).await;
    assert_eq!(verdicts(&done), ["reached: ok", "accepted: cannot_tell", "no_tokens: wrong", "clock: cannot_tell"]);
    assert!(finding(&done, "accepted").1.contains("Add `whoami` to [targets.app]"), "{done}");
    let done = doctor(app.address, "auth = \"none\"\n", OTHER, &["--json"]).await;
    assert_eq!(verdicts(&done), ["reached: ok", "clock: cannot_tell"]);
    assert_eq!(done.code, Some(0));
}

/// The credential goes where the target's jobs put it.
#[tokio::test]
async fn it_asks_as_jobs_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, OTHER).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut app = FakeApp::start(|seen: &Seen| {
        Reply::Whole(answer(if seen.header("x-api-key") == Some(OTHER) { 200 } else { 401 }, ""))
    })
    .await;
    let jobs = format!(
        "auth = \"token-file\"\ntoken_file = \"{}\"\nheader = \"X-Api-Key\"\nwhoami = \"/me\"\n",
        file.display()
    );
    let done = doctor(app.address, &jobs, SECRET, &["--json", "--tokens", "/tokens"]).await;
    let (reached, accepted) = (finding(&done, "reached").0, finding(&done, "accepted").0);
    assert_eq!((reached.as_str(), accepted.as_str()), ("ok", "ok"), "{done}");
    assert_eq!(finding(&done, "no_tokens").0, "wrong");
    assert!(app.rest().iter().all(|seen| seen.header("authorization").is_none()));
    assert!(checks(&done).iter().all(|check| text(&check["target"]) == "app"));
}

/// Seed A8: whether it makes tokens, an app is asked with all that run tokens of the jobs may do; and whom it takes the
/// sidecar for, with nothing of it, as the sidecar asks.
#[tokio::test]
async fn run_tokens_are_shown_with_the_scopes_of_the_jobs() {
    let mut app = FakeApp::start(|_| Reply::Whole(answer(403, ""))).await;
    let jobs = "auth = 'run-token'\naudience = 'app'\nwhoami = '/me'\nscopes = ['jobs:enqueue', 'jobs:read', 'sync:run']\n\
        [jobs.sync]\nschedule = 'every 1h'\npath = '/sync'\nscopes = ['sync:run']\n\
        [jobs.refresh]\nschedule = 'every 1h'\npath = '/refresh'\nscopes = ['sync:run', 'jobs:enqueue']\n\
        [jobs.off]\nschedule = 'every 1h'\npath = '/off'\nenabled = false\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let mut command = sidecar.command(&["doctor", "--json"]);
    command.env("SEXTON_JWT_SECRETS", OTHER).env("SEXTON_ISSUER", "https://cron.example.org");
    run(command).await;
    let scope = |seen: &Seen| {
        let token = seen.header("authorization")?.strip_prefix("Bearer ").unwrap();
        Some(parts(token).1["scope"].as_str().unwrap().to_owned())
    };
    let shown: Vec<_> = app.rest().iter().map(|seen| (seen.line.clone(), scope(seen))).collect();
    let all = Some("jobs:enqueue sync:run");
    let expected = [
        ("GET /me", None),
        ("GET /me", Some("")),
        ("GET /me", Some("")),
        ("POST /api/auth/tokens", all),
        ("OPTIONS /refresh", all),
        ("OPTIONS /sync", all),
    ];
    assert_eq!(shown, expected.map(|(line, scope)| (format!("{line} HTTP/1.1"), scope.map(str::to_owned))));
}
