//! What operators do with a running sidecar: the commands that talk to its API, and the API itself.

use std::{collections::BTreeSet, net::SocketAddr};

use serde_json::{Value, json};
use sexton::admin::{READ, WRITE};

use crate::support::{
    http::Call,
    process::{eventually, run},
    sidecar::{FakeApp, OTHER, PATIENCE, Sidecar, get, sexton},
};

const JOBS: &str = "[jobs.quick]\nschedule = 'every 1h'\npath = '/ok?a=b'\njson = { full = true }\n\
    [jobs.hang]\nschedule = 'every 1h'\npath = '/hang'\ntimeout = '1s'\nhold = '10m'\n\
    [jobs.\"every:second\"]\nschedule = 'every 1s'\npath = '/ok'\n";

fn post(address: SocketAddr, path: &str, body: &Value) -> Call {
    Call::new(address, "POST", path).bearer(OTHER).json(body)
}

/// Without the breaks that fit it to a terminal.
fn flat(text: &str) -> String {
    text.split([' ', '\n', '│']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn job(sidecar: &Sidecar, address: SocketAddr, name: &str) -> Value {
    let all = lines(&sidecar.ask(address, &["list", "--json"]).await.good());
    all.into_iter().find(|job| job["job"] == name).unwrap()
}

/// Fire by hand: the exit code tells how it went, the ledger who asked, and the request is what the dry run showed.
#[tokio::test]
async fn fire_tells_by_its_exit_code_how_it_went() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.operated().await;

    let shown = sidecar.ask(address, &["fire", "quick", "--dry-run"]).await.good();
    for part in [
        "POST http://127.0.0.1:",
        "/ok?a=b\n",
        "sexton-trigger: manual",
        "authorization: Bearer [redacted]",
        "{\"full\":true}",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let scheduled_for = shown.lines().find_map(|line| line.strip_prefix("sexton-scheduled-for: ")).unwrap();
    assert!(
        scheduled_for.len() <= "2026-03-01T12:00:00.000000Z".len(),
        "as the ledger keeps instants: {scheduled_for}"
    );
    assert!(app.of("quick").is_empty(), "a dry run sends nothing");

    let done = sidecar.ask(address, &["fire", "quick", "--wait"]).await;
    assert_eq!(done.code, Some(0), "{done}");
    assert!(done.stdout.contains(" succeeded, status 200"), "{done}");
    assert_eq!(app.of("quick").len(), 1);

    let done = sidecar.ask(address, &["fire", "hang", "--wait", "--json"]).await;
    let unknown: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((done.code, &unknown["outcome"], &unknown["reason"]), (Some(1), &"unknown".into(), &"timeout".into()));
    assert_eq!((&unknown["trigger"], &unknown["asked_by"]), (&"manual".into(), &"admin:ann".into()));
    let id = unknown["id"].as_str().unwrap();
    assert!(job(&sidecar, address, "hang").await["held_until"].is_string());

    let held = sidecar.ask(address, &["fire", "hang", "--wait"]).await;
    assert_eq!(held.code, Some(1), "{held}");
    assert!(held.stdout.contains("skipped (possibly_running)"), "{held}");
    assert_eq!(app.of("hang").len(), 1, "guarantee G3 holds by hand too");

    let settled = sidecar.ask(address, &["settle", id, "--as", "failed"]).await.good();
    assert!(settled.contains("is settled as failed"), "{settled}");
    let twice = sidecar.ask(address, &["settle", id, "--as", "succeeded"]).await;
    assert!(
        twice.code == Some(1) && twice.stderr.contains(&format!("run {id} was settled as failed before")),
        "{twice}"
    );
    let shown = sidecar.ask(address, &["show", id]).await.good();
    assert!(shown.contains("unknown (timeout), settled failed") && shown.contains("admin:ann"), "{shown}");
    let list = job(&sidecar, address, "hang").await;
    assert_eq!((&list["held_until"], &list["last"]["outcome"]), (&Value::Null, &"skipped".into()), "{list}");
    assert_eq!(sidecar.ask(address, &["fire", "hang"]).await.code, Some(0));
    app.has("hang", 2).await;
    running.signal(rustix::process::Signal::TERM);
    running.ended().await;
}

/// The app is asked to stop; without its word, or when it goes on all the same, the job is held, for it may still be at it.
#[tokio::test]
async fn cancel_ends_a_run_and_asks_the_app() {
    let app = FakeApp::start().await;
    let job = |name: &str, path: &str, timeout: &str, cancel: &str| {
        format!(
            "[jobs.{name}]\nschedule = 'every 1h'\npath = '{path}'\ntimeout = '{timeout}'\nhold = '10m'\n\
                 cancel = {{ method = 'POST', path = '{cancel}' }}\n"
        )
    };
    let jobs = [
        job("polite", "/work", "10m", "/stop"),
        job("stubborn", "/hang", "10m", "/refuse"),
        job("liar", "/hang", "2s", "/ok"),
    ];
    let sidecar = Sidecar::new(app.address, &jobs.concat());
    let (mut running, address) = sidecar.operated().await;
    for (name, words, then) in [
        ("polite", "the app confirmed that it stopped it (200)", "sending"),
        ("stubborn", "the app answered 500", "skipped"),
        ("liar", "the app said that it stops it, and did not", "skipped"),
    ] {
        let fired = sidecar.ask(address, &["fire", name, "--json"]).await.good();
        let id = lines(&fired)[0]["run"].as_str().unwrap().to_owned();
        app.has(name, 1).await;
        let done = sidecar.ask(address, &["cancel", &id]).await;
        assert_eq!(done.code, Some(0), "{done}");
        assert!(done.stdout.contains("cancelled (settled)") && done.stdout.contains(words), "{done}");
        let over = sidecar.ask(address, &["cancel", &id]).await;
        assert!(over.code == Some(1) && flat(&over.stderr).contains("is cancelled already"), "{over}");
        let again = sidecar.ask(address, &["fire", name, "--json"]).await.good();
        let again = lines(&again)[0]["run"].as_str().unwrap().to_owned();
        let state = eventually("the next run's state", PATIENCE, async || {
            let shown = lines(&sidecar.ask(address, &["show", &again, "--json"]).await.good()).remove(0);
            (shown["state"] != "claimed").then(|| shown["state"].as_str().unwrap().to_owned())
        })
        .await;
        assert_eq!(state, then, "{name}");
    }
    running.signal(rustix::process::Signal::KILL);
    running.ended().await;
}

/// Paused is shown wherever somebody looks, nothing is sent, and a restart forgets neither the pause nor an occurrence.
#[tokio::test]
async fn a_paused_job_is_silent_over_a_restart() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.operated().await;
    app.has("every:second", 1).await;
    let said = sidecar.ask(address, &["pause", "every:second", "--note", "the mirror moves"]).await.good();
    assert_eq!(said.trim(), "every:second is paused");
    let before = app.of("every:second").len();
    let paused = job(&sidecar, address, "every:second").await["paused"].clone();
    assert_eq!((&paused["note"], &paused["asked_by"]), (&"the mirror moves".into(), &"admin:ann".into()));
    let list = sidecar.ask(address, &["list"]).await.good();
    assert!(list.lines().any(|line| line.starts_with("every:second") && line.contains("paused")), "{list}");
    let health = Call::new(address, "GET", "/healthz").bearer(OTHER).send().await;
    assert!(health.status == 200 && health.body.contains("held back: `every:second` (the mirror moves)"), "{health:?}");
    assert!(get(address, "/metrics").await.1.contains("sexton_paused{job=\"every:second\"} 1"));
    eventually("skipped occurrences", PATIENCE, async || {
        let rows = sidecar.runs().await;
        rows.iter().any(|row| row["reason"] == "paused" && row["count"].as_u64() >= Some(2)).then_some(())
    })
    .await;
    assert_eq!(running.stop().await, Some(0));

    let (mut running, address) = sidecar.operated().await;
    let offline = run(sexton(sidecar.folder.path(), &["list", "--store", "sqlite://sexton.db", "--json"])).await.good();
    assert!(
        lines(&offline).iter().any(|job| job["job"] == "every:second" && job["paused"]["note"] == "the mirror moves")
    );
    assert_eq!(app.of("every:second").len(), before, "not one was sent");
    let wrong = sidecar.ask(address, &["resume", "--all"]).await;
    assert!(wrong.code == Some(1) && flat(&wrong.stderr).contains("there is no pause of all jobs"), "{wrong}");
    sidecar.ask(address, &["resume", "every:second"]).await.good();
    app.has("every:second", before + 2).await;
    sidecar.ask(address, &["pause", "--all"]).await.good();
    sidecar.ask(address, &["resume", "--all"]).await.good();
    assert_eq!(running.stop().await, Some(0));
    let arrived = app.of("every:second");
    let gap = arrived[before].scheduled_for - arrived[before - 1].scheduled_for;
    assert!(gap.num_seconds() >= 3, "what fell into the pause was not caught up");
    run(sidecar.command(&["verify", "--store", "sqlite://sexton.db"])).await.good();
}

/// What people get wrong, and what they are told.
#[tokio::test]
async fn mistakes_are_told_with_what_to_do() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.operated().await;
    let wrong = sidecar.ask(address, &["fire", "quik"]).await;
    assert!(wrong.code == Some(2) && flat(&wrong.stderr).contains("did you mean `quick`?"), "{wrong}");
    let wrong = sidecar.ask(address, &["pause"]).await;
    assert!(wrong.code == Some(2) && flat(&wrong.stderr).contains("--all"), "{wrong}");
    let wrong = sidecar.ask(address, &["pause", "quick", "--until", "2020-01-01T00:00:00Z"]).await;
    assert!(wrong.code == Some(2) && flat(&wrong.stderr).contains("over already"), "{wrong}");
    let wrong = sidecar.ask(address, &["runs", "--store", "sqlite://sexton.db", "--url", "http://127.0.0.1:9"]).await;
    assert!(wrong.code == Some(2) && flat(&wrong.stderr).contains("give one of them"), "{wrong}");
    let wrong = sidecar.ask(address, &["show", "0198c0de-8a4e-7000-8000-2b5f1d6c9a10"]).await;
    assert!(wrong.code == Some(1) && flat(&wrong.stderr).contains("holds no run"), "{wrong}");
    let mut tokenless = sexton(sidecar.folder.path(), &["list"]);
    tokenless.env("SEXTON_URL", format!("http://{address}"));
    let wrong = run(tokenless).await;
    assert!(wrong.code == Some(1) && flat(&wrong.stderr).contains("SEXTON_ADMIN_TOKEN"), "{wrong}");
    assert_eq!(running.stop().await, Some(0));
    let nobody = sidecar.ask(address, &["list"]).await;
    assert!(nobody.code == Some(1), "{nobody}");
    for part in [&format!("no sidecar answers at http://{address}"), "--url"] {
        assert!(flat(&nobody.stderr).contains(part), "{nobody}");
    }
}

