//! Taking definitions into force: at a start against what the ledger knows, at a reload against those before.
//!
//! | the job is | occurrences so far | from now on |
//! |---|---|---|
//! | the same | go on; nothing is moved | claims are sent with the definition now in force |
//! | new | none: it is anchored now | its own |
//! | changed in jitter | go on; none is late by it | its own, each with the new delay |
//! | changed in schedule, zone, dst or `enabled` | accounted for by the old schedule up to now | anchored now; claims outside the new schedule are cancelled |
//! | gone | the same | claims are cancelled |

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};

use super::{Decisions, Effect, Need, Notice, Stage, Write, writes::push_writes};
use crate::{
    job::{Definitions, Job, JobName},
    run::{Outcome, Reason, RunId},
    schedule::Schedule,
    store::{Accounting, Cursor, End, Period},
    ticker::LEAD,
};

/// What a reload changed, by number of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reloaded {
    /// Were not there before.
    pub added: usize,
    /// Do something else, or at other times.
    pub changed: usize,
    /// Are no longer there.
    pub removed: usize,
    /// All jobs now.
    pub total: usize,
}

impl Decisions {
    /// At a start: `known` is what the ledger holds.
    pub(super) fn place_cursors(&mut self, now: DateTime<Utc>, known: Vec<Cursor>, effects: &mut Vec<Effect>) {
        let mut known: BTreeMap<JobName, Cursor> =
            known.into_iter().map(|cursor| (cursor.job.clone(), cursor)).collect();
        let (mut olds, mut anchors) = (Vec::new(), Vec::new());
        for job in self.definitions.jobs.values().cloned().collect::<Vec<_>>() {
            let cursor = known.remove(&job.name);
            match cursor {
                Some(cursor) if cursor.schedule == schedule_of(&job) && cursor.accounted_to <= now + LEAD => {
                    self.place(job, cursor.accounted_to);
                    continue;
                }
                Some(cursor) if cursor.schedule == schedule_of(&job) => {
                    effects.push(Effect::Notice(Notice::Clamped { job: cursor.job, from: cursor.accounted_to }));
                }
                Some(cursor) => olds.extend(self.account_old(now, &cursor)),
                None => {}
            }
            anchors.push(anchor(&job, now));
            self.place(job, now);
        }
        for gone in known.into_values().filter(|cursor| cursor.schedule != Period::REMOVED) {
            olds.extend(self.account_old(now, &gone));
            let schedule = Period::REMOVED.to_owned();
            anchors.push(Cursor { schedule, anchored_at: now, accounted_to: now, ..gone });
        }
        push_anchors(olds, anchors, effects);
    }

    /// At a reload: unchanged jobs keep everything, and what is in flight ends as it would have.
    pub(super) fn reload(&mut self, now: DateTime<Utc>, definitions: Definitions, effects: &mut Vec<Effect>) {
        // The machine may have slept, and woken up with the edit: up to now the old definitions are in force.
        let moved = self.moved_by(&definitions);
        self.take_all_of(now, &moved, effects);
        let before = std::mem::replace(&mut self.definitions, definitions);
        let (mut anchors, mut ends) = (Vec::new(), Vec::new());
        let mut reloaded = Reloaded { total: self.definitions.jobs.len(), ..Reloaded::default() };
        for (name, job) in &before.jobs {
            if self.definitions.jobs.contains_key(name) {
                continue;
            }
            reloaded.removed += 1;
            self.pump.remove(name);
            self.moved.insert(name.clone());
            ends.extend(self.take_claims_again(now, name));
            anchors.push(Cursor { schedule: Period::REMOVED.to_owned(), ..anchor(job, now) });
        }
        for job in self.definitions.jobs.values().cloned().collect::<Vec<_>>() {
            let was = before.jobs.get(&job.name);
            if was.is_some_and(|was| job.jitter < was.jitter) {
                self.brought_forward.insert(job.name.clone(), now);
            }
            match was {
                Some(was) if fires_alike(was, &job) => {
                    reloaded.changed += usize::from(was.hash != job.hash);
                    self.pump.redefine(&job);
                }
                was => {
                    *(if was.is_some() { &mut reloaded.changed } else { &mut reloaded.added }) += 1;
                    anchors.push(anchor(&job, now));
                    self.place(Arc::clone(&job), now);
                }
            }
            ends.extend(self.take_claims_again(now, &job.name));
        }
        push_anchors(Vec::new(), anchors, effects);
        push_writes(self.call_up_all(now), ends, effects);
        effects.push(Effect::Notice(Notice::Reloaded(reloaded)));
        self.take_due(now, effects);
    }

    /// The jobs that will no longer fire, or at other instants.
    fn moved_by(&self, definitions: &Definitions) -> Vec<JobName> {
        let moves = |was: &&Arc<Job>| {
            let job = definitions.jobs.get(&was.name);
            job.is_none_or(|job| !fires_alike(was, job) || job.jitter != was.jitter)
        };
        self.definitions.jobs.values().filter(moves).map(|job| job.name.clone()).collect()
    }

    /// The wall clock was set back: a cursor in the future would keep its job silent. What was accounted for already has
    /// its row and is not sent again (seed A22).
    pub(super) fn clamp_cursors(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let ahead: Vec<(Arc<Job>, DateTime<Utc>)> =
            self.pump.cursors().filter(|(_, at)| *at > now + LEAD).map(|(job, at)| (Arc::clone(job), at)).collect();
        let mut anchors = Vec::new();
        self.brought_forward.clear();
        for (job, from) in ahead {
            effects.push(Effect::Notice(Notice::Clamped { job: job.name.clone(), from }));
            anchors.push(anchor(&job, now));
            self.newest_late.remove(&job.name);
            self.place(job, now);
        }
        push_anchors(Vec::new(), anchors, effects);
    }

