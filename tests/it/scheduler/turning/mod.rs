//! The loop itself: in this process, with a real ledger, a real dispatcher, the real engine, and a clock that a test may
//! set.

mod downtime;
mod faults;
mod firing;
mod new_beginnings;
mod odd_clocks;
mod odd_ledgers;

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use sexton::{
    clock::{SharedClock, VirtualClock},
    credentials::{Config, Credentials},
    dispatch::Dispatcher,
    entropy::Entropy,
    job::Definitions,
    run::{Outcome, Run},
    scheduler::{Handle, Metrics, RunEnded, Scheduler, Status, Watch},
    store::{self, FreshBecause, RunQuery, RunStore, StoreError},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::support::{
    definitions::{definitions, jobs_text},
    sidecar::FakeApp,
};

/// The most that a test waits for something that is bound to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running loop. `stop` it, or the test fails.
struct Turning {
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<Result<(), StoreError>>>,
    ended: mpsc::UnboundedReceiver<RunEnded>,
    store: Arc<dyn RunStore>,
    fresh_because: Option<FreshBecause>,
    watch: Watch,
    metrics: Metrics,
    handle: Handle,
    definitions: watch::Sender<Definitions>,
}

impl Turning {
    /// On the ledger `sexton.db` in `folder`.
    async fn start(folder: &Path, definitions: Definitions, clock: &SharedClock) -> Self {
        let address = format!("sqlite://{}", folder.join("sexton.db").display());
        let opened = store::open(&address, clock.now()).await.unwrap();
        let mut this = Self::with(opened.store, dispatcher(clock), definitions, clock);
        this.fresh_because = opened.fresh_because;
        this
    }

    fn with(
        store: Arc<dyn RunStore>,
        dispatcher: Arc<Dispatcher>,
        definitions: Definitions,
        clock: &SharedClock,
    ) -> Self {
        let (listener, ended) = mpsc::unbounded_channel();
        let definitions = watch::Sender::new(definitions);
        let (handle, commands) = Handle::new();
        let scheduler = Scheduler {
            definitions: definitions.subscribe(),
            store: Arc::clone(&store),
            dispatcher,
            clock: Arc::clone(clock),
            entropy: Entropy::System,
            metrics: Metrics::new(),
            status: watch::Sender::new(Status::default()),
            listener: Some(listener),
            commands,
        };
        let (watch, metrics, stop) = (scheduler.watch(), scheduler.metrics.clone(), watch::Sender::new(false));
        let task = tokio::spawn(scheduler.run(stop.subscribe()));
        Self { stop, task: Some(task), ended, store, fresh_because: None, watch, metrics, handle, definitions }
    }

    /// The next run that gets its final row.
    async fn next(&mut self) -> RunEnded {
        let next = tokio::time::timeout(PATIENCE, self.ended.recv()).await;
        next.expect("a run ends in time").expect("the loop runs")
    }

    /// The next run of a job that ends so.
    async fn next_of(&mut self, job: &str, outcome: Outcome) -> RunEnded {
        loop {
            let ended = self.next().await;
            if ended.job.as_str() == job && ended.outcome == outcome {
                return ended;
            }
        }
    }

    /// Lets it drain, and closes the ledger. Hands back the ledger's rows, oldest first.
    async fn stop(mut self) -> Vec<Run> {
        self.stop.send_replace(true);
        let task = self.task.take().unwrap();
        tokio::time::timeout(PATIENCE, task).await.expect("the drain ends in time").unwrap().unwrap();
        let rows = self.rows().await;
        self.store.close().await;
        rows
    }

    async fn rows(&self) -> Vec<Run> {
        let mut rows = self.store.runs(RunQuery { limit: u32::MAX, ..RunQuery::default() }).await.unwrap();
        rows.reverse();
        rows
    }
}

impl Drop for Turning {
    fn drop(&mut self) {
        assert!(self.task.is_none() || std::thread::panicking(), "the loop was left running");
    }
}

fn dispatcher(clock: &SharedClock) -> Arc<Dispatcher> {
    let credentials = Arc::new(Credentials::load(Config::from_lookup(|_| None).unwrap()));
    Arc::new(Dispatcher::new(credentials, Arc::clone(clock), Entropy::System).unwrap())
}

/// A clock that reads `text` now.
fn clock_at(text: &str) -> (VirtualClock, SharedClock) {
    let clock = VirtualClock::at(text.parse::<DateTime<Utc>>().unwrap());
    (clock.clone(), Arc::new(clock))
}

/// Jobs of an app that wants no secret.
fn jobs_of(app: &FakeApp, sexton: &str, jobs: &[(&str, &str, &str)]) -> Definitions {
    let target = format!("[targets.app]\nbase_url = \"http://{}\"\nauth = \"none\"\n", app.address);
    definitions(&jobs_text(sexton, &target, jobs))
}

/// Rows of a job in words: `12:00:01..12:00:03 x3 skipped running`.
fn story(rows: &[Run], job: &str) -> Vec<String> {
    rows.iter().filter(|run| run.job.as_str() == job).map(crate::support::memory::tell).collect()
}
