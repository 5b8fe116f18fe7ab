//! From the end of an attempt to the run's final row.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Decisions, Effect, Live, Notice, Phase, RunEnded, Stage, Write, send::push_writes};
use crate::{
    dispatch::Report,
    job::Overlap,
    run::{Outcome, Reason, RunId},
    store::{End, Finish},
};

/// How a sent run ends.
pub(super) struct Closing {
    outcome: Outcome,
    reason: Option<Reason>,
    status: Option<u16>,
    excerpt: Option<String>,
    sent_at: Option<DateTime<Utc>>,
    duration: Option<TimeDelta>,
}

impl Closing {
    fn reported(report: Report) -> Self {
        let Report { outcome, reason, status, excerpt, sent_at, duration, .. } = report;
        let duration = sent_at.and_then(|_| TimeDelta::from_std(duration).ok());
        Self { outcome, reason, status, excerpt, sent_at, duration }
    }

    /// Nobody will hear how it ended.
    pub(super) fn unheard(reason: Reason) -> Self {
        let outcome = Outcome::Unknown;
        Self { outcome, reason: Some(reason), status: None, excerpt: None, sent_at: None, duration: None }
    }

    /// The code of an attempt panicked: that run failed, and nothing else (seed D9).
    fn panicked() -> Self {
        Self {
            outcome: Outcome::Failed,
            reason: Some(Reason::Panic),
            status: None,
            excerpt: Some("sexton's own code panicked during this attempt; this is a bug".to_owned()),
            sent_at: None,
            duration: None,
        }
    }

    /// As the ledger is told, for a run with this much known of it.
    pub(super) fn of(self, run: RunId, known: Option<(DateTime<Utc>, Option<DateTime<Utc>>)>) -> Finish {
        let (due, hold_until) = known.unzip();
        Finish {
            run,
            outcome: self.outcome,
            reason: self.reason,
            hold_until: hold_until.flatten(),
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
        report: Option<Report>,
        effects: &mut Vec<Effect>,
    ) {
        let begins = self.release_permit(now, run);
        effects.extend(self.finish(now, run, report.map_or_else(Closing::panicked, Closing::reported)));
        push_writes(begins.into_iter().collect(), Vec::new(), effects);
    }

    /// Ends a run that is in flight. An unknown one keeps its slot for the job's hold (guarantee G3).
    pub(super) fn finish(&mut self, now: DateTime<Utc>, run: RunId, closing: Closing) -> Option<Effect> {
        let live = self.runs.get_mut(&run).filter(|live| live.is_sending())?;
        live.stage = Stage::Ending;
        let keeps_slot = closing.outcome == Outcome::Unknown && live.job.overlap != Overlap::Allow;
        let hold_until = keeps_slot.then(|| after(now, live.job.hold));
        let finish = closing.of(run, Some((live.fires_at, hold_until)));
        Some(Effect::Write(Write::Finish(vec![finish])))
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
    }

    pub(super) fn ended_unsent(&mut self, batch: Vec<End>, effects: &mut Vec<Effect>) {
        for End { run, outcome, reason } in batch {
            let Some(live) = self.forget(run) else { continue };
            effects.push(Effect::Notice(Notice::Ended(RunEnded {
                run,
                job: live.job.name.clone(),
                scheduled_for: live.scheduled_for,
                count: 1,
                trigger: Some(live.trigger),
                outcome,
                reason: Some(reason),
                status: None,
                lateness: None,
                duration: None,
                excerpt: None,
                attempt: None,
            })));
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
            let Some(live) = self.forget(finish.run) else { continue };
            if !was_open {
                continue;
            }
            if let Some(until) = finish.hold_until.filter(|until| *until > now) {
                self.holds.insert((until, live.job.name.clone(), finish.run));
            }
            effects.push(Effect::Notice(Notice::Ended(RunEnded {
                run: finish.run,
                job: live.job.name.clone(),
                scheduled_for: live.scheduled_for,
                count: 1,
                trigger: Some(live.trigger),
                outcome: finish.outcome,
                reason: finish.reason,
                status: finish.status,
                lateness: finish.lateness,
                duration: finish.duration,
                excerpt: finish.excerpt,
                attempt: live.attempt,
            })));
        }
    }
}

impl Live {
    /// Whether the ledger let it go and has not heard of its end.
    fn is_sending(&self) -> bool {
        matches!(self.stage, Stage::Ready { .. } | Stage::InFlight)
    }
}

fn after(now: DateTime<Utc>, hold: std::time::Duration) -> DateTime<Utc> {
    TimeDelta::from_std(hold).ok().and_then(|hold| now.checked_add_signed(hold)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
