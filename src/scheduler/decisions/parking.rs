//! What becomes of writes that the ledger does not take: they are tried again in their order, and nothing overtakes them.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Decisions, Effect, Notice, Write};

/// How long a write that failed waits before it is tried again.
pub(super) const STORE_PAUSE: TimeDelta = TimeDelta::seconds(1);

/// What waits for a ledger that did not take it.
#[derive(Debug, Default)]
pub(super) struct Parking {
    /// Writes that failed, in their order.
    writes: Vec<Write>,
    /// Writes that were decided since, and go behind them.
    behind: Vec<Write>,
    /// When they are tried again.
    retry_at: Option<DateTime<Utc>>,
    /// The newest write failed.
    failed: bool,
    /// When a write last failed.
    failed_at: Option<DateTime<Utc>>,
}

impl Decisions {
    /// The ledger cannot be written: what was decided is tried again later, what was not sent is decided again.
    pub(super) fn park(&mut self, now: DateTime<Utc>, write: Write, effects: &mut Vec<Effect>) {
        self.parking.failed_at = Some(now);
        if !std::mem::replace(&mut self.parking.failed, true) {
            effects.push(Effect::Notice(Notice::Store { writable: false }));
        }
        match write {
            Write::Tick(_) => {}
            Write::Begin(batch) => batch.iter().for_each(|begin| self.step_back(now + STORE_PAUSE, begin.run)),
            Write::Operate(operation) => {
                if let Some(write) = self.operation_failed(operation, effects) {
                    self.parking.put(now, write);
                }
            }
            write => self.parking.put(now, write),
        }
    }

    /// While writes wait to be tried again, later ones wait behind them, and nothing begins.
    pub(super) fn queue_behind_parked(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let Some(retry_at) = self.parking.retry_at else { return effects };
        let mut others = Vec::new();
        for effect in effects {
            match effect {
                Effect::Write(Write::Begin(batch)) => {
                    batch.iter().for_each(|begin| self.step_back(retry_at, begin.run));
                }
                Effect::Write(write) => self.parking.behind.push(write),
                other => others.push(other),
            }
        }
        others
    }

    /// Has all that waits tried again, when its time has come.
    pub(super) fn try_parked_again(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        if self.parking.retry_at.take_if(|at| *at <= now).is_some() {
            let (parked, behind) = (std::mem::take(&mut self.parking.writes), std::mem::take(&mut self.parking.behind));
            effects.push(Effect::Resume);
            effects.extend(parked.into_iter().chain(behind).map(Effect::Write));
        }
    }

    /// The ledger took a write.
    pub(super) fn taken(&mut self, effects: &mut Vec<Effect>) {
        if std::mem::take(&mut self.parking.failed) {
            effects.push(Effect::Notice(Notice::Store { writable: true }));
        }
    }
}

impl Parking {
    fn put(&mut self, now: DateTime<Utc>, write: Write) {
        self.writes.push(write);
        self.retry_at.get_or_insert(now + STORE_PAUSE);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.behind.is_empty()
    }

    /// When what waits is tried again; `None` when nothing does.
    pub(super) fn retry_at(&self) -> Option<DateTime<Utc>> {
        self.retry_at
    }

    /// The first instant from `at` on that lies `calm` behind the newest failure; `None` while the ledger takes nothing.
    pub(super) fn calm_at(&self, at: DateTime<Utc>, calm: TimeDelta) -> Option<DateTime<Utc>> {
        let calm_from = self.failed_at.map(|failed| failed + calm);
        (!self.failed).then(|| calm_from.map_or(at, |from| at.max(from)))
    }

    /// The wall clock was set: nothing is tried again later than `soon`.
    pub(super) fn clock_stepped(&mut self, now: DateTime<Utc>, soon: DateTime<Utc>) {
        self.retry_at = self.retry_at.map(|at| at.min(soon));
        self.failed_at = self.failed_at.map(|at| at.min(now));
    }
}
