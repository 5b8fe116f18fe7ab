//! What befalls the sidecar.

use chrono::TimeDelta;
use sexton::scheduler::decisions::Event;

use super::Stage;
use crate::{
    simulation::scenario::{CrashPoint, Fate},
    support::world::secs,
};

impl Stage {
    pub(super) async fn befall(&mut self, fate: Fate) {
        self.told.push(format!("{} (wall {}): {fate}", self.now, self.wall()));
        let thaws_at = self.sidecar.as_ref().map(|sidecar| sidecar.frozen_until).filter(|until| *until > self.now);
        match fate {
            // A process that stands still hears of it when it goes on.
            Fate::Stop(_) | Fate::Edit(_) if thaws_at.is_some() => {
                self.fates.extend(thaws_at.map(|at| (at, fate)));
                self.fates.make_contiguous().sort_by_key(|(at, _)| *at);
            }
            Fate::Crash(CrashPoint::Now, downtime) => self.die(downtime),
            Fate::Crash(point, downtime) => self.armed = self.sidecar.as_ref().map(|_| (point, downtime)),
            Fate::Stop(downtime) => self.stop(downtime).await,
            Fate::Outage(time) => {
                self.ledger_broken_until = Some(self.now + time);
                self.stalls(time + secs(4));
            }
            Fate::Freeze(time) => self.freeze(time),
            Fate::Step(by) => self.set_clock(by),
            Fate::Edit(definitions) => {
                self.file = *definitions;
                if self.sidecar.as_ref().is_some_and(|sidecar| sidecar.stopping.is_none()) {
                    self.reign();
                    self.decide(Event::Reload(Box::new(self.as_read())));
                    self.write().await;
                }
            }
            Fate::ByHand(deed) => self.does(deed).await,
        }
    }

    fn freeze(&mut self, time: TimeDelta) {
        let Some(sidecar) = &mut self.sidecar else { return };
        sidecar.frozen_until = sidecar.frozen_until.max(self.now + time);
        self.stalls(time + secs(4));
    }

    /// It may be late with everything for so long.
    fn stalls(&mut self, time: TimeDelta) {
        self.stalls.push((self.now, self.now + time));
        self.fall_ill(self.now, time);
    }
}
