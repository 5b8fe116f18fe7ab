//! Permits: at most `max_in_flight` requests are open per target, and the rest wait for one in due order.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Decisions, Effect, Notice, Phase, Stage};
use crate::{run::RunId, store::Begin};

/// After how long in the queue for a permit a warning is due.
const CROWDED: TimeDelta = TimeDelta::seconds(1);

/// Those of one target.
#[derive(Debug, Default)]
pub(super) struct Permits {
    out: usize,
    queue: BTreeSet<(DateTime<Utc>, RunId)>,
    /// Whether the present crowd was warned of.
    warned: bool,
}

impl Decisions {
    pub(super) fn ask_permit(&mut self, now: DateTime<Utc>, run: RunId) -> Option<Begin> {
        let live = self.runs.get_mut(&run)?;
        let permits = self.permits.entry(live.job.target.name.clone()).or_default();
        if permits.queue.is_empty() && permits.out < self.definitions.settings.max_in_flight {
            permits.out += 1;
            return self.begin(now, run);
        }
        live.stage = Stage::InLine;
        permits.queue.insert((live.fires_at, run));
        None
    }

    /// Gives a run's permit back, if it has one; the first in line begins.
    pub(super) fn release_permit(&mut self, now: DateTime<Utc>, run: RunId) -> Option<Begin> {
        let target = self.permit_of(run)?;
        self.permits.get_mut(&target)?.out -= 1;
        self.call_up(now, &target)
    }

    /// A reload may have made room for more than one.
    pub(super) fn call_up_all(&mut self, now: DateTime<Utc>) -> Vec<Begin> {
        let targets: Vec<String> = self.permits.keys().cloned().collect();
        targets.iter().flat_map(|target| std::iter::from_fn(|| self.call_up(now, target)).collect::<Vec<_>>()).collect()
    }

    /// The first in line begins if there is room: a reload may have made it less.
    fn call_up(&mut self, now: DateTime<Utc>, target: &str) -> Option<Begin> {
        let permits = self.permits.get_mut(target)?;
        if self.phase != Phase::Firing || permits.out >= self.definitions.settings.max_in_flight {
            return None;
        }
        let (_, next) = permits.queue.pop_first()?;
        permits.out += 1;
        self.begin(now, next)
    }

    /// Takes a run's permit from it: for which target that was.
    fn permit_of(&mut self, run: RunId) -> Option<String> {
        Some(self.runs.get_mut(&run)?.permit.take()?.name.clone())
    }

    /// Gives up a place in line for a permit.
    pub(super) fn leave_permit_line(&mut self, run: RunId) {
        let Some(live) = self.runs.get(&run) else { return };
        if let Some(permits) = self.permits.get_mut(&live.job.target.name) {
            permits.queue.remove(&(live.fires_at, run));
        }
    }

    pub(super) fn crowded_at(&self) -> Option<DateTime<Utc>> {
        self.permits.values().filter(|permits| !permits.warned).filter_map(Permits::crowded_at).min()
    }

    pub(super) fn warn_of_crowds(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        for (target, permits) in &mut self.permits {
            let crowded = permits.crowded_at().is_some_and(|at| at <= now);
            if crowded && !permits.warned {
                let waiting = permits.queue.len();
                effects.push(Effect::Notice(Notice::Crowded { target: target.clone(), waiting }));
            }
            permits.warned = crowded;
        }
    }

    /// The ledger could not be asked: the run gives its permit back, and it is claimed again and looked at anew; and so is
    /// whoever waits in line, for nobody would call them up.
    pub(super) fn step_back(&mut self, at: DateTime<Utc>, run: RunId) {
        let target = self.permit_of(run);
        let permits = target.and_then(|target| self.permits.get_mut(&target));
        let line = permits.map(|permits| {
            permits.out -= 1;
            std::mem::take(&mut permits.queue)
        });
        let line = line.unwrap_or_default();
        line.into_iter().map(|(_, run)| run).chain([run]).for_each(|run| self.wait_again(at, run));
    }
}

impl Permits {
    /// How many are out.
    pub(super) fn out(&self) -> usize {
        self.out
    }

    /// How many runs wait for one.
    pub(super) fn in_line(&self) -> usize {
        self.queue.len()
    }

    fn crowded_at(&self) -> Option<DateTime<Utc>> {
        self.queue.first().map(|(due, _)| *due + CROWDED)
    }
}
