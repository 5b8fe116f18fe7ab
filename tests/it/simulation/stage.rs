//! One story, step by step: the real decisions, pump and ledger on a time of their own.
//!
//! `now` is the time that passes; the wall clock of the sidecar's machine is off by `skew`, and people set it.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    entropy::Entropy,
    job::{Definitions, JobName},
    run::{Outcome, Run, RunId, Trigger},
    scheduler::decisions::{
        Command, Decisions, Done, Effect, Event, Inherited, Notice, Operation, STEP, Stored, Write,
    },
    store::{self, Pause, RunQuery, RunStore},
    ticker::LEAD,
};

use super::{
    app::{App, Word},
    check::{Clock, History, Kind, Reign, Trouble},
    dice::{self, Dice},
    mutants::Between,
    scenario::{CrashPoint, DAY, Fate, QUIET, Scenario},
};
use crate::support::world::{millis, secs};

type Instant = DateTime<Utc>;

/// How often the engine looks.
const PULSE: TimeDelta = millis(500);
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
    clock: Clock,
    reigns: Vec<Reign>,
    troubles: Vec<Trouble>,
    /// When what ails the sidecar began, and when it is over.
    ill: Option<(Instant, Instant)>,
    was_set_back: bool,
    /// When the process was started.
    born: Instant,
    /// Who asked for a run of what.
    asked: Vec<(String, JobName)>,
    /// The runs that somebody was told of.
    promised: Vec<RunId>,
    /// The pauses that the ledger was told of.
    pauses: Vec<Pause>,
    end: Instant,
    /// What befell the sidecar, in words.
    told: Vec<String>,
}

/// A process.
struct Sidecar {
    decisions: Decisions,
    /// In their order; `None` where the ledger takes writes again after one that failed.
    to_write: VecDeque<Option<Write>>,
    is_refusing: bool,
    /// What the ledger says to the write that is under way, and when.
    answer: Option<(Instant, Event)>,
    words: BTreeMap<(Instant, u32), (RunId, Word)>,
    sent: u32,
    frozen_until: Instant,
    next_pulse: Instant,
    next_sign: Instant,
    /// When it will notice that the clock was set.
    notices_step_at: Option<Instant>,
    stopping: Option<Stopping>,
}

/// A process that was asked to stop.
#[derive(Debug, Clone, Copy)]
struct Stopping {
    since: Instant,
    grace_over_at: Instant,
    /// There once the grace is over.
    last_writes_by: Option<Instant>,
    downtime: TimeDelta,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Fate,
    Back,
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
            clock: Clock::right_from(begin),
            reigns: Vec::new(),
            troubles: Vec::new(),
            ill: None,
            was_set_back: false,
            born: begin,
            asked: Vec::new(),
            promised: Vec::new(),
            pauses: Vec::new(),
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

    fn wall(&self) -> Instant {
        self.clock.wall(self.now)
    }

    /// When the wall clock will read `wall`, if nobody sets it.
    fn when(&self, wall: Instant) -> Instant {
        wall - (self.wall() - self.now)
    }

    fn next(&self) -> Option<(Instant, Next)> {
        let fate = self.fates.front().map(|(at, _)| (*at, Next::Fate));
        let back = self.back_at.map(|at| (at, Next::Back));
        let Some(sidecar) = &self.sidecar else { return [back, fate].into_iter().flatten().min_by_key(|(at, _)| *at) };
        let own = [
            sidecar.answer.as_ref().map(|(at, _)| (*at, Next::Answer)),
            sidecar.words.keys().next().map(|(at, _)| (*at, Next::Word)),
            sidecar.decisions.wake_at().map(|at| (self.when(at), Next::Wake)),
            sidecar.decisions.next_fire().map(|fire| (sidecar.looks_at(self.when(fire)), Next::Pulse)),
            sidecar.notices_step_at.map(|at| (at, Next::StepNoticed)),
            sidecar.stopping.map(|stopping| match stopping.last_writes_by {
                None => (stopping.grace_over_at, Next::GraceOver),
                Some(at) => (at, Next::Gone),
            }),
            Some((sidecar.next_sign, Next::Sign)),
        ];
        let own = own.into_iter().flatten().map(|(at, next)| (at.max(sidecar.frozen_until), next));
        own.chain(fate).chain(back).min_by_key(|(at, _)| *at)
    }