/// Without an admin token nobody changes anything, not even from this machine.
#[tokio::test]
async fn without_a_token_the_api_is_read_only() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.run().await;
    assert_eq!(get(address, "/api/v1/jobs/every%3Asecond").await.0, 200);
    for (method, path) in WRITE {
        let call = Call::new(address, &method.to_uppercase(), &path.replace("{name}", "quick").replace("{id}", "x"));
        let why = call.json(&json!({})).send().await.problem(403);
        assert!(why.contains("read-only") && why.contains("SEXTON_ADMIN_TOKEN"), "{method} {path}: {why}");
    }
    let mut fire = sexton(sidecar.folder.path(), &["fire", "quick"]);
    fire.env("SEXTON_URL", format!("http://{address}"));
    let refused = run(fire).await;
    assert!(refused.code == Some(1) && flat(&refused.stderr).contains("SEXTON_ADMIN_TOKEN"), "{refused}");
    assert!(app.of("quick").is_empty());
    assert_eq!(running.stop().await, Some(0));
}

/// The document lists what is served, and nothing else; and every address wants its token.
#[tokio::test]
async fn the_document_is_the_api() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.operated().await;
    let document = Call::new(address, "GET", "/api/v1/openapi.json").bearer(OTHER).send().await.json();
    let documented: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone()))
        })
        .collect();
    let served = READ.iter().chain(WRITE).map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(documented, served);
    for (method, path) in &documented {
        let path = path.replace("{name}", "quick").replace("{id}", "x");
        Call::new(address, &method.to_uppercase(), &path).json(&json!({})).send().await.problem(403);
        let wrong = if method == "get" { "DELETE" } else { "PUT" };
        Call::new(address, wrong, &path).bearer(OTHER).send().await.problem(405);
    }
    for (path, body, status, words) in [
        ("/api/v1/jobs/quick/fire", json!({ "dryrun": true }), 400, "unknown field `dryrun`"),
        ("/api/v1/jobs/quik/fire", json!({}), 404, "did you mean `quick`?"),
        ("/api/v1/runs/x/settle", json!({ "as": "failed" }), 404, "`x` is no run's id"),
        ("/api/v1/jobs/quick/resume", json!({}), 409, "is not paused"),
        ("/api/v1/pause", json!({ "until": "2020-01-01T00:00:00Z" }), 422, "over already"),
    ] {
        let why = post(address, path, &body).send().await.problem(status);
        assert!(why.contains(words), "{path}: {why}");
    }
    for (query, words) in [("outcome=done", "`done` is no outcome"), ("limt=3", "limt"), ("before=x", "no run's id")] {
        let reply = Call::new(address, "GET", &format!("/api/v1/runs?{query}")).bearer(OTHER).send().await;
        assert!(reply.status >= 400 && reply.body.contains(words), "{reply:?}");
    }
    assert_eq!(running.stop().await, Some(0));
}

