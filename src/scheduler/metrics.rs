//! Counts and gauges, in a registry that is a value: two schedulers in one process do not share it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::decisions::RunEnded;
use crate::{
    job::JobName,
    run::{Outcome, Reason},
    store::Pause,
};

/// Upper bounds of lateness in seconds: what matters is below 10 ms, what hurts is above a second.
const LATENESS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0, 600.0];
/// Upper bounds of durations in seconds, up to a day.
const DURATION: [f64; 12] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 86400.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByJob {
    job: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    job: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySettlement {
    job: String,
    r#as: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByClass {
    job: String,
    class: &'static str,
}

/// The scheduler's metrics. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    runs: Family<ByOutcome, Counter>,
    attempts: Family<ByClass, Counter>,
    lateness: Histogram,
    duration: Histogram,
    next_fire: Family<ByJob, Gauge<i64, AtomicI64>>,
    last_success: Family<ByJob, Gauge<f64, AtomicU64>>,
    holds_over: Family<ByJob, Counter>,
    settled: Family<BySettlement, Counter>,
    paused: Family<ByJob, Gauge>,
    in_flight: Gauge,
    waiting: Gauge,
    last_tick: Gauge<f64, AtomicU64>,
    loop_restarts: Counter,
}

impl Metrics {
    /// A registry with everything at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("sexton");
        let (runs, attempts, holds_over) = (Family::default(), Family::default(), Family::default());
        let settled = Family::default();
        let (next_fire, last_success, paused) = (Family::default(), Family::default(), Family::default());
        let (in_flight, waiting, last_tick) = (Gauge::default(), Gauge::default(), Gauge::default());
        let loop_restarts = Counter::default();
        let (lateness, duration) = (Histogram::new(LATENESS), Histogram::new(DURATION));
        registry.register("runs", "Occurrences with a final row, by job and outcome", Family::clone(&runs));
        registry.register("attempts", "Attempts, by job and how they ended", Family::clone(&attempts));
        registry.register("holds_over", "Holds that ended without word of their run", Family::clone(&holds_over));
        registry.register("settled", "Unknown runs of which somebody said how they ended", Family::clone(&settled));
        registry.register("lateness_seconds", "From the due instant to the sending", lateness.clone());
        registry.register("run_duration_seconds", "From the sending to the end of the answer", duration.clone());
        registry.register("next_fire_timestamp_seconds", "When the job is next sent", Family::clone(&next_fire));
        registry.register(
            "last_success_timestamp_seconds",
            "When the job last succeeded",
            Family::clone(&last_success),
        );
        registry.register("paused", "1 for a job that is held back", Family::clone(&paused));
        registry.register("in_flight", "Requests open or about to be", Gauge::clone(&in_flight));
        registry.register("waiting", "Due runs that wait for max_in_flight or their group", Gauge::clone(&waiting));
        registry.register("last_tick_age_seconds", "How long ago it last looked", Gauge::clone(&last_tick));
        registry.register(
            "loop_restarts",
            "How often the loop started over after a fault",
            Counter::clone(&loop_restarts),
        );
        let registry = Arc::new(registry);
        Self {
            registry,
            runs,
            attempts,
            lateness,
            duration,
            next_fire,
            last_success,
            holds_over,
            settled,
            paused,
            in_flight,
            waiting,
            last_tick,
            loop_restarts,
        }
    }

    /// In the OpenMetrics text format. `silence`: how long ago the scheduler last looked (seed D9); before its first look that
    /// is no number.
    #[must_use]
    pub fn render(&self, silence: Option<Duration>) -> String {
        self.last_tick.set(silence.map_or(f64::NAN, |silence| silence.as_secs_f64()));
        let mut text = String::new();
        if let Err(error) = text::encode(&mut text, &self.registry) {
            tracing::error!(%error, "the metrics could not be written out");
        }
        text
    }

    pub(super) fn ended(&self, ended: &RunEnded, now: DateTime<Utc>) {
        let job = ended.job.to_string();
        let outcome = ended.outcome.as_str();
        self.runs.get_or_create(&ByOutcome { job: job.clone(), outcome }).inc_by(ended.count);
        if let Some(lateness) = ended.lateness {
            self.lateness.observe(lateness.as_seconds_f64());
        }
        if let Some(duration) = ended.duration {
            self.duration.observe(duration.as_seconds_f64());
        }
        if ended.outcome == Outcome::Succeeded {
            self.last_success.get_or_create(&ByJob { job }).set(seconds(now));
        }
    }

    /// Every attempt counts, also one that never connected.
    pub(super) fn attempted(&self, job: &JobName, outcome: Outcome, reason: Option<Reason>) {
        let class = reason.map_or(outcome.as_str(), |reason| reason.as_str());
        self.attempts.get_or_create(&ByClass { job: job.to_string(), class }).inc();
    }

    pub(super) fn hold_over(&self, job: &JobName) {
        self.holds_over.get_or_create(&ByJob { job: job.to_string() }).inc();
    }

    /// Its run stays counted as unknown.
    pub(super) fn settled(&self, job: &JobName, outcome: Outcome) {
        self.settled.get_or_create(&BySettlement { job: job.to_string(), r#as: outcome.as_str() }).inc();
    }

    pub(super) fn paused<'a>(&self, jobs: impl Iterator<Item = &'a JobName>, pauses: &[Pause]) {
        self.paused.clear();
        for job in jobs.filter(|job| pauses.iter().any(|pause| pause.is_for(job))) {
            self.paused.get_or_create(&ByJob { job: job.to_string() }).set(1);
        }
    }

    pub(super) fn loop_restarted(&self) {
        self.loop_restarts.inc();
    }

    pub(super) fn load(&self, in_flight: usize, waiting: usize) {
        self.in_flight.set(i64::try_from(in_flight).unwrap_or(i64::MAX));
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    pub(super) fn next_fires(&self, moved: impl IntoIterator<Item = (JobName, Option<DateTime<Utc>>)>) {
        for (job, next) in moved {
            let label = ByJob { job: job.to_string() };
            match next {
                Some(next) => drop(self.next_fire.get_or_create(&label).set(next.timestamp())),
                None => drop(self.next_fire.remove(&label)),
            }
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn seconds(at: DateTime<Utc>) -> f64 {
    Duration::from_micros(u64::try_from(at.timestamp_micros()).unwrap_or_default()).as_secs_f64()
}
