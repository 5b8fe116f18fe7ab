//! Taking over what the ledger holds: the same code after a first start, a restart and a crash.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::{Decisions, Effect, Live, Notice, Stage, Write, finish::Closing};
use crate::{
    entropy::Entropy,
    job::{Definitions, Job, JobName},
    run::{Outcome, Reason, Run, State},
    store::{Cursor, End, Slot},
    ticker::{LEAD, Pump},
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
            holds: BTreeSet::new(),
            moved: BTreeSet::new(),
            parked: Vec::new(),
            retry_at: None,
            store_failed: false,
            stopping: false,
        };
        let mut effects = Vec::new();
        this.place_cursors(now, &inherited.cursors, &mut effects);
        this.take_due(now, &mut effects);
        for run in inherited.unfinished {
            this.take_over(now, &run, &mut effects);
        }
        for slot in inherited.slots {
            if slot.state == State::Ended(Outcome::Unknown) {
                this.holds.insert((slot.until, slot.job, slot.run));
            }
        }
        (this, effects)
    }

    fn place_cursors(&mut self, now: DateTime<Utc>, known: &[Cursor], effects: &mut Vec<Effect>) {
        let known: HashMap<&JobName, &Cursor> = known.iter().map(|cursor| (&cursor.job, cursor)).collect();
        let mut anchors = Vec::new();
        for job in self.definitions.jobs.values().cloned().collect::<Vec<_>>() {
            let cursor = known.get(&job.name).copied();
            let anchor = match cursor {
                Some(cursor) if cursor.schedule != schedule_of(&job) => Some(anchor(&job, now)),
                Some(cursor) if cursor.accounted_to > now + LEAD => {
                    effects.push(Effect::Notice(Notice::Clamped { job: job.name.clone(), from: cursor.accounted_to }));
                    Some(anchor(&job, now))
                }
                Some(_) => None,
                None => Some(anchor(&job, now)),
            };
            let place = anchor.as_ref().or(cursor).map_or(now, |cursor| cursor.accounted_to);
            anchors.extend(anchor);
            self.place(job, place);
        }
        if !anchors.is_empty() {
            effects.push(Effect::Write(Write::Anchor(anchors)));
        }
    }

    /// The wall clock was set back: a cursor in the future would keep its job silent. What was accounted for already has
    /// its row and is not sent again.
    pub(super) fn clamp_cursors(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let ahead: Vec<_> = self
            .pump
            .cursors()
            .filter(|(_, cursor)| *cursor > now + LEAD)
            .map(|(job, cursor)| (Arc::clone(job), cursor))
            .collect();
        if ahead.is_empty() {
            return;
        }
        let mut anchors = Vec::new();
        for (job, from) in ahead {
            effects.push(Effect::Notice(Notice::Clamped { job: job.name.clone(), from }));
            anchors.push(anchor(&job, now));
            self.place(job, now);
        }
        effects.push(Effect::Write(Write::Anchor(anchors)));
    }

    fn take_over(&mut self, now: DateTime<Utc>, run: &Run, effects: &mut Vec<Effect>) {
        let job = self.definitions.jobs.get(&run.job).cloned();
        match (run.state, job) {
            (State::Claimed, Some(job)) if job.enabled => {
                let fires_at = job.fires_at(run.scheduled_for);
                self.hold_claim(now, run.id, run.scheduled_for, fires_at, run.trigger, &job);
            }
            (State::Claimed, job) => {
                let reason = if job.is_some() { Reason::Redefined } else { Reason::Removed };
                let end = End { run: run.id, outcome: Outcome::Cancelled, reason };
                effects.push(Effect::Write(Write::End(vec![end])));
            }
            (State::Sending, job) => self.crashed(now, run, job, effects),
            (State::Ended(_), _) => {}
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
        self.remember(run.id, Live { job, scheduled_for, fires_at, trigger, stage: Stage::InFlight });
        effects.extend(self.finish(now, run.id, Closing::unheard(Reason::Crash)));
    }
}

/// A cursor at `now`. A disabled job's says so, so that enabling it is a change and anchors it anew: no catch-up.
fn anchor(job: &Job, now: DateTime<Utc>) -> Cursor {
    Cursor {
        job: job.name.clone(),
        definition: job.hash.clone(),
        schedule: schedule_of(job),
        anchored_at: now,
        accounted_to: now,
    }
}

fn schedule_of(job: &Job) -> String {
    if job.enabled { job.schedule.identity() } else { "disabled".to_owned() }
}
