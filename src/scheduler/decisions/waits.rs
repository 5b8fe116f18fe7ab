//! What a run that is due waits for: its turn, its job, its group.
//!
//! Whoever waits is found again in two ways: when what it waits for is given back, and at the instant at which the ledger says
//! that it is free by itself.

use chrono::{DateTime, Utc};

use super::{
    Decisions, MOST_CAUGHT_UP, Writes,
    live::{Live, Need, Stage, Standing},
};
use crate::{
    job::{CatchUp, JobName, Overlap},
    run::{Outcome, Reason, RunId, Trigger},
    store::End,
};

impl Decisions {
    /// Asks for all that a run needs to be sent. What it cannot have now, it waits for or ends without, as its job's overlap
    /// policy says.
    pub(super) fn ask(&mut self, now: DateTime<Utc>, run: RunId, writes: &mut Writes) {
        if let Some(older) = self.whose_turn_it_is(run) {
            // It may be waiting for this one, which was there first: a clock that was set made it due later.
            if self.runs.get(&older).is_some_and(|older| older.stage == Stage::Waiting(Need::Turn)) {
                self.wake_run(older);
            }
            return self.wait_for_turn(run, None, writes);
        }
        self.end_retries_before(run, writes);
        if let Some(reason) = self.behind_its_own(run) {
            self.without_job(now, run, reason, None, writes);
        } else if self.is_behind_in_its_group(run) {
            self.line_up_for_group(run, None);
        } else {
            writes.begins.extend(self.ask_permit(now, run));
        }
    }

    /// A run whose wait may be over.
    pub(super) fn ask_again(&mut self, now: DateTime<Utc>, run: RunId, need: Need, writes: &mut Writes) {
        if self.is_held_back(now, run) {
            return self.end_held_back(run, writes);
        }
        match need {
            Need::Pause(until) if now < until => self.look_again(until, run),
            Need::Turn if self.is_out_of_reach(now, run) => {
                writes.ends.extend(self.end(run, Outcome::Missed, Reason::Downtime));
            }
            _ => self.ask(now, run, writes),
        }
    }

    /// Of what a job catches up on so many wait. An app that is slower than its schedule would have ever more wait (seed E15).
    fn wait_for_turn(&mut self, run: RunId, until: Option<DateTime<Utc>>, writes: &mut Writes) {
        let Some(live) = self.runs.get(&run) else { return };
        let waits = |other: &RunId| self.runs.get(other).is_some_and(|other| other.stage == Stage::Waiting(Need::Turn));
        let of_job = self.by_job.get(&live.job.name).into_iter().flatten().map(|(_, other)| other);
        let waiting = of_job.filter(|other| **other != run && waits(other)).count();
        if waiting < MOST_CAUGHT_UP {
            self.wait_for(run, Need::Turn, until);
        } else {
            writes.ends.extend(self.end(run, Outcome::Skipped, Reason::QueueFull));
        }
    }

    /// Whether the time in which an occurrence is caught up ran out while it waited.
    fn is_out_of_reach(&self, now: DateTime<Utc>, run: RunId) -> bool {
        self.runs.get(&run).is_some_and(|live| self.late_trigger(now, &live.job, live.scheduled_for).is_none())
    }

    /// Whether its job is paused by now. A run by hand is sent all the same.
    fn is_held_back(&self, now: DateTime<Utc>, run: RunId) -> bool {
        let live = self.runs.get(&run).filter(|live| live.trigger.is_occurrence());
        live.is_some_and(|live| self.pauses.cover(&live.job.name, now))
    }

    /// What waited for another attempt ends as the last one did; anything else that waits is skipped.
    fn end_held_back(&mut self, run: RunId, writes: &mut Writes) {
        let end = self.end_as_tried(run).or_else(|| {
            self.leave_group_line(run);
            self.end(run, Outcome::Skipped, Reason::Paused)
        });
        writes.ends.extend(end);
    }

