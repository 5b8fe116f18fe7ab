//! Decisions with a ledger in memory: everything that the scheduler's loop does, without waiting for anything.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    dispatch::{Order, Report},
    entropy::Entropy,
    job::{Call, Definitions},
    run::{Outcome, Reason, RunId},
    scheduler::decisions::{Decisions, Done, Effect, Event, Notice, Refused, RunEnded, Ticket, Write},
};

use super::memory::MemoryLedger;

type Instant = DateTime<Utc>;

pub(crate) struct World {
    pub(crate) decisions: Decisions,
    pub(crate) ledger: MemoryLedger,
    /// Every request that left, and when.
    pub(crate) sent: Vec<(Instant, Order)>,
    /// Those that nobody has answered.
    pub(crate) open: BTreeMap<RunId, Order>,
    /// The looks at what apps took on.
    pub(crate) looks: Vec<(Instant, RunId)>,
    /// The calls to stop.
    pub(crate) cancels: Vec<(Instant, RunId, Call)>,
    /// What people were told.
    pub(crate) told: Vec<Notice>,
    /// What somebody who asked was told.
    pub(crate) answers: BTreeMap<Ticket, Result<Done, Refused>>,
    /// What the ledger has still to be told.
    pub(crate) unwritten: VecDeque<Write>,
    /// A write failed and was not told again yet; until then nothing else is taken, as by the loop's recorder.
    refusing: bool,
    /// After so many more writes it is.
    resumes_after: Option<usize>,
    /// What was due by the clock before may leave although it is early by the clock now.
    pub(crate) clock_was_set_back: bool,
}

impl World {
    /// A scheduler that starts at `now` on this ledger, with everything written that it wants written.
    pub(crate) fn start(now: Instant, definitions: Definitions, ledger: MemoryLedger) -> Self {
        Self::start_after(now, definitions, ledger, false)
    }

    fn start_after(now: Instant, definitions: Definitions, ledger: MemoryLedger, clock_was_set_back: bool) -> Self {
        let (decisions, effects) = Decisions::start(now, definitions, ledger.inherited(now), Entropy::System);
        let mut world = Self {
            decisions,
            ledger,
            sent: Vec::new(),
            open: BTreeMap::new(),
            looks: Vec::new(),
            cancels: Vec::new(),
            told: Vec::new(),
            answers: BTreeMap::new(),
            unwritten: VecDeque::new(),
            refusing: false,
            resumes_after: None,
            clock_was_set_back,
        };
        world.perform(now, effects);
        world.write(now);
        world
    }

    /// Dies, and starts again.
    pub(crate) fn restart(self, now: Instant, definitions: Definitions) -> Self {
        Self::start_after(now, definitions, self.ledger, self.clock_was_set_back)
    }

    /// Something happens, and the ledger answers at once.
    pub(crate) fn on(&mut self, now: Instant, event: Event) {
        self.on_unwritten(now, event);
        self.write(now);
    }

    /// Something happens, and the ledger has not answered yet.
    pub(crate) fn on_unwritten(&mut self, now: Instant, event: Event) {
        let effects = self.decisions.on(now, event);
        self.perform(now, effects);
    }

    /// The ledger answers, and whatever follows from that.
    pub(crate) fn write(&mut self, now: Instant) {
        while let Some(write) = self.unwritten.pop_front() {
            if self.resumes_after.is_some_and(|after| after == 0) {
                (self.refusing, self.resumes_after) = (false, None);
            }
            self.resumes_after = self.resumes_after.map(|after| after - 1);
            let taken = if self.refusing { Err(write) } else { self.ledger.carry_out(now, write) };
            let event = match taken {
                Ok(stored) => Event::Stored(stored),
                Err(write) => {
                    self.refusing |= write.is_kept();
                    Event::StoreFailed(write)
                }
            };
            self.on_unwritten(now, event);
        }
    }

    /// The pulse comes, and then the moment that was asked for.
    pub(crate) fn pulse(&mut self, now: Instant) {
        self.on(now, Event::Pulse);
        self.on(now, Event::Wake);
    }

    /// The app answers with 200.
    pub(crate) fn succeed(&mut self, now: Instant, run: RunId) {
        self.answer(now, run, Some(report(Outcome::Succeeded, None, now)));
    }

    pub(crate) fn answer(&mut self, now: Instant, run: RunId, report: Option<Report>) {
        self.open.remove(&run).expect("an open request");
        self.on(now, Event::AttemptEnded(run, report));
    }

    /// The jobs whose requests left, in their order.
    pub(crate) fn sent_jobs(&self) -> Vec<&str> {
        self.sent.iter().map(|(_, order)| order.job.name.as_str()).collect()
    }

    /// What people were told of runs that ended.
    pub(crate) fn ended(&self) -> impl Iterator<Item = &RunEnded> {
        self.told.iter().filter_map(|notice| match notice {
            Notice::Ended(ended) => Some(ended),
            _ => None,
        })
    }

    fn perform(&mut self, now: Instant, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Write(write) => self.unwritten.push_back(write),
                Effect::Resume => self.resumes_after = Some(self.unwritten.len()),
                Effect::Send(order) => {
                    let early = now < order.job.fires_at(order.scheduled_for);
                    assert!(!early || self.clock_was_set_back, "{} was sent early, at {now}", order.scheduled_for);
                    self.sent.push((now, order.clone()));
                    let twice = self.open.insert(order.run, order);
                    assert!(twice.is_none(), "sent twice: {twice:?}");
                }
                Effect::Poll(inquiry, _) => self.looks.push((now, inquiry.run)),
                Effect::Cancel(inquiry, call) => self.cancels.push((now, inquiry.run, call)),
                Effect::Notice(notice) => self.told.push(notice),
                Effect::Abort(run) => drop(self.open.remove(&run)),
                Effect::Answer(ticket, answer) => drop(self.answers.insert(ticket, answer)),
            }
        }
    }
}

/// How an attempt that was sent at `sent_at` ended, after a millisecond.
pub(crate) fn report(outcome: Outcome, reason: Option<Reason>, sent_at: Instant) -> Report {
    Report {
        outcome,
        reason,
        status: (outcome == Outcome::Succeeded).then_some(200),
        excerpt: None,
        body_cut: false,
        retry_after: None,
        sent_at: Some(sent_at),
        duration: std::time::Duration::from_millis(1),
        work: None,
    }
}

/// Seconds, short to write.
pub(crate) const fn secs(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

/// Milliseconds, short to write.
pub(crate) const fn millis(milliseconds: i64) -> TimeDelta {
    TimeDelta::milliseconds(milliseconds)
}
