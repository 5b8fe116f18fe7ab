//! Two clocks, what was in force when, and when things may have been late.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    job::{Definitions, Job, JobName},
    schedule::Schedule,
    ticker::LEAD,
};

use super::History;

type Instant = DateTime<Utc>;

/// The wall clock of the sidecar's machine, against time as it passes.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    at: Instant,
    /// What the wall clock is ahead from here on.
    skew: TimeDelta,
    /// Up to where on the wall clock the sidecar had kept up before it was set.
    seen_to: Instant,
    /// From where on it keeps up since: it may stand still, or be away, when the clock is set.
    seen_from: Instant,
}

impl Clock {
    pub(crate) fn right_from(begin: Instant) -> Self {
        Self { steps: vec![Step { at: begin, skew: TimeDelta::zero(), seen_to: begin, seen_from: begin }] }
    }

    /// `seen_to`: up to where on the wall clock the sidecar had kept up; `seen_again`: from when on it does.
    pub(crate) fn set(&mut self, at: Instant, by: TimeDelta, seen_to: Instant, seen_again: Instant) {
        let skew = self.skew(at) + by;
        self.steps.push(Step { at, skew, seen_to, seen_from: seen_again + skew });
    }

    pub(crate) fn wall(&self, at: Instant) -> Instant {
        at + self.skew(at)
    }

    /// Every moment at which the wall clock read `wall`; of what was leapt over, the moment of the leap.
    pub(super) fn moments(&self, wall: Instant) -> impl Iterator<Item = Instant> {
        let nexts = self.steps.iter().skip(1).map(|step| Some(step.at)).chain([None]);
        let stretches = self.steps.iter().zip(nexts);
        stretches.filter_map(move |(step, next)| {
            let at = (wall - step.skew).max(step.at);
            let is_leapt_over = next.is_some_and(|next| next <= at && wall < self.wall(next));
            let moment = if is_leapt_over { next? } else { at };
            let is_read = (step.at..next.unwrap_or(Instant::MAX_UTC)).contains(&moment) && self.wall(moment) == wall;
            (is_read || is_leapt_over).then_some(moment)
        })
    }

    /// The first of the moments at which the wall clock read `wall`.
    pub(super) fn first_at(&self, wall: Instant) -> Instant {
        self.moments(wall).next().unwrap_or(wall)
    }

    /// The last one.
    pub(super) fn last_at(&self, wall: Instant) -> Instant {
        self.moments(wall).last().unwrap_or(wall)
    }

    fn skew(&self, at: Instant) -> TimeDelta {
        let passed = self.steps.iter().rev().find(|step| step.at <= at);
        passed.map_or(TimeDelta::zero(), |step| step.skew)
    }

    fn steps_within(&self, from: Instant, to: Instant) -> impl Iterator<Item = (Step, TimeDelta)> {
        let within = self.steps.iter().skip(1).filter(move |step| from < step.at && step.at <= to);
        within.map(|step| (*step, self.skew(step.at - TimeDelta::nanoseconds(1))))
    }

    /// How far the wall clock got from one moment to another, also if it was set back since.
    pub(super) fn furthest_between(&self, from: Instant, to: Instant) -> TimeDelta {
        let before_steps = self.steps_within(from, to).map(|(step, skew)| step.at + skew);
        before_steps.fold(self.wall(to), Instant::max) - self.wall(from)
    }
}

/// Definitions, and since when they were in force.
#[derive(Debug, Clone)]
pub(crate) struct Reign {
    pub(crate) since: Instant,
    pub(crate) definitions: Definitions,
    /// Whether the ledger heard of it before the process died.
    pub(crate) took: bool,
}

/// When things may have been late or gone missing, on the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trouble {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The sidecar was down, stood still, or its ledger took nothing.
    Ill,
    /// The clock was set ahead.
    Ahead,
    /// The clock was set back.
    Back,
    /// Definitions came into force.
    Edit,
}

/// A schedule in force over a stretch of the wall clock: exclusive, inclusive.
pub(super) struct Stretch<'a> {
    pub(super) job: &'a Job,
    pub(super) from: Instant,
    pub(super) to: Instant,
    /// The same, with everything that may have been taken up before the clock was set or the schedule went.
    pub(super) at_most_to: Instant,
    /// Whether it is the last one of the story.
    pub(super) is_last: bool,
    /// Whether what it demands is owed, or may only be there.
    pub(super) is_owed: bool,
}

