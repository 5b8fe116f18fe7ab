//! How a process of the sidecar begins and ends.

use chrono::TimeDelta;
use sexton::{
    entropy::Entropy,
    scheduler::decisions::{Decisions, Event, Inherited},
    store,
};

use super::{
    Stage,
    sidecar::{PULSE, Sidecar, Stopping},
};
use crate::{
    simulation::{dice, scenario::QUIET},
    support::world::{millis, secs},
};

impl Stage {
    pub(super) async fn start(&mut self) {
        let wall = self.wall();
        let inherited = Inherited::read(self.store.as_ref(), wall).await.unwrap();
        self.born = self.now;
        self.reign();
        let (decisions, effects) = Decisions::start(wall, self.as_read(), inherited, Entropy::Told(dice::fill));
        let next_pulse = self.now + self.dice.span(TimeDelta::zero(), PULSE);
        self.sidecar = Some(Sidecar::new(decisions, self.now, next_pulse));
        self.perform(effects);
        self.write().await;
    }

    pub(super) async fn come_back(&mut self) {
        self.back_at = None;
        self.ledger_broken_until = None;
        self.store.close().await;
        self.store = store::open(&self.address, self.wall()).await.unwrap().store;
        self.start().await;
    }

    pub(super) async fn stop(&mut self, downtime: TimeDelta) {
        let Some(sidecar) = self.sidecar.as_mut().filter(|sidecar| sidecar.stopping.is_none()) else { return };
        let grace_over_at = self.now + TimeDelta::from_std(self.file.settings.shutdown_grace).unwrap();
        sidecar.stopping = Some(Stopping { since: self.now, grace_over_at, last_writes_by: None, downtime });
        self.decide(Event::Stop);
        self.write().await;
        self.leave_if_drained();
    }

    pub(super) fn leave_if_drained(&mut self) {
        if let Some(sidecar) = &self.sidecar
            && let Some(Stopping { downtime, .. }) = sidecar.stopping
            && sidecar.is_drained()
        {
            self.die(downtime);
        }
    }

    pub(super) fn die(&mut self, downtime: TimeDelta) {
        let Some(sidecar) = self.sidecar.take() else { return };
        self.told.push(format!("{} (wall {}): dies for {}", self.now, self.wall(), downtime));
        self.deaths.push(self.now);
        let since = sidecar.stopping.map_or(self.now, |stopping| stopping.since);
        // The story ends well.
        let downtime = downtime.min(self.end - QUIET - self.now).max(millis(50));
        self.armed = None;
        self.app.client_gone(self.now);
        self.back_at = Some(self.now + downtime);
        self.fall_ill(since, downtime + secs(5));
    }
}
