//! The two clocks, what was in force when, and when the sidecar was not at its best.

use chrono::TimeDelta;
use sexton::{job::Definitions, scheduler::decisions::STEP, ticker::LEAD};

use super::{Instant, Stage};
use crate::{
    simulation::check::{Kind, Reign, Trouble},
    support::world::{millis, secs},
};

impl Stage {
    pub(super) fn wall(&self) -> Instant {
        self.clock.wall(self.now)
    }

    /// When the wall clock will read `wall`, if nobody sets it.
    pub(super) fn when(&self, wall: Instant) -> Instant {
        wall - (self.wall() - self.now)
    }

    /// What the sidecar makes of the file.
    pub(super) fn as_read(&self) -> Definitions {
        let mut definitions = self.file.clone();
        (self.between.misread)(&mut definitions);
        definitions
    }

    pub(super) fn reign(&mut self) {
        self.reigns.push(Reign { since: self.now, definitions: self.file.clone(), took: false });
        let wall = self.wall();
        self.troubles.push(Trouble { from: wall - secs(1), to: wall + LEAD + secs(2), kind: Kind::Edit });
    }

    pub(super) fn set_clock(&mut self, by: TimeDelta) {
        // Nothing else happens at that moment.
        self.now += millis(1);
        let before = self.wall();
        let looks_again = self.ill.map_or(self.now, |(_, over)| over.max(self.now));
        self.clock.set(self.now, by, self.clock.wall(self.well_until()), looks_again);
        let after = self.wall();
        self.was_set_back |= after < before;
        let (from, to) = (before.min(after) - secs(3), before.max(after) + secs(5));
        self.troubles.push(Trouble { from, to, kind: if before < after { Kind::Ahead } else { Kind::Back } });
        if let Some((_, over)) = self.ill.filter(|(_, over)| *over > self.now) {
            self.troubles.push(Trouble { from: after, to: self.clock.wall(over), kind: Kind::Ill });
        }
        if let Some(sidecar) = self.sidecar.as_mut().filter(|_| by.abs() > STEP) {
            sidecar.notices_step_at = Some(self.now + self.dice.span(TimeDelta::zero(), secs(1)));
        }
    }

    /// Up to when everything that was due was taken up.
    fn well_until(&self) -> Instant {
        let stopped = self.sidecar.as_ref().and_then(|sidecar| sidecar.stopping).map(|stopping| stopping.since);
        let ill = self.ill.filter(|(_, over)| *over > self.now).map(|(began, _)| began);
        [stopped, ill].into_iter().flatten().fold(self.now, Instant::min)
    }

    /// From `since` until `time` from now the sidecar is not at its best.
    pub(super) fn fall_ill(&mut self, since: Instant, time: TimeDelta) {
        let over = self.now + time;
        self.ill = match self.ill {
            Some((began, until)) if until >= self.now => Some((began.min(since), over.max(until))),
            _ => Some((since, over)),
        };
        let (from, to) = (self.clock.wall(since) - secs(3), self.wall() + time);
        self.troubles.push(Trouble { from, to, kind: Kind::Ill });
    }
}
