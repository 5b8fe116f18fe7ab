//! Histories that the scheduler's own decisions write into a real ledger, at random: whatever happened, the accounting is
//! provable; and whatever is then taken from it, added or bent is noticed.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use sexton::{
    entropy::Entropy,
    job::Definitions,
    run::{Outcome, Reason, RunId},
    scheduler::decisions::{Decisions, Effect, Event, Inherited, Operation, Stored, Write},
    store::{self, Evidence, Period, RunStore},
    ticker::LEAD,
    verify::{Finding, verify},
};
use tempfile::TempDir;

use crate::support::{
    definitions::{at, jobs},
    world::report,
};

/// Ten minutes before the clocks of Prague go forward.
const START: &str = "2026-03-29T00:50:00Z";

const SCHEDULES: [&str; 6] =
    ["every 20s", "every 1m30s", "*/5 1-3 * * *", "30 2 * * *", "*/40 * * * * *", "*/7 * * * *"];

const JITTERS: [&str; 4] = ["0s", "0s", "2m", "1h"];

/// What a job is in a definition: its schedule and its jitter by number, and whether it is enabled.
type JobChoice = Option<(usize, usize, bool)>;

#[derive(Debug, Clone)]
enum Step {
    /// The scheduler is there, and everything is on time.
    Run(i64),
    /// Nothing runs, as in a suspended machine; the pulse may not be what comes first afterwards.
    Sleep(i64, bool),
    /// The process dies; so long after, one starts with these definitions.
    Crash(i64, Option<Vec<JobChoice>>),
    /// The same after an orderly stop.
    Stop(i64, Option<Vec<JobChoice>>),
    Reload(Vec<JobChoice>),
    /// The wall clock is set back.
    SetBack(i64),
    /// The oldest open request is answered.
    Answer(bool),
    Tick,
    Prune(u64),
}

fn choices() -> impl Strategy<Value = Vec<JobChoice>> {
    let job = proptest::option::weighted(0.8, (0..SCHEDULES.len(), 0..JITTERS.len(), proptest::bool::weighted(0.8)));
    proptest::collection::vec(job, 2)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..200_i64).prop_map(Step::Run),
        2 => (1..4_000_i64, any::<bool>()).prop_map(|(seconds, pulse)| Step::Sleep(seconds, pulse)),
        2 => (0..4_000_i64, proptest::option::of(choices())).prop_map(|(pause, new)| Step::Crash(pause, new)),
        1 => (0..4_000_i64, proptest::option::of(choices())).prop_map(|(pause, new)| Step::Stop(pause, new)),
        2 => choices().prop_map(Step::Reload),
        1 => (1..400_i64).prop_map(Step::SetBack),
        3 => any::<bool>().prop_map(Step::Answer),
        1 => Just(Step::Tick),
        1 => (3..12_u64).prop_map(Step::Prune),
    ];
    proptest::collection::vec(step, 1..24)
}

fn definitions(choices: &[JobChoice]) -> Definitions {
    let names = ["a", "b"];
    let chosen = choices.iter().zip(names).filter_map(|(choice, name)| choice.map(|choice| (name, choice)));
    let keys =
        |jitter: &str, enabled| format!("enabled = {enabled}\ntimezone = \"Europe/Prague\"\njitter = \"{jitter}\"");
    let written: Vec<(&str, &str, String)> = chosen
        .map(|(name, (schedule, jitter, enabled))| (name, SCHEDULES[schedule], keys(JITTERS[jitter], enabled)))
        .collect();
    jobs(&written.iter().map(|(name, schedule, keys)| (*name, *schedule, keys.as_str())).collect::<Vec<_>>())
}

/// The scheduler without its loop, on a real ledger and a clock of its own.
struct Life {
    store: Arc<dyn RunStore>,
    decisions: Decisions,
    definitions: Definitions,
    now: DateTime<Utc>,
    open: Vec<RunId>,
    _folder: TempDir,
}

impl Life {
    async fn begin(definitions: Definitions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = at(START);
        let address = format!("sqlite://{}", folder.path().join("sexton.db").display());
        let store = store::open(&address, now).await.unwrap().store;
        let inherited = Inherited::default();
        let (decisions, effects) = Decisions::start(now, definitions.clone(), inherited, Entropy::System);
        let mut life = Self { store, decisions, definitions, now, open: Vec::new(), _folder: folder };
        life.perform(effects).await;
        life
    }