    /// Another run of its job is, or may be, at it. Asked ahead of the instant, that may yet be over at it.
    pub(super) fn without_job(
        &mut self,
        now: DateTime<Utc>,
        run: RunId,
        reason: Reason,
        until: Option<DateTime<Utc>>,
        writes: &mut Writes,
    ) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        if live.standing != Standing::Fresh {
            if live.standing == Standing::Queued && live.job.overlap == Overlap::Replace {
                // Since it lined up, what was on its way to the ledger has arrived, or a start knows nobody who was asked.
                self.make_room_for(now, run, reason, writes);
            }
            return self.wait_for(run, Need::Job, until);
        }
        if now < live.fires_at {
            live.stage = Stage::Claimed;
            let at = live.fires_at;
            return self.look_again(at, run);
        }
        if live.catches_up_in_turn() {
            return self.wait_for_turn(run, until, writes);
        }
        match live.job.overlap {
            Overlap::Queue => self.queue(run, until, writes),
            // Who sends an occurrence of the past again does not want a newer one stopped for it.
            Overlap::Replace if live.trigger != Trigger::Backfill => {
                self.queue_instead(now, run, reason, until, writes);
            }
            Overlap::Skip | Overlap::Replace | Overlap::Allow => {
                writes.ends.extend(self.end(run, Outcome::Skipped, reason));
            }
        }
    }

    /// One waits; there is no room for a second one.
    fn queue(&mut self, run: RunId, until: Option<DateTime<Utc>>, writes: &mut Writes) {
        if self.queued_of_same_job(run).is_some() {
            writes.ends.extend(self.end(run, Outcome::Skipped, Reason::QueueFull));
        } else {
            self.line_up(run, until, writes);
        }
    }

    /// The newest waits; whoever waited before makes room.
    fn queue_instead(
        &mut self,
        now: DateTime<Utc>,
        run: RunId,
        reason: Reason,
        until: Option<DateTime<Utc>>,
        writes: &mut Writes,
    ) {
        let waits = |older: &RunId| self.runs.get(older).is_some_and(Live::is_waiting);
        if let Some(older) = self.queued_of_same_job(run).filter(waits) {
            writes.ends.extend(self.end(older, Outcome::Skipped, reason));
        }
        self.make_room_for(now, run, reason, writes);
        self.line_up(run, until, writes);
    }

    fn line_up(&mut self, run: RunId, until: Option<DateTime<Utc>>, writes: &mut Writes) {
        if let Some(live) = self.runs.get_mut(&run) {
            live.standing = Standing::Queued;
            writes.queues.push(run);
            self.wait_for(run, Need::Job, until);
        }
    }

    /// The ledger's answer: one that is not claimed any more is somebody else's.
    pub(super) fn queued(&mut self, batch: Vec<RunId>, answers: Vec<bool>) {
        for (run, lined_up) in batch.into_iter().zip(answers) {
            // One that begins by now hears the same from there, and has its permit to give back.
            let begins = self.runs.get(&run).is_some_and(|live| live.stage == Stage::Beginning);
            if !lined_up && !begins {
                self.forget(run);
            }
        }
    }

    /// In due order, until a slot of the group is given back or the first of them is free by itself.
    pub(super) fn line_up_for_group(&mut self, run: RunId, until: Option<DateTime<Utc>>) {
        let Some(live) = self.runs.get(&run) else { return };
        let Some(group) = &live.job.group else { return };
        self.group_lines.entry(group.name.clone()).or_default().insert((live.fires_at, run));
        self.wait_for(run, Need::Group, until);
    }

    fn wait_for(&mut self, run: RunId, need: Need, until: Option<DateTime<Utc>>) {
        if need != Need::Group {
            self.step_out_of_group_line(run);
        }
        let Some(live) = self.runs.get_mut(&run) else { return };
        live.stage = Stage::Waiting(need);
        if let Some(until) = until {
            self.look_again(until, run);
        }
    }

    /// What waits for its own job keeps nobody else of its group waiting.
    fn step_out_of_group_line(&mut self, run: RunId) {
        let Some(live) = self.runs.get(&run) else { return };
        let (key, Some(group)) = ((live.fires_at, run), live.job.group.clone()) else { return };
        if self.group_lines.get(&group.name).is_some_and(|line| line.contains(&key)) {
            self.leave_group_line(run);
            self.first_in_line(&group.name).into_iter().for_each(|next| self.wake_run(next));
        }
    }

    /// What was sent is none of its job's or group's waiting runs any more.
    pub(super) fn leave_group_line(&mut self, run: RunId) {
        let Some(live) = self.runs.get(&run) else { return };
        let Some(group) = live.job.group.as_ref().map(|group| group.name.clone()) else { return };
        if let Some(line) = self.group_lines.get_mut(&group) {
            line.remove(&(live.fires_at, run));
            if line.is_empty() {
                self.group_lines.remove(&group);
            }
        }
    }

    /// Something that this run had, or was in the way of, is free.
    pub(super) fn wake_behind(&mut self, live: &Live) {
        let woken = |other: &&RunId| {
            let stage = self.runs.get(*other).map(|other| other.stage);
            matches!(stage, Some(Stage::Waiting(Need::Job | Need::Turn)))
        };
        let of_job = self.by_job.get(&live.job.name).into_iter().flatten().map(|(_, run)| run);
        let of_job: Vec<RunId> = of_job.filter(woken).copied().collect();
        let of_group = live.job.group.as_ref().and_then(|group| self.first_in_line(&group.name));
        of_job.into_iter().chain(of_group).for_each(|run| self.wake_run(run));
    }

    /// A slot of a job was given back by somebody who is no run of ours any more: its hold is over, or it was settled.
    pub(super) fn wake_job(&mut self, job: &JobName) {
        let of_job: Vec<RunId> = self.by_job.get(job).into_iter().flatten().map(|(_, run)| *run).collect();
        let heads: Vec<RunId> = self.group_lines.values().filter_map(|line| Some(line.first()?.1)).collect();
        let waits = |run: &RunId| {
            let stage = self.runs.get(run).map(|live| live.stage);
            matches!(stage, Some(Stage::Waiting(Need::Job | Need::Turn | Need::Group)))
        };
        let woken: Vec<RunId> = of_job.into_iter().chain(heads).filter(waits).collect();
        woken.into_iter().for_each(|run| self.wake_run(run));
    }

    pub(super) fn first_in_line(&self, group: &str) -> Option<RunId> {
        self.group_lines.get(group)?.first().map(|(_, run)| *run)
    }

    pub(super) fn wake_run(&mut self, run: RunId) {
        // Not at its instant: once the clock was set back, that is yet to come.
        self.look_again(DateTime::<Utc>::UNIX_EPOCH, run);
    }

    /// The oldest occurrence before this one that its job catches up on, if that is not over: they go one by one, whatever
    /// the overlap policy.
    fn whose_turn_it_is(&self, run: RunId) -> Option<RunId> {
        let live =
            self.runs.get(&run).filter(|live| live.job.catch_up == CatchUp::All && live.trigger.is_occurrence())?;
        let mut older =
            self.by_job.get(&live.job.name)?.iter().map(|(_, other)| *other).take_while(|other| *other != run);
        let catches_up = |other: &RunId| self.runs.get(other).is_some_and(|other| other.trigger == Trigger::CatchUp);
        older.find(catches_up)
    }

    /// Whether another run of a job that must not overlap waits for a permit, has one or is open. Its slot says so too,
    /// but a slot ends by the wall clock, which may be set; and in line behind it, this run would be sent as soon as that
    /// one has ended, and so would all that come meanwhile (seed A24).
    ///
    /// One that lined up before it waits for what may be running.
    fn behind_its_own(&self, run: RunId) -> Option<Reason> {
        let live = self.runs.get(&run).filter(|live| live.job.overlap != Overlap::Allow)?;
        let own = (live.fires_at, run);
        let of_job = || self.by_job.get(&live.job.name).into_iter().flatten().filter(|key| **key != own);
        let is = |(_, other): &(DateTime<Utc>, RunId), so: fn(&Live) -> bool| self.runs.get(other).is_some_and(so);
        if of_job().any(|other| is(other, Live::is_pending)) {
            return Some(Reason::Running);
        }
        of_job().any(|other| *other < own && is(other, Live::is_queued)).then_some(Reason::PossiblyRunning)
    }

    fn is_behind_in_its_group(&self, run: RunId) -> bool {
        let Some(live) = self.runs.get(&run) else { return false };
        let line = live.job.group.as_ref().and_then(|group| self.group_lines.get(&group.name));
        line.and_then(|line| line.first()).is_some_and(|first| *first < (live.fires_at, run))
    }

    pub(super) fn queued_of_same_job(&self, run: RunId) -> Option<RunId> {
        let live = self.runs.get(&run)?;
        let of_job = self.by_job.get(&live.job.name)?.iter().map(|(_, other)| *other);
        of_job.filter(|other| *other != run).find(|other| self.runs.get(other).is_some_and(Live::is_queued))
    }

    /// A retry never runs into the next occurrence: it ends as the failure that it was.
    fn end_retries_before(&mut self, run: RunId, writes: &mut Writes) {
        let Some(live) = self.runs.get(&run) else { return };
        if matches!(live.standing, Standing::Tried(..)) || !live.trigger.is_occurrence() {
            return;
        }
        let of_job = self.by_job.get(&live.job.name).into_iter().flatten().map(|(_, other)| *other);
        let tried: Vec<RunId> = of_job.filter(|other| self.runs.get(other).is_some_and(Live::waits_to_retry)).collect();
        writes.ends.extend(tried.into_iter().filter_map(|other| self.end_as_tried(other)));
    }

    /// Ends a run that waits for another attempt as the last one ended.
    pub(super) fn end_as_tried(&mut self, run: RunId) -> Option<End> {
        let live = self.runs.get(&run)?;
        let Standing::Tried(outcome, reason) = live.standing else { return None };
        self.end(run, outcome, reason)
    }
}

impl Live {
    /// Whether it is part of what its job sends one by one: it fell into downtime, or due while older ones were caught up.
    fn catches_up_in_turn(&self) -> bool {
        let waited = self.stage == Stage::Waiting(Need::Turn);
        self.job.catch_up == CatchUp::All && (waited || self.trigger == Trigger::CatchUp)
    }
}
