//! Has an app stop a run that it is at: for a newer one of its job (`overlap = "replace"`), or because somebody cancels it.
//!
//! | the app | the run ends | the next one starts |
//! |---|---|---|
//! | confirms, and its answer comes | `cancelled`, or as it says when it had succeeded | then |
//! | confirms, and its answer does not come in time, before or after | `cancelled`, and is held: it did not stop | after the hold |
//! | does not confirm | `cancelled` without waiting for the answer, and is held | after the hold |
//!
//! A request that is open is the app's own word that it works on it, whatever it says of a cancel; so no pass is stacked on
//! one that goes on (guarantee G3). Of work that it took on there is no such word, and its confirmation is all there is.

use chrono::{DateTime, Utc};

use super::{
    Decisions, Effect,
    finish::Closing,
    live::{Live, Stage},
    writes::push_writes,
};
use crate::{
    dispatch::{self, Cancelled, Inquiry, Report},
    run::{Outcome, Reason, RunId},
};

/// A run that is to be stopped.
#[derive(Debug)]
pub(super) struct Stopping {
    pub(super) sake: Sake,
    step: Step,
}

/// For whose sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sake {
    /// A newer run of its job.
    Newer,
    /// Somebody who said so.
    Person,
}

/// How far that is.
#[derive(Debug)]
enum Step {
    /// The app took the run on meanwhile, and is asked when the ledger has that.
    Wanted,
    /// The app was asked, and did not answer yet.
    Asked,
    /// The request's answer came first.
    Heard(Box<Closing>),
    /// The app confirmed, in these words; the request's answer is still to come.
    Confirmed(String),
}

impl Stopping {
    /// Once the ledger has that the app took the run on, it is asked to stop that.
    pub(super) fn wanted(sake: Sake) -> Self {
        Self { sake, step: Step::Wanted }
    }
}

impl Decisions {
    /// Once; `None` too where there is no way to ask.
    pub(super) fn ask_to_stop(&mut self, run: RunId, sake: Sake) -> Option<Effect> {
        let live = self.runs.get(&run).filter(|live| live.stopping.is_none())?;
        let (inquiry, call) = match live.stage {
            Stage::Polling => self.how_to_stop_work(run)?,
            _ => {
                let (job, (fence, attempt)) = (live.job.clone(), live.fence.zip(live.attempt)?);
                let call = dispatch::stop_call(&job)?;
                (Inquiry { job, run, attempt, fence }, call)
            }
        };
        self.runs.get_mut(&run)?.stopping = Some(Stopping { sake, step: Step::Asked });
        Some(Effect::Cancel(inquiry, call))
    }

    /// The ledger has that the app took the run on: if it was to be stopped before, now that is.
    pub(super) fn stop_work(&mut self, now: DateTime<Utc>, run: RunId, effects: &mut Vec<Effect>) {
        let wanted = |stopping: &mut Stopping| matches!(stopping.step, Step::Wanted);
        let Some(Stopping { sake, .. }) = self.runs.get_mut(&run).and_then(|live| live.stopping.take_if(wanted)) else {
            return;
        };
        match self.ask_to_stop(run, sake) {
            Some(asks) => effects.push(asks),
            None if sake == Sake::Person => self.give_up_unasked(now, run, effects),
            None => {}
        }
    }

    /// Whether it is being stopped.
    pub(super) fn is_stopping(&self, run: RunId) -> bool {
        self.runs.get(&run).is_some_and(|live| live.stopping.is_some())
    }

    /// The app's word on being asked to stop a run; without one, the code that asks panicked.
    pub(super) fn stop_answered(
        &mut self,
        now: DateTime<Utc>,
        run: RunId,
        answer: Option<Cancelled>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        let Some(Stopping { sake, step }) = live.stopping.take() else { return };
        let (confirmed, words) = in_words(answer);
        match step {
            // This is the word on something else, from before.
            Step::Wanted | Step::Confirmed(_) => live.stopping = Some(Stopping { sake, step }),
            Step::Heard(heard) if confirmed => effects.extend(self.finish(now, run, sake.confirmed(&heard, words))),
            Step::Heard(heard) => effects.extend(self.finish(now, run, sake.not_confirmed(*heard, words))),
            Step::Asked if live.stage == Stage::Polling => {
                effects.extend(self.end_following(now, run, sake.closing(confirmed, words)));
            }
            Step::Asked if confirmed => live.stopping = Some(Stopping { sake, step: Step::Confirmed(words) }),
            Step::Asked => self.give_up_on(now, run, sake.closing(false, words), effects),
        }
    }

