//! How late requests arrive, against a bare loop of tokio and reqwest on the same server in the same run.
//!
//! `cargo bench --bench firing` runs: ten jobs each second for a minute (or `SECONDS`, the first argument), and a thousand
//! jobs due in one second. Lateness is measured by the server: from the due instant to the request's arrival.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sexton::{
    clock::{Clock, SharedClock, SystemClock},
    credentials::{Config, Credentials},
    dispatch::Dispatcher,
    entropy::Entropy,
    http_client,
    job::{self, LoadContext, Overrides, Source},
    scheduler::{Handle, Metrics, Scheduler, Status},
    store,
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinSet,
};

const SCHEDULED_FOR: &str = "sexton-scheduled-for";

type Arrivals = mpsc::UnboundedReceiver<TimeDelta>;

#[tokio::main]
async fn main() {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(60);
    steady(10, seconds).await;
    burst(1_000).await;
}

async fn steady(jobs: usize, seconds: usize) {
    println!("{jobs} jobs each second for {seconds} s");
    let (address, mut arrivals) = server().await;
    bare(&address, jobs, seconds).await;
    let bare = Lateness::of(&mut arrivals, jobs * seconds).await;
    let stop = sexton(&address, jobs, "every 1s").await;
    let sexton = Lateness::of(&mut arrivals, jobs * seconds).await;
    stop.send_replace(true);
    compare(&bare, &sexton);
}

async fn burst(jobs: usize) {
    println!("{jobs} jobs due in one second");
    let (address, mut arrivals) = server().await;
    bare(&address, jobs, 1).await;
    let bare = Lateness::of(&mut arrivals, jobs).await;
    let at = (SystemClock.now() + TimeDelta::seconds(8)).duration_trunc(TimeDelta::seconds(1)).unwrap();
    let stop = sexton(&address, jobs, &format!("at {}", at.to_rfc3339())).await;
    let sexton = Lateness::of(&mut arrivals, jobs).await;
    stop.send_replace(true);
    compare(&bare, &sexton);
}

fn compare(bare: &Lateness, sexton: &Lateness) {
    let ratio = |a: TimeDelta, b: TimeDelta| a.as_seconds_f64() / b.as_seconds_f64();
    println!("  bare loop  {bare}");
    println!("  sexton     {sexton}");
    println!("  ratio      p50 {:.1}  p99 {:.1}\n", ratio(sexton.p50, bare.p50), ratio(sexton.p99, bare.p99));
}

struct Lateness {
    p50: TimeDelta,
    p99: TimeDelta,
    max: TimeDelta,
}

impl Lateness {
    async fn of(arrivals: &mut Arrivals, count: usize) -> Self {
        let mut all = Vec::with_capacity(count);
        while all.len() < count {
            all.push(arrivals.recv().await.unwrap());
        }
        all.sort();
        let at = |share: usize| all[(count * share / 100).min(count - 1)];
        Self { p50: at(50), p99: at(99), max: at(100) }
    }
}

impl std::fmt::Display for Lateness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |length: TimeDelta| length.as_seconds_f64() * 1e3;
        write!(f, "p50 {:6.2} ms  p99 {:6.2} ms  max {:6.2} ms", ms(self.p50), ms(self.p99), ms(self.max))
    }
}

/// Notes how late each request is.
async fn server() -> (String, Arrivals) {
    let (note, arrivals) = mpsc::unbounded_channel();
    let app = Router::new().route("/", post(arrived)).with_state(note);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, arrivals)
}

async fn arrived(State(note): State<mpsc::UnboundedSender<TimeDelta>>, headers: HeaderMap) {
    let due: DateTime<Utc> = headers[SCHEDULED_FOR].to_str().unwrap().parse().unwrap();
    note.send(SystemClock.now() - due).unwrap();
}

/// What one would write by hand: sleep to the second, send.
async fn bare(address: &str, jobs: usize, seconds: usize) {
    let client = http_client::client().unwrap();
    let first = (SystemClock.now() + TimeDelta::seconds(2)).duration_trunc(TimeDelta::seconds(1)).unwrap();
    let mut sends = JoinSet::new();
    for second in 0..seconds {
        let due = first + TimeDelta::seconds(i64::try_from(second).unwrap());
        tokio::time::sleep((due - SystemClock.now()).to_std().unwrap_or_default()).await;
        for _ in 0..jobs {
            let request = client.post(address).header(SCHEDULED_FOR, due.to_rfc3339());
            sends.spawn(async move { request.send().await.unwrap().bytes().await.unwrap() });
        }
    }
    sends.join_all().await;
}

/// The scheduler with a ledger on disk.
async fn sexton(address: &str, jobs: usize, schedule: &str) -> watch::Sender<bool> {
    let clock: SharedClock = Arc::new(SystemClock);
    let folder = tempfile::tempdir().unwrap();
    let ledger = format!("sqlite://{}", folder.path().join("ledger.db").display());
    let credentials = Arc::new(Credentials::load(Config::file("unused")));
    let definitions = job::load_sources(
        vec![Source::new("bench", definitions(address, jobs, schedule))],
        &LoadContext { environment: &|_| None, overrides: &Overrides::default(), now: clock.now() },
    );
    let scheduler = Scheduler {
        definitions: watch::channel(definitions.unwrap().definitions).1,
        store: store::open(&ledger, clock.now()).await.unwrap().store,
        dispatcher: Arc::new(Dispatcher::new(credentials, clock.clone(), Entropy::System).unwrap()),
        clock,
        entropy: Entropy::System,
        metrics: Metrics::new(),
        status: watch::Sender::new(Status::default()),
        listener: None,
        commands: Handle::new().1,
    };
    let stop = watch::Sender::new(false);
    let stopped = stop.subscribe();
    tokio::spawn(async move {
        scheduler.run(stopped).await.unwrap();
        drop(folder);
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    stop
}

fn definitions(address: &str, jobs: usize, schedule: &str) -> String {
    let mut text = format!(
        "[sexton]\nmax_in_flight = 1000\n[targets.app]\nbase_url = \"{address}\"\nauth = \"none\"\n\
         [defaults]\ntimeout = \"1s\"\n"
    );
    for number in 0..jobs {
        text.push_str(&format!("[jobs.job-{number}]\nschedule = \"{schedule}\"\npath = \"/\"\n"));
    }
    text
}
