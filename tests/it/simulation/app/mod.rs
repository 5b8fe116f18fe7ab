//! The simulated app: what it does with a request, and the log it keeps, which is the witness.
//!
//! `deed` is what it makes of a request, `work` what it took on and says of it, `stop` what it does when it is asked to stop.

mod deed;
pub(crate) mod stop;
mod work;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    dispatch::{Order, Report},
    run::{Outcome, Reason, RunId},
    scheduler::decisions::Event,
};

use self::{
    deed::{Deed, Wire},
    work::Ending,
};
use super::{
    check::{Call, Side, Unsent},
    dice::Dice,
};
use crate::support::world::{self, millis};

type Instant = DateTime<Utc>;

/// Where jobs are whose app takes their work on.
pub(crate) const JOBS: &str = "/jobs/";

/// What the sidecar comes to know, and when.
pub(crate) struct Word {
    pub(crate) at: Instant,
    pub(crate) event: Event,
}

#[derive(Debug, Default)]
pub(crate) struct App {
    pub(crate) log: Vec<Call>,
    /// What never reached it.
    pub(crate) unsent: Vec<Unsent>,
    /// How the work ends that it took on, by the number of the call.
    endings: HashMap<usize, Ending>,
}

impl App {
    /// A request leaves the sidecar at `now`, when the wall clock reads `wall`.
    pub(crate) fn take(&mut self, dice: &mut Dice, now: Instant, wall: Instant, order: &Order) -> Word {
        match dice.below(100) {
            0..4 => return self.unsent(now, order, Reason::Connect),
            4 => return self.unsent(now, order, Reason::Panic),
            _ => {}
        }
        let given_up = now + span(order.job.timeout);
        let received = now + dice.span(millis(1), millis(20));
        let Deed { work, wire, ending } = Deed::of(dice, &order.job);
        let (answer, closed, closed_by) = match wire {
            Wire::Status(status, after) if received + after < given_up => {
                (Some((received + after, status)), received + after, Side::App)
            }
            Wire::Breaks(after) if received + after < given_up => (None, received + after, Side::App),
            _ => (None, given_up, Side::Client),
        };
        let mut report = report(order, wall, answer, closed - now, closed_by);
        let mut looks = None;
        if let Some(ending) = ending.filter(|_| answer.is_some()) {
            self.endings.insert(self.log.len(), ending);
            // Seldom it forgets to say where it can be asked.
            looks = dice.chance(96).then(Vec::new);
            work::hand_over(dice, order, (wall, wall + (closed - now)), looks.is_some(), &mut report);
        }
        self.log.push(Call {
            job: order.job.name.clone(),
            run: order.run,
            scheduled_for: order.scheduled_for,
            attempt: order.attempt,
            fence: order.fence,
            trigger: order.trigger,
            received,
            finished: work.map(|work| received + work),
            answer,
            closed,
            closed_by,
            looks,
            stops: Vec::new(),
        });
        Word { at: closed, event: Event::AttemptEnded(order.run, Some(report)) }
    }

    fn unsent(&mut self, now: Instant, order: &Order, reason: Reason) -> Word {
        let (run, attempt, at) = (order.run, order.attempt, now + millis(1));
        self.unsent.push(Unsent { run, attempt, at, reason });
        let report = Report { sent_at: None, ..world::report(Outcome::Failed, Some(reason), now) };
        Word { at, event: Event::AttemptEnded(run, Some(report).filter(|_| reason != Reason::Panic)) }
    }

    /// Whether it took up a run's requests, and has ended its work on each.
    pub(crate) fn is_done_with(&self, run: RunId, now: Instant) -> bool {
        let mut calls = self.log.iter().filter(|call| call.run == run).peekable();
        calls.peek().is_some() && calls.all(|call| call.finished.is_some_and(|finished| finished < now))
    }

    /// The sidecar dies: its connections break, and the app works on.
    pub(crate) fn client_gone(&mut self, now: Instant) {
        for call in &mut self.log {
            if call.closed > now {
                hang_up(call, now, Side::Death);
            }
            call.looks.iter_mut().flatten().filter(|look| look.at > now).for_each(|look| {
                (look.at, look.heard) = (now, false);
            });
            call.stops.iter_mut().filter(|stop| stop.at > now).for_each(|stop| {
                (stop.heard, stop.confirmed) = (false, false);
            });
        }
    }

    /// The sidecar does not listen to any open request any longer.
    pub(crate) fn given_up(&mut self, now: Instant) {
        let open = self.log.iter_mut().filter(|call| call.closed > now);
        open.for_each(|call| hang_up(call, now, Side::Client));
    }

    /// The sidecar does not listen to a run's request any longer.
    pub(crate) fn aborted(&mut self, run: RunId, now: Instant) {
        let open = self.log.iter_mut().filter(|call| call.run == run && call.closed > now);
        open.for_each(|call| hang_up(call, now, Side::Client));
    }

    fn number_of(&self, run: RunId, attempt: u32) -> Option<usize> {
        self.log.iter().rposition(|call| call.run == run && call.attempt == attempt)
    }
}

fn hang_up(call: &mut Call, now: Instant, by: Side) {
    (call.closed, call.closed_by) = (now, by);
    call.answer = call.answer.filter(|(at, _)| *at <= now);
}

/// As the dispatcher judges it.
fn report(order: &Order, wall: Instant, answer: Option<(Instant, u16)>, took: TimeDelta, closed_by: Side) -> Report {
    let status = answer.map(|(_, status)| status);
    let (outcome, reason) = match status {
        None if closed_by == Side::Client => (Outcome::Unknown, Some(Reason::Timeout)),
        None => (Outcome::Unknown, Some(Reason::Broken)),
        Some(200..300) => (Outcome::Succeeded, None),
        Some(409) if order.attempt == 1 => (Outcome::Skipped, Some(Reason::Busy)),
        Some(409) => (Outcome::Unknown, Some(Reason::Busy)),
        Some(408 | 502 | 504) => (Outcome::Unknown, Some(Reason::UnknownStatus)),
        Some(_) => (Outcome::Failed, Some(Reason::Status)),
    };
    let duration = took.to_std().unwrap_or_default();
    Report { status, duration, ..world::report(outcome, reason, wall) }
}

fn span(duration: std::time::Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap()
}
