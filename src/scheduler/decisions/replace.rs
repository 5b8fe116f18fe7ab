//! `overlap = "replace"`: the newest occurrence takes the place of the run that is at it, once the app has stopped that.

use super::{
    Decisions, Writes,
    live::{Need, Stage},
    stop::Sake,
};
use crate::run::{Outcome, Reason, RunId};

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
                    writes.asks.extend(self.ask_to_stop(other, Sake::Newer));
                }
                _ => {}
            }
        }
    }
}
