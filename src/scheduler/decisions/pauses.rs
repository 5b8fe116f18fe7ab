//! What is held back: occurrences that fall due in a pause are skipped, and never caught up.
//!
//! A pause is a stretch of time, so that it holds for what falls due in it even when that is accounted for later, by the
//! next start. One that is over is kept for a while for the same reason.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Decisions, Effect, Notice, Operation, Phase, Write};
use crate::{
    job::{Job, JobName},
    schedule::Schedule,
    store::Pause,
    ticker::Backlog,
};

/// How long a pause that is over is remembered: until everything that fell due in it has its row.
const REMEMBERED: TimeDelta = TimeDelta::seconds(10);

/// The pauses, and those just over.
#[derive(Debug, Default)]
pub(super) struct Pauses(Vec<Pause>);

impl Pauses {
    pub(super) fn new(pauses: Vec<Pause>) -> Self {
        Self(pauses)
    }

    /// Takes the place of one that is there for the same.
    pub(super) fn set(&mut self, pause: Pause) {
        self.0.retain(|other| other.job != pause.job);
        self.0.push(pause);
    }

    /// Whether what a job has due at `at` is held back.
    pub(super) fn cover(&self, job: &JobName, at: DateTime<Utc>) -> bool {
        self.0.iter().any(|pause| pause.is_for(job) && pause.covers(at))
    }

    /// The pause of a job itself, or of all, that is in force at `now`.
    pub(super) fn of(&self, job: Option<&JobName>, now: DateTime<Utc>) -> Option<&Pause> {
        self.0.iter().find(|pause| pause.job.as_ref() == job && is_in_force(pause, now))
    }

    /// Those that are in force at `now`.
    pub(super) fn in_force(&self, now: DateTime<Utc>) -> Vec<Pause> {
        self.0.iter().filter(|pause| is_in_force(pause, now)).cloned().collect()
    }

    /// When, after `seen`, the next one ends or may be forgotten.
    pub(super) fn next_change(&self, seen: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ends = self.0.iter().filter_map(|pause| pause.until);
        ends.flat_map(|until| [until, until + REMEMBERED]).filter(|at| *at > seen).min()
    }

    /// Occurrences in the order of time, cut into groups of those that are held back and those that are not.
    pub(super) fn cut(
        &self,
        job: &JobName,
        occurrences: impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)>,
    ) -> Vec<(bool, Backlog)> {
        let mut groups: Vec<(bool, Backlog)> = Vec::new();
        for (at, fires_at) in occurrences {
            let paused = self.cover(job, fires_at);
            match groups.last_mut().filter(|(same, _)| *same == paused) {
                Some((_, group)) => *group = Backlog::with(Some(*group), at),
                None => groups.push((paused, Backlog::with(None, at))),
            }
        }
        groups
    }

    pub(super) fn concern(&self, job: &JobName) -> bool {
        self.0.iter().any(|pause| pause.is_for(job))
    }
}

fn is_in_force(pause: &Pause, now: DateTime<Utc>) -> bool {
    pause.until.is_none_or(|until| until > now)
}

impl Decisions {
    /// A backlog of `job` after `from`, cut at its pauses.
    pub(super) fn cut_backlog(&self, job: &Job, from: DateTime<Utc>, backlog: Backlog) -> Vec<(bool, Backlog)> {
        if !self.pauses.concern(&job.name) {
            return vec![(false, backlog)];
        }
        let occurrences = occurrences(&job.schedule, from, backlog.newest);
        self.pauses.cut(&job.name, occurrences.map(|at| (at, self.fires_at(job, at))))
    }

    /// What `schedule` demanded of a job in a stretch of time, cut at its pauses.
    pub(super) fn cut_between(
        &self,
        job: &JobName,
        schedule: &Schedule,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Vec<(bool, Backlog)> {
        if !self.pauses.concern(job) {
            return Backlog::between(schedule, from, to).map(|backlog| (false, backlog)).into_iter().collect();
        }
        self.pauses.cut(job, occurrences(schedule, from, to).map(|at| (at, at)))
    }

    /// When to look at the pauses again: not before what fell due in them can have its rows.
    pub(super) fn pauses_change_at(&self) -> Option<DateTime<Utc>> {
        let at = self.pauses.next_change(self.pauses_seen_at).filter(|_| self.phase == Phase::Firing)?;
        self.parking.calm_at(at, REMEMBERED)
    }

    /// Tells of pauses that end, and forgets those that ended a while ago.
    pub(super) fn look_at_pauses(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        if self.pauses_change_at().is_none_or(|at| at > now) {
            return;
        }
        // What fell due in a pause gets its row while the pause is known.
        self.take_due(now, effects);
        self.pauses_seen_at = now;
        let over = |pause: &Pause| pause.until.is_some_and(|until| until + REMEMBERED <= now);
        let forgotten: Vec<Option<JobName>> =
            self.pauses.0.extract_if(.., |pause| over(pause)).map(|pause| pause.job).collect();
        if !forgotten.is_empty() {
            effects.push(Effect::Write(Write::Operate(Operation::ForgetPauses(forgotten))));
        }
        effects.push(Effect::Notice(Notice::Pauses(self.pauses.in_force(now))));
    }
}

fn occurrences(schedule: &Schedule, from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    let all = std::iter::successors(schedule.next_after(from), |last| schedule.next_after(*last));
    all.take_while(move |at| *at <= to)
}
