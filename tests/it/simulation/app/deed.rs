//! What the app makes of a request.

use chrono::TimeDelta;
use sexton::job::Job;

use super::{JOBS, span, work::Ending};
use crate::{
    simulation::dice::Dice,
    support::world::{millis, secs},
};

/// How long the app works, `None` without end, and what it says.
pub(super) struct Deed {
    pub(super) work: Option<TimeDelta>,
    pub(super) wire: Wire,
    /// It takes the work on with a 202, and this is what becomes of it.
    pub(super) ending: Option<Ending>,
}

/// What comes back over the wire, after how long.
pub(super) enum Wire {
    Status(u16, TimeDelta),
    /// The connection breaks.
    Breaks(TimeDelta),
    /// Nothing.
    Silence,
}

impl Deed {
    pub(super) fn of(dice: &mut Dice, job: &Job) -> Self {
        let (timeout, hold) = (span(job.timeout), span(job.hold));
        if job.path.starts_with(JOBS) && dice.chance(80) {
            let followed_for = job.completion.poll().map_or(secs(60), |poll| span(poll.timeout));
            return Self::takes_on(dice, timeout, followed_for, hold);
        }
        let (work, wire) = answers(dice, timeout, hold);
        Self { work, wire, ending: None }
    }

    fn takes_on(dice: &mut Dice, timeout: TimeDelta, followed_for: TimeDelta, hold: TimeDelta) -> Self {
        let after = dice.span(millis(2), millis(600)).min(timeout / 2);
        let within = dice.span(after, followed_for);
        let (work, ending) = match dice.below(100) {
            0..45 => (Some(within / 4), Ending::Done),
            45..60 => (Some(within), Ending::Done),
            60..70 => (Some(within), Ending::Failed),
            70..82 => (Some(followed_for + dice.span(millis(0), hold)), Ending::Done),
            82..84 => (Some(followed_for + hold + dice.span(secs(1), secs(3_600))), Ending::Done),
            84 => (None, Ending::Done),
            // It dies half way.
            85..94 => (Some(within), Ending::Forgotten),
            _ => (Some(within / 2), Ending::Gone),
        };
        Self { work, wire: Wire::Status(202, after), ending: Some(ending) }
    }
}

fn answers(dice: &mut Dice, timeout: TimeDelta, hold: TimeDelta) -> (Option<TimeDelta>, Wire) {
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
