//! The one function from an instant to the occurrences due by then.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    job::{Job, JobName},
    schedule::Schedule,
};

/// Every enabled job with the occurrence it waits for, in the order in which they are to be sent.
///
/// It advances from the last occurrence, never from now, so nothing between two calls is lost however late the second is.
#[derive(Debug, Default)]
pub struct Pump {
    jobs: HashMap<JobName, Entry>,
    order: BTreeSet<(DateTime<Utc>, JobName)>,
}

#[derive(Debug)]
struct Entry {
    job: Arc<Job>,
    /// Up to where occurrences have been handed out.
    cursor: DateTime<Utc>,
    next: DateTime<Utc>,
}

/// What one job has due.
#[derive(Debug, Clone)]
pub struct Due {
    /// Whose occurrences.
    pub job: Arc<Job>,
    /// Up to where (inclusive) they had been handed out before.
    pub from: DateTime<Utc>,
    /// The last occurrence handed out with this.
    pub to: DateTime<Utc>,
    /// Those whose instant is over or now.
    pub late: Option<Backlog>,
    /// Those whose instant is still to come, oldest first.
    pub ahead: Vec<DateTime<Utc>>,
}

/// Consecutive occurrences of a job whose instants are over, folded: there can be millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// The oldest.
    pub first: DateTime<Utc>,
    /// The newest but one, where there are two.
    pub before_newest: Option<DateTime<Utc>>,
    /// The newest.
    pub newest: DateTime<Utc>,
    /// How many, both ends included.
    pub count: u64,
}

impl Backlog {
    /// The occurrences of `schedule` after `start` up to `end`, if there are any.
    #[must_use]
    pub fn between(schedule: &Schedule, start: DateTime<Utc>, end: DateTime<Utc>) -> Option<Self> {
        let occurrences = std::iter::successors(schedule.next_after(start), |last| schedule.next_after(*last));
        occurrences.take_while(|at| *at <= end).fold(None, |backlog, at| Some(Self::with(backlog, at)))
    }

    /// A backlog, or the first one's beginning, with the occurrence after it.
    #[must_use]
    pub fn with(this: Option<Self>, occurrence: DateTime<Utc>) -> Self {
        match this {
            None => Self { first: occurrence, before_newest: None, newest: occurrence, count: 1 },
            Some(old) => {
                Self { first: old.first, before_newest: Some(old.newest), newest: occurrence, count: old.count + 1 }
            }
        }
    }
}

impl Pump {
    /// Puts a job in, or replaces it: its occurrences strictly after `cursor` will be handed out. A disabled job, or one
    /// whose schedule has nothing left, is taken out.
    pub fn set(&mut self, job: Arc<Job>, cursor: DateTime<Utc>) {
        self.remove(&job.name);
        let Some(next) = job.schedule.next_after(cursor).filter(|_| job.enabled) else { return };
        self.order.insert((job.fires_at(next), job.name.clone()));
        self.jobs.insert(job.name.clone(), Entry { job, cursor, next });
    }

    /// Gives a job with the same schedule another definition; it goes on from where it stands.
    pub fn redefine(&mut self, job: &Arc<Job>) {
        let Some(entry) = self.jobs.get_mut(&job.name) else { return };
        if entry.job.jitter == job.jitter {
            // At a reload of ten thousand jobs nearly all are the same: none of them is placed anew.
            entry.job = Arc::clone(job);
        } else {
            let cursor = entry.cursor;
            self.set(Arc::clone(job), cursor);
        }
    }

    /// Takes a job out.
    pub fn remove(&mut self, name: &JobName) {
        if let Some(entry) = self.jobs.remove(name) {
            self.order.remove(&(entry.job.fires_at(entry.next), entry.job.name.clone()));
        }
    }

    /// Hands out every occurrence of a job up to `now`, though its jitter holds it back, as it does those of `due`.
    pub fn held_back(&mut self, name: &JobName, now: DateTime<Utc>) -> Option<Due> {
        let entry = self.jobs.get(name).filter(|entry| entry.next <= now)?;
        let (job, from) = (Arc::clone(&entry.job), entry.cursor);
        let demanded = std::iter::successors(Some(entry.next), |last| job.schedule.next_after(*last));
        let ahead: Vec<_> = demanded.take_while(|at| *at <= now).collect();
        let to = ahead.last().copied()?;
        self.set(Arc::clone(&job), to);
        Some(Due { job, from, to, late: None, ahead })
    }

    /// When the next occurrence is to be sent.
    #[must_use]
    pub fn next_fire(&self) -> Option<DateTime<Utc>> {
        self.order.first().map(|(at, _)| *at)
    }

    /// The next occurrence of a job and when it is to be sent.
    #[must_use]
    pub fn next_of(&self, name: &JobName) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.jobs.get(name).map(|entry| (entry.next, entry.job.fires_at(entry.next)))
    }

    /// Up to where each job's occurrences have been handed out.
    pub fn cursors(&self) -> impl Iterator<Item = (&Arc<Job>, DateTime<Utc>)> {
        self.jobs.values().map(|entry| (&entry.job, entry.cursor))
    }

    /// The oldest occurrence that was not handed out, of those to be sent after `t`.
    #[must_use]
    pub fn waiting_after(&self, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.jobs.values().filter(|entry| entry.job.fires_at(entry.next) > t).map(|entry| entry.next).min()
    }

    /// Hands out every occurrence to be sent up to `now + lead`, each exactly once, jobs in the order of their first.
    pub fn due(&mut self, now: DateTime<Utc>, lead: TimeDelta) -> Vec<Due> {
        let horizon = now + lead;
        let mut found = Vec::new();
        while let Some((at, name)) = self.order.first().cloned().filter(|(at, _)| *at <= horizon) {
            self.order.remove(&(at, name.clone()));
            let Some(entry) = self.jobs.get_mut(&name) else { continue };
            let (due, next) = entry.advance(now, horizon);
            found.push(due);
            match next {
                Some(next) => {
                    entry.next = next;
                    self.order.insert((entry.job.fires_at(next), name));
                }
                None => drop(self.jobs.remove(&name)),
            }
        }
        found
    }
}

impl Entry {
    /// Moves past everything to be sent up to `horizon`; also the occurrence after that, if any.
    fn advance(&mut self, now: DateTime<Utc>, horizon: DateTime<Utc>) -> (Due, Option<DateTime<Utc>>) {
        let (from, mut late, mut ahead, mut next) = (self.cursor, None, Vec::new(), Some(self.next));
        while let Some(occurrence) = next.filter(|next| self.job.fires_at(*next) <= horizon) {
            if self.job.fires_at(occurrence) <= now {
                late = Some(Backlog::with(late, occurrence));
            } else {
                ahead.push(occurrence);
            }
            self.cursor = occurrence;
            next = self.job.schedule.next_after(occurrence);
        }
        (Due { job: Arc::clone(&self.job), from, to: self.cursor, late, ahead }, next)
    }
}