/// A text is checked and planned as the sidecar would read it, and nothing of it is taken into force.
#[tokio::test]
async fn a_draft_is_checked_and_planned() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.operated().await;
    let target = format!("[targets.app]\nbase_url = \"http://{}\"\n", app.address);
    let text = format!(
        "{target}[jobs.quick]\nschedule = 'every 2h'\npath = '/ok'\n[jobs.new]\nschedule = 'daily 03:00'\npath = '/ok'\n"
    );
    let ask =
        |what: &str, text: &str| post(address, &format!("/api/v1/definitions/{what}"), &json!({ "text": text })).send();
    let checked = ask("check", &text).await.json();
    assert_eq!(checked["valid"], true, "{checked}");
    assert_eq!(checked["jobs"][0]["schedule"], "every day at 03:00 in UTC");
    assert_eq!(checked["jobs"][0]["next"].as_array().unwrap().len(), 3);
    let planned = ask("plan", &text).await.json();
    let steps: Vec<(&str, &str)> = planned["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["job"].as_str().unwrap(), step["change"].as_str().unwrap()))
        .collect();
    assert_eq!(steps, [("every:second", "removed"), ("hang", "removed"), ("new", "added"), ("quick", "rescheduled")]);
    let wrong =
        ask("check", &format!("{target}[jobs.x]\nschedule = 'every 2h'\npath = '/ok'\ntimout = '1s'\n")).await.json();
    let finding = &wrong["findings"][0];
    assert_eq!((&wrong["valid"], &finding["line"]), (&false.into(), &6.into()), "{wrong}");
    assert!(finding["help"].as_str().unwrap().contains("timeout"), "{wrong}");
    assert_eq!(job(&sidecar, address, "quick").await["schedule"], "every hour", "nothing of it is in force");
    assert_eq!(running.stop().await, Some(0));
}

