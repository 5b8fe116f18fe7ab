//! From the end of an attempt to the run's final row.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Decisions, Effect, Notice, Phase, RunEnded, Stage, Write, writes::push_writes};
use crate::{
    dispatch::Report,
    job::{Job, Overlap},
    run::{Outcome, Reason, RunId},
    store::{End, Finish, Then},
};

/// How an attempt ends.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Reason>,
    pub(super) status: Option<u16>,
    /// How long the app asks to be left alone.
    pub(super) retry_after: Option<std::time::Duration>,
    /// The app said that nothing of it runs, whatever came of it.
    pub(super) nothing_runs: bool,
    excerpt: Option<String>,
    sent_at: Option<DateTime<Utc>>,
    duration: Option<TimeDelta>,
}

impl Closing {
    pub(super) fn reported(report: Report) -> Self {
        let Report { outcome, reason, status, excerpt, retry_after, sent_at, duration, .. } = report;
        let duration = sent_at.and_then(|_| TimeDelta::from_std(duration).ok());
        Self { outcome, reason, status, retry_after, nothing_runs: false, excerpt, sent_at, duration }
    }

    /// It was followed for as long as its job allows.
    pub(super) fn over_time(excerpt: String, since: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let (excerpt, sent_at, duration) = (Some(excerpt), Some(since), Some(now - since));
        Self { excerpt, sent_at, duration, ..Self::unheard(Reason::Timeout) }
    }

    /// Nobody will hear how it ended.
    pub(super) fn unheard(reason: Reason) -> Self {
        let outcome = Outcome::Unknown;
        let (status, retry_after, excerpt) = (None, None, None);
        let (reason, nothing_runs) = (Some(reason), false);
        Self { outcome, reason, status, retry_after, nothing_runs, excerpt, sent_at: None, duration: None }
    }

    /// The code of an attempt panicked: that run failed, and nothing else (seed D9).
    pub(super) fn panicked() -> Self {
        Self {
            outcome: Outcome::Failed,
            reason: Some(Reason::Panic),
            status: None,
            retry_after: None,
            nothing_runs: false,
            excerpt: Some("sexton's own code panicked during this attempt; this is a bug".to_owned()),
            sent_at: None,
            duration: None,
        }
    }

    /// Somebody said so; `words` tell how it stood with the app. `nothing_runs`: it does not work on it any more.
    pub(super) fn cancelled(nothing_runs: bool, words: String) -> Self {
        let (outcome, excerpt) = (Outcome::Cancelled, Some(words));
        Self { outcome, nothing_runs, excerpt, ..Self::unheard(Reason::Settled) }
    }

    /// A newer occurrence takes its place.
    pub(super) fn replaced(nothing_runs: bool, words: String) -> Self {
        Self { reason: None, ..Self::cancelled(nothing_runs, words) }
    }

    /// What was cancelled took from when it was sent until it was given up, whatever was heard of its request.
    fn timed(self, sent_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        match self.outcome {
            Outcome::Cancelled => Self { sent_at, duration: sent_at.map(|at| now - at), ..self },
            _ => self,
        }
    }

    /// As the ledger is told. `due`: when the run was, if this is its first attempt.
    pub(super) fn of(self, run: RunId, due: Option<DateTime<Utc>>, then: Then) -> Finish {
        Finish {
            run,
            outcome: self.outcome,
            reason: self.reason,
            then,
            status: self.status,
            excerpt: self.excerpt,
            lateness: due.zip(self.sent_at).map(|(due, sent_at)| sent_at - due),
            duration: self.duration,
        }
    }
}

impl Decisions {
    pub(super) fn attempt_ended(
        &mut self,
        now: DateTime<Utc>,
        run: RunId,
        mut report: Option<Report>,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(mut taken_on) = report.take_if(|report| report.work.is_some())
            && let Some(work) = taken_on.work.take()
        {
            return self.taken_on(now, run, taken_on, &work, effects);
        }
        let begins = self.release_permit(now, run);
        if let Some(closing) = self.heard_while_stopping(run, report) {
            effects.extend(self.finish(now, run, closing));
        }
        push_writes(begins.into_iter().collect(), Vec::new(), effects);
    }

