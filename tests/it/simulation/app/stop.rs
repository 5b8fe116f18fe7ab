//! What the app does when it is asked to stop: it does, or says so and does not, or says that it does not.

use chrono::TimeDelta;
use sexton::{dispatch::Cancelled, run::RunId};

use super::{App, Instant, Side, work::Ending};
use crate::{
    simulation::{check::Stop, dice::Dice},
    support::world::{millis, secs},
};

/// What came of asking the app to stop.
pub(crate) struct Stopped {
    /// When the answer is there.
    pub(crate) at: Instant,
    /// What it is; without one, the code that asks panicked.
    pub(crate) answer: Option<Cancelled>,
    /// When and with which status the open request is answered now, if that changed.
    pub(crate) ends_with: Option<(Instant, u16)>,
}

impl App {
    pub(crate) fn stop(&mut self, dice: &mut Dice, now: Instant, (run, attempt): (RunId, u32)) -> Stopped {
        let at = now + dice.span(millis(2), millis(400));
        let Some(number) = self.number_of(run, attempt) else {
            // It never came, or comes later.
            return Stopped { at, answer: Some(Cancelled::Confirmed { status: 404 }), ends_with: None };
        };
        let mut ends_with = None;
        let refused = |words: &str| Some(Cancelled::NotConfirmed { words: words.to_owned() });
        let (takes, answer) = match dice.below(100) {
            0..45 => {
                let status = if self.ends(number, at) { 204 } else { 404 };
                ends_with = self.answers_as_stopped(dice, number, at);
                (TimeDelta::zero(), Some(Cancelled::Confirmed { status }))
            }
            // It lies, and works on.
            45..65 => (TimeDelta::zero(), Some(Cancelled::Confirmed { status: 200 })),
            65..72 => (TimeDelta::zero(), Some(Cancelled::Confirmed { status: 404 })),
            72..90 => (TimeDelta::zero(), refused("the app answered 409")),
            90..97 => (secs(30), refused("no answer within 30s")),
            _ => (TimeDelta::zero(), None),
        };
        let (at, confirmed) = (at + takes, matches!(answer, Some(Cancelled::Confirmed { .. })));
        self.log[number].stops.push(Stop { asked: now, at, heard: true, confirmed });
        Stopped { at, answer, ends_with }
    }

    /// Ends its work, if it is at it.
    fn ends(&mut self, number: usize, at: Instant) -> bool {
        let is_at_it = self.log[number].finished.is_none_or(|finished| at < finished);
        if is_at_it {
            self.log[number].finished = Some(at);
            self.endings.entry(number).and_modify(|ending| *ending = Ending::Failed);
        }
        is_at_it
    }

    fn answers_as_stopped(&mut self, dice: &mut Dice, number: usize, at: Instant) -> Option<(Instant, u16)> {
        let call = &mut self.log[number];
        let answered = at + dice.span(millis(1), millis(900));
        if answered >= call.closed {
            return None;
        }
        (call.answer, call.closed, call.closed_by) = (Some((answered, 500)), answered, Side::App);
        call.answer
    }
}
