//! Every decision of the scheduler, as a function of what is known, what happened and when. No clock, no I/O: the loop
//! and a simulation drive the same code.
//!
//! The life of an occurrence here:
//! 1. `account`: the pump hands it out; it is claimed, or recorded as missed.
//! 2. `send`: shortly before its instant it asks for a permit (`permits`), then for its slots and fence in the ledger; at
//!    the instant it is sent. `waits`: what it cannot have, it waits for or ends without.
//! 3. `poll`: an app that answered 202 is asked until it says how that ended.
//! 4. `finish`: its attempt ends; the ledger is told; the permit goes to the next in line. `retry`: it may be made again.
//!
//! `start` takes over what the ledger holds, also after a crash: a start and a restart are the same code. `parking`
//! keeps what the ledger did not take.

mod account;
mod adopt;
mod cancel;
mod catch_up;
mod event;
mod finish;
mod live;
mod operate;
mod parking;
mod pauses;
mod permits;
mod poll;
mod replace;
mod retry;
mod send;
mod start;
mod stop;
mod waits;
mod writes;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};

use self::{
    live::{Live, Need, Stage, Standing},
    parking::{Parking, STORE_PAUSE},
    pauses::Pauses,
    permits::Permits,
    poll::Followed,
    writes::Writes,
};
use crate::{
    entropy::Entropy,
    job::{Definitions, Job, JobName},
    run::RunId,
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
    parking: Parking,
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
        [agenda, holds, pauses, self.parking.retry_at(), self.crowded_at()].into_iter().flatten().min()
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
        let needs_nobody = |live: &Live| match live.stage {
            Stage::Polling => live.stopping.is_none() || self.phase == Phase::GivenUp,
            _ => live.is_waiting(),
        };
        self.phase != Phase::Firing && self.parking.is_empty() && self.runs.values().all(needs_nobody)
    }

    /// How many requests are open or about to be.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.permits.values().map(Permits::out).sum()
    }

    /// How many due runs wait for `max_in_flight`, or for their group.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let for_permits: usize = self.permits.values().map(Permits::in_line).sum();
        let for_groups: usize = self.group_lines.values().map(BTreeSet::len).sum();
        for_permits + for_groups
    }

    fn wake(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        self.try_parked_again(now, effects);
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
        self.parking.clock_stepped(now, soon);
        self.look_by(soon);
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
        self.taken(effects);
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
