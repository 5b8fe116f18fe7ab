//! How the sidecar is: alive, ready, and what is wrong.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    credentials::Credentials,
    job::InForce,
    scheduler::Watch,
    store::{FreshBecause, Pause, RunStore},
};

/// After how long without a tick the process counts as dead; the watchdog had several tries by then.
const NOT_ALIVE_AFTER: Duration = Duration::from_secs(30);

/// Looks at everything that can be wrong.
#[derive(Debug, Clone)]
pub struct Health {
    /// The running scheduler.
    pub scheduler: Watch,
    /// What the sidecar shows to apps.
    pub credentials: Arc<Credentials>,
    /// The definitions in force and the newest edit's fate.
    pub definitions: watch::Receiver<InForce>,
    /// Why the ledger was begun anew at this start, if it was.
    pub fresh_because: Option<Arc<FreshBecause>>,
}

/// The answer of `/healthz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    status: Condition,
    reasons: Vec<Reason>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Nothing is wrong.
    Ok,
    /// It runs, and somebody should look.
    Degraded,
    /// Nothing is fired.
    Failing,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Reason {
    code: &'static str,
    message: String,
}

impl Verdict {
    /// Whether nothing is fired.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.status == Condition::Failing
    }

    fn add(&mut self, condition: Condition, code: &'static str, message: impl Into<String>) {
        self.status = self.status.max(condition);
        self.reasons.push(Reason { code, message: message.into() });
    }
}

fn paused(pauses: &[Pause]) -> String {
    let each = pauses.iter().map(|pause| {
        let job = pause.job.as_ref().map_or_else(|| "all jobs".to_owned(), |job| format!("`{job}`"));
        let until = pause.until.map(|until| format!(" until {}", until.to_rfc3339())).unwrap_or_default();
        let note = pause.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        format!("{job}{until}{note}")
    });
    format!("held back: {}", each.collect::<Vec<_>>().join(", "))
}

impl Health {
    /// Everything that is wrong, with what the ledger tells at `now`.
    pub async fn verdict(&self, store: &dyn RunStore, now: DateTime<Utc>) -> Verdict {
        let mut verdict = self.present();
        match self.scheduler.stale(store, now).await {
            Ok(stale) if stale.is_empty() => {}
            Ok(stale) => {
                let jobs: Vec<String> = stale.iter().map(|job| format!("`{job}`")).collect();
                let jobs = jobs.join(", ");
                let message =
                    format!("two due instants passed without a row of {jobs}: see the log, restart the sidecar");
                verdict.add(Condition::Failing, "stale_job", message);
            }
            Err(error) => verdict.add(Condition::Failing, "store_unreadable", error.to_string()),
        }
        verdict
    }

    /// What is wrong as far as memory tells.
    fn present(&self) -> Verdict {
        let mut verdict = Verdict { status: Condition::Ok, reasons: Vec::new() };
        let status = self.scheduler.status();
        if status.liveness.is_some() && !self.scheduler.is_ticking() {
            verdict.add(Condition::Failing, "no_tick", "the scheduler has not looked for 5 s: nothing is fired");
        }
        if status.liveness.is_some() && !status.store_writable {
            verdict.add(
                Condition::Failing,
                "store_unwritable",
                "the ledger cannot be written: nothing is sent; see the log",
            );
        }
        if let Some(restarts) = self.scheduler.restarts() {
            let message = format!("the scheduler's loop started over after a fault, {restarts} times: see the log");
            verdict.add(Condition::Degraded, "loop_restarted", message);
        }
        let definitions = self.definitions.borrow();
        if let Some(error) = definitions.errors().next() {
            let more = match definitions.errors().count() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            let message = format!("the newest edit is not in force: {error}{more}");
            verdict.add(Condition::Degraded, "definitions_rejected", message);
        }
        if !status.pauses.is_empty() {
            verdict.add(Condition::Ok, "paused", paused(&status.pauses));
        }
        for target in self.scheduler.rejecting_targets() {
            let message = format!("target `{target}` refuses the credential; the log says what to do");
            verdict.add(Condition::Degraded, "credential_rejected", message);
        }
        let targets = definitions.loaded.definitions.targets.values();
        for trouble in self.credentials.troubles(targets.map(|target| &target.auth)) {
            verdict.add(Condition::Degraded, "credential_unreadable", trouble.to_string());
        }
        if let Some(why) = &self.fresh_because {
            verdict.add(Condition::Degraded, "ledger_fresh", why.to_string());
        }
        verdict
    }

    /// Why the process should be restarted, if it should.
    #[must_use]
    pub fn not_alive(&self) -> Option<&'static str> {
        (self.silence()? >= NOT_ALIVE_AFTER).then_some("no tick for 30 s")
    }

    /// How long ago the scheduler last looked: its ticker or its loop, whichever is longer ago. `None` before its first look.
    #[must_use]
    pub fn silence(&self) -> Option<Duration> {
        Some(self.scheduler.status().liveness?.age())
    }

    /// Why it does not fire yet or any more, if so. Never because of a job or an app.
    #[must_use]
    pub fn not_ready(&self) -> Option<&'static str> {
        let status = self.scheduler.status();
        match &status.liveness {
            None => Some("starting"),
            Some(_) if status.stopping => Some("stopping"),
            Some(_) if !status.store_writable => Some("the ledger cannot be written"),
            Some(_) if !self.scheduler.is_ticking() => Some("no tick for 5 s"),
            Some(_) => None,
        }
    }
}
