//! Every decision of the scheduler, as a function of what is known, what happened and when. No clock, no I/O: the loop
//! and a simulation drive the same code.
//!
//! The life of an occurrence here:
//! 1. `account`: the pump hands it out; it is claimed, or recorded as missed.
//! 2. `send`: shortly before its instant it asks for a permit (`max_in_flight`), then for its slots and fence in the
//!    ledger; at the instant it is sent. `waits`: what it cannot have, it waits for or ends without.
//! 3. `poll`: an app that answered 202 is asked until it says how that ended.
//! 4. `finish`: its attempt ends; the ledger is told; the permit goes to the next in line. `retry`: it may be made again.
//!
//! `start` takes over what the ledger holds, also after a crash: a start and a restart are the same code.

mod account;
mod adopt;
mod cancel;
mod catch_up;
mod event;
mod finish;
mod live;
mod operate;
mod pauses;
mod poll;
mod replace;
mod retry;
mod send;
mod start;
mod stop;
mod waits;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};

use self::{
    live::{Live, Need, Stage, Standing},
    pauses::Pauses,
    poll::Followed,
};
use crate::{
    entropy::Entropy,
    job::{Definitions, Job, JobName},
    run::RunId,
    store::{Begin, End},
    ticker::Pump,
};

pub use adopt::Reloaded;
pub use catch_up::MOST_CAUGHT_UP;
pub use event::{Effect, Event, Notice, RunEnded, Stored, Write};
pub use operate::{Command, Done, Operation, Refused, Ticket};
pub use start::{Inherited, Life};

/// How long before its instant a run is made durable as `sending`, so that the write does not make it late.
pub const AHEAD: TimeDelta = TimeDelta::milliseconds(50);

/// By how much wall and monotonic clock may part before it counts as a step.
pub const STEP: TimeDelta = TimeDelta::seconds(1);

/// How long a write that failed waits before it is tried again.
const STORE_PAUSE: TimeDelta = TimeDelta::seconds(1);

/// All that the scheduler knows between two events.
#[derive(Debug)]
pub struct Decisions {
    definitions: Definitions,
    entropy: Entropy,
    pump: Pump,
    runs: HashMap<RunId, Live>,
    /// The same runs by job, in due order.
    by_job: HashMap<JobName, BTreeSet<(DateTime<Utc>, RunId)>>,
    /// When to look at which run again, in due order.
    agenda: BTreeSet<(DateTime<Utc>, DateTime<Utc>, RunId)>,
    /// Per target: how many permits are out, and who waits for one, in due order.
    permits: BTreeMap<String, Permits>,
    /// Per group: who waits for a slot of it, in due order.
    group_lines: BTreeMap<String, BTreeSet<(DateTime<Utc>, RunId)>>,
    /// What apps took on.
    followed: HashMap<RunId, Followed>,
    /// Per job: the newest occurrence that was late when the pump handed it out. Older claims are superseded by it.
    newest_late: HashMap<JobName, DateTime<Utc>>,
    /// Per job: the last reload that made its jitter shorter.
    brought_forward: HashMap<JobName, DateTime<Utc>>,
    /// Unknown runs and when their hold is over.
    holds: BTreeSet<(DateTime<Utc>, JobName, RunId)>,
    /// What is held back.
    pauses: Pauses,
    /// Up to when the ends of pauses were told.
    pauses_seen_at: DateTime<Utc>,
    /// Jobs whose next firing changed.
    moved: BTreeSet<JobName>,
    /// Writes that failed, in their order, and when they are tried again.
    parked: Vec<Write>,
    /// Writes that were decided since, and go behind them.
    behind_parked: Vec<Write>,
    retry_at: Option<DateTime<Utc>>,
    store_failed: bool,
    /// When a write last failed.
    failed_at: Option<DateTime<Utc>>,
    phase: Phase,
}

/// How far a stop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is none.
    Firing,
    /// Nothing new begins; what is open is waited for.
    Draining,
    /// Nothing is waited for any longer, and nothing leaves.
    GivenUp,
}

#[derive(Debug, Default)]
struct Permits {
    out: usize,
    queue: BTreeSet<(DateTime<Utc>, RunId)>,
    /// Whether the present crowd was warned of.
    warned: bool,
}

