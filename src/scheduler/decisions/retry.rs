//! Whether and when an attempt is made again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    AHEAD, Decisions,
    finish::Closing,
    live::{Live, Need, Stage, Standing},
};
use crate::{
    entropy::Entropy,
    job::{Job, Retry, RetryOn},
    run::{Outcome, Reason, RunId},
};

impl Decisions {
    /// When the attempt that ended so is made again: a failed one after what the job lists, an unknown one when the job is
    /// idempotent. `None`: that was the last, or the next occurrence comes first.
    pub(super) fn again_at(&self, now: DateTime<Utc>, live: &Live, closing: &Closing) -> Option<DateTime<Utc>> {
        let (job, made, reason) = (&live.job, live.attempt?, closing.reason?);
        self.definitions.jobs.get(&job.name).filter(|job| job.enabled)?;
        let unheard = matches!(reason, Reason::Crash | Reason::Shutdown);
        let wanted = match closing.outcome {
            Outcome::Failed => is_listed(&job.retry.on, reason, closing.status),
            Outcome::Unknown => job.idempotent,
            _ => false,
        };
        // What nobody heard the end of is sent once more without being asked for.
        let most = if unheard { job.retry.attempts.max(2) } else { job.retry.attempts };
        if !wanted || made >= most {
            return None;
        }
        let at = if unheard { now } else { later(now, pause(&job.retry, made, self.entropy, closing.retry_after))? };
        let next = self.next_fire_after(now, job);
        next.is_none_or(|next| at < next - AHEAD).then_some(at)
    }

    /// The ledger has it: the run waits, and its slots are somebody else's. What was asked of its last attempt, to stop, is
    /// nothing to the next one.
    pub(super) fn pause_between(&mut self, run: RunId, outcome: Outcome, reason: Option<Reason>, at: DateTime<Utc>) {
        let Some(mut live) = self.forget(run) else { return };
        let Some(reason) = reason else { return };
        live.standing = Standing::Tried(outcome, reason);
        live.stage = Stage::Waiting(Need::Pause(at));
        live.stopping = None;
        self.remember(run, live);
        self.look_again(at, run);
    }

    /// When the job's next occurrence is due, claimed or not.
    fn next_fire_after(&self, now: DateTime<Utc>, job: &Job) -> Option<DateTime<Utc>> {
        let claimed = self.by_job.get(&job.name).into_iter().flatten().filter(|(at, _)| *at > now);
        let is_claim = |run: &RunId| {
            let live = self.runs.get(run);
            live.is_some_and(|live| live.stage == Stage::Claimed && live.trigger.is_occurrence())
        };
        let claimed = claimed.filter(|(_, run)| is_claim(run)).map(|(at, _)| *at);
        claimed.chain(self.pump.next_of(&job.name).map(|(_, at)| at)).min()
    }
}

fn is_listed(on: &[RetryOn], reason: Reason, status: Option<u16>) -> bool {
    on.iter().any(|on| match on {
        RetryOn::Connect => reason == Reason::Connect,
        RetryOn::Status(expected) => status.is_some_and(|status| expected.covers(status)),
    })
}

/// How long to wait after attempt number `made`: from half of `initial * factor^(made - 1)`, at most `max`, up to the whole, so
/// that many that failed together do not come back together; and at least as long as the app asks for.
fn pause(retry: &Retry, made: u32, entropy: Entropy, asked: Option<Duration>) -> Duration {
    let grown = retry.initial.as_secs_f64() * retry.factor.powi(i32::try_from(made).unwrap_or(i32::MAX) - 1);
    let longest = Duration::try_from_secs_f64(grown).unwrap_or(Duration::MAX).min(retry.max);
    let share = f64::from(u32::from_le_bytes(entropy.bytes())) / f64::from(u32::MAX);
    let pause = longest.mul_f64(0.5 + share / 2.0);
    asked.map_or(pause, |asked| pause.max(asked))
}

/// `None` beyond the end of the calendar.
fn later(now: DateTime<Utc>, pause: Duration) -> Option<DateTime<Utc>> {
    now.checked_add_signed(TimeDelta::from_std(pause).ok()?)
}
