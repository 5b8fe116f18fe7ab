//! Ends a run because somebody says so.
//!
//! Where nothing is on its way that is all. Where the app may be at it, it is asked to stop: see `stop`.

use chrono::{DateTime, Utc};

use super::{
    Decisions, Done, Effect, Refused, Stage,
    stop::{Sake, Stopping},
    writes::push_writes,
};
use crate::run::{Outcome, Reason, RunId};

impl Decisions {
    /// # Errors
    /// The run is over, or about to change.
    pub(super) fn cancel(
        &mut self,
        now: DateTime<Utc>,
        run: RunId,
        effects: &mut Vec<Effect>,
    ) -> Result<Done, Refused> {
        let live = self.runs.get_mut(&run).ok_or(Refused::NotOpen(run))?;
        match live.stage {
            Stage::Ending => return Err(Refused::NotOpen(run)),
            Stage::Beginning => return Err(Refused::Changing(run)),
            Stage::Claimed | Stage::Waiting(_) | Stage::InLine => {
                let end = self.end(run, Outcome::Cancelled, Reason::Settled);
                push_writes(Vec::new(), end.into_iter().collect(), effects);
            }
            Stage::Ready { .. } => {
                let closing = Sake::Person.closing(true, "it had not left".to_owned());
                self.give_up_on(now, run, closing, effects);
            }
            Stage::TakenOn => live.stopping = Some(Stopping::wanted(Sake::Person)),
            Stage::InFlight | Stage::Polling => match &mut live.stopping {
                Some(stopping) => stopping.sake = Sake::Person,
                None => match self.ask_to_stop(run, Sake::Person) {
                    Some(asks) => effects.push(asks),
                    None => self.give_up_unasked(now, run, effects),
                },
            },
        }
        Ok(Done::Cancelling)
    }

    /// Ends a run that nobody can ask the app to stop.
    pub(super) fn give_up_unasked(&mut self, now: DateTime<Utc>, run: RunId, effects: &mut Vec<Effect>) {
        let words = "the job does not say how the app is asked to stop";
        self.give_up_on(now, run, Sake::Person.closing(false, words.to_owned()), effects);
    }
}
