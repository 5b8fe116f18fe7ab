//! One life of the loop: from taking over the ledger to the end of the drain.

use std::{collections::HashMap, pin::Pin, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{Instant, MissedTickBehavior},
};

use super::{
    Scheduler, Stop,
    announce::announce,
    command::Desk,
    decisions::{Decisions, Effect, Event, Inherited, Life, STEP, Write},
    inquiries::Inquiries,
    recorder::{self, HeldPen, Pen, Task},
    self_check::Rechecks,
};
use crate::{
    clock::{Clock, SharedClock},
    dispatch::{Order, Report},
    job::Target,
    run::RunId,
    store::StoreError,
    ticker::{Home, Ticker},
};

/// How often the loop compares the clocks.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// How often the ledger is told that the scheduler is alive, in rounds of housekeeping.
const SIGN_OF_LIFE: u32 = 15;
/// After the grace, how long the last writes may take.
pub(super) const LAST_WRITES: Duration = Duration::from_secs(3);

/// How a life of the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// By a stop, with everything written.
    Drained,
    /// By a stop, whose last writes the ledger did not take in time.
    Late,
    /// Nobody writes for it any more. What it knows is worth nothing; what the ledger holds is.
    Broken,
}

/// `pen`: whoever has it is the one that writes for the loop. The last write of the life before may be under way yet, and
/// what it says must be read.
pub(super) async fn drive(mut scheduler: Scheduler, stop: Stop, life: Life, pen: Pen) -> Result<Ended, StoreError> {
    let pen = pen.lock_owned().await;
    let (decisions, effects) = take_over(&mut scheduler, life).await?;
    let desk = scheduler.commands.desk().await;
    let mut drive = Loop::new(scheduler, decisions, desk, pen);
    drive.perform(effects);
    let ended = drive.turn(stop).await;
    if ended != Ended::Broken {
        let alive_at = drive.decisions.alive_at(drive.scheduler.clock.now());
        drive.scheduler.store.tick(alive_at).await?;
    }
    Ok(ended)
}

async fn take_over(scheduler: &mut Scheduler, life: Life) -> Result<(Decisions, Vec<Effect>), StoreError> {
    let now = scheduler.clock.now();
    let inherited = Inherited { life, ..Inherited::read(scheduler.store.as_ref(), now).await? };
    let definitions = scheduler.definitions.borrow_and_update().clone();
    Ok(Decisions::start(now, definitions, inherited, scheduler.entropy))
}

struct Loop {
    scheduler: Scheduler,
    decisions: Decisions,
    ticker: Ticker,
    writes: UnboundedSender<Task>,
    answers: UnboundedReceiver<Event>,
    attempts: JoinSet<Report>,
    /// Whose attempt a task is, whom it asks, and how to end it.
    tasks: HashMap<Id, (RunId, Arc<Target>, AbortHandle)>,
    inquiries: Inquiries,
    rechecks: Rechecks,
    desk: Desk,
    clocks: Clocks,
    rounds: u32,
}

impl Loop {
    fn new(scheduler: Scheduler, decisions: Decisions, desk: Desk, pen: HeldPen) -> Self {
        let (writes, to_record) = mpsc::unbounded_channel();
        let (answer, answers) = mpsc::unbounded_channel();
        let clock = scheduler.clock.clone();
        tokio::spawn(recorder::record(pen, Arc::clone(&scheduler.store), clock.clone(), to_record, answer));
        let ticker = Ticker::start(clock.clone(), Home::OwnThread);
        let liveness = Some(ticker.liveness());
        let now = clock.now();
        scheduler.status.send_modify(|status| {
            status.store_writable = true;
            status.liveness = liveness;
            status.firing_since = Some(now);
        });
        let clocks = Clocks::read(clock.as_ref());
        Self {
            scheduler,
            decisions,
            ticker,
            writes,
            answers,
            attempts: JoinSet::new(),
            tasks: HashMap::new(),
            inquiries: Inquiries::default(),
            rechecks: Rechecks::default(),
            desk,
            clocks,
            rounds: 0,
        }
    }

