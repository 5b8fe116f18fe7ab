//! One story, step by step: the real decisions, pump and ledger on a time of their own.
//!
//! `now` is the time that passes; the wall clock of the sidecar's machine is off by `skew`, and people set it.
//!
//! `sidecar` is a process, `life` its beginning and end; `effects` and `ledger` do what the decisions want done and written;
//! `fates` is what befalls it, `clock` what time it is; `people` and `backfill` are those who ask for something.

mod backfill;
mod clock;
mod effects;
mod fates;
mod ledger;
mod life;
mod people;
mod sidecar;

use std::{collections::VecDeque, path::Path, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    job::Definitions,
    scheduler::decisions::{Event, Write},
    store::{self, RunStore},
};

use self::{
    people::People,
    sidecar::{PULSE, Sidecar},
};
use super::{
    app::App,
    check::{Clock, History, Reign, Trouble},
    dice::{self, Dice},
    mutants::Between,
    scenario::{CrashPoint, DAY, Fate, Scenario},
};
use crate::support::world::secs;

type Instant = DateTime<Utc>;

/// How often the ledger is told that the scheduler is alive. Seldom, for a day has many seconds.
const SIGN_OF_LIFE: TimeDelta = TimeDelta::minutes(20);
/// After the grace, how long the last writes may take.
const LAST_WRITES: TimeDelta = secs(3);

pub(crate) struct Stage {
    dice: Dice,
    now: Instant,
    address: String,
    between: Between,
    store: Arc<dyn RunStore>,
    ledger_broken_until: Option<Instant>,
    /// What stands in `jobs.toml`.
    file: Definitions,
    fates: VecDeque<(Instant, Fate)>,
    armed: Option<(CrashPoint, TimeDelta)>,
    sidecar: Option<Sidecar>,
    back_at: Option<Instant>,
    app: App,
    people: People,
    clock: Clock,
    reigns: Vec<Reign>,
    troubles: Vec<Trouble>,
    /// When what ails the sidecar began, and when it is over.
    ill: Option<(Instant, Instant)>,
    was_set_back: bool,
    /// When the process was started.
    born: Instant,
    /// When a process ended.
    deaths: Vec<Instant>,
    /// When the grace of a stop was over.
    graces: Vec<Instant>,
    /// From when to when the sidecar stood still, or its ledger took nothing.
    stalls: Vec<(Instant, Instant)>,
    end: Instant,
    /// What befell the sidecar, in words.
    told: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Fate,
    Back,
    Backfill,
    Answer,
    Word,
    Wake,
    Pulse,
    StepNoticed,
    GraceOver,
    Gone,
    Sign,
}

impl Stage {
    pub(crate) async fn set(seed: u64, folder: &Path, between: Between) -> Self {
        let mut dice = Dice::of(seed);
        dice::seed_ids(dice.roll());
        let Scenario { begin, definitions, fates } = Scenario::of(&mut dice);
        let address = format!("sqlite://{}", folder.join("sexton.db").display());
        let store = store::open(&address, begin).await.unwrap().store;
        let mut stage = Self {
            dice,
            now: begin,
            address,
            between,
            store,
            ledger_broken_until: None,
            file: definitions,
            fates: fates.into(),
            armed: None,
            sidecar: None,
            back_at: None,
            app: App::default(),
            people: People::default(),
            clock: Clock::right_from(begin),
            reigns: Vec::new(),
            troubles: Vec::new(),
            ill: None,
            was_set_back: false,
            born: begin,
            deaths: Vec::new(),
            graces: Vec::new(),
            stalls: Vec::new(),
            end: begin + DAY,
            told: Vec::new(),
        };
        stage.start().await;
        stage
    }

    /// Lets the day pass and says what came of it.
    pub(crate) async fn play(mut self) -> History {
        let mut at_once = 0;
        while let Some((at, next)) = self.next().filter(|(at, _)| *at <= self.end) {
            at_once = if at > self.now { 0 } else { at_once + 1 };
            assert!(at_once < 50_000, "the loop spins at {} with {next:?}", self.now);
            self.now = self.now.max(at);
            self.happen(next).await;
        }
        self.now = self.end;
        self.history().await
    }

    fn next(&self) -> Option<(Instant, Next)> {
        let fate = self.fates.front().map(|(at, _)| (*at, Next::Fate));
        let back = self.back_at.map(|at| (at, Next::Back));
        let backfills = self.people.backfills.iter().map(|backfill| (backfill.next_at, Next::Backfill));
        let backfill = backfills.min_by_key(|(at, _)| *at);
        let own = self.sidecar.as_ref().and_then(|sidecar| sidecar.next(|wall| self.when(wall)));
        [own, fate, back, backfill].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    async fn happen(&mut self, next: Next) {
        match next {
            Next::Fate => {
                if let Some((_, fate)) = self.fates.pop_front() {
                    self.befall(fate).await;
                }
            }
            Next::Back => self.come_back().await,
            Next::Backfill => self.go_on_backfilling().await,
            Next::Gone => {
                let downtime = self.sidecar.as_ref().and_then(|sidecar| sidecar.stopping).map(|it| it.downtime);
                downtime.into_iter().for_each(|downtime| self.die(downtime));
            }
            own => {
                if let Some(event) = self.event(own) {
                    self.decide(event);
                }
                self.write().await;
                self.leave_if_drained();
            }
        }
    }

    /// What the sidecar is told of what happens to it.
    fn event(&mut self, next: Next) -> Option<Event> {
        let wall = self.wall();
        let sidecar = self.sidecar.as_mut()?;
        match next {
            Next::Fate | Next::Back | Next::Backfill | Next::Gone => None,
            Next::Answer => sidecar.answer.take().map(|(_, event)| event),
            Next::Word => sidecar.hears(),
            Next::Wake => Some(Event::Wake),
            Next::Pulse => {
                while sidecar.next_pulse <= self.now {
                    sidecar.next_pulse += PULSE;
                }
                Some(Event::Pulse)
            }
            Next::StepNoticed => {
                sidecar.notices_step_at = None;
                Some(Event::ClockStepped)
            }
            Next::GraceOver => {
                sidecar.stopping.iter_mut().for_each(|stopping| stopping.last_writes_by = Some(self.now + LAST_WRITES));
                self.graces.push(self.now);
                self.app.given_up(self.now);
                Some(Event::GraceOver)
            }
            Next::Sign => {
                sidecar.next_sign = self.now + SIGN_OF_LIFE;
                sidecar.to_write.push_back(Some(Write::Tick(sidecar.decisions.alive_at(wall))));
                None
            }
        }
    }

    async fn history(mut self) -> History {
        let tick = self.sidecar.as_ref().map(|sidecar| sidecar.decisions.alive_at(self.wall()));
        if let Some(tick) = tick {
            self.store.tick(tick).await.unwrap();
        }
        self.app.log.sort_by_key(|call| call.received);
        let mut history = History {
            clock: self.clock,
            reigns: self.reigns,
            troubles: self.troubles,
            calls: self.app.log,
            rows: Vec::new(),
            evidence: Vec::new(),
            fates: self.told,
            deeds: self.people.deeds,
            deaths: self.deaths,
            graces: self.graces,
            stalls: self.stalls,
            unsent: self.app.unsent,
            slowness: secs(3),
            end: self.now,
        };
        history.read(self.store.as_ref()).await;
        self.store.close().await;
        history
    }
}
