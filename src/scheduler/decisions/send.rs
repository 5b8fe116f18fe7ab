//! From a claimed run to its open request.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Decisions, Effect, Live, Need, Phase, PopFirstIf, Stage, Standing, Writes, leaves_at};
use crate::{
    dispatch::{self, Order},
    job::{CatchUp, Overlap},
    run::{Outcome, Reason, RunId, State, Trigger},
    store::{Begin, Begun, End, GroupSlot},
};

/// How much longer than timeout and hold a slot stays taken when nothing more is heard of its run (seed E9).
pub(super) const SLOT_MARGIN: TimeDelta = TimeDelta::seconds(30);

impl Decisions {
    /// Looks at every run whose time has come.
    pub(super) fn work_off_agenda(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let mut writes = Writes::default();
        while let Some((_, due, run)) = self.agenda.pop_first_if(|(at, ..)| *at <= now) {
            // A reload may have moved the run to another instant, and put it on the agenda anew.
            let live = self.runs.get(&run).filter(|live| live.fires_at == due);
            let is_firing = self.phase == Phase::Firing;
            match live.map(|live| live.stage) {
                Some(Stage::Claimed | Stage::Waiting(_)) if is_firing && self.is_outdated(run) => {
                    writes.ends.extend(self.take_again(now, run));
                }
                Some(Stage::Claimed) if is_firing => self.look_at_claim(now, run, &mut writes),
                Some(Stage::Waiting(need)) if is_firing => self.ask_again(now, run, need, &mut writes),
                Some(Stage::Ready { fence, attempt }) => effects.extend(self.send(now, run, fence, attempt)),
                Some(Stage::Polling) => effects.extend(self.look(now, run)),
                _ => {}
            }
        }
        writes.push(effects);
    }

    fn look_at_claim(&mut self, now: DateTime<Utc>, run: RunId, writes: &mut Writes) {
        match self.verdict(now, run) {
            Verdict::Send(trigger) => {
                if let Some(live) = self.runs.get_mut(&run) {
                    live.trigger = trigger;
                }
                self.ask(now, run, writes);
            }
            Verdict::Missed => writes.ends.extend(self.end(run, Outcome::Missed, Reason::Downtime)),
            Verdict::HeldBack(until) if until > now => self.look_again(until, run),
            Verdict::HeldBack(_) => writes.ends.extend(self.end(run, Outcome::Skipped, Reason::Paused)),
        }
    }

    /// A claim whose instant went by unseen (the machine slept, the process was killed) follows the late rules: of one
    /// job only the newest due is sent, late when it is recent, else by catch-up.
    fn verdict(&self, now: DateTime<Utc>, run: RunId) -> Verdict {
        let Some(live) = self.runs.get(&run) else { return Verdict::Missed };
        if !live.trigger.is_occurrence() {
            let recent = (now - live.fires_at).to_std().unwrap_or_default() <= self.definitions.settings.late_limit;
            return if recent { Verdict::Send(live.trigger) } else { Verdict::Missed };
        }
        let held_back = |at| self.pauses.cover(&live.job.name, at);
        if held_back(live.fires_at) || held_back(now.max(live.fires_at)) {
            return Verdict::HeldBack(live.fires_at);
        }
        if now <= live.fires_at {
            return Verdict::Send(live.trigger);
        }
        if live.job.catch_up != CatchUp::All && self.newer_is_due(now, live) {
            return Verdict::Missed;
        }
        match self.late_trigger(now, &live.job, live.scheduled_for) {
            Some(Trigger::Schedule) => Verdict::Send(live.trigger),
            Some(trigger) => Verdict::Send(trigger),
            None => Verdict::Missed,
        }
    }

    /// Whether a newer occurrence of the job is due too: claimed, handed out late before, or still in the pump.
    fn newer_is_due(&self, now: DateTime<Utc>, live: &Live) -> bool {
        let job = &live.job.name;
        let claimed = self
            .by_job
            .get(job)
            .and_then(|of_job| of_job.iter().rev().find(|(at, run)| *at <= now && self.is_of_schedule(run)));
        claimed.is_some_and(|(at, _)| *at > live.fires_at)
            || self.newest_late.get(job).is_some_and(|newest| *newest > live.scheduled_for)
            || self.pump.next_of(job).is_some_and(|(_, at)| at > live.fires_at && at <= now)
    }

