//! What was in force while a row was decided.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{job::Job, run::Run, ticker::LEAD};

use super::{History, Reign};

type Instant = DateTime<Utc>;

/// How exact instants are taken.
const SLACK: TimeDelta = TimeDelta::seconds(3);

pub(super) struct Force<'a> {
    pub(super) job: &'a Job,
    /// The shortest and the longest.
    pub(super) late_limit: (TimeDelta, TimeDelta),
    /// Whether runs may have had to wait for `max_in_flight`.
    pub(super) is_crowded: bool,
}

impl History {
    /// What a row's job was, from when it was claimed up to `to` on the wall clock; `None` where that changed.
    pub(super) fn in_force(&self, row: &Run, to: Instant) -> Option<Force<'_>> {
        let (from, to) = (self.clock.first_at(row.scheduled_for) - LEAD - SLACK, self.clock.last_at(to) + SLACK);
        let jobs = self.reigns_between(from, to).map(|reign| reign.definitions.jobs.get(&row.job).map(AsRef::as_ref));
        let mut jobs = jobs.collect::<Option<Vec<&Job>>>()?.into_iter();
        let job = jobs.next()?;
        let limits = || self.reigns_between(from, to).map(|reign| reign.definitions.settings.late_limit);
        let limit = |limit: Option<_>| limit.and_then(|limit| TimeDelta::from_std(limit).ok());
        let is_constant = jobs.all(|other| other.hash == job.hash && other.enabled == job.enabled);
        is_constant.then_some(Force {
            job,
            late_limit: (limit(limits().min())?, limit(limits().max())?),
            is_crowded: self.reigns_between(from, to).any(Reign::is_crowded),
        })
    }

    /// Whether a run may have had to wait for its group or for `max_in_flight`, up to `to` on the wall clock.
    pub(super) fn stands_in_line(&self, row: &Run, to: Instant) -> bool {
        let (from, to) = (self.clock.first_at(row.scheduled_for) - LEAD - SLACK, self.clock.last_at(to) + SLACK);
        let in_group = |job: &Job| job.group.is_some();
        self.reigns_between(from, to)
            .any(|reign| reign.is_crowded() || reign.definitions.jobs.get(&row.job).is_some_and(|job| in_group(job)))
    }

    /// The longest hold that a job ever had.
    pub(super) fn longest_hold(&self, row: &Run) -> TimeDelta {
        let jobs = self.reigns.iter().filter_map(|reign| reign.definitions.jobs.get(&row.job));
        jobs.map(|job| TimeDelta::from_std(job.hold).unwrap()).max().unwrap_or_default()
    }
}

impl Reign {
    /// Whether runs may have to wait for `max_in_flight`.
    pub(super) fn is_crowded(&self) -> bool {
        self.definitions.settings.max_in_flight < 100
    }
}
