//! What is sent of a backlog, and what is not.

use std::{collections::VecDeque, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::Decisions;
use crate::{
    job::{CatchUp, Job},
    run::{RunId, Trigger},
    store::{Claim, Span},
    ticker::Backlog,
};

/// So many occurrences of one job are sent after a downtime, the newest ones (seed E15).
pub const MOST_CAUGHT_UP: usize = 100;

/// The occurrences that are sent, oldest first, and the last one before them.
struct Division {
    sent: VecDeque<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
}

impl Decisions {
    /// The row of what is not sent, if there is any, and claims of what is: late when it is recent enough, else by the job's
    /// catch-up.
    pub(super) fn divide(&self, now: DateTime<Utc>, job: &Job, backlog: &Backlog) -> (Option<Span>, Vec<Claim>) {
        let Division { sent, before } = match job.catch_up {
            CatchUp::All => self.all_within_reach(now, job, backlog),
            CatchUp::None | CatchUp::Latest => match self.late_trigger(now, job, backlog.newest) {
                Some(_) => Division { sent: [backlog.newest].into(), before: backlog.before_newest },
                None => Division { sent: VecDeque::new(), before: Some(backlog.newest) },
            },
        };
        let span = before.map(|newest| {
            let count = backlog.count - u64::try_from(sent.len()).unwrap_or(u64::MAX);
            self.unsent(now, false, Backlog { newest, count, ..*backlog }, &job.schedule, &job.hash)
        });
        let trigger = |at| match self.late_trigger(now, job, at) {
            Some(trigger) if at == backlog.newest => trigger,
            _ => Trigger::CatchUp,
        };
        (span, sent.into_iter().map(|at| self.claim(now, job, at, trigger(at))).collect())
    }

    fn all_within_reach(&self, now: DateTime<Utc>, job: &Job, backlog: &Backlog) -> Division {
        let mut division = Division { sent: VecDeque::new(), before: None };
        let occurrences = std::iter::successors(Some(backlog.first), |at| job.schedule.next_after(*at));
        for at in occurrences.take_while(|at| *at <= backlog.newest) {
            if self.late_trigger(now, job, at).is_none() {
                division.before = Some(at);
                continue;
            }
            division.sent.push_back(at);
            if division.sent.len() > MOST_CAUGHT_UP {
                division.before = division.sent.pop_front();
            }
        }
        division
    }

    /// Whether and why an occurrence is sent that is late.
    pub(super) fn late_trigger(&self, now: DateTime<Utc>, job: &Job, scheduled_for: DateTime<Utc>) -> Option<Trigger> {
        let late = now - self.fires_at(job, scheduled_for);
        if within(late, self.definitions.settings.late_limit) {
            return Some(Trigger::Schedule);
        }
        let reachable = job.catch_up_window.is_none_or(|window| within(late, window));
        (job.catch_up != CatchUp::None && reachable).then_some(Trigger::CatchUp)
    }

    pub(super) fn claim(&self, now: DateTime<Utc>, job: &Job, scheduled_for: DateTime<Utc>, trigger: Trigger) -> Claim {
        Claim { id: RunId::new(now, self.entropy), scheduled_for, trigger, definition: job.hash.clone() }
    }
}

/// What is still to come is not late at all.
fn within(late: TimeDelta, limit: Duration) -> bool {
    late.to_std().unwrap_or_default() <= limit
}