    async fn happen(&mut self, next: Next) {
        if let Next::Fate = next {
            if let Some((_, fate)) = self.fates.pop_front() {
                self.befall(fate).await;
            }
            return;
        }
        if let Next::Back = next {
            return self.come_back().await;
        }
        let wall = self.wall();
        let Some(sidecar) = &mut self.sidecar else { return };
        let event = match next {
            Next::Fate | Next::Back => return,
            Next::Answer => sidecar.answer.take().map(|(_, event)| event),
            Next::Word => sidecar.words.pop_first().map(|(_, (run, word))| Event::AttemptEnded(run, word.report)),
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
                Some(Event::GraceOver)
            }
            Next::Gone => {
                let downtime = sidecar.stopping.map(|stopping| stopping.downtime);
                return downtime.into_iter().for_each(|downtime| self.die(downtime));
            }
            Next::Sign => {
                sidecar.next_sign = self.now + SIGN_OF_LIFE;
                sidecar.to_write.push_back(Some(Write::Tick(sidecar.decisions.alive_at(wall))));
                None
            }
        };
        if let Some(event) = event {
            self.decide(event);
        }
        self.write().await;
        self.leave_if_drained();
    }

    fn decide(&mut self, event: Event) {
        let wall = self.wall();
        let Some(sidecar) = &mut self.sidecar else { return };
        let effects = sidecar.decisions.on(wall, event);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        let wall = self.wall();
        for effect in effects {
            let Some(sidecar) = &mut self.sidecar else { return };
            match effect {
                Effect::Write(write) => sidecar.to_write.push_back(Some(write)),
                Effect::Resume => sidecar.to_write.push_back(None),
                Effect::Send(order) => {
                    let word = self.app.take(&mut self.dice, self.now, wall, &order);
                    sidecar.sent += 1;
                    sidecar.words.insert((word.at, sidecar.sent), (order.run, word));
                    if let Some((_, downtime)) = self.armed.take_if(|(point, _)| *point == CrashPoint::AfterSend) {
                        self.now += millis(30);
                        return self.die(downtime);
                    }
                }
                Effect::Notice(Notice::Moved { job, to })
                    if self.ledger_broken_until.is_none() && !self.was_set_back =>
                {
                    panic!(
                        "at {} it believes that another moved the cursor of {job} to {to:?}: {:#?}",
                        self.now, self.told
                    )
                }
                Effect::Answer(_, Ok(Done::Claimed { run, .. })) => self.promised.push(run),
                Effect::Poll(..) | Effect::Cancel(..) => unreachable!("no job of a scenario polls"),
                Effect::Notice(_) | Effect::Answer(..) | Effect::Abort(_) => {}
            }
        }
    }

    /// The ledger takes one write after the other, those of a kind that wait together.
    async fn write(&mut self) {
        let wall = self.wall();
        let Some(sidecar) = &mut self.sidecar else { return };
        if sidecar.answer.is_some() {
            return;
        }
        let Some(write) = sidecar.next_write() else { return };
        if let Some((_, downtime)) = self.armed.take_if(|(point, _)| *point == CrashPoint::BeforeWrite) {
            return self.die(downtime);
        }
        let takes = match self.dice.below(100) {
            0..85 => self.dice.span(millis(1), millis(4)),
            85..99 => self.dice.span(millis(4), millis(60)),
            _ => self.dice.span(millis(60), millis(900)),
        };
        let event = if sidecar.is_refusing || self.ledger_broken_until.is_some_and(|until| until > self.now) {
            sidecar.is_refusing |= write.is_kept();
            Event::StoreFailed(write)
        } else {
            match &write {
                Write::Operate(Operation::Pause(pause, _)) => note(&mut self.pauses, pause),
                Write::Anchor(_) => self.reigns.iter_mut().for_each(|reign| reign.took |= reign.since >= self.born),
                _ => {}
            }
            Event::Stored(carry_out(self.store.as_ref(), wall, write, self.between).await)
        };
        sidecar.answer = Some((self.now + takes, event));
        if let Some((_, downtime)) = self.armed.take_if(|(point, _)| *point == CrashPoint::AfterWrite) {
            self.die(downtime);
        }
    }

    async fn befall(&mut self, fate: Fate) {
        self.told.push(format!("{} (wall {}): {fate}", self.now, self.wall()));
        let thaws_at = self.sidecar.as_ref().map(|sidecar| sidecar.frozen_until).filter(|until| *until > self.now);
        match fate {
            // A process that stands still hears of it when it goes on.
            Fate::Stop(_) | Fate::Edit(_) if thaws_at.is_some() => {
                self.fates.extend(thaws_at.map(|at| (at, fate)));
                self.fates.make_contiguous().sort_by_key(|(at, _)| *at);
            }
            Fate::Crash(CrashPoint::Now, downtime) => self.die(downtime),
            Fate::Crash(point, downtime) => self.armed = self.sidecar.as_ref().map(|_| (point, downtime)),
            Fate::Stop(downtime) => self.stop(downtime).await,
            Fate::Fire(number) => {
                let Some(job) = self.job(number) else { return };
                let by = format!("user:{}", self.asked.len());
                self.asked.push((by.clone(), job.clone()));
                let (trigger, scheduled_for, by) = (Trigger::Manual, None, Some(by));
                self.ask(Command::Fire { job, trigger, scheduled_for, by }).await;
            }
            Fate::Pause(number, time) => {
                let job = number.and_then(|number| self.job(number));
                let until = time.map(|time| self.wall() + time);
                self.ask(Command::Pause { job, until, note: None, by: None }).await;
            }
            Fate::Resume(number) => {
                let job = number.and_then(|number| self.job(number));
                self.ask(Command::Resume { job }).await;
            }
            Fate::Settle => {
                let query = RunQuery { outcome: Some(Outcome::Unknown), limit: 50, ..RunQuery::default() };
                let unknown = self.store.runs(query).await.unwrap();
                let done = |run: &Run| self.app.is_done_with(run.id, self.now);
                if let Some(run) = unknown.into_iter().find(|run| run.settled.is_none() && done(run)) {
                    self.ask(Command::Settle { run: run.id, outcome: Outcome::Succeeded }).await;
                }
            }
            Fate::Outage(time) => {
                self.ledger_broken_until = Some(self.now + time);
                self.fall_ill(self.now, time + secs(4));
            }
            Fate::Freeze(time) => {
                let Some(sidecar) = &mut self.sidecar else { return };
                sidecar.frozen_until = sidecar.frozen_until.max(self.now + time);
                self.fall_ill(self.now, time + secs(4));
            }
            Fate::Step(by) => self.set_clock(by),
            Fate::Edit(definitions) => {
                self.file = *definitions;
                if self.sidecar.as_ref().is_some_and(|sidecar| sidecar.stopping.is_none()) {
                    self.reign();
                    self.decide(Event::Reload(Box::new(self.as_read())));
                    self.write().await;
                }
            }
        }
    }

    async fn stop(&mut self, downtime: TimeDelta) {
        let Some(sidecar) = self.sidecar.as_mut().filter(|sidecar| sidecar.stopping.is_none()) else { return };
        let grace_over_at = self.now + TimeDelta::from_std(self.file.settings.shutdown_grace).unwrap();
        sidecar.stopping = Some(Stopping { since: self.now, grace_over_at, last_writes_by: None, downtime });
        self.decide(Event::Stop);
        self.write().await;
        self.leave_if_drained();
    }

    fn job(&self, number: usize) -> Option<JobName> {
        self.file.jobs.keys().nth(number).cloned()
    }

    /// A process that is away, or stands still, is not asked.
    async fn ask(&mut self, command: Command) {
        if self.sidecar.as_ref().is_some_and(|sidecar| sidecar.frozen_until <= self.now) {
            self.decide(Event::Asked(0, command));
            self.write().await;
        }
    }

    fn as_read(&self) -> Definitions {
        let mut definitions = self.file.clone();
        (self.between.misread)(&mut definitions);
        definitions
    }

    fn reign(&mut self) {
        self.reigns.push(Reign { since: self.now, definitions: self.file.clone(), took: false });
        let wall = self.wall();
        self.troubles.push(Trouble { from: wall - secs(1), to: wall + LEAD + secs(2), kind: Kind::Edit });
    }

    fn set_clock(&mut self, by: TimeDelta) {
        let before = self.wall();
        self.clock.set(self.now, by, self.clock.wall(self.well_until()));
        let after = self.wall();
        self.was_set_back |= after < before;
        let (from, to) = (before.min(after) - secs(3), before.max(after) + secs(5));
        self.troubles.push(Trouble { from, to, kind: if before < after { Kind::Ahead } else { Kind::Back } });
        if let Some((_, over)) = self.ill.filter(|(_, over)| *over > self.now) {
            self.troubles.push(Trouble { from: after, to: self.clock.wall(over), kind: Kind::Ill });
        }
        if let Some(sidecar) = self.sidecar.as_mut().filter(|_| by.abs() > STEP) {
            sidecar.notices_step_at = Some(self.now + self.dice.span(TimeDelta::zero(), secs(1)));
        }
    }

    /// Up to when everything that was due was taken up.
    fn well_until(&self) -> Instant {
        let stopped = self.sidecar.as_ref().and_then(|sidecar| sidecar.stopping).map(|stopping| stopping.since);
        let ill = self.ill.filter(|(_, over)| *over > self.now).map(|(began, _)| began);
        [stopped, ill].into_iter().flatten().fold(self.now, Instant::min)
    }

    /// From `since` until `time` from now the sidecar is not at its best.
    fn fall_ill(&mut self, since: Instant, time: TimeDelta) {
        let over = self.now + time;
        self.ill = match self.ill {
            Some((began, until)) if until >= self.now => Some((began.min(since), over.max(until))),
            _ => Some((since, over)),
        };
        let (from, to) = (self.clock.wall(since) - secs(3), self.wall() + time);
        self.troubles.push(Trouble { from, to, kind: Kind::Ill });
    }

    fn leave_if_drained(&mut self) {
        if let Some(sidecar) = &self.sidecar
            && let Some(Stopping { downtime, .. }) = sidecar.stopping
            && sidecar.decisions.is_drained()
            && sidecar.answer.is_none()
            && sidecar.to_write.is_empty()
        {
            self.die(downtime);
        }
    }

    fn die(&mut self, downtime: TimeDelta) {
        let Some(sidecar) = self.sidecar.take() else { return };
        self.told.push(format!("{} (wall {}): dies for {}", self.now, self.wall(), downtime));
        let since = sidecar.stopping.map_or(self.now, |stopping| stopping.since);
        // The story ends well.
        let downtime = downtime.min(self.end - QUIET - self.now).max(millis(50));
        self.armed = None;
        self.app.client_gone(self.now);
        self.back_at = Some(self.now + downtime);
        self.fall_ill(since, downtime + secs(5));
    }

    async fn come_back(&mut self) {
        self.back_at = None;
        self.ledger_broken_until = None;
        self.store.close().await;
        self.store = store::open(&self.address, self.wall()).await.unwrap().store;
        self.start().await;
    }

    async fn start(&mut self) {
        let wall = self.wall();
        let inherited = Inherited::read(self.store.as_ref(), wall).await.unwrap();
        self.born = self.now;
        self.reign();
        let (decisions, effects) = Decisions::start(wall, self.as_read(), inherited, Entropy::Told(dice::fill));
        self.sidecar = Some(Sidecar {
            decisions,
            to_write: VecDeque::new(),
            is_refusing: false,
            answer: None,
            words: BTreeMap::new(),
            sent: 0,
            frozen_until: self.now,
            next_pulse: self.now + self.dice.span(TimeDelta::zero(), PULSE),
            next_sign: self.now + secs(15),
            notices_step_at: None,
            stopping: None,
        });
        self.perform(effects);
        self.write().await;
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
            asked: self.asked,
            promised: self.promised,
            pauses: self.pauses,
            end: self.now,
        };
        history.read(self.store.as_ref()).await;
        self.store.close().await;
        history
    }
}

