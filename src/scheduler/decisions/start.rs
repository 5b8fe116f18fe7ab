//! Taking over what the ledger holds: the same code after a first start, a restart and a crash.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::{Decisions, Effect, Live, Notice, Phase, Stage, Write, finish::Closing, pauses::Pauses, send::push_writes};
use crate::{
    entropy::Entropy,
    job::{Definitions, Job},
    run::{Outcome, Reason, Run, State},
    store::{Claim, Cursor, Pause, Slot},
    ticker::Pump,
};

/// What the ledger holds at a start.
#[derive(Debug, Default)]
pub struct Inherited {
    /// Every job it knows.
    pub cursors: Vec<Cursor>,
    /// The runs without an outcome.
    pub unfinished: Vec<Run>,
    /// The slots that are taken.
    pub slots: Vec<Slot>,
    /// What is held back.
    pub pauses: Vec<Pause>,
    /// Which life of the loop begins.
    pub life: Life,
}

/// Which life of the loop begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Life {
    /// That of a process: jobs with `run_on_start` want a run.
    #[default]
    First,
    /// One after a panic of the loop.
    Later,
}

impl Decisions {
    /// Takes over from the ledger at `now`. New jobs are anchored now: nothing before counts as missed.
    #[must_use]
    pub fn start(
        now: DateTime<Utc>,
        definitions: Definitions,
        inherited: Inherited,
        entropy: Entropy,
    ) -> (Self, Vec<Effect>) {
        let mut this = Self {
            definitions,
            entropy,
            pump: Pump::default(),
            runs: HashMap::new(),
            by_job: HashMap::new(),
            agenda: BTreeSet::new(),
            permits: BTreeMap::new(),
            newest_late: HashMap::new(),
            brought_forward: HashMap::new(),
            holds: BTreeSet::new(),
            pauses: Pauses::new(inherited.pauses),
            pauses_seen_at: DateTime::<Utc>::MIN_UTC,
            moved: BTreeSet::new(),
            parked: Vec::new(),
            retry_at: None,
            store_failed: false,
            phase: Phase::Firing,
        };
        let mut effects = Vec::new();
        let pauses = this.pauses.in_force(now);
        if !pauses.is_empty() {
            effects.push(Effect::Notice(Notice::Pauses(pauses)));
        }
        this.place_cursors(now, inherited.cursors, &mut effects);
        this.take_due(now, &mut effects);
        for run in inherited.unfinished {
            this.take_over(now, &run, &mut effects);
        }
        if inherited.life == Life::First {
            this.ask_for_starts(now, &mut effects);
        }
        for slot in inherited.slots {
            if slot.state == State::Ended(Outcome::Unknown) {
                this.holds.insert((slot.until, slot.job, slot.run));
            }
        }
        (this, effects)
    }

    fn take_over(&mut self, now: DateTime<Utc>, run: &Run, effects: &mut Vec<Effect>) {
        match run.state {
            // What waited goes on waiting: it is looked at as a claim is.
            State::Claimed | State::Queued | State::RetryWait => {
                let (id, scheduled_for, trigger) = (run.id, run.scheduled_for, run.trigger);
                let end = if trigger.is_occurrence() {
                    self.take_claim(now, &run.job, id, scheduled_for, trigger)
                } else {
                    let definition = run.definition.clone();
                    self.take_asked(now, &run.job, &Claim { id, scheduled_for, trigger, definition })
                };
                push_writes(Vec::new(), end.into_iter().collect(), effects);
            }
            State::Sending | State::Polling => {
                self.crashed(now, run, self.definitions.jobs.get(&run.job).cloned(), effects);
            }
            State::Ended(_) => {}
        }
    }

    /// Nobody heard how it ended, and the app may still be at it.
    fn crashed(&mut self, now: DateTime<Utc>, run: &Run, job: Option<Arc<Job>>, effects: &mut Vec<Effect>) {
        let Some(job) = job else {
            let finish = Closing::unheard(Reason::Crash).of(run.id, None);
            effects.push(Effect::Write(Write::Finish(vec![finish])));
            return;
        };
        let fires_at = job.fires_at(run.scheduled_for);
        let (scheduled_for, trigger) = (run.scheduled_for, run.trigger);
        self.remember(run.id, Live { job, scheduled_for, fires_at, trigger, attempt: None, stage: Stage::InFlight });
        effects.extend(self.finish(now, run.id, Closing::unheard(Reason::Crash)));
    }
}
