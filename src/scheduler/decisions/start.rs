//! Taking over what the ledger holds: the same code after a first start, a restart and a crash.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::{
    Decisions, Effect, Live, Need, Notice, Phase, RunEnded, Stage, Standing, Write, finish::Closing, parking::Parking,
    pauses::Pauses, writes::push_writes,
};
use crate::{
    entropy::Entropy,
    job::{Definitions, Job},
    run::{Outcome, Reason, Run, RunId, State},
    store::{Claim, Cursor, End, Pause, Slot, Then},
    ticker::Pump,
};

/// What the ledger holds at a start.
#[derive(Debug, Default)]
pub struct Inherited {
    /// Every job it knows.
    pub cursors: Vec<Cursor>,
    /// The runs without an outcome.
    pub unfinished: Vec<Run>,
    /// The slots that are taken, and those whose time ran out while nobody was there.
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
            group_lines: BTreeMap::new(),
            followed: HashMap::new(),
            newest_late: HashMap::new(),
            brought_forward: HashMap::new(),
            holds: BTreeSet::new(),
            pauses: Pauses::new(inherited.pauses),
            pauses_seen_at: DateTime::<Utc>::MIN_UTC,
            moved: BTreeSet::new(),
            parking: Parking::default(),
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
            let slot = inherited.slots.iter().find(|slot| slot.run == run.id && slot.until > now);
            this.take_over(now, &run, slot.map(|slot| slot.until), &mut effects);
        }
        if inherited.life == Life::First {
            this.ask_for_starts(now, &mut effects);
        }
        for slot in inherited.slots {
            if matches!(slot.state, State::Ended(_)) {
                this.holds.insert((slot.until, slot.job, slot.run));
            }
        }
        (this, effects)
    }

    /// `slot_until`: until when it has its job's slot.
    fn take_over(
        &mut self,
        now: DateTime<Utc>,
        run: &Run,
        slot_until: Option<DateTime<Utc>>,
        effects: &mut Vec<Effect>,
    ) {
        match run.state {
            State::Claimed => {
                let (id, scheduled_for, trigger) = (run.id, run.scheduled_for, run.trigger);
                let end = if trigger.is_occurrence() {
                    self.take_claim(now, &run.job, id, scheduled_for, trigger)
                } else {
                    let definition = run.definition.clone();
                    self.take_asked(now, &run.job, &Claim { id, scheduled_for, trigger, definition })
                };
                push_writes(Vec::new(), end.into_iter().collect(), effects);
            }
            State::Queued | State::RetryWait => {
                let end = self.take_waiting(now, run);
                push_writes(Vec::new(), end.into_iter().collect(), effects);
            }
            State::Sending | State::Polling => self.take_open(now, run, slot_until, effects),
            State::Ended(_) => {}
        }
    }

    /// When a run of the ledger was due.
    pub(super) fn due_of(&self, now: DateTime<Utc>, job: &Job, run: &Run) -> DateTime<Utc> {
        if run.trigger.is_occurrence() { self.fires_at(job, run.scheduled_for) } else { asked_at(now, run.id) }
    }

    /// What lined up or waited for another attempt goes on waiting.
    fn take_waiting(&mut self, now: DateTime<Utc>, run: &Run) -> Option<End> {
        let tried = run.tried.zip(run.reason);
        let ended = |outcome, reason| Some(End { run: run.id, outcome, reason });
        let Some(job) = self.definitions.jobs.get(&run.job).cloned() else {
            return tried
                .map_or(ended(Outcome::Cancelled, Reason::Removed), |(outcome, reason)| ended(outcome, reason));
        };
        let at = run.wake_at.unwrap_or(now);
        let (standing, need) = match tried {
            Some((outcome, reason)) => {
                // Occurrences came and went: it never runs into the next one.
                let next = job.schedule.next_after(at).map(|next| job.fires_at(next));
                if !job.enabled || next.is_some_and(|next| next <= now) {
                    return ended(outcome, reason);
                }
                (Standing::Tried(outcome, reason), Need::Pause(at))
            }
            None if !job.enabled || (run.trigger.is_occurrence() && !job.schedule.has(run.scheduled_for)) => {
                return ended(Outcome::Cancelled, Reason::Redefined);
            }
            None => (Standing::Queued, Need::Job),
        };
        let fires_at = self.due_of(now, &job, run);
        let attempt = (run.attempts > 0).then_some(run.attempts);
        let claimed = Live::claimed(job, run.scheduled_for, fires_at, run.trigger);
        self.remember(run.id, Live { attempt, standing, stage: Stage::Waiting(need), ..claimed });
        self.look_again(at, run.id);
        None
    }

    fn take_open(
        &mut self,
        now: DateTime<Utc>,
        run: &Run,
        slot_until: Option<DateTime<Utc>>,
        effects: &mut Vec<Effect>,
    ) {
        let work = run.work.as_ref().filter(|_| run.state == State::Polling);
        let job = match work {
            Some(work) => self.asked_for(&run.job, work),
            None => self.definitions.jobs.get(&run.job).cloned(),
        };
        match (job, work) {
            (Some(job), Some(work)) => self.follow_again(now, run, job, work),
            (Some(job), None) => effects.extend(self.crashed(now, run, job)),
            (None, Some(_)) => self.nobody_answers_for(run, Reason::Removed, slot_until, effects),
            (None, None) => self.nobody_answers_for(run, Reason::Crash, slot_until, effects),
        }
    }

    /// Nobody heard how it ended, and the app may still be at it.
    fn crashed(&mut self, now: DateTime<Utc>, run: &Run, job: Arc<Job>) -> Option<Effect> {
        let fires_at = self.due_of(now, &job, run);
        let claimed = Live::claimed(job, run.scheduled_for, fires_at, run.trigger);
        self.remember(run.id, Live { attempt: Some(run.attempts), stage: Stage::InFlight, ..claimed });
        self.finish(now, run.id, Closing::unheard(Reason::Crash))
    }

    /// An open run of a job that is gone. The app may still be at it, and the job may come back: what the ledger says of its
    /// slot is all that is known of its hold (guarantee G3).
    fn nobody_answers_for(
        &mut self,
        run: &Run,
        reason: Reason,
        slot_until: Option<DateTime<Utc>>,
        effects: &mut Vec<Effect>,
    ) {
        let (job, outcome) = (run.job.clone(), Outcome::Unknown);
        if let Some(until) = slot_until {
            self.holds.insert((until, job.clone(), run.id));
        }
        let finish = Closing::unheard(reason).of(run.id, None, Then::Over { hold_until: slot_until });
        effects.push(Effect::Write(Write::Finish(vec![finish])));
        let ended = RunEnded::unheard(run.id, job, run.scheduled_for, outcome, Some(reason));
        let (trigger, attempt) = (Some(run.trigger), Some(run.attempts));
        effects.push(Effect::Notice(Notice::Ended(RunEnded { trigger, attempt, ..ended })));
    }
}

/// When a run that no schedule demanded was asked for: it is due since then, whatever instant it is for.
pub(super) fn asked_at(now: DateTime<Utc>, run: RunId) -> DateTime<Utc> {
    run.made_at().unwrap_or(now).min(now)
}
