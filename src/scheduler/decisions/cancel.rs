//! Ends a run because somebody says so.
//!
//! Where nothing is on its way that is all. Where the app may be at it, it was asked to stop before; without its confirmation
//! it may still be, and the run's hold applies (guarantee G3).

use chrono::{DateTime, Utc};

use super::{
    Decisions, Done, Effect, Refused, Stage, Write,
    finish::{Closing, after, is_held},
    send::push_writes,
};
use crate::{
    run::{Outcome, Reason, RunId},
    store::Then,
};

/// What the app said to being asked to stop a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// It does not work on it any more.
    Confirmed {
        /// How that is known, for people.
        words: String,
    },
    /// It may still work on it.
    NotConfirmed {
        /// Why, for people.
        words: String,
    },
}

impl Decisions {
    /// `app`: what the app of an open run said to being asked to stop it.
    ///
    /// # Errors
    /// The run is over, or about to change.
    pub(super) fn cancel(
        &mut self,
        now: DateTime<Utc>,
        run: RunId,
        app: Option<Stopped>,
        effects: &mut Vec<Effect>,
    ) -> Result<Done, Refused> {
        let live = self.runs.get(&run).ok_or(Refused::NotOpen(run))?;
        if live.is_waiting() {
            self.leave_permit_line(run);
            self.leave_group_line(run);
            let end = self.end(run, Outcome::Cancelled, Reason::Settled);
            push_writes(Vec::new(), end.into_iter().collect(), effects);
            return Ok(Done::Cancelling);
        }
        match (live.stage, app) {
            (Stage::Ending, _) => Err(Refused::NotOpen(run)),
            // Nothing of it has left, and nothing will.
            (Stage::Ready { .. }, _) => {
                let words = "cancelled by hand before it was sent".to_owned();
                self.cancel_open(now, run, Stopped::Confirmed { words }, effects)
            }
            (Stage::InFlight | Stage::Polling, Some(app)) => self.cancel_open(now, run, app, effects),
            _ => Err(Refused::Changing(run)),
        }
    }

    /// Ends a run that is open, and listens to its request no longer.
    fn cancel_open(
        &mut self,
        now: DateTime<Utc>,
        run: RunId,
        app: Stopped,
        effects: &mut Vec<Effect>,
    ) -> Result<Done, Refused> {
        let live = self.runs.get(&run).ok_or(Refused::NotOpen(run))?;
        let (words, may_run) = match app {
            Stopped::Confirmed { words } => (words, false),
            Stopped::NotConfirmed { words } => (words, true),
        };
        let hold_until = (may_run && is_held(&live.job)).then(|| after(now, live.job.hold));
        // What is followed has given its permit back.
        let begin = if live.is_sending() { self.release_permit(now, run) } else { None };
        self.followed.remove(&run);
        if let Some(live) = self.runs.get_mut(&run) {
            live.stage = Stage::Ending;
        }
        effects.push(Effect::Abort(run));
        let finish = Closing::cancelled(words).of(run, None, Then::Over { hold_until });
        effects.push(Effect::Write(Write::Finish(vec![finish])));
        push_writes(begin.into_iter().collect(), Vec::new(), effects);
        Ok(Done::Cancelling)
    }
}