    async fn turn(&mut self, mut stop: Stop) -> Ended {
        let clock = self.scheduler.clock.clone();
        let mut housekeeping = tokio::time::interval(HOUSEKEEPING);
        housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut alarm = Alarm::new(clock.clone());
        let mut grace = Grace::Running;
        while !self.decisions.is_drained() {
            alarm.set(self.decisions.wake_at());
            self.ticker.expect(self.decisions.next_fire());
            let event = tokio::select! {
                _ = stop.wait_for(|stop| *stop), if grace == Grace::Running => {
                    grace = Grace::Until(Instant::now() + self.scheduler.definitions.borrow().settings.shutdown_grace);
                    self.scheduler.status.send_modify(|status| status.stopping = true);
                    Event::Stop
                }
                answer = self.answers.recv() => match answer {
                    Some(event) => event,
                    None => return Ended::Broken,
                },
                Ok(()) = self.scheduler.definitions.changed() => {
                    Event::Reload(Box::new(self.scheduler.definitions.borrow_and_update().clone()))
                }
                Some(done) = self.attempts.join_next_with_id() => match self.attempt_ended(done) {
                    Some(event) => event,
                    None => continue,
                },
                event = self.inquiries.answered() => event,
                () = self.rechecks.ended() => continue,
                Some((ticket, command)) = self.desk.next() => Event::Asked(ticket, command),
                () = self.ticker.due() => Event::Pulse,
                () = alarm.ring() => Event::Wake,
                _ = housekeeping.tick() => match self.look_after_the_clock() {
                    Some(event) => event,
                    None => continue,
                },
                () = grace.over() => match grace {
                    Grace::Until(_) => {
                        grace = Grace::LastWrites(Instant::now() + LAST_WRITES);
                        Event::GraceOver
                    }
                    _ => return Ended::Late,
                },
            };
            let effects = self.decisions.on(clock.now(), event);
            self.perform(effects);
        }
        Ended::Drained
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Write(write) => drop(self.writes.send(Task::Write(write))),
                Effect::Resume => drop(self.writes.send(Task::Resume)),
                Effect::Send(order) => self.send(order),
                Effect::Poll(inquiry, work) => self.inquiries.poll(&self.scheduler.dispatcher, inquiry, work),
                Effect::Cancel(inquiry, call) => self.inquiries.cancel(&self.scheduler.dispatcher, inquiry, call),
                Effect::Abort(run) => self.abort(run),
                Effect::Notice(notice) => announce(&self.scheduler, notice),
                Effect::Answer(ticket, answer) => self.desk.answer(ticket, answer),
            }
        }
        let metrics = &self.scheduler.metrics;
        metrics.load(self.decisions.in_flight(), self.decisions.waiting());
        metrics.next_fires(self.decisions.take_moved());
    }

    fn send(&mut self, order: Order) {
        let (dispatcher, run) = (Arc::clone(&self.scheduler.dispatcher), order.run);
        let target = Arc::clone(&order.job.target);
        let task = self.attempts.spawn(async move { dispatcher.send(&order).await });
        self.tasks.insert(task.id(), (run, target, task));
    }

    /// Nobody waits for what the task would tell.
    fn abort(&mut self, run: RunId) {
        for (_, (.., task)) in self.tasks.extract_if(|_, (of, ..)| *of == run) {
            task.abort();
        }
    }

    fn attempt_ended(&mut self, done: Result<(Id, Report), JoinError>) -> Option<Event> {
        let (id, report) = match done {
            Ok((id, report)) => (id, Some(report)),
            Err(death) => (death.id(), None),
        };
        let (run, target, _) = self.tasks.remove(&id)?;
        if report.as_ref().is_some_and(Report::is_refusal) {
            self.rechecks.begin(&self.scheduler, &target);
        }
        Some(Event::AttemptEnded(run, report))
    }

    fn look_after_the_clock(&mut self) -> Option<Event> {
        let clock = self.scheduler.clock.as_ref();
        self.rounds += 1;
        if self.rounds.is_multiple_of(SIGN_OF_LIFE) {
            let alive = Write::Tick(self.decisions.alive_at(clock.now()));
            drop(self.writes.send(Task::Write(alive)));
        }
        let step = self.clocks.step(clock);
        (step.abs() > STEP).then(|| {
            tracing::warn!(seconds = step.num_seconds(), "the wall clock was set");
            Event::ClockStepped
        })
    }
}

/// The two clocks read at one moment.
struct Clocks {
    wall: DateTime<Utc>,
    monotonic: Instant,
}

impl Clocks {
    fn read(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic() }
    }

    /// By how much the wall clock went ahead of the monotonic one since the last look.
    fn step(&mut self, clock: &dyn Clock) -> TimeDelta {
        let before = std::mem::replace(self, Self::read(clock));
        let elapsed = TimeDelta::from_std(self.monotonic - before.monotonic).unwrap_or(TimeDelta::MAX);
        self.wall - before.wall - elapsed
    }
}

/// A stop's stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grace {
    Running,
    Until(Instant),
    LastWrites(Instant),
}

impl Grace {
    async fn over(self) {
        match self {
            Self::Running => std::future::pending().await,
            Self::Until(end) | Self::LastWrites(end) => tokio::time::sleep_until(end).await,
        }
    }
}

/// A wait on the wall clock that is kept as long as its instant stays the same.
struct Alarm {
    clock: SharedClock,
    at: Option<DateTime<Utc>>,
    sleep: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Alarm {
    fn new(clock: SharedClock) -> Self {
        Self { clock, at: None, sleep: None }
    }

    fn set(&mut self, at: Option<DateTime<Utc>>) {
        if self.at != at {
            self.at = at;
            self.sleep = at.map(|at| {
                let clock = self.clock.clone();
                Box::pin(async move { clock.sleep_until(at).await }) as Pin<Box<dyn Future<Output = ()> + Send>>
            });
        }
    }

    async fn ring(&mut self) {
        match &mut self.sleep {
            Some(sleep) => {
                sleep.await;
                self.at = None;
                self.sleep = None;
            }
            None => std::future::pending().await,
        }
    }
}
