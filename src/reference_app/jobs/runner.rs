//! The owner of the running jobs: it claims what waits, ends what was given up, and takes cancellations. One task, so
//! nothing here happens at the same time as something else.

use std::{collections::HashMap, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tracing::Instrument;

use super::{
    attempt::{attempt, failed, finish},
    lease::{self, ATTEMPTS, Claimed},
    perform,
};
use crate::reference_app::{database::instant, observe::caught, state::Shared};

/// How long the runner waits when the database fails.
const TROUBLE: Duration = Duration::from_secs(1);
/// How long what is over is kept.
const KEPT_MILLIS: i64 = 30 * 24 * 3600 * 1000;

/// Asks the runner to end a job. It answers when nothing of it is running any more.
#[derive(Debug)]
pub(in crate::reference_app) struct Cancel {
    pub(super) id: String,
    pub(super) done: oneshot::Sender<Result<(), sqlx::Error>>,
}

/// A job that this process is at.
struct Running {
    lease: String,
    /// Taken by the first cancellation.
    cancel: Option<oneshot::Sender<()>>,
    waiting: Vec<oneshot::Sender<Result<(), sqlx::Error>>>,
}

/// The owner task's state.
pub(in crate::reference_app) struct Runner {
    app: Shared,
    cancels: mpsc::Receiver<Cancel>,
    tasks: JoinSet<String>,
    running: HashMap<String, Running>,
}

/// What the runner wakes for.
enum Event {
    Cancel(Cancel),
    Ended(String),
    /// Something waits, or an instant has come.
    Look,
    Closing,
}

impl Runner {
    pub(in crate::reference_app) fn new(app: Shared, cancels: mpsc::Receiver<Cancel>) -> Self {
        Self { app, cancels, tasks: JoinSet::new(), running: HashMap::new() }
    }

    /// Works until the app closes and the last job has ended.
    pub(in crate::reference_app) async fn run(mut self) {
        while let Err(panic) = caught(self.turns()).await {
            tracing::error!(%panic, "the queue's runner panicked; it goes on");
        }
    }

    async fn turns(&mut self) {
        let mut closing = false;
        while !(closing && self.running.is_empty()) {
            let next = if closing { None } else { self.look().await };
            match self.event(next, closing).await {
                Event::Cancel(cancel) => self.cancel(cancel).await,
                Event::Ended(id) => self.ended(&id).await,
                Event::Look => {}
                Event::Closing => closing = true,
            }
        }
    }

    async fn event(&mut self, next: Option<i64>, closing: bool) -> Event {
        let mut work = self.app.lifecycle.begin();
        let clock = &self.app.clock;
        let due = async {
            match next {
                Some(next) => clock.sleep_until(instant(next)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(cancel) = self.cancels.recv() => Event::Cancel(cancel),
            Some(ended) = self.tasks.join_next() => match ended {
                Ok(id) => Event::Ended(id),
                // Each task catches its own panics and is never aborted.
                Err(error) => { tracing::error!(%error, "a job's task is gone"); Event::Look }
            },
            () = self.app.jobs.noticed(), if !closing => Event::Look,
            () = due => Event::Look,
            () = work.closing(), if !closing => Event::Closing,
        }
    }

    /// Ends what was given up and claims what waits; when to look again.
    async fn look(&mut self) -> Option<i64> {
        match self.reap_and_claim().await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "the queue cannot be read; it is tried again");
                tokio::time::sleep(TROUBLE).await;
                Some(self.app.now_millis())
            }
        }
    }

    async fn reap_and_claim(&mut self) -> Result<Option<i64>, sqlx::Error> {
        let ours: Vec<&str> = self.running.values().map(|running| running.lease.as_str()).collect();
        for claimed in lease::expired(&self.app.pool, &ours, self.app.now_millis()).await? {
            self.reap(&claimed).await?;
        }
        lease::forget(&self.app.pool, self.app.now_millis() - KEPT_MILLIS).await?;
        while self.has_room() {
            let lease = self.app.entropy.hex::<16>();
            match lease::claim(&self.app.pool, &lease, self.app.now_millis()).await? {
                Some(claimed) => self.begin(claimed),
                None => break,
            }
        }
        let ours: Vec<&str> = self.running.values().map(|running| running.lease.as_str()).collect();
        lease::next_instant(&self.app.pool, &ours, self.has_room()).await
    }

    fn has_room(&self) -> bool {
        self.running.len() < self.app.jobs.workers()
    }

    /// Nobody is at it any more: it is tried again, or failed with its last try (seeds A36 and B12).
    async fn reap(&self, claimed: &Claimed) -> Result<(), sqlx::Error> {
        let now = self.app.now_millis();
        if claimed.attempts < ATTEMPTS {
            tracing::warn!(job = claimed.id, attempts = claimed.attempts, "a job's worker is gone; it is tried again");
            lease::put_back(&self.app.pool, claimed, "The worker was gone before it was done.", now).await?;
            return Ok(());
        }
        let audited = perform::audited(claimed, &perform::read(claimed));
        let end = failed(format!("Its worker was gone before it was done, {ATTEMPTS} times."));
        finish(&self.app, claimed, &end, (audited, "failed"), claimed.started_at.unwrap_or(now)).await
    }

    fn begin(&mut self, claimed: Claimed) {
        let (cancel, cancelled) = oneshot::channel();
        let running = Running { lease: claimed.lease.clone(), cancel: Some(cancel), waiting: Vec::new() };
        let id = claimed.id.clone();
        self.running.insert(id.clone(), running);
        let app = Shared::clone(&self.app);
        let span = tracing::info_span!("job", id, kind = claimed.kind);
        let work = async move {
            if let Err(panic) = caught(attempt(app, claimed, cancelled)).await {
                tracing::error!(%panic, "a job's attempt panicked; it is tried again when its lease is over");
            }
            id
        };
        self.tasks.spawn(work.instrument(span));
    }

    async fn ended(&mut self, id: &str) {
        for waiting in self.running.remove(id).into_iter().flat_map(|running| running.waiting) {
            self.take_out(id, waiting).await;
        }
    }

    async fn cancel(&mut self, Cancel { id, done }: Cancel) {
        if let Some(running) = self.running.get_mut(&id) {
            if let Some(cancel) = running.cancel.take() {
                // It may have ended just now; then it is as good as cancelled.
                let _ = cancel.send(());
            }
            running.waiting.push(done);
            return;
        }
        self.take_out(&id, done).await;
    }

    /// Ends a job that nobody here is at, unless it is over: one that waits, or waits again since its attempt failed just
    /// when it was cancelled, or whose worker is gone.
    async fn take_out(&self, id: &str, done: oneshot::Sender<Result<(), sqlx::Error>>) {
        let cancelled = lease::cancel(&self.app.pool, id, self.app.now_millis()).await;
        if let Ok(true) = cancelled {
            tracing::info!(job = id, "job cancelled while nobody was at it");
        }
        // Who asked may have hung up.
        let _ = done.send(cancelled.map(drop));
    }
}
