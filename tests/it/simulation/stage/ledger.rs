//! What the decisions have written, and what the ledger says to it.

use chrono::{DateTime, Utc};
use sexton::{
    scheduler::decisions::{Event, Operation, Stored, Write},
    store::RunStore,
};

use super::Stage;
use crate::{
    simulation::{mutants::Between, scenario::CrashPoint},
    support::world::millis,
};

impl Stage {
    /// The ledger takes one write after the other, those of a kind that wait together.
    pub(super) async fn write(&mut self) {
        let wall = self.wall();
        let Some(sidecar) = &mut self.sidecar else { return };
        if sidecar.answer.is_some() {
            return;
        }
        let Some(write) = sidecar.next_write() else { return };
        if let Some((_, downtime)) = self.armed.take_if(|(point, _)| *point == CrashPoint::BeforeWrite) {
            return self.die(downtime);
        }
        let takes = match self.dice.below(100) {
            0..85 => self.dice.span(millis(1), millis(4)),
            85..99 => self.dice.span(millis(4), millis(60)),
            _ => self.dice.span(millis(60), millis(900)),
        };
        let event = if sidecar.is_refusing || self.ledger_broken_until.is_some_and(|until| until > self.now) {
            sidecar.is_refusing |= write.is_kept();
            Event::StoreFailed(write)
        } else {
            match &write {
                Write::Operate(Operation::Pause(pause, _)) => self.people.deeds.note(pause),
                Write::Anchor(_) => self.reigns.iter_mut().for_each(|reign| reign.took |= reign.since >= self.born),
                _ => {}
            }
            Event::Stored(carry_out(self.store.as_ref(), wall, write, self.between).await)
        };
        sidecar.answer = Some((self.now + takes, event));
        if let Some((_, downtime)) = self.armed.take_if(|(point, _)| *point == CrashPoint::AfterWrite) {
            self.die(downtime);
        }
    }
}

/// The scheduler takes the ledger at its word for what it meant to have written.
async fn carry_out(store: &dyn RunStore, wall: DateTime<Utc>, write: Write, between: Between) -> Stored {
    let meant = write.clone();
    let mut stored = match (between.lie)(write) {
        Ok(write) => write.carry_out(store, wall).await.unwrap(),
        Err(instead) => instead,
    };
    match (meant, &mut stored) {
        (Write::Account(meant), Stored::Accounted(batch, _)) => *batch = meant,
        (Write::Begin(meant), Stored::Begun(batch, _)) => *batch = meant,
        (Write::Follow(meant), Stored::Followed(batch, _)) => *batch = meant,
        (Write::Finish(meant), Stored::Finished(batch, _)) => *batch = meant,
        (Write::Operate(meant), Stored::Operated(operation, _)) => *operation = meant,
        _ => {}
    }
    (between.echo)(&mut stored);
    stored
}
