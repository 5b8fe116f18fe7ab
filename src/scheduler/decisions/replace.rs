//! `overlap = "replace"`: the newest occurrence takes the place of the run that is at it, once the app has stopped that.

use chrono::{DateTime, Utc};

use super::{
    Decisions, Writes,
    live::{Need, Stage},
    stop::{Sake, Stopping},
};
use crate::run::{Outcome, Reason, RunId};

impl Decisions {
    /// Has what keeps `run` waiting make room: what was not sent ends, and the app is asked to stop what was. What is on its
    /// way to the ledger is looked at when that has answered.
    pub(super) fn make_room_for(&mut self, now: DateTime<Utc>, run: RunId, reason: Reason, writes: &mut Writes) {
        let Some(live) = self.runs.get(&run) else { return };
        let of_job = self.by_job.get(&live.job.name).into_iter().flatten().map(|(_, other)| *other);
        let others: Vec<RunId> = of_job.filter(|other| *other != run).collect();
        for other in others {
            let Some(live) = self.runs.get_mut(&other) else { continue };
            match live.stage {
                Stage::InLine | Stage::Waiting(Need::Group) => {
                    let end = self.end_as_tried(other).or_else(|| self.end(other, Outcome::Skipped, reason));
                    writes.ends.extend(end);
                }
                Stage::Ready { .. } => {
                    let closing = Sake::Newer.closing(true, "it had not left".to_owned());
                    self.give_up_on(now, other, closing, &mut writes.others);
                }
                Stage::TakenOn => drop(live.stopping.get_or_insert_with(|| Stopping::wanted(Sake::Newer))),
                Stage::InFlight | Stage::Polling => writes.others.extend(self.ask_to_stop(other, Sake::Newer)),
                Stage::Claimed | Stage::Waiting(_) | Stage::Beginning | Stage::Ending => {}
            }
        }
    }
}