impl Sidecar {
    /// The first of what waits, with all of its kind that wait right behind it.
    fn next_write(&mut self) -> Option<Write> {
        while self.to_write.pop_front_if(|next| next.is_none()).is_some() {
            self.is_refusing = false;
        }
        let end = self.to_write.iter().position(Option::is_none).unwrap_or(self.to_write.len());
        let joined = Write::join(self.to_write.drain(..end).flatten());
        joined.into_iter().rev().for_each(|write| self.to_write.push_front(Some(write)));
        self.to_write.pop_front().flatten()
    }

    /// The first pulse that finds something due at `fire` in the lead window.
    fn looks_at(&self, fire: Instant) -> Instant {
        let behind = (fire - LEAD - self.next_pulse).max(TimeDelta::zero());
        let rounds = (behind.num_milliseconds() + PULSE.num_milliseconds() - 1) / PULSE.num_milliseconds();
        self.next_pulse + PULSE * i32::try_from(rounds).unwrap()
    }
}

/// A pause ends when it is said to, or when another takes its place.
fn note(pauses: &mut Vec<Pause>, told: &Pause) {
    for other in pauses.iter_mut().filter(|other| other.job == told.job) {
        let end = if other.since == told.since { told.until } else { Some(told.since) };
        other.until = [other.until, end].into_iter().flatten().min();
    }
    pauses.push(told.clone());
}

/// The scheduler takes the ledger at its word for what it meant to have written.
async fn carry_out(store: &dyn RunStore, wall: Instant, write: Write, between: Between) -> Stored {
    let meant = write.clone();
    let mut stored = match (between.lie)(write) {
        Ok(write) => write.carry_out(store, wall).await.unwrap(),
        Err(instead) => instead,
    };
    match (meant, &mut stored) {
        (Write::Account(meant), Stored::Accounted(batch, _)) => *batch = meant,
        (Write::Begin(meant), Stored::Begun(batch, _)) => *batch = meant,
        (Write::Finish(meant), Stored::Finished(batch, _)) => *batch = meant,
        _ => {}
    }
    (between.echo)(&mut stored);
    stored
}
