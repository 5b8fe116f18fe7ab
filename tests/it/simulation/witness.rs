//! A real app that keeps a log as the simulated one does: what reached it, how long it worked, whether anybody listened.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::{any, get, post},
};
use chrono::{DateTime, Utc};
use tokio::{net::TcpListener, sync::watch};

use super::check::{Call, Look, Said, Side};
use crate::support::sidecar::PATIENCE;

/// `/takes/{ms}` takes so long; `/mixed` takes its time with some, `/again` says 503 to each first attempt, `/later` takes
/// work on that `/later/{call}` tells of; `/lie` says 200 to a cancel and works on.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<Call>>>,
    received: watch::Sender<usize>,
}

impl Witness {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this =
            Self { address: listener.local_addr().unwrap(), log: Arc::default(), received: watch::Sender::default() };
        let app = Router::new()
            .route("/takes/{ms}", post(work))
            .route("/mixed", post(mixed))
            .route("/again", post(again))
            .route("/later", post(later))
            .route("/later/{call}", get(look))
            .route("/lie", any(|| async { StatusCode::OK }))
            .with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        this
    }

    /// The log so far, by receipt.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let mut calls = self.log.lock().unwrap().clone();
        calls.sort_by_key(|call| call.received);
        calls
    }

    pub(crate) fn count(&self) -> usize {
        *self.received.borrow()
    }

    /// Waits until so many requests have come.
    pub(crate) async fn has(&self, count: usize) {
        let mut received = self.received.subscribe();
        let came = received.wait_for(|received| *received >= count);
        tokio::time::timeout(PATIENCE, came).await.expect("the requests come").unwrap();
    }

    /// Waits until whatever it works on is done.
    pub(crate) async fn is_idle(&self) {
        let mut changed = self.received.subscribe();
        let idle = changed.wait_for(|_| self.log.lock().unwrap().iter().all(|call| call.finished.is_some()));
        tokio::time::timeout(PATIENCE, idle).await.expect("its work has an end").unwrap();
    }

    fn received(&self, headers: &HeaderMap) -> Option<(usize, u64)> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let fence = text("sexton-fence")?.parse().ok()?;
        let call = Call {
            job: crate::support::definitions::name(text("sexton-job")?),
            run: text("sexton-run")?.parse().ok()?,
            scheduled_for: text("sexton-scheduled-for")?.parse().ok()?,
            attempt: text("sexton-attempt")?.parse().ok()?,
            fence,
            trigger: text("sexton-trigger")?.parse().ok()?,
            received: now(),
            finished: None,
            answer: None,
            closed: DateTime::<Utc>::MAX_UTC,
            closed_by: Side::Death,
            looks: None,
            stops: Vec::new(),
        };
        let mut log = self.log.lock().unwrap();
        log.push(call);
        self.received.send_replace(log.len());
        Some((log.len() - 1, fence))
    }

    fn note(&self, number: usize, change: impl FnOnce(&mut Call)) {
        change(&mut self.log.lock().unwrap()[number]);
        self.received.send_modify(|_| {});
    }
}

/// Its end is the end of the connection, also when nobody waits for the answer any more.
struct Connection {
    witness: Witness,
    call: usize,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.witness.note(self.call, |call| call.closed = now());
    }
}

async fn work(State(witness): State<Witness>, Path(ms): Path<u64>, headers: HeaderMap) -> StatusCode {
    match witness.received(&headers) {
        Some((call, _)) => take(witness, call, ms).await,
        None => StatusCode::BAD_REQUEST,
    }
}

/// One in eight takes longer than its client waits.
async fn mixed(State(witness): State<Witness>, headers: HeaderMap) -> StatusCode {
    let Some((call, fence)) = witness.received(&headers) else { return StatusCode::BAD_REQUEST };
    let drawn = super::dice::Dice::of(fence).roll();
    let ms = if drawn.is_multiple_of(8) { 2_500 + drawn / 8 % 1_800 } else { drawn / 8 % 120 };
    take(witness, call, ms).await
}

/// What is not to be is said at once, and the second attempt is like any other.
async fn again(State(witness): State<Witness>, headers: HeaderMap) -> StatusCode {
    if headers.get("sexton-attempt").is_none_or(|attempt| attempt != "1") {
        return mixed(State(witness), headers).await;
    }
    let Some((call, _)) = witness.received(&headers) else { return StatusCode::BAD_REQUEST };
    let connection = Connection { witness, call };
    let answer = StatusCode::SERVICE_UNAVAILABLE;
    connection.witness.note(call, |call| {
        (call.finished, call.closed_by) = (Some(now()), Side::App);
        call.answer = Some((now(), answer.as_u16()));
    });
    answer
}

/// It works for up to three seconds.
async fn later(State(witness): State<Witness>, headers: HeaderMap) -> impl IntoResponse {
    let (call, fence) = witness.received(&headers).ok_or(StatusCode::BAD_REQUEST)?;
    let connection = Connection { witness: witness.clone(), call };
    let ms = super::dice::Dice::of(fence).below(3_000);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        witness.note(call, |call| call.finished = Some(now()));
    });
    connection.witness.note(call, |call| {
        (call.looks, call.closed_by) = (Some(Vec::new()), Side::App);
        call.answer = Some((now(), StatusCode::ACCEPTED.as_u16()));
    });
    Ok::<_, StatusCode>((StatusCode::ACCEPTED, [(header::LOCATION, format!("/later/{call}"))]))
}

/// How far the work of a call is.
async fn look(State(witness): State<Witness>, Path(call): Path<usize>) -> Json<serde_json::Value> {
    let asked = now();
    let mut status = "running";
    witness.note(call, |call| {
        let said = if call.finished.is_some() { Said::Done } else { Said::AtIt };
        status = if said == Said::Done { "done" } else { status };
        // What a sidecar did not live to hear, the next one asks for again.
        let look = Look { asked, at: now(), said, heard: true };
        call.looks.iter_mut().for_each(|looks| looks.push(look));
    });
    Json(serde_json::json!({ "status": status }))
}

/// The work goes on whether anybody waits for it or not.
async fn take(witness: Witness, call: usize, ms: u64) -> StatusCode {
    let connection = Connection { witness: witness.clone(), call };
    let work = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        witness.note(call, |call| call.finished = Some(now()));
    });
    work.await.unwrap();
    connection.witness.note(call, |call| (call.answer, call.closed_by) = (Some((now(), 200)), Side::App));
    StatusCode::OK
}

#[expect(clippy::disallowed_methods, reason = "the witness has a watch of its own")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
