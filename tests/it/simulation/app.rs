//! The simulated app: what it does with a request, and the log it keeps, which is the witness.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    dispatch::{Order, Report},
    run::{Outcome, Reason, RunId},
};

use super::{check::Call, dice::Dice};
use crate::support::world::{self, millis, secs};

type Instant = DateTime<Utc>;

/// What the sidecar's client comes to know of a request, and when. A panic of the client's code has no report.
pub(crate) struct Word {
    pub(crate) at: Instant,
    pub(crate) report: Option<Report>,
}

#[derive(Debug, Default)]
pub(crate) struct App {
    pub(crate) log: Vec<Call>,
}

/// What comes back over the wire, after how long.
enum Wire {
    Status(u16, TimeDelta),
    /// The connection breaks.
    Breaks(TimeDelta),
    /// Nothing.
    Silence,
}

impl App {
    /// A request leaves the sidecar at `now`, when the wall clock reads `wall`.
    pub(crate) fn take(&mut self, dice: &mut Dice, now: Instant, wall: Instant, order: &Order) -> Word {
        match dice.below(100) {
            0..4 => return unsent(now, Some(Reason::Connect)),
            4 => return unsent(now, None),
            _ => {}
        }
        let (timeout, hold) = (span(order.job.timeout), span(order.job.hold));
        let received = now + dice.span(millis(1), millis(20));
        let (work, wire) = deed(dice, timeout, hold);
        let given_up = now + timeout;
        let (answer, closed) = match wire {
            Wire::Status(status, after) if received + after < given_up => {
                (Some((received + after, status)), received + after)
            }
            Wire::Breaks(after) if received + after < given_up => (None, received + after),
            _ => (None, given_up),
        };
        let word = Word { at: closed, report: Some(report(order, wall, answer, closed - now, closed == given_up)) };
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
            cut_off: false,
        });
        word
    }

    /// Whether it took up a run's requests, and has ended its work on each.
    pub(crate) fn is_done_with(&self, run: RunId, now: Instant) -> bool {
        let mut calls = self.log.iter().filter(|call| call.run == run).peekable();
        calls.peek().is_some() && calls.all(|call| call.finished.is_some_and(|finished| finished < now))
    }

    /// The sidecar dies: its connections break, and the app works on.
    pub(crate) fn client_gone(&mut self, now: Instant) {
        for call in self.log.iter_mut().filter(|call| call.closed > now) {
            (call.closed, call.cut_off) = (now, true);
            call.answer = call.answer.filter(|(at, _)| *at <= now);
        }
    }
}

/// How long the app works, `None` without end, and what it says.
fn deed(dice: &mut Dice, timeout: TimeDelta, hold: TimeDelta) -> (Option<TimeDelta>, Wire) {
    let quick = dice.span(millis(2), millis(900)).min(timeout / 2);
    let long = dice.span(timeout, timeout + hold - millis(50));
    match dice.below(100) {
        0..40 => (Some(quick), Wire::Status(200, quick)),
        40..55 => {
            let slow = dice.span(millis(1), timeout);
            (Some(slow), Wire::Status(204, slow))
        }
        // Given up by the client, and done within the hold.
        55..70 => (Some(long), Wire::Silence),
        70..73 => (Some(timeout + hold + dice.span(secs(1), secs(3_600))), Wire::Silence),
        73 => (None, Wire::Silence),
        74..82 => (Some(quick), Wire::Status(dice.pick(&[500, 503, 422, 404, 302]), quick)),
        // Something in between gives up; the app works on.
        82..88 => {
            (Some(quick + dice.span(millis(1), hold - millis(50))), Wire::Status(dice.pick(&[502, 504, 408]), quick))
        }
        88..92 => (Some(millis(1)), Wire::Status(409, millis(2))),
        92..96 => (Some(quick), Wire::Breaks(quick)),
        _ => (Some(quick + dice.span(millis(1), hold - millis(50))), Wire::Breaks(quick)),
    }
}

fn unsent(now: Instant, reason: Option<Reason>) -> Word {
    let report = reason.map(|reason| Report { sent_at: None, ..world::report(Outcome::Failed, Some(reason), now) });
    Word { at: now + millis(1), report }
}

/// As the dispatcher judges it.
fn report(order: &Order, wall: Instant, answer: Option<(Instant, u16)>, took: TimeDelta, timed_out: bool) -> Report {
    let status = answer.map(|(_, status)| status);
    let (outcome, reason) = match status {
        None if timed_out => (Outcome::Unknown, Some(Reason::Timeout)),
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