impl Decisions {
    /// What follows from `event`, happened at `now`.
    pub fn on(&mut self, now: DateTime<Utc>, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Pulse => self.take_due(now, &mut effects),
            Event::Wake => self.wake(now, &mut effects),
            Event::Stored(stored) => self.stored(now, stored, &mut effects),
            Event::StoreFailed(write) => self.park(now, write, &mut effects),
            Event::AttemptEnded(run, report) => self.attempt_ended(now, run, report, &mut effects),
            Event::Polled(run, polled) => self.polled(now, run, polled, &mut effects),
            Event::Cancelled(run, cancelled) if self.is_stopping(run) => {
                self.stop_answered(now, run, cancelled, &mut effects);
            }
            Event::Cancelled(run, cancelled) => effects.extend(self.stopped(now, run, cancelled)),
            Event::Stop => self.phase = Phase::Draining,
            Event::GraceOver => self.give_up(now, &mut effects),
            Event::ClockStepped => self.clock_stepped(now, &mut effects),
            // What fell due since the stop is the next start's to account for, and that by the definitions until then.
            Event::Reload(_) if self.phase != Phase::Firing => {}
            Event::Reload(definitions) => self.reload(now, *definitions, &mut effects),
            Event::Asked(ticket, command) => self.asked(now, ticket, command, &mut effects),
        }
        self.queue_behind_parked(effects)
    }

    /// When [`Event::Wake`] is next needed.
    #[must_use]
    pub fn wake_at(&self) -> Option<DateTime<Utc>> {
        let agenda = self.agenda.first().map(|(at, ..)| *at);
        let holds = self.holds.first().map(|(at, ..)| *at);
        let pauses = self.pauses_change_at();
        [agenda, holds, pauses, self.retry_at, self.crowded_at()].into_iter().flatten().min()
    }

    /// When the pump next has something to hand out; `None` too while nothing new may be taken.
    #[must_use]
    pub fn next_fire(&self) -> Option<DateTime<Utc>> {
        self.pump.next_fire().filter(|_| self.phase == Phase::Firing)
    }

    /// The sign of life to give at `now`: no occurrence up to it waits to be accounted for. One that is due later than its
    /// nominal instant may wait, and after a stop everything does, until the next start.
    #[must_use]
    pub fn alive_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let waiting = self.pump.waiting_after(if self.phase == Phase::Firing { now } else { DateTime::<Utc>::MIN_UTC });
        waiting.map_or(now, |waiting| now.min(waiting - TimeDelta::microseconds(1)))
    }

    /// The occurrence that a job waits for and when it will be sent.
    #[must_use]
    pub fn next_of(&self, job: &JobName) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.pump.next_of(job)
    }

    /// The jobs whose next firing changed since the last call, and to when.
    pub fn take_moved(&mut self) -> Vec<(JobName, Option<DateTime<Utc>>)> {
        let moved = std::mem::take(&mut self.moved);
        moved.into_iter().map(|job| (job.clone(), self.next_of(&job).map(|(_, at)| at))).collect()
    }

    /// Whether a stop has nothing left to wait for.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let written = self.parked.is_empty() && self.behind_parked.is_empty();
        let needs_nobody = |live: &Live| match live.stage {
            Stage::Polling => live.stopping.is_none() || self.phase == Phase::GivenUp,
            _ => live.is_waiting(),
        };
        self.phase != Phase::Firing && written && self.runs.values().all(needs_nobody)
    }

    /// How many requests are open or about to be.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.permits.values().map(|permits| permits.out).sum()
    }

    /// How many due runs wait for `max_in_flight`, or for their group.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let for_permits: usize = self.permits.values().map(|permits| permits.queue.len()).sum();
        let for_groups: usize = self.group_lines.values().map(BTreeSet::len).sum();
        for_permits + for_groups
    }

    fn wake(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        if self.retry_at.take_if(|at| *at <= now).is_some() {
            let (parked, behind) = (std::mem::take(&mut self.parked), std::mem::take(&mut self.behind_parked));
            effects.push(Effect::Resume);
            effects.extend(parked.into_iter().chain(behind).map(Effect::Write));
        }
        while let Some((_, job, run)) = self.holds.pop_first_if(|(at, ..)| *at <= now) {
            self.wake_job(&job);
            effects.push(Effect::Notice(Notice::HoldOver { job, run }));
        }
        self.warn_of_crowds(now, effects);
        self.work_off_agenda(now, effects);
        self.look_at_pauses(now, effects);
    }

    /// Pauses are kept as instants of the wall clock: one that was set back must not make them longer. A run that the
    /// ledger let go moments before leaves at once, or it would hold its job until the clock catches up (seed A22).
    fn clock_stepped(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let soon = now + STORE_PAUSE;
        self.retry_at = self.retry_at.map(|at| at.min(soon));
        self.look_by(soon);
        self.failed_at = self.failed_at.map(|at| at.min(now));
        self.pauses_seen_at = self.pauses_seen_at.min(now);
        for (at, due, run) in std::mem::take(&mut self.agenda) {
            let latest = match self.runs.get(&run).map(|live| live.stage) {
                Some(Stage::Ready { .. }) => leaves_at(now, due),
                Some(Stage::Waiting(_) | Stage::Polling) => soon,
                _ => due.max(soon),
            };
            self.agenda.insert((at.min(latest), due, run));
        }
        for live in self.runs.values_mut() {
            if let Stage::Waiting(Need::Pause(until)) = &mut live.stage {
                let longest = TimeDelta::from_std(live.job.retry.max).ok();
                *until =
                    longest.and_then(|longest| now.checked_add_signed(longest)).map_or(*until, |at| at.min(*until));
            }
        }
        self.clamp_cursors(now, effects);
    }

    fn stored(&mut self, now: DateTime<Utc>, stored: Stored, effects: &mut Vec<Effect>) {
        if std::mem::take(&mut self.store_failed) {
            effects.push(Effect::Notice(Notice::Store { writable: true }));
        }
        match stored {
            Stored::Anchored | Stored::Ticked => {}
            Stored::Accounted(batch, answers) => self.accounted(now, batch, answers, effects),
            Stored::Begun(batch, answers) => self.begun(now, batch, answers, effects),
            Stored::Queued(batch, answers) => self.queued(batch, answers),
            Stored::Followed(batch, answers) => self.followed(now, batch, answers, effects),
            Stored::Ended(batch) => self.ended_unsent(batch, effects),
            Stored::Finished(batch, answers) => self.finished(now, batch, answers, effects),
            Stored::Operated(operation, found) => self.operated(now, operation, found, effects),
        }
    }

    /// Puts a job into the pump at `cursor`.
    fn place(&mut self, job: Arc<Job>, cursor: DateTime<Utc>) {
        self.moved.insert(job.name.clone());
        self.pump.set(job, cursor);
    }

    fn remember(&mut self, run: RunId, live: Live) {
        self.by_job.entry(live.job.name.clone()).or_default().insert((live.fires_at, run));
        self.runs.insert(run, live);
    }

    /// Has a run looked at again at `at`.
    fn look_again(&mut self, at: DateTime<Utc>, run: RunId) {
        if let Some(live) = self.runs.get(&run) {
            self.agenda.insert((at, live.fires_at, run));
        }
    }

    /// Whoever waits for something that it had is looked at.
    fn forget(&mut self, run: RunId) -> Option<Live> {
        self.leave_permit_line(run);
        self.leave_group_line(run);
        let live = self.runs.remove(&run)?;
        if let Some(of_job) = self.by_job.get_mut(&live.job.name) {
            of_job.remove(&(live.fires_at, run));
            if of_job.is_empty() {
                self.by_job.remove(&live.job.name);
            }
        }
        self.wake_behind(&live);
        Some(live)
    }

    /// The ledger cannot be written: what was decided is tried again later, what was not sent is decided again.
    fn park(&mut self, now: DateTime<Utc>, write: Write, effects: &mut Vec<Effect>) {
        self.failed_at = Some(now);
        if !std::mem::replace(&mut self.store_failed, true) {
            effects.push(Effect::Notice(Notice::Store { writable: false }));
        }
        match write {
            Write::Tick(_) => {}
            Write::Begin(batch) => batch.iter().for_each(|begin| self.step_back(now + STORE_PAUSE, begin.run)),
            Write::Operate(operation) => {
                if let Some(write) = self.operation_failed(operation, effects) {
                    self.parked.push(write);
                    self.retry_at.get_or_insert(now + STORE_PAUSE);
                }
            }
            write => {
                self.parked.push(write);
                self.retry_at.get_or_insert(now + STORE_PAUSE);
            }
        }
    }

    /// While writes wait to be tried again, later ones wait behind them, and nothing begins.
    fn queue_behind_parked(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let Some(retry_at) = self.retry_at else { return effects };
        let mut others = Vec::new();
        for effect in effects {
            match effect {
                Effect::Write(Write::Begin(batch)) => {
                    batch.iter().for_each(|begin| self.step_back(retry_at, begin.run));
                }
                Effect::Write(write) => self.behind_parked.push(write),
                other => others.push(other),
            }
        }
        others
    }
}

