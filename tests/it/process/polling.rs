//! Long work: a 202 is followed until the app says how it ended, over stops, crashes and edits.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

use crate::support::{
    process::eventually,
    sidecar::{FakeApp, PATIENCE, Running, SECRET, Sidecar},
};

/// An app whose work goes on after its answer, and which ends when a test says so.
#[derive(Clone)]
struct LongApp {
    address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    works: Vec<Work>,
    /// Where the app says that its work is; in its place `/works/N`.
    location: Option<String>,
    /// What each answer asks for.
    retry_after: Option<u64>,
    /// What a cancel is answered with; 200 stops the work.
    cancel_status: Option<u16>,
}

#[derive(Clone)]
struct Work {
    run: String,
    state: &'static str,
    looks: Vec<Instant>,
    cancels: Vec<HeaderMap>,
}

impl LongApp {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self { address: listener.local_addr().unwrap(), inner: Arc::default() };
        let app = Router::new()
            .route("/works", post(begin))
            .route("/works/{id}", get(look))
            .route("/works/{id}/cancel", post(cancel))
            .with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        this
    }

    fn with<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.inner.lock().unwrap())
    }

    fn work(&self, number: usize) -> Option<Work> {
        self.with(|inner| inner.works.get(number).cloned())
    }

    fn set(&self, state: &'static str) {
        self.with(|inner| inner.works[0].state = state);
    }

    /// Waits until the first work was looked at so often.
    async fn looks(&self, count: usize) -> Work {
        eventually(&format!("{count} looks"), PATIENCE, async || self.work(0).filter(|work| work.looks.len() >= count))
            .await
    }
}

/// The secret opens these doors only.
fn is_known(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == &format!("Bearer {SECRET}"))
}

