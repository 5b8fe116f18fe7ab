//! A process of the sidecar: its decisions, what waits for the ledger, and what it will hear.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    run::RunId,
    scheduler::decisions::{Decisions, Event, Write},
    ticker::LEAD,
};

use super::Next;
use crate::{simulation::app::Word, support::world::millis};

type Instant = DateTime<Utc>;

/// How often the engine looks.
pub(super) const PULSE: TimeDelta = millis(500);

pub(super) struct Sidecar {
    pub(super) decisions: Decisions,
    /// In their order; `None` where the ledger takes writes again after one that failed.
    pub(super) to_write: VecDeque<Option<Write>>,
    pub(super) is_refusing: bool,
    /// What the ledger says to the write that is under way, and when.
    pub(super) answer: Option<(Instant, Event)>,
    /// What it will hear, by when.
    words: BTreeMap<(Instant, u32), Word>,
    /// How many there were.
    spoken: u32,
    pub(super) frozen_until: Instant,
    pub(super) next_pulse: Instant,
    pub(super) next_sign: Instant,
    /// When it will notice that the clock was set.
    pub(super) notices_step_at: Option<Instant>,
    pub(super) stopping: Option<Stopping>,
}

/// A process that was asked to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopping {
    pub(super) since: Instant,
    pub(super) grace_over_at: Instant,
    /// There once the grace is over.
    pub(super) last_writes_by: Option<Instant>,
    pub(super) downtime: TimeDelta,
}

impl Sidecar {
    pub(super) fn new(decisions: Decisions, now: Instant, next_pulse: Instant) -> Self {
        Self {
            decisions,
            to_write: VecDeque::new(),
            is_refusing: false,
            answer: None,
            words: BTreeMap::new(),
            spoken: 0,
            frozen_until: now,
            next_pulse,
            next_sign: now + TimeDelta::seconds(15),
            notices_step_at: None,
            stopping: None,
        }
    }

    /// What happens to it next. `when`: when the wall clock will read an instant.
    pub(super) fn next(&self, when: impl Fn(Instant) -> Instant) -> Option<(Instant, Next)> {
        let own = [
            self.answer.as_ref().map(|(at, _)| (*at, Next::Answer)),
            self.words.keys().next().map(|(at, _)| (*at, Next::Word)),
            self.decisions.wake_at().map(|at| (when(at), Next::Wake)),
            self.decisions.next_fire().map(|fire| (self.looks_at(when(fire)), Next::Pulse)),
            self.notices_step_at.map(|at| (at, Next::StepNoticed)),
            self.stopping.map(|stopping| match stopping.last_writes_by {
                None => (stopping.grace_over_at, Next::GraceOver),
                Some(at) => (at, Next::Gone),
            }),
            Some((self.next_sign, Next::Sign)),
        ];
        let own = own.into_iter().flatten().map(|(at, next)| (at.max(self.frozen_until), next));
        own.min_by_key(|(at, _)| *at)
    }

    pub(super) fn will_hear(&mut self, word: Word) {
        self.spoken += 1;
        self.words.insert((word.at, self.spoken), word);
    }

    pub(super) fn hears(&mut self) -> Option<Event> {
        self.words.pop_first().map(|(_, word)| word.event)
    }

    /// Takes back what it would have heard of a run's request.
    pub(super) fn will_not_hear_the_answer(&mut self, to: RunId) {
        self.words.retain(|_, word| !matches!(word.event, Event::AttemptEnded(run, _) if run == to));
    }

    /// The first of what waits, with all of its kind that wait right behind it.
    pub(super) fn next_write(&mut self) -> Option<Write> {
        while self.to_write.pop_front_if(|next| next.is_none()).is_some() {
            self.is_refusing = false;
        }
        let end = self.to_write.iter().position(Option::is_none).unwrap_or(self.to_write.len());
        let joined = Write::join(self.to_write.drain(..end).flatten());
        joined.into_iter().rev().for_each(|write| self.to_write.push_front(Some(write)));
        self.to_write.pop_front().flatten()
    }

    pub(super) fn is_drained(&self) -> bool {
        self.decisions.is_drained() && self.answer.is_none() && self.to_write.is_empty()
    }

    /// The first pulse that finds something due at `fire` in the lead window.
    fn looks_at(&self, fire: Instant) -> Instant {
        let behind = (fire - LEAD - self.next_pulse).max(TimeDelta::zero());
        let rounds = (behind.num_milliseconds() + PULSE.num_milliseconds() - 1) / PULSE.num_milliseconds();
        self.next_pulse + PULSE * i32::try_from(rounds).unwrap()
    }
}