    /// Ends an open run, and listens to its request no longer.
    pub(super) fn give_up_on(&mut self, now: DateTime<Utc>, run: RunId, closing: Closing, effects: &mut Vec<Effect>) {
        let begins = self.release_permit(now, run);
        effects.push(Effect::Abort(run));
        effects.extend(self.end_following(now, run, closing));
        push_writes(begins.into_iter().collect(), Vec::new(), effects);
    }

    /// The grace of a stop of sexton is over: what somebody cancelled and an app did not say it stopped is cancelled all the
    /// same. Otherwise nobody would know of it at the next start.
    pub(super) fn give_up_stops(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let cancelled = |live: &Live| {
            live.stage == Stage::Polling && live.stopping.as_ref().is_some_and(|stopping| stopping.sake == Sake::Person)
        };
        let mut runs: Vec<RunId> = self.runs.iter().filter(|(_, live)| cancelled(live)).map(|(run, _)| *run).collect();
        runs.sort();
        for run in runs {
            let words = "the app did not answer before sexton stopped".to_owned();
            effects.extend(self.end_following(now, run, Sake::Person.closing(false, words)));
        }
    }

    /// The request of a run that is being stopped was answered. Gives back how it ends, if that is known by now.
    pub(super) fn heard_while_stopping(&mut self, run: RunId, report: Option<Report>) -> Option<Closing> {
        let heard = report.map_or_else(Closing::panicked, Closing::reported);
        let Some(live) = self.runs.get_mut(&run) else { return Some(heard) };
        if heard.outcome == Outcome::Succeeded {
            return Some(heard);
        }
        match live.stopping.take() {
            Some(Stopping { sake, step: Step::Asked }) => {
                live.stopping = Some(Stopping { sake, step: Step::Heard(Box::new(heard)) });
                None
            }
            Some(Stopping { sake, step: Step::Confirmed(words) }) => Some(sake.confirmed(&heard, words)),
            _ => Some(heard),
        }
    }

    /// What the app took on is over by its own word, while it is asked to stop it.
    pub(super) fn over_while_stopping(&self, run: RunId, heard: Closing) -> Closing {
        let stopping = self.runs.get(&run).and_then(|live| live.stopping.as_ref());
        match stopping.filter(|_| heard.outcome != Outcome::Succeeded) {
            Some(Stopping { sake, .. }) => sake.not_confirmed(heard, "the app says that it is over".to_owned()),
            None => heard,
        }
    }
}

impl Sake {
    /// `nothing_runs`: the app does not work on it any more.
    pub(super) fn closing(self, nothing_runs: bool, words: String) -> Closing {
        match self {
            Self::Newer => Closing::replaced(nothing_runs, words),
            Self::Person => Closing::cancelled(nothing_runs, format!("cancelled by hand; {words}")),
        }
    }

    /// How a run ends that the app says it stopped, and whose request ended so. Where nothing of the app ended the request, it
    /// may be at it whatever it says, and whichever of the two came first.
    fn confirmed(self, heard: &Closing, words: String) -> Closing {
        match heard.reason {
            Some(Reason::Timeout | Reason::UnknownStatus) => {
                self.closing(false, "the app said that it stops it, and did not".to_owned())
            }
            _ => self.closing(true, words),
        }
    }

    /// How a run ends that ended so and that the app does not say it stopped. What somebody cancelled is not tried again.
    fn not_confirmed(self, heard: Closing, words: String) -> Closing {
        match self {
            Self::Newer => heard,
            Self::Person => self.closing(heard.outcome != Outcome::Unknown, words),
        }
    }
}

fn in_words(answer: Option<Cancelled>) -> (bool, String) {
    match answer {
        Some(Cancelled::Confirmed { status }) => (true, format!("the app confirmed that it stopped it ({status})")),
        Some(Cancelled::NotConfirmed { words }) => {
            (false, format!("the app did not confirm that it stopped it: {words}"))
        }
        None => (false, "sexton's own code panicked as it asked to stop it; this is a bug".to_owned()),
    }
}
