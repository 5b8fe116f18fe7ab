//! From a 202 to the end of what the app took on.
//!
//! A run that is followed has no permit, and between two looks no open request; it keeps its slots. Everything that the next
//! look needs is in the ledger: a stop leaves it as it is, and the next start goes on.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Decisions, Effect, Live, Phase, Stage, Write,
    finish::{Closing, after},
    send::SLOT_MARGIN,
    stop::Stopping,
    writes::push_writes,
};
use crate::{
    dispatch::{Cancelled, Inquiry, Polled, Report},
    job::{Call, Job, JobName},
    run::{Outcome, Reason, Run, RunId, Work},
    store::Follow,
};

/// The shortest wait that an app can ask for between two looks.
const SHORTEST: Duration = Duration::from_secs(1);

/// So many times in a row the app must say that it does not know the work: it may not know it yet, and what stands before
/// an app that restarts may answer for it.
const MISSING_AT: u32 = 3;

/// What an app took on.
#[derive(Debug)]
pub(super) struct Followed {
    inquiry: Inquiry,
    work: Arc<Work>,
    /// When the next look is due. What the agenda still holds of a run from before it was sent is no reason to look.
    look_at: DateTime<Utc>,
    /// A request about it is open.
    asking: bool,
    /// The newest look was made when its time was over.
    is_last: bool,
    progress: Option<String>,
    /// What was wrong with the newest answer, when it told nothing.
    trouble: Option<String>,
    /// How many times in a row the app did not know it.
    missing: u32,
}

impl Decisions {
    /// The app took the run on. Its permit is free; its slots are kept for as long as it is followed.
    pub(super) fn taken_on(
        &mut self,
        now: DateTime<Utc>,
        run: RunId,
        report: Report,
        work: &Work,
        effects: &mut Vec<Effect>,
    ) {
        let begins = self.release_permit(now, run);
        if let Some(live) = self.runs.get_mut(&run).filter(|live| live.stage == Stage::InFlight) {
            (live.stage, live.sent_at) = (Stage::TakenOn, Some(work.since));
            // What was said of the request was not said of the work.
            live.stopping = live.stopping.take().map(|stopping| Stopping::wanted(stopping.sake));
            let at = later(now, wait(work, report.retry_after)).min(work.until);
            let first = live.attempt == Some(1);
            effects.push(Effect::Write(Write::Follow(vec![Follow {
                status: report.status,
                excerpt: report.excerpt,
                lateness: first.then_some(work.since - live.fires_at),
                ..following(run, work, &live.job, None, at)
            }])));
        }
        push_writes(begins.into_iter().collect(), Vec::new(), effects);
    }

    /// The ledger has it: from now on it survives a restart.
    pub(super) fn followed(
        &mut self,
        now: DateTime<Utc>,
        batch: Vec<Follow>,
        answers: Vec<bool>,
        effects: &mut Vec<Effect>,
    ) {
        for (follow, is_followed) in batch.into_iter().zip(answers) {
            let Some(live) = self.runs.get(&follow.run) else { continue };
            if !is_followed {
                self.followed.remove(&follow.run);
                self.forget(follow.run);
            } else if live.stage == Stage::TakenOn {
                let job = Arc::clone(&live.job);
                self.follow(follow.run, job, follow.work, follow.wake_at, follow.progress);
                self.stop_work(now, follow.run, effects);
            }
        }
    }

    /// A start goes on with what the ledger holds, as it was agreed with the app.
    pub(super) fn follow_again(&mut self, now: DateTime<Utc>, run: &Run, job: Arc<Job>, work: &Work) {
        let fires_at = self.due_of(now, &job, run);
        let claimed = Live::claimed(Arc::clone(&job), run.scheduled_for, fires_at, run.trigger);
        self.remember(run.id, Live { attempt: Some(work.attempt), sent_at: Some(work.since), ..claimed });
        self.follow(run.id, job, work.clone(), run.wake_at.unwrap_or(now).max(now), run.progress.clone());
    }