impl Stretch<'_> {
    pub(super) fn schedule(&self) -> &Schedule {
        &self.job.schedule
    }
}

impl History {
    /// The stretches of a job in which it was enabled.
    pub(super) fn stretches(&self, job: &JobName) -> Vec<Stretch<'_>> {
        let mut stretches = Vec::new();
        let lasting = self.lasting(job);
        for (number, reign) in self.reigns.iter().enumerate() {
            let Some(job) = reign.definitions.jobs.get(job).filter(|job| job.enabled) else { continue };
            let is_owed = lasting[number];
            let next = (number + 1..self.reigns.len()).find(|next| lasting[*next] || !is_owed);
            let next = next.map(|next| &self.reigns[next]);
            let end = next.map_or(self.end, |next| next.since);
            let mut from = self.clock.wall(reign.since);
            for (step, skew) in self.clock.steps_within(reign.since, end) {
                if step.skew < skew {
                    let before = step.at + skew;
                    let to = step.seen_to.min(before);
                    stretches.push(Stretch { job, from, to, at_most_to: before + LEAD, is_last: false, is_owed });
                    // What a sidecar that looked away had done and had not is one to it.
                    let (after, seen_from) = (step.at + step.skew, step.seen_from.min(self.clock.wall(end)));
                    let at_most_to = seen_from + LEAD;
                    stretches.push(Stretch {
                        job,
                        from: after,
                        to: seen_from,
                        at_most_to,
                        is_last: false,
                        is_owed: false,
                    });
                    from = seen_from;
                }
            }
            let to = self.clock.wall(end);
            let is_last = next.is_none();
            stretches.push(Stretch { job, from, to, at_most_to: to + LEAD, is_last, is_owed });
        }
        stretches
    }

    /// For each reign, whether its schedule of a job outlived the process: what nobody wrote down changed nothing, and what
    /// is the same needs no writing.
    fn lasting(&self, job: &JobName) -> Vec<bool> {
        let schedule = |reign: &Reign| {
            let job = reign.definitions.jobs.get(job).filter(|job| job.enabled);
            job.map(|job| job.schedule.identity())
        };
        let mut written = None;
        let lasts = |reign: &Reign| {
            let schedule = schedule(reign);
            let lasts = reign.took || written.as_ref() == Some(&schedule);
            written = if lasts { Some(schedule) } else { written.take() };
            lasts
        };
        self.reigns.iter().map(lasts).collect()
    }

    /// A job as it was defined at a moment.
    pub(super) fn job_at(&self, job: &JobName, at: Instant) -> Option<&Job> {
        let reign = self.reigns.iter().rev().find(|reign| reign.since <= at)?;
        reign.definitions.jobs.get(job).map(AsRef::as_ref)
    }

    /// Every definition of a job that was in force between two moments.
    pub(super) fn jobs_between(&self, job: &JobName, from: Instant, to: Instant) -> impl Iterator<Item = &Job> {
        self.reigns_between(from, to).filter_map(|reign| reign.definitions.jobs.get(job).map(AsRef::as_ref))
    }

    /// All that was in force between two moments.
    pub(super) fn reigns_between(&self, from: Instant, to: Instant) -> impl Iterator<Item = &Reign> {
        let first = self.reigns.iter().rposition(|reign| reign.since <= from).unwrap_or_default();
        self.reigns.iter().skip(first).take_while(move |reign| reign.since <= to)
    }

    /// The end of the trouble that reaches `wall`, with all that runs into it; `None` when all was well.
    pub(super) fn trouble_at(&self, wall: Instant) -> Option<Instant> {
        let mut end = None;
        let mut reach = wall;
        while let Some(to) = self.reaching(reach).filter(|to| end.is_none_or(|end| *to > end)) {
            (end, reach) = (Some(to), to);
        }
        end
    }

    fn reaching(&self, wall: Instant) -> Option<Instant> {
        self.troubles
            .iter()
            .filter(|trouble| trouble.from <= wall && wall <= trouble.to)
            .map(|trouble| trouble.to)
            .max()
    }

    pub(super) fn has_trouble(&self, kind: Kind, from: Instant, to: Instant) -> bool {
        self.troubles.iter().any(|trouble| trouble.kind == kind && trouble.from <= to && from <= trouble.to)
    }
}
