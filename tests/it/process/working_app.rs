//! An app whose work goes on whether anybody waits for it or not, and its own log of it: the witness.

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
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::{
    net::TcpSocket,
    task::{AbortHandle, JoinHandle},
};

use crate::support::{process::eventually, sidecar::PATIENCE};

/// `/takes/MS` takes so long; `/accepts/MS` too, but answers 202 at once and says how far it is; `/busy/N/SECONDS` answers the
/// first N attempts of a run with 503 and asks to be left alone so long; `/stop` stops the run that it is told of;
/// `/lie/STATUS` does not.
#[derive(Clone)]
pub(super) struct WorkingApp {
    pub(super) address: SocketAddr,
    log: Arc<Mutex<Vec<Pass>>>,
}

/// An address at which nobody listens yet, and nobody else can.
pub(super) struct Absent {
    pub(super) address: SocketAddr,
    socket: TcpSocket,
}

/// A request that reached it, and what became of its work.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    pub(super) job: String,
    pub(super) run: String,
    pub(super) key: String,
    pub(super) attempt: u32,
    pub(super) trigger: String,
    pub(super) scheduled_for: DateTime<Utc>,
    pub(super) received: DateTime<Utc>,
    /// The end of the work, or of its being stopped.
    pub(super) finished: Option<DateTime<Utc>>,
    work: Option<AbortHandle>,
}

impl Absent {
    pub(super) fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { address: socket.local_addr().unwrap(), socket }
    }

    pub(super) fn appear(self) -> WorkingApp {
        let listener = self.socket.listen(1024).unwrap();
        let this = WorkingApp { address: self.address, log: Arc::default() };
        let app = Router::new()
            .route("/takes/{ms}", post(work))
            .route("/accepts/{ms}", post(accept))
            .route("/state/{number}", get(state))
            .route("/busy/{times}/{seconds}", post(busy))
            .route("/stop", post(stop))
            .route(
                "/lie/{status}",
                post(|Path(status): Path<u16>| async move { StatusCode::from_u16(status).unwrap() }),
            )
            .with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        this
    }
}

impl WorkingApp {
    pub(super) fn start() -> Self {
        Absent::reserve().appear()
    }

    /// The log so far, by receipt.
    pub(super) fn passes(&self) -> Vec<Pass> {
        self.log.lock().unwrap().clone()
    }

    pub(super) fn of(&self, job: &str) -> Vec<Pass> {
        self.passes().into_iter().filter(|pass| pass.job == job).collect()
    }

    /// Waits until the log is as wanted.
    pub(super) async fn shows<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        eventually(what, PATIENCE, async || look(self)).await
    }

    pub(super) async fn has(&self, job: &str, count: usize) -> Vec<Pass> {
        let enough = |app: &Self| Some(app.of(job)).filter(|passes| passes.len() >= count);
        self.shows(&format!("{count} passes of {job}"), enough).await
    }

    /// Waits until all its work is done.
    pub(super) async fn is_idle(&self) -> Vec<Pass> {
        let idle = |app: &Self| Some(app.passes()).filter(|log| log.iter().all(|pass| pass.finished.is_some()));
        self.shows("the end of all work", idle).await
    }

    /// What it is at, of a job.
    pub(super) fn at_work_on(&self, job: &str) -> Option<Pass> {
        self.of(job).into_iter().find(|pass| pass.finished.is_none())
    }

    fn note(&self, headers: &HeaderMap) -> usize {
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        let pass = Pass {
            job: text("sexton-job"),
            run: text("sexton-run"),
            key: text("idempotency-key"),
            attempt: text("sexton-attempt").parse().unwrap(),
            trigger: text("sexton-trigger"),
            scheduled_for: text("sexton-scheduled-for").parse().unwrap(),
            received: now(),
            finished: None,
            work: None,
        };
        let mut log = self.log.lock().unwrap();
        log.push(pass);
        log.len() - 1
    }

    fn begin(&self, ms: u64, headers: &HeaderMap) -> (usize, JoinHandle<()>) {
        let number = self.note(headers);
        let log = self.clone();
        let work = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            log.change(number, |pass| pass.finished = Some(now()));
        });
        self.change(number, |pass| pass.work = Some(work.abort_handle()));
        (number, work)
    }

    fn change(&self, number: usize, change: impl FnOnce(&mut Pass)) {
        change(&mut self.log.lock().unwrap()[number]);
    }
}

async fn work(State(app): State<WorkingApp>, Path(ms): Path<u64>, headers: HeaderMap) -> StatusCode {
    let (_, work) = app.begin(ms, &headers);
    // What was stopped says so.
    work.await.map_or(StatusCode::CONFLICT, |()| StatusCode::OK)
}

async fn accept(State(app): State<WorkingApp>, Path(ms): Path<u64>, headers: HeaderMap) -> impl IntoResponse {
    let (number, _) = app.begin(ms, &headers);
    (StatusCode::ACCEPTED, [("location", format!("/state/{number}"))])
}

async fn state(State(app): State<WorkingApp>, Path(number): Path<usize>) -> Json<Value> {
    let finished = app.passes()[number].finished.is_some();
    Json(json!({ "status": if finished { "done" } else { "running" } }))
}

async fn busy(State(app): State<WorkingApp>, Path((times, seconds)): Path<(u32, u32)>, headers: HeaderMap) -> Response {
    let number = app.note(&headers);
    app.change(number, |pass| pass.finished = Some(now()));
    if app.passes()[number].attempt <= times {
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", seconds.to_string())]).into_response();
    }
    StatusCode::OK.into_response()
}

async fn stop(State(app): State<WorkingApp>, headers: HeaderMap) -> StatusCode {
    let run = headers["sexton-run"].to_str().unwrap();
    for pass in app.log.lock().unwrap().iter_mut().filter(|pass| pass.run == run && pass.finished.is_none()) {
        pass.work.iter().for_each(AbortHandle::abort);
        pass.finished = Some(now());
    }
    StatusCode::OK
}

/// Those that the app worked on at one time, at the worst moment of its log.
pub(super) fn most_at_once<'a>(passes: impl IntoIterator<Item = &'a Pass>) -> Vec<&'a Pass> {
    let passes: Vec<&Pass> = passes.into_iter().collect();
    let at = |instant| {
        let is_on = |pass: &&&Pass| pass.received <= instant && pass.finished.is_none_or(|end| instant < end);
        passes.iter().filter(is_on).copied().collect::<Vec<_>>()
    };
    passes.iter().map(|pass| at(pass.received)).max_by_key(Vec::len).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "the witness has a watch of its own")]
fn now() -> DateTime<Utc> {
    Utc::now()
}