    /// Ends an attempt that is in flight, and its run unless another attempt follows. An unknown one keeps its slots for the
    /// job's hold (guarantee G3).
    pub(super) fn finish(&mut self, now: DateTime<Utc>, run: RunId, closing: Closing) -> Option<Effect> {
        let live = self.runs.get(&run).filter(|live| live.is_open())?;
        let may_go_on = matches!(closing.outcome, Outcome::Unknown | Outcome::Cancelled);
        let held = may_go_on && !closing.nothing_runs && is_held(&live.job);
        let then = match self.again_at(now, live, &closing) {
            Some(at) => Then::Again { at },
            None => Then::Over { hold_until: held.then(|| after(now, live.job.hold)) },
        };
        let due = (live.attempt == Some(1)).then_some(live.fires_at);
        let closing = closing.timed(live.sent_at, now);
        self.runs.get_mut(&run)?.stage = Stage::Ending;
        Some(Effect::Write(Write::Finish(vec![closing.of(run, due, then)])))
    }

    /// The grace of a stop is over: what is still open may go on in the app, and nobody will hear of it. What the ledger
    /// let go and has not left does not leave any more.
    pub(super) fn give_up(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        self.phase = Phase::GivenUp;
        let mut open: Vec<RunId> =
            self.runs.iter().filter(|(_, live)| live.is_sending()).map(|(run, _)| *run).collect();
        open.sort();
        for run in open {
            effects.extend(self.finish(now, run, Closing::unheard(Reason::Shutdown)));
        }
        self.give_up_stops(now, effects);
    }

    pub(super) fn ended_unsent(&mut self, batch: Vec<End>, effects: &mut Vec<Effect>) {
        for End { run, outcome, reason } in batch {
            let Some(live) = self.forget(run) else { continue };
            let ended = RunEnded::unheard(run, live.job.name.clone(), live.scheduled_for, outcome, Some(reason));
            let (trigger, attempt) = (Some(live.trigger), live.attempt);
            effects.push(Effect::Notice(Notice::Ended(RunEnded { trigger, attempt, ..ended })));
        }
    }

    pub(super) fn finished(
        &mut self,
        now: DateTime<Utc>,
        batch: Vec<Finish>,
        answers: Vec<bool>,
        effects: &mut Vec<Effect>,
    ) {
        for (finish, was_open) in batch.into_iter().zip(answers) {
            if !was_open {
                self.forget(finish.run);
                continue;
            }
            let Some(job) = self.runs.get(&finish.run).map(|live| live.job.name.clone()) else { continue };
            let (outcome, reason) = (finish.outcome, finish.reason);
            effects.push(Effect::Notice(Notice::Attempted { job, outcome, reason }));
            match finish.then {
                Then::Again { at } => self.pause_between(finish.run, outcome, reason, at),
                Then::Over { hold_until } => self.over(now, finish, hold_until, effects),
            }
        }
        self.work_off_agenda(now, effects);
    }

    fn over(
        &mut self,
        now: DateTime<Utc>,
        finish: Finish,
        hold_until: Option<DateTime<Utc>>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(live) = self.forget(finish.run) else { return };
        if let Some(until) = hold_until.filter(|until| *until > now) {
            self.holds.insert((until, live.job.name.clone(), finish.run));
        }
        let Finish { run, outcome, reason, status, lateness, duration, excerpt, .. } = finish;
        let ended = RunEnded::unheard(run, live.job.name.clone(), live.scheduled_for, outcome, reason);
        let (trigger, attempt) = (Some(live.trigger), live.attempt);
        effects.push(Effect::Notice(Notice::Ended(RunEnded {
            trigger,
            status,
            lateness,
            duration,
            excerpt,
            attempt,
            ..ended
        })));
    }
}

/// Whether an unknown run of the job keeps others out: not where a second pass does no harm, or is wanted.
pub(super) fn is_held(job: &Job) -> bool {
    job.overlap != Overlap::Allow && !job.idempotent
}

pub(super) fn after(now: DateTime<Utc>, hold: std::time::Duration) -> DateTime<Utc> {
    TimeDelta::from_std(hold).ok().and_then(|hold| now.checked_add_signed(hold)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