/// What is to be written of runs that were looked at.
#[derive(Debug, Default)]
struct Writes {
    begins: Vec<Begin>,
    queues: Vec<RunId>,
    ends: Vec<End>,
    /// What else follows: apps that are asked, attempts that end.
    others: Vec<Effect>,
}

impl Writes {
    /// Ends come first: one that ends may make room for another one.
    fn push(self, effects: &mut Vec<Effect>) {
        if !self.ends.is_empty() {
            effects.push(Effect::Write(Write::End(self.ends)));
        }
        if !self.queues.is_empty() {
            effects.push(Effect::Write(Write::Queue(self.queues)));
        }
        if !self.begins.is_empty() {
            effects.push(Effect::Write(Write::Begin(self.begins)));
        }
        effects.extend(self.others);
    }
}

/// When a run leaves that the ledger let go: at its instant. It had all but come then, so one that is further away by now
/// means that the clock was set back.
fn leaves_at(now: DateTime<Utc>, due: DateTime<Utc>) -> DateTime<Utc> {
    if due > now + STEP { now } else { due }
}

trait PopFirstIf<T> {
    fn pop_first_if(&mut self, wanted: impl FnOnce(&T) -> bool) -> Option<T>;
}

impl<T: Ord> PopFirstIf<T> for BTreeSet<T> {
    fn pop_first_if(&mut self, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        if self.first().is_some_and(wanted) { self.pop_first() } else { None }
    }
}
