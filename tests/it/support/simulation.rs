//! A [`World`] on virtual time: the pulse looks every half second, alarms ring when they are set, apps answer as told.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    dispatch::Order,
    job::Definitions,
    run::{Outcome, Reason, RunId},
    scheduler::decisions::Event,
    ticker::LEAD,
};

use super::{
    memory::MemoryLedger,
    world::{World, millis, report},
};

type Instant = DateTime<Utc>;

/// How often the engine looks.
const PULSE: TimeDelta = millis(500);

/// What an app does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// It ends so, after this long.
    After(TimeDelta, Outcome, Option<Reason>),
    /// The code of the attempt panics, after this long.
    Panic(TimeDelta),
}

pub(crate) struct Simulation {
    pub(crate) now: Instant,
    pub(crate) world: World,
    app: Box<dyn FnMut(&Order) -> Answer>,
    /// The answers to come, in their order.
    answers: BTreeMap<(Instant, RunId), Answer>,
    /// When the answers came.
    pub(crate) heard: HashMap<(RunId, u32), Instant>,
    /// How many requests have their answer fixed.
    asked: usize,
    next_pulse: Instant,
}

impl Simulation {
    /// Starts the scheduler at `now`; the app answers with 200 after 10 ms.
    pub(crate) fn start(now: Instant, definitions: Definitions, ledger: MemoryLedger) -> Self {
        Self::with_app(now, definitions, ledger, |_| Answer::After(millis(10), Outcome::Succeeded, None))
    }

    pub(crate) fn with_app(
        now: Instant,
        definitions: Definitions,
        ledger: MemoryLedger,
        app: impl FnMut(&Order) -> Answer + 'static,
    ) -> Self {
        Self::of(now, World::start(now, definitions, ledger), app)
    }

    /// Goes on with a world as it is; what was sent so far stays without an answer.
    pub(crate) fn around(now: Instant, world: World) -> Self {
        Self::of(now, world, |_| Answer::After(millis(10), Outcome::Succeeded, None))
    }

    fn of(now: Instant, world: World, app: impl FnMut(&Order) -> Answer + 'static) -> Self {
        let mut this = Self {
            now,
            world,
            app: Box::new(app),
            answers: BTreeMap::new(),
            heard: HashMap::new(),
            asked: 0,
            next_pulse: now + PULSE,
        };
        this.ask_app();
        this
    }

    /// Lets time pass until `end`.
    pub(crate) fn run_until(&mut self, end: Instant) {
        let mut at_once = 0;
        while let Some(at) = self.next_event().filter(|at| *at <= end) {
            at_once = if at > self.now { 0 } else { at_once + 1 };
            assert!(at_once < 100_000, "the loop spins at {}", self.now);
            self.now = self.now.max(at);
            self.happen();
        }
        self.now = self.now.max(end);
    }

    pub(crate) fn run_for(&mut self, time: TimeDelta) {
        self.run_until(self.now + time);
    }

    /// Somebody sets the wall clock; the loop notices, as it compares the clocks each second.
    pub(crate) fn step_clock(&mut self, by: TimeDelta) {
        self.now += by;
        self.next_pulse = self.now + PULSE;
        self.answers =
            std::mem::take(&mut self.answers).into_iter().map(|((at, run), a)| ((at + by, run), a)).collect();
        self.world.clock_was_set_back |= by < TimeDelta::zero();
        self.event(Event::ClockStepped);
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.world.on(self.now, event);
        self.ask_app();
    }

    /// The process dies, and starts again after `downtime`. Nobody hears the answers of open requests.
    pub(crate) fn kill_and_restart(mut self, downtime: TimeDelta, definitions: Definitions) -> Self {
        self.now += downtime;
        let before = std::mem::take(&mut self.world.sent);
        self.world = self.world.restart(self.now, definitions);
        self.world.sent.splice(0..0, before);
        self.answers.clear();
        self.next_pulse = self.now + PULSE;
        self.ask_app();
        self
    }

    fn next_event(&self) -> Option<Instant> {
        let looks = self.world.decisions.next_fire().map(|fire| {
            let behind = (fire - LEAD - self.next_pulse).max(TimeDelta::zero());
            let rounds = (behind.num_milliseconds() + PULSE.num_milliseconds() - 1) / PULSE.num_milliseconds();
            self.next_pulse + PULSE * i32::try_from(rounds).unwrap()
        });
        let answer = self.answers.keys().next().map(|(at, _)| *at);
        [looks, answer, self.world.decisions.wake_at()].into_iter().flatten().min().map(|at| at.max(self.now))
    }

    fn happen(&mut self) {
        if let Some(entry) = self.answers.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let ((_, run), answer) = entry.remove_entry();
            let (sent_at, order) = self.world.sent.iter().rev().find(|(_, order)| order.run == run).unwrap();
            let (sent_at, attempt) = (*sent_at, order.attempt);
            let report = match answer {
                Answer::After(_, outcome, reason) => Some(report(outcome, reason, sent_at)),
                Answer::Panic(_) => None,
            };
            self.heard.insert((run, attempt), self.now);
            self.world.answer(self.now, run, report);
        } else if self.world.decisions.wake_at().is_some_and(|at| at <= self.now) {
            self.world.on(self.now, Event::Wake);
        } else {
            while self.next_pulse <= self.now {
                self.next_pulse += PULSE;
            }
            self.world.on(self.now, Event::Pulse);
        }
        self.ask_app();
    }

    fn ask_app(&mut self) {
        for (_, order) in &self.world.sent[self.asked..] {
            let answer = (self.app)(order);
            let (Answer::After(after, ..) | Answer::Panic(after)) = answer;
            self.answers.insert((self.now + after, order.run), answer);
        }
        self.asked = self.world.sent.len();
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "at {}, {} sent", self.now, self.world.sent.len())?;
        for job in self.world.ledger.cursors.keys() {
            writeln!(f, "{job}: {:#?}", self.world.ledger.story(job.as_str()))?;
        }
        Ok(())
    }
}