/// The history is read in pages, and the commands read as many as they are asked for.
#[tokio::test]
async fn the_history_comes_in_pages() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, JOBS);
    let (mut running, address) = sidecar.operated().await;
    for _ in 0..3 {
        sidecar.ask(address, &["fire", "quick", "--wait"]).await.good();
    }
    let page = |query: String| async move {
        Call::new(address, "GET", &format!("/api/v1/runs?job=quick&{query}")).bearer(OTHER).send().await.json()
    };
    let first = page("limit=2".to_owned()).await;
    assert_eq!(first["runs"].as_array().unwrap().len(), 2);
    let rest = page(format!("limit=2&before={}", first["next"].as_str().unwrap())).await;
    assert_eq!((rest["runs"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null), "{rest}");
    let all = lines(&sidecar.ask(address, &["runs", "--job", "quick", "--json"]).await.good());
    assert_eq!(all.len(), 3);
    assert_eq!(all[2], rest["runs"][0], "one form, whoever shows it");
    let of_ledger = lines(
        &sidecar.ask(address, &["runs", "--store", "sqlite://sexton.db", "--job", "quick", "--json"]).await.good(),
    );
    assert_eq!(of_ledger, all);
    let detail = Call::new(address, "GET", "/api/v1/jobs/quick").bearer(OTHER).send().await.json();
    assert_eq!((&detail["streak"], &detail["last"]["outcome"]), (&3.into(), &"succeeded".into()), "{detail}");
    assert_eq!(detail["recent"].as_array().unwrap().len(), 3);
    assert_eq!(running.stop().await, Some(0));
}