    /// The job that work belongs to, on the target that took it on. One that goes to another target by now lends its name
    /// only: what its headers hold belongs to that target (guarantee G5).
    pub(super) fn asked_for(&self, name: &JobName, work: &Work) -> Option<Arc<Job>> {
        let job = self.definitions.jobs.get(name)?;
        if job.target.name == work.target {
            return Some(Arc::clone(job));
        }
        let target = Arc::clone(self.definitions.targets.get(&work.target)?);
        Some(Arc::new(Job { target, headers: Vec::new(), scopes: Vec::new(), ..Job::clone(job) }))
    }

    fn follow(&mut self, run: RunId, job: Arc<Job>, work: Work, at: DateTime<Utc>, progress: Option<String>) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        live.stage = Stage::Polling;
        let inquiry = Inquiry { job, run, attempt: work.attempt, fence: work.fence };
        let (asking, is_last, trouble, missing) = (false, false, None, 0);
        let work = Arc::new(work);
        let followed = Followed { inquiry, work, look_at: at, asking, is_last, progress, trouble, missing };
        self.followed.insert(run, followed);
        self.look_again(at, run);
    }

    /// Has a look. While a stop is under way nothing is asked: the next start goes on.
    pub(super) fn look(&mut self, now: DateTime<Utc>, run: RunId) -> Option<Effect> {
        let is_due = |followed: &&mut Followed| !followed.asking && followed.look_at <= now;
        let followed = self.followed.get_mut(&run).filter(is_due).filter(|_| self.phase == Phase::Firing)?;
        followed.asking = true;
        followed.is_last = now >= followed.work.until;
        Some(Effect::Poll(followed.inquiry.clone(), Arc::clone(&followed.work)))
    }

    /// The clock was set: no next look is further away than `soon`.
    pub(super) fn look_by(&mut self, soon: DateTime<Utc>) {
        self.followed.values_mut().for_each(|followed| followed.look_at = followed.look_at.min(soon));
    }

    /// A look is over; without an answer its code panicked.
    pub(super) fn polled(&mut self, now: DateTime<Utc>, run: RunId, polled: Option<Polled>, effects: &mut Vec<Effect>) {
        let Some(followed) = self.followed.get_mut(&run) else { return };
        followed.asking = false;
        match followed.learn(polled) {
            Learned::Over(closing) => {
                let closing = self.over_while_stopping(run, *closing);
                effects.extend(self.end_following(now, run, closing));
            }
            Learned::Pending { news, retry_after } if !followed.is_last => {
                let at = later(now, wait(&followed.work, retry_after)).min(followed.work.until.max(now));
                followed.look_at = at;
                if news {
                    let (work, job) = (&followed.work, &followed.inquiry.job);
                    let noted = following(run, work, job, followed.progress.clone(), at);
                    effects.push(Effect::Write(Write::Follow(vec![noted])));
                }
                self.look_again(at, run);
            }
            Learned::Pending { .. } => effects.extend(self.out_of_patience(now, run)),
        }
    }

    /// The poll timeout is over and the work is not: the app is asked to stop it.
    fn out_of_patience(&mut self, now: DateTime<Utc>, run: RunId) -> Option<Effect> {
        let followed = self.followed.get_mut(&run)?;
        match &followed.work.cancel {
            Some(call) => {
                followed.asking = true;
                Some(Effect::Cancel(followed.inquiry.clone(), call.clone()))
            }
            None => self.over_time(now, run, Left::Running, "nothing is known to stop it with"),
        }
    }

    /// The app was asked to stop what took too long; without an answer the code that asks panicked.
    pub(super) fn stopped(&mut self, now: DateTime<Utc>, run: RunId, cancelled: Option<Cancelled>) -> Option<Effect> {
        match cancelled {
            Some(Cancelled::Confirmed { status: 404 }) => {
                self.over_time(now, run, Left::NothingToStop, "asked to stop it, the app knew of nothing to stop (404)")
            }
            Some(Cancelled::Confirmed { status }) => {
                self.over_time(now, run, Left::Stopped, &format!("the app confirmed that it stopped it ({status})"))
            }
            Some(Cancelled::NotConfirmed { words }) => {
                let words = format!("the app did not confirm that it stopped it: {words}");
                self.over_time(now, run, Left::Running, &words)
            }
            None => self.over_time(now, run, Left::Running, "sexton's own code panicked as it asked to stop it"),
        }
    }

    fn over_time(&mut self, now: DateTime<Utc>, run: RunId, left: Left, words: &str) -> Option<Effect> {
        let followed = self.followed.get(&run)?;
        let trouble = followed.trouble.as_ref().map(|words| format!("; the last look: {words}")).unwrap_or_default();
        let excerpt = format!("not over within the poll timeout, and {words}{trouble}");
        let (outcome, nothing_runs) = match left {
            Left::Stopped => (Outcome::Failed, true),
            Left::NothingToStop => (Outcome::Unknown, true),
            Left::Running => (Outcome::Unknown, false),
        };
        let mut closing = Closing::over_time(excerpt, followed.work.since, now);
        (closing.outcome, closing.nothing_runs) = (outcome, nothing_runs);
        self.end_following(now, run, closing)
    }

    /// How the app is asked to stop what it took on.
    pub(super) fn how_to_stop_work(&self, run: RunId) -> Option<(Inquiry, Call)> {
        let followed = self.followed.get(&run)?;
        Some((followed.inquiry.clone(), followed.work.cancel.clone()?))
    }

    pub(super) fn end_following(&mut self, now: DateTime<Utc>, run: RunId, closing: Closing) -> Option<Effect> {
        self.followed.remove(&run);
        self.finish(now, run, closing)
    }
}