    /// Has the ledger let a run go that has its permit.
    pub(super) fn begin(&mut self, now: DateTime<Utc>, run: RunId) -> Option<Begin> {
        let live = self.runs.get_mut(&run)?;
        live.stage = Stage::Beginning;
        live.permit = Some(live.job.target.clone());
        let job = &live.job;
        let longest = TimeDelta::from_std(job.timeout + job.hold).unwrap_or(TimeDelta::MAX);
        let until = live.fires_at.max(now).checked_add_signed(longest).map(|at| at + SLOT_MARGIN);
        let group = job.group.as_ref().zip(until).map(|(group, until)| GroupSlot {
            group: group.name.clone(),
            concurrency: group.concurrency,
            until,
        });
        Some(Begin {
            run,
            trigger: live.trigger,
            definition: job.hash.clone(),
            slot_until: until.filter(|_| job.overlap != Overlap::Allow),
            group,
            request: dispatch::request_line(job),
        })
    }

    pub(super) fn begun(
        &mut self,
        now: DateTime<Utc>,
        batch: Vec<Begin>,
        answers: Vec<Begun>,
        effects: &mut Vec<Effect>,
    ) {
        let mut writes = Writes::default();
        for (begin, answer) in batch.into_iter().zip(answers) {
            let run = begin.run;
            match answer {
                Begun::Sending { fence, attempt } => self.ready(now, run, fence, attempt),
                Begun::Occupied { .. } | Begun::Full { .. } if self.is_outdated(run) => {
                    writes.begins.extend(self.release_permit(now, run));
                    self.wait_again(now, run);
                }
                Begun::Occupied { state, until, .. } => {
                    writes.begins.extend(self.release_permit(now, run));
                    self.without_job(now, run, reason_of(state), Some(until), &mut writes);
                }
                Begun::Full { until } => {
                    writes.begins.extend(self.release_permit(now, run));
                    self.line_up_for_group(run, Some(until));
                }
                Begun::Lost => {
                    writes.begins.extend(self.release_permit(now, run));
                    self.forget(run);
                }
            }
        }
        writes.push(effects);
        if self.phase == Phase::GivenUp {
            self.give_up(now, effects);
        }
        self.work_off_agenda(now, effects);
    }

    fn ready(&mut self, now: DateTime<Utc>, run: RunId, fence: u64, attempt: u32) {
        self.leave_group_line(run);
        if let Some(live) = self.runs.get_mut(&run) {
            (live.attempt, live.fence, live.sent_at) = (Some(attempt), Some(fence), None);
            live.stage = Stage::Ready { fence, attempt };
            let (at, group) = (leaves_at(now, live.fires_at), live.job.group.clone());
            let replaces = live.job.overlap == Overlap::Replace;
            self.look_again(at, run);
            // One may have lined up meanwhile to take its place.
            if let Some(newer) = self.queued_of_same_job(run).filter(|_| replaces) {
                self.wake_run(newer);
            }
            // There may be room for one more.
            if let Some(next) = group.and_then(|group| self.first_in_line(&group.name)) {
                self.wake_run(next);
            }
        }
    }

    pub(super) fn end(&mut self, run: RunId, outcome: Outcome, reason: Reason) -> Option<End> {
        self.leave_permit_line(run);
        self.leave_group_line(run);
        self.runs.get_mut(&run)?.stage = Stage::Ending;
        Some(End { run, outcome, reason })
    }

    fn send(&mut self, now: DateTime<Utc>, run: RunId, fence: u64, attempt: u32) -> Option<Effect> {
        let live = self.runs.get_mut(&run)?;
        (live.stage, live.sent_at) = (Stage::InFlight, Some(now));
        Some(Effect::Send(Order {
            job: live.job.clone(),
            run,
            scheduled_for: live.scheduled_for,
            attempt,
            fence,
            trigger: live.trigger,
        }))
    }

    /// Has a run wait as it did before it asked for a permit, and looked at anew at `at`.
    pub(super) fn wait_again(&mut self, at: DateTime<Utc>, run: RunId) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        let waits_on = live.standing != Standing::Fresh;
        live.stage = if waits_on { Stage::Waiting(Need::Job) } else { Stage::Claimed };
        self.look_again(at, run);
    }
}

enum Verdict {
    Send(Trigger),
    Missed,
    /// It falls into a pause, and its instant is this.
    HeldBack(DateTime<Utc>),
}

/// Why a run is not sent while another one of its job, which stands so, has the slot.
fn reason_of(holder: State) -> Reason {
    match holder {
        State::Ended(_) => Reason::PossiblyRunning,
        _ => Reason::Running,
    }
}
