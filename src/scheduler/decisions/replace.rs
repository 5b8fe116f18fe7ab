//! `overlap = "replace"`: the app is asked to stop the run that is at it, and the newest occurrence takes its place.
//!
//! | the app | the run ends | the newest starts |
//! |---|---|---|
//! | confirms, and its answer comes | `cancelled`, or as it says when it had succeeded | then |
//! | confirms, and its answer does not come in time, before or after | `cancelled`, and is held: it did not stop | after the hold |
//! | does not confirm | `cancelled` without waiting for the answer, and is held | after the hold |
//!
//! A request that is open is the app's own word that it works on it, whatever it says of a cancel; so no pass is stacked on
//! one that goes on (guarantee G3).

use chrono::{DateTime, Utc};

use super::{
    Decisions, Effect, Writes,
    finish::Closing,
    live::{Need, Stage},
    send::push_writes,
};
use crate::{
    dispatch::{self, Cancelled, Inquiry, Report},
    run::{Outcome, Reason, RunId},
};

/// How far the stopping of a run is.
#[derive(Debug)]
pub(super) enum Stopping {
    /// The app was asked, and did not answer yet.
    Asked,
    /// The request's answer came first: this is how it ended, should the app not confirm.
    Heard(Box<Closing>),
    /// The app confirmed; the request's answer is still to come.
    Confirmed,
}

impl Decisions {
    /// Has what keeps `run` waiting make room: what was not sent ends, and the app is asked to stop what was.
    pub(super) fn make_room_for(&mut self, run: RunId, reason: Reason, writes: &mut Writes) {
        let Some(live) = self.runs.get(&run) else { return };
        let of_job = self.by_job.get(&live.job.name).into_iter().flatten().map(|(_, other)| *other);
        let others: Vec<RunId> = of_job.filter(|other| *other != run).collect();
        for other in others {
            match self.runs.get(&other).map(|live| live.stage) {
                Some(Stage::InLine | Stage::Waiting(Need::Group)) => {
                    let end = self.end_as_tried(other).or_else(|| self.end(other, Outcome::Skipped, reason));
                    writes.ends.extend(end);
                }
                Some(Stage::Ready { .. } | Stage::InFlight | Stage::Polling) => {
                    writes.asks.extend(self.ask_to_stop(other));
                }
                _ => {}
            }
        }
    }

    /// Once; `None` too where there is no way to ask.
    fn ask_to_stop(&mut self, run: RunId) -> Option<Effect> {
        let live = self.runs.get(&run).filter(|live| live.stopping.is_none())?;
        let (inquiry, call) = match live.stage {
            Stage::Polling => self.how_to_stop_work(run)?,
            _ => {
                let (job, (fence, attempt)) = (live.job.clone(), live.fence.zip(live.attempt)?);
                let call = dispatch::stop_call(&job, None)?;
                (Inquiry { job, run, attempt, fence }, call)
            }
        };
        self.runs.get_mut(&run)?.stopping = Some(Stopping::Asked);
        Some(Effect::Cancel(inquiry, call))
    }

    /// Whether it is being stopped for another run, or was.
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
        let (confirmed, words) = in_words(answer);
        let stage = live.stage;
        match live.stopping.take() {
            Some(Stopping::Heard(closing)) if confirmed => {
                effects.extend(self.finish(now, run, confirmed_to_stop(&closing, words)));
            }
            Some(Stopping::Heard(closing)) => effects.extend(self.finish(now, run, *closing)),
            _ if stage == Stage::Polling => {
                effects.extend(self.end_following(now, run, Closing::replaced(confirmed, words)));
            }
            _ if confirmed => live.stopping = Some(Stopping::Confirmed),
            _ if live.is_sending() => {
                let begins = self.release_permit(now, run);
                effects.push(Effect::Abort(run));
                effects.extend(self.finish(now, run, Closing::replaced(false, words)));
                push_writes(begins.into_iter().collect(), Vec::new(), effects);
            }
            _ => {}
        }
    }

    /// The request of a run that is being stopped was answered. Gives back how it ends, if that is known by now.
    pub(super) fn heard_while_stopping(&mut self, run: RunId, report: Option<Report>) -> Option<Closing> {
        let closing = report.map_or_else(Closing::panicked, Closing::reported);
        let Some(live) = self.runs.get_mut(&run) else { return Some(closing) };
        match live.stopping {
            _ if closing.outcome == Outcome::Succeeded => Some(closing),
            Some(Stopping::Asked) => {
                live.stopping = Some(Stopping::Heard(Box::new(closing)));
                None
            }
            Some(Stopping::Confirmed) => Some(confirmed_to_stop(&closing, "the app stopped it".to_owned())),
            _ => Some(closing),
        }
    }
}

/// How a run ends that the app says it stopped, and whose request ended so. Where nothing of the app ended the request, it may
/// be at it whatever it says, and whichever of the two came first.
fn confirmed_to_stop(heard: &Closing, words: String) -> Closing {
    match heard.reason {
        Some(Reason::Timeout | Reason::UnknownStatus) => {
            Closing::replaced(false, "the app said that it stops it, and did not".to_owned())
        }
        _ => Closing::replaced(true, words),
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