impl Followed {
    fn learn(&mut self, polled: Option<Polled>) -> Learned {
        let over = |closing| Learned::Over(Box::new(closing));
        match polled {
            None => over(Closing::unheard(Reason::Panic)),
            Some(Polled::Over(report)) => over(Closing::reported(report)),
            Some(Polled::Missing(report)) => {
                self.missing += 1;
                if self.missing >= MISSING_AT || self.is_last {
                    return over(Closing::reported(report));
                }
                Learned::Pending { news: false, retry_after: report.retry_after }
            }
            Some(Polled::Unclear { words, retry_after }) => {
                (self.missing, self.trouble) = (0, Some(words));
                Learned::Pending { news: false, retry_after }
            }
            Some(Polled::Pending { progress, retry_after }) => {
                (self.missing, self.trouble) = (0, None);
                let news = self.progress != progress;
                self.progress = progress;
                Learned::Pending { news, retry_after }
            }
        }
    }
}

/// What a look told.
enum Learned {
    /// It is over so.
    Over(Box<Closing>),
    /// It is not; whether it got on, and how long the app asks to be left alone.
    Pending { news: bool, retry_after: Option<Duration> },
}

/// What is left in the app of work that took too long.
#[derive(Debug, Clone, Copy)]
enum Left {
    /// Nothing: it did not do it, and does not do it any more.
    Stopped,
    /// Nothing; whether it did it is not known.
    NothingToStop,
    /// It may be at it still (guarantee G3).
    Running,
}

/// What the ledger is told of work that is followed.
fn following(run: RunId, work: &Work, job: &Job, progress: Option<String>, at: DateTime<Utc>) -> Follow {
    let slot_until = later(after(work.until, job.hold), SLOT_MARGIN);
    let (status, excerpt, lateness) = (None, None, None);
    Follow { run, wake_at: at, slot_until, work: work.clone(), progress, status, excerpt, lateness }
}

/// How long to wait until the next look.
fn wait(work: &Work, retry_after: Option<Duration>) -> TimeDelta {
    let asked_for = retry_after.map(|wait| wait.max(SHORTEST));
    TimeDelta::from_std(asked_for.unwrap_or(work.interval)).unwrap_or(TimeDelta::MAX)
}

fn later(instant: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    instant.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
