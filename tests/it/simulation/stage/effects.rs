//! What the decisions want done.

use sexton::{
    dispatch::Report,
    run::{Outcome, Reason, RunId},
    scheduler::decisions::{Effect, Event, Notice},
};

use super::{Instant, Stage};
use crate::{
    simulation::{app::Word, app::stop::Stopped, scenario::CrashPoint},
    support::world::{self, millis},
};

impl Stage {
    pub(super) fn decide(&mut self, event: Event) {
        let wall = self.wall();
        let Some(sidecar) = &mut self.sidecar else { return };
        let effects = sidecar.decisions.on(wall, event);
        self.perform(effects);
    }

    pub(super) fn perform(&mut self, effects: Vec<Effect>) {
        let wall = self.wall();
        for effect in effects {
            let Some(sidecar) = &mut self.sidecar else { return };
            match effect {
                Effect::Write(write) => sidecar.to_write.push_back(Some(write)),
                Effect::Resume => sidecar.to_write.push_back(None),
                Effect::Send(order) => {
                    sidecar.will_hear(self.app.take(&mut self.dice, self.now, wall, &order));
                    if let Some((_, downtime)) = self.armed.take_if(|(point, _)| *point == CrashPoint::AfterSend) {
                        self.now += millis(30);
                        return self.die(downtime);
                    }
                }
                Effect::Poll(inquiry, work) => {
                    sidecar.will_hear(self.app.look(&mut self.dice, self.now, wall, &inquiry, &work));
                }
                Effect::Cancel(inquiry, _) => {
                    let run = inquiry.run;
                    let Stopped { at, answer, ends_with } =
                        self.app.stop(&mut self.dice, self.now, (run, inquiry.attempt));
                    sidecar.will_hear(Word { at, event: Event::Cancelled(run, answer) });
                    self.is_answered_as_stopped(run, wall, ends_with);
                }
                Effect::Abort(run) => {
                    sidecar.will_not_hear_the_answer(run);
                    self.app.aborted(run, self.now);
                }
                Effect::Notice(Notice::Moved { job, to })
                    if self.ledger_broken_until.is_none() && !self.was_set_back =>
                {
                    panic!(
                        "at {} it believes that another moved the cursor of {job} to {to:?}: {:#?}",
                        self.now, self.told
                    )
                }
                Effect::Answer(ticket, answer) => self.people.hear(ticket, &answer),
                Effect::Notice(_) => {}
            }
        }
    }

    /// The app ends a request before its time, because it was asked to.
    fn is_answered_as_stopped(&mut self, run: RunId, wall: Instant, ends_with: Option<(Instant, u16)>) {
        let (Some(sidecar), Some((at, status))) = (&mut self.sidecar, ends_with) else { return };
        let report = world::report(Outcome::Failed, Some(Reason::Status), wall);
        let report = Report { status: Some(status), ..report };
        sidecar.will_not_hear_the_answer(run);
        sidecar.will_hear(Word { at, event: Event::AttemptEnded(run, Some(report)) });
    }
}