    async fn start(&mut self) {
        let inherited = Inherited::read(self.store.as_ref(), self.now).await.unwrap();
        let (decisions, effects) = Decisions::start(self.now, self.definitions.clone(), inherited, Entropy::System);
        self.decisions = decisions;
        self.open.clear();
        self.perform(effects).await;
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Run(seconds) => self.run(self.now + TimeDelta::seconds(seconds)).await,
            Step::Sleep(seconds, pulse) => {
                self.now += TimeDelta::seconds(seconds);
                if pulse {
                    self.look().await;
                }
            }
            Step::Crash(pause, new) => self.restart(pause, new).await,
            Step::Stop(pause, new) => {
                self.on(Event::Stop).await;
                self.now += TimeDelta::seconds(25);
                if let Some(choices) = &new {
                    // An edit during the drain.
                    self.on(Event::Reload(Box::new(definitions(choices)))).await;
                }
                self.on(Event::GraceOver).await;
                self.tick().await;
                self.prove().await;
                self.restart(pause, new).await;
            }
            Step::Reload(choices) => {
                self.definitions = definitions(&choices);
                self.on(Event::Reload(Box::new(self.definitions.clone()))).await;
            }
            Step::SetBack(seconds) => {
                self.now -= TimeDelta::seconds(seconds);
                self.on(Event::ClockStepped).await;
                self.look().await;
            }
            Step::Answer(known) if !self.open.is_empty() => {
                let run = self.open.remove(0);
                let (outcome, reason) =
                    if known { (Outcome::Succeeded, None) } else { (Outcome::Unknown, Some(Reason::Timeout)) };
                self.on(Event::AttemptEnded(run, Some(report(outcome, reason, self.now)))).await;
            }
            Step::Answer(_) => {}
            Step::Tick => self.tick().await,
            Step::Prune(per_job) => {
                self.store.prune(self.now, std::time::Duration::MAX, per_job).await.unwrap();
            }
        }
    }

    async fn restart(&mut self, pause: i64, new: Option<Vec<JobChoice>>) {
        self.now += TimeDelta::seconds(pause);
        if let Some(choices) = new {
            self.definitions = definitions(&choices);
        }
        self.start().await;
    }

    /// From one moment that matters to the next.
    async fn run(&mut self, end: DateTime<Utc>) {
        loop {
            let pulse = self.decisions.next_fire().map(|at| at - LEAD);
            let next = [pulse, self.decisions.wake_at()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            self.look().await;
        }
        self.now = end;
    }

    async fn look(&mut self) {
        self.on(Event::Pulse).await;
        self.on(Event::Wake).await;
    }

    async fn tick(&mut self) {
        let alive_at = self.decisions.alive_at(self.now);
        self.store.tick(alive_at).await.unwrap();
    }

    async fn on(&mut self, event: Event) {
        let effects = self.decisions.on(self.now, event);
        self.perform(effects).await;
    }

    async fn perform(&mut self, effects: Vec<Effect>) {
        let mut waiting = std::collections::VecDeque::from(effects);
        while let Some(effect) = waiting.pop_front() {
            match effect {
                Effect::Write(write) => {
                    let stored = self.carry_out(write).await;
                    waiting.extend(self.decisions.on(self.now, Event::Stored(stored)));
                }
                Effect::Send(order) => self.open.push(order.run),
                Effect::Notice(_)
                | Effect::Answer(..)
                | Effect::Abort(_)
                | Effect::Resume
                | Effect::Poll(..)
                | Effect::Cancel(..) => {}
            }
        }
    }

    async fn carry_out(&self, write: Write) -> Stored {
        let (store, now) = (&self.store, self.now);
        match write {
            Write::Anchor(cursors) => store.anchor(cursors).await.map(|()| Stored::Anchored).unwrap(),
            Write::Account(batch) => {
                let answers = store.account(now, batch.clone()).await.unwrap();
                Stored::Accounted(batch, answers)
            }
            Write::Begin(batch) => {
                let answers = store.begin(now, batch.clone()).await.unwrap();
                Stored::Begun(batch, answers)
            }
            Write::Queue(batch) => {
                let answers = store.queue(batch.clone()).await.unwrap();
                Stored::Queued(batch, answers)
            }
            Write::Follow(batch) => {
                let answers = store.follow(batch.clone()).await.unwrap();
                Stored::Followed(batch, answers)
            }
            Write::End(batch) => store.end(now, batch.clone()).await.map(|()| Stored::Ended(batch)).unwrap(),
            Write::Finish(batch) => {
                let answers = store.finish(now, batch.clone()).await.unwrap();
                Stored::Finished(batch, answers)
            }
            Write::Tick(at) => store.tick(at).await.map(|()| Stored::Ticked).unwrap(),
            Write::Operate(operation) => {
                match &operation {
                    Operation::Pause(pause, _) => store.pause(vec![pause.clone()]).await.unwrap(),
                    Operation::ForgetPauses(jobs) => store.resume(jobs.clone()).await.unwrap(),
                    Operation::Claim(asked, _) => store.claim(asked.clone()).await.unwrap(),
                    Operation::Backfill { asked, again, .. } => {
                        let _ = store.claim_past(asked.clone(), *again).await.unwrap();
                    }
                    Operation::Settle(run, _, outcome, _) => assert!(store.settle(*run, *outcome).await.unwrap()),
                }
                Stored::Operated(operation, true)
            }
        }
    }

    async fn prove(&self) -> Vec<Evidence> {
        let mut all = Vec::new();
        for cursor in self.store.cursors().await.unwrap() {
            let evidence = self.store.evidence(cursor.job).await.unwrap().unwrap();
            let findings = verify(&evidence, None).findings;
            assert!(findings.is_empty(), "{findings:#?}\nin {evidence:#?}");
            all.push(evidence);
        }
        all
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Seed A22: over crashes, stops, edits and a clock that is set back.
    #[test]
    fn a22_whatever_happens_is_accounted_for_and_whatever_is_bent_is_noticed(
        first in choices(), steps in steps(), victim in any::<prop::sample::Index>()
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (evidence, miscount) = runtime.block_on(async {
            let mut life = Life::begin(definitions(&first)).await;
            life.run(life.now + TimeDelta::seconds(60)).await;
            let mut set_back = false;
            for step in steps {
                set_back |= matches!(step, Step::SetBack(_));
                life.take(step).await;
            }
            life.run(life.now + TimeDelta::seconds(60)).await;
            life.tick().await;
            let evidence = life.prove().await;
            life.store.close().await;
            // One more might be what a later schedule demands within a span of before the clock went back.
            (evidence, if set_back { 1_000_000 } else { 1 })
        });
        for evidence in evidence.iter().filter(|evidence| !evidence.entries.is_empty()) {
            bend(evidence, victim.index(evidence.entries.len()), miscount);
        }
    }
}

/// Each way to falsify one row is noticed at that row.
fn bend(evidence: &Evidence, victim: usize, miscount: u64) {
    let row = &evidence.entries[victim];
    let (first, last) = (row.scheduled_for - TimeDelta::seconds(1), row.through);
    let noticed = |kind: &str, bent: &Evidence| {
        let findings = verify(bent, None).findings;
        let there = |finding: &Finding| finding.kind() == kind && finding.at() <= last && finding.through() >= first;
        assert!(findings.iter().any(there), "{kind} at {row:?} is not among {findings:#?}");
    };
    let pruned = |period: &Period| period.kept_after >= row.scheduled_for && period.anchored_at < row.through;
    if !evidence.periods.iter().any(pruned) {
        let mut bent = evidence.clone();
        bent.entries.remove(victim);
        noticed("missing", &bent);
    }
    let mut bent = evidence.clone();
    bent.entries.insert(victim, row.clone());
    noticed("doubled", &bent);

    let mut bent = evidence.clone();
    bent.entries[victim].count += miscount;
    noticed("miscounted", &bent);

    let mut bent = evidence.clone();
    bent.entries[victim].scheduled_for -= TimeDelta::milliseconds(1);
    noticed("invented", &bent);
}