async fn begin(State(app): State<LongApp>, headers: HeaderMap) -> Response {
    if !is_known(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let run = headers["sexton-run"].to_str().unwrap().to_owned();
    app.with(|inner| {
        let id = inner.works.len();
        inner.works.push(Work { run, state: "running", looks: Vec::new(), cancels: Vec::new() });
        let location = inner.location.clone().unwrap_or_else(|| format!("/works/{id}"));
        (StatusCode::ACCEPTED, [("location", location)], Json(json!({ "id": id }))).into_response()
    })
}

async fn look(State(app): State<LongApp>, Path(id): Path<usize>, headers: HeaderMap) -> Response {
    if !is_known(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    app.with(|inner| {
        let retry_after = inner.retry_after;
        let work = &mut inner.works[id];
        work.looks.push(Instant::now());
        let body = Json(json!({ "status": work.state, "progress": format!("look {}", work.looks.len()) }));
        match retry_after {
            Some(seconds) => ([("retry-after", seconds.to_string())], body).into_response(),
            None => body.into_response(),
        }
    })
}

async fn cancel(State(app): State<LongApp>, Path(id): Path<usize>, headers: HeaderMap) -> StatusCode {
    app.with(|inner| {
        let status = inner.cancel_status.unwrap_or(200);
        let work = &mut inner.works[id];
        work.cancels.push(headers);
        if status == 200 {
            work.state = "cancelled";
        }
        StatusCode::from_u16(status).unwrap()
    })
}

/// One job that begins work at once and does not begin more while it is followed.
fn job(poll: &str) -> String {
    format!(
        "[jobs.long]\nschedule = 'every 1s'\npath = '/works'\ncompletion = 'poll'\n\
         poll = {{ interval = '1s', {poll} }}\ncancel = {{ path = '/works/{{id}}/cancel' }}\nhold = '1h'\n"
    )
}

async fn started(poll: &str) -> (LongApp, Sidecar, Running) {
    let app = LongApp::start().await;
    let sidecar = Sidecar::new(app.address, &job(poll));
    let (running, _) = sidecar.run().await;
    (app, sidecar, running)
}

/// The row of the run that began the first work.
async fn row(sidecar: &Sidecar, app: &LongApp) -> Value {
    let run = app.work(0).unwrap().run;
    sidecar.runs().await.into_iter().find(|row| row["id"] == run).unwrap()
}

/// That row once it has this state.
async fn row_in(state: &str, sidecar: &Sidecar, app: &LongApp) -> Value {
    eventually(&format!("a run that is {state}"), PATIENCE, async || {
        Some(row(sidecar, app).await).filter(|row| row["state"] == state)
    })
    .await
}

/// Seeds B10, E9: a 202 is followed to its end; meanwhile the job is running, and nothing is stacked on it.
#[tokio::test]
async fn work_is_followed_to_its_success() {
    let (app, sidecar, mut running) = started("timeout = '1h'").await;
    app.looks(3).await;
    let open = row_in("polling", &sidecar, &app).await;
    let shown = shown(&sidecar, &open).await;
    assert!(shown.contains("polling") && shown.contains("/works/0") && shown.contains("look "), "{shown}");
    let instants: Vec<&str> =
        shown.split_whitespace().filter(|word| word.starts_with("20") && word.ends_with('Z')).collect();
    assert!(instants.len() >= 4 && instants.iter().all(|at| at.len() <= "2026-03-01T12:00:00.000Z".len()), "{shown}");
    app.set("done");
    let done = row_in("succeeded", &sidecar, &app).await;
    assert_eq!((done["status"].as_u64(), done["reason"].as_str()), (Some(200), None), "{done}");
    assert!(done["duration_ms"].as_f64().unwrap() >= 2000.0, "it took as long as the work: {done}");
    assert!(shown.contains("until ") && shown.contains("is stopped by"), "{shown}");
    let shown = self::shown(&sidecar, &open).await;
    assert!(
        shown.contains("/works/0") && !shown.contains("until ") && !shown.contains("stopped"),
        "it is over: {shown}"
    );
    // The slot is free again.
    eventually("more work", PATIENCE, async || app.work(1)).await;
    assert_eq!(running.stop().await, Some(0));
    let rows = sidecar.runs().await;
    assert!(rows.iter().any(|row| row["state"] == "skipped" && row["reason"] == "running"), "{rows:?}");
}

#[tokio::test]
async fn work_that_failed_is_failed() {
    let (app, sidecar, mut running) = started("timeout = '1h'").await;
    app.looks(1).await;
    app.set("failed");
    let failed = row_in("failed", &sidecar, &app).await;
    assert_eq!(failed["reason"], "status");
    assert!(shown(&sidecar, &failed).await.contains("the work ended as \"failed\""));
    assert_eq!(running.stop().await, Some(0));
}

/// Guarantee G3: at the poll timeout the app is asked to stop it. Only when it says that it did is the work not done.
#[tokio::test]
async fn a_timeout_stops_the_work() {
    for (status, outcome) in [(200, "failed"), (404, "unknown"), (500, "unknown")] {
        let app = LongApp::start().await;
        app.with(|inner| inner.cancel_status = Some(status));
        let sidecar = Sidecar::new(app.address, &job("timeout = '2s'"));
        let (mut running, _) = sidecar.run().await;
        eventually("a run", PATIENCE, async || app.work(0)).await;
        let over = row_in(outcome, &sidecar, &app).await;
        assert_eq!(over["reason"], "timeout", "{over}");
        let work = app.work(0).unwrap();
        assert_eq!(work.cancels.len(), 1, "asked once");
        assert!(is_known(&work.cancels[0]));
        assert_eq!(work.cancels[0]["sexton-run"], over["id"].as_str().unwrap());
        assert!(shown(&sidecar, &over).await.contains("not over within the poll timeout"));
        // Unknown keeps the slot for its hold; with the app's word that nothing runs it is free.
        if status == 500 {
            eventually("a skip", PATIENCE, async || {
                sidecar.runs().await.into_iter().find(|row| row["reason"] == "possibly_running")
            })
            .await;
            assert!(app.work(1).is_none());
        } else {
            eventually("more work", PATIENCE, async || app.work(1)).await;
        }
        assert_eq!(running.stop().await, Some(0));
    }
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let app = LongApp::start().await;
    app.with(|inner| inner.retry_after = Some(3));
    let sidecar = Sidecar::new(app.address, &job("timeout = '1h'"));
    let (mut running, _) = sidecar.run().await;
    let looks = app.looks(2).await.looks;
    assert!(looks[1] - looks[0] >= Duration::from_millis(2900), "{:?}", looks[1] - looks[0]);
    assert_eq!(running.stop().await, Some(0));
}

/// Guarantee G5: whatever the app says, the secret goes to the target only.
#[tokio::test]
async fn a_location_elsewhere_is_refused() {
    let (app, elsewhere) = (LongApp::start().await, FakeApp::start().await);
    app.with(|inner| inner.location = Some(format!("http://{}/works/0", elsewhere.address)));
    let sidecar = Sidecar::new(app.address, &job("timeout = '1h'"));
    let (mut running, _) = sidecar.run().await;
    eventually("a run", PATIENCE, async || app.work(0)).await;
    let refused = row_in("unknown", &sidecar, &app).await;
    assert_eq!(refused["reason"], "poll_refused");
    assert_eq!(running.stop().await, Some(0));
    assert!(elsewhere.arrivals().is_empty() && app.work(0).unwrap().looks.is_empty());
}

/// Seed E5: a stop does not wait for the work; the next start goes on with it, by the definition as it was.
#[tokio::test]
async fn a_stop_and_an_edit_lose_nothing() {
    let (app, sidecar, mut running) = started("timeout = '1h'").await;
    app.looks(1).await;
    row_in("polling", &sidecar, &app).await;
    assert_eq!(running.stop().await, Some(0));
    assert_eq!(row(&sidecar, &app).await["state"], "polling");

    let before = app.work(0).unwrap().looks.len();
    let changed = job("timeout = '1h', state = '/elsewhere', success = ['over']");
    sidecar.define(&format!("[targets.app]\nbase_url = \"http://{}\"\n{changed}", app.address));
    let (mut running, _) = sidecar.run().await;
    app.looks(before + 2).await;
    assert!(app.work(1).is_none(), "the slot is kept");
    app.set("done");
    row_in("succeeded", &sidecar, &app).await;
    assert_eq!(running.stop().await, Some(0));
}

/// Seed D11: killed, it goes on as well, and the work is not begun twice.
#[tokio::test]
async fn a_kill_loses_nothing() {
    let (app, sidecar, mut running) = started("timeout = '1h'").await;
    app.looks(2).await;
    row_in("polling", &sidecar, &app).await;
    running.signal(Signal::KILL);
    assert_eq!(running.ended().await, None);
    let before = app.work(0).unwrap().looks.len();
    app.set("done");
    let (mut running, _) = sidecar.run().await;
    app.looks(before + 1).await;
    row_in("succeeded", &sidecar, &app).await;
    assert_eq!(running.stop().await, Some(0));
    let first = app.work(0).unwrap().run;
    assert!(app.with(|inner| inner.works.iter().skip(1).all(|work| work.run != first)));
}

/// A job that is gone when the sidecar starts again can be asked nothing.
#[tokio::test]
async fn work_of_a_job_that_is_gone_is_unknown() {
    let (app, sidecar, mut running) = started("timeout = '1h'").await;
    app.looks(1).await;
    row_in("polling", &sidecar, &app).await;
    assert_eq!(running.stop().await, Some(0));
    sidecar.define(&format!("[targets.app]\nbase_url = \"http://{}\"\n", app.address));
    let (mut running, _) = sidecar.run().await;
    assert_eq!(row_in("unknown", &sidecar, &app).await["reason"], "removed");
    assert_eq!(running.stop().await, Some(0));
}

async fn shown(sidecar: &Sidecar, row: &Value) -> String {
    let command = sidecar.command(&["show", "--store", "sqlite://sexton.db", row["id"].as_str().unwrap()]);
    crate::support::process::run(command).await.good()
}