    /// Looks at a job's waiting runs under the definitions now in force.
    fn take_claims_again(&mut self, now: DateTime<Utc>, job: &JobName) -> Vec<End> {
        let Some(of_job) = self.by_job.get(job) else { return Vec::new() };
        let runs: Vec<RunId> = of_job.iter().map(|(_, run)| *run).collect();
        runs.into_iter().filter_map(|run| self.take_again(now, run)).collect()
    }

    /// What is on its way to the ledger is looked at when that has answered: see [`Self::is_outdated`].
    pub(super) fn take_again(&mut self, now: DateTime<Utc>, run: RunId) -> Option<End> {
        match self.runs.get(&run)?.stage {
            Stage::Claimed if self.is_of_schedule(&run) => self.take_claim_again(now, run),
            Stage::Claimed | Stage::Waiting(_) | Stage::InLine => self.redefine_waiting(run),
            _ => None,
        }
    }

    /// Whether a run has a definition that is not in force any more.
    pub(super) fn is_outdated(&self, run: RunId) -> bool {
        let Some(live) = self.runs.get(&run) else { return false };
        self.definitions.jobs.get(&live.job.name).is_none_or(|job| !Arc::ptr_eq(job, &live.job))
    }

    fn take_claim_again(&mut self, now: DateTime<Utc>, run: RunId) -> Option<End> {
        let live = self.forget(run)?;
        let end = self.take_claim(now, &live.job.name, run, live.scheduled_for, live.trigger);
        if end.is_some() {
            self.remember(run, super::Live { stage: Stage::Ending, ..live });
        }
        end
    }

    /// One that waits for something keeps its place, unless its job is gone; what it waits for may be another thing now.
    fn redefine_waiting(&mut self, run: RunId) -> Option<End> {
        let live = self.runs.get(&run)?;
        let (tried, name, scheduled_for) = (live.waits_to_retry(), live.job.name.clone(), live.scheduled_for);
        let job = self.definitions.jobs.get(&name).cloned();
        // Who asks for a run by hand does not ask the schedule.
        let wanted = job.filter(|job| {
            let demanded = live.trigger.is_occurrence();
            !demanded || (job.enabled && (tried || job.schedule.has(scheduled_for)))
        });
        let group_of = |job: &Job| job.group.as_ref().map(|group| group.name.clone());
        let lines_up_alike =
            |job: &&Arc<Job>| job.target.name == live.job.target.name && group_of(job) == group_of(&live.job);
        if let Some(job) = wanted.as_ref().filter(|_| live.stage == Stage::InLine).filter(lines_up_alike) {
            self.runs.get_mut(&run)?.job = Arc::clone(job);
            return None;
        }
        self.leave_permit_line(run);
        self.leave_group_line(run);
        let Some(job) = wanted else {
            let removed = !self.definitions.jobs.contains_key(&name);
            let reason = if removed { Reason::Removed } else { Reason::Redefined };
            return if tried { self.end_as_tried(run) } else { self.end(run, Outcome::Cancelled, reason) };
        };
        let live = self.runs.get_mut(&run)?;
        live.job = job;
        match live.stage {
            Stage::Waiting(Need::Pause(_)) => return None,
            Stage::Claimed => {}
            _ => live.stage = Stage::Waiting(Need::Job),
        }
        self.wake_run(run);
        None
    }

    /// What the old schedule of a job that changed or went away while nobody was there still demanded.
    fn account_old(&self, now: DateTime<Utc>, cursor: &Cursor) -> Option<Accounting> {
        let schedule = Schedule::from_identity(&cursor.schedule)?;
        let groups = self.cut_between(&cursor.job, &schedule, cursor.accounted_to, now);
        let to = groups.last().map(|(_, group)| group.newest)?;
        let unsent = |(paused, group)| self.unsent(now, paused, group, &schedule, &cursor.definition);
        let spans = groups.into_iter().map(unsent).collect();
        let (job, from) = (cursor.job.clone(), cursor.accounted_to);
        Some(Accounting { job, from, to, spans, claims: Vec::new() })
    }
}

fn push_anchors(olds: Vec<Accounting>, anchors: Vec<Cursor>, effects: &mut Vec<Effect>) {
    if !olds.is_empty() {
        effects.push(Effect::Write(Write::Account(olds)));
    }
    if !anchors.is_empty() {
        effects.push(Effect::Write(Write::Anchor(anchors)));
    }
}

fn anchor(job: &Job, now: DateTime<Utc>) -> Cursor {
    let (job, definition, schedule) = (job.name.clone(), job.hash.clone(), schedule_of(job));
    Cursor { job, definition, schedule, anchored_at: now, accounted_to: now }
}

/// Whether two definitions of a job have the same occurrences. The hash holds the schedule, and is there already.
fn fires_alike(one: &Job, other: &Job) -> bool {
    (one.hash == other.hash && one.enabled == other.enabled) || schedule_of(one) == schedule_of(other)
}

/// What the ledger keeps as the schedule; of a job that does not fire a word, so that coming back is a change and anchors it
/// anew.
fn schedule_of(job: &Job) -> String {
    if job.enabled { job.schedule.identity() } else { Period::DISABLED.to_owned() }
}
