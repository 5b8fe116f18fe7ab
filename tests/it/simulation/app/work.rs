//! Work that the app took on with a 202, and what it says when it is asked after it.

use std::time::Duration;

use sexton::{
    dispatch::{Inquiry, Order, Polled, Report},
    run::{Outcome, Reason, Work},
    scheduler::decisions::Event,
};

use super::{App, Instant, Word, span};
use crate::{
    simulation::{
        check::{Look, Said},
        dice::Dice,
    },
    support::world::{self, millis, secs},
};

/// What the app says of work once it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Done,
    Failed,
    /// It restarted, and knows nothing of it.
    Forgotten,
    /// It keeps no word of what is over.
    Gone,
}

/// Adds to the report of a 202, sent and answered at these instants of the wall clock, where the app can be asked; or that
/// it did not say so.
pub(super) fn hand_over(
    dice: &mut Dice,
    order: &Order,
    (sent, answered): (Instant, Instant),
    says_where: bool,
    report: &mut Report,
) {
    let Some(poll) = order.job.completion.poll() else { return };
    report.outcome = Outcome::Unknown;
    if !says_where {
        report.reason = Some(Reason::PollRefused);
        return;
    }
    report.retry_after = retry_after(dice);
    report.work = Some(Box::new(Work {
        attempt: order.attempt,
        fence: order.fence,
        target: order.job.target.name.clone(),
        path: format!("{}/{}", order.job.path, order.fence),
        cancel: order.job.cancel.clone(),
        interval: poll.interval,
        state: poll.state.clone(),
        success: poll.success.clone(),
        failure: poll.failure.clone(),
        progress: poll.progress.clone(),
        since: sent,
        until: answered + span(poll.timeout),
    }));
}

fn retry_after(dice: &mut Dice) -> Option<Duration> {
    dice.chance(10).then(|| Duration::from_secs(dice.below(90)))
}

impl App {
    /// The sidecar asks at `now`, when the wall clock reads `wall`, how far work is.
    pub(crate) fn look(
        &mut self,
        dice: &mut Dice,
        now: Instant,
        wall: Instant,
        inquiry: &Inquiry,
        work: &Work,
    ) -> Word {
        let number = self.number_of(inquiry.run, inquiry.attempt).expect("work came of a request");
        let asked = now + dice.span(millis(1), millis(20));
        let unclear = |words: &str| Polled::Unclear { words: words.to_owned(), retry_after: None };
        let (takes, said, polled) = match dice.below(200) {
            0..4 => (secs(30), Said::Nothing, Some(unclear("no complete answer within 30s"))),
            4..14 => (millis(3), Said::Nothing, Some(unclear("the answer is no JSON"))),
            14 => (millis(3), Said::Panicked, None),
            15..18 => (millis(3), Said::Unknown, Some(Polled::Missing(ended(Outcome::Unknown, 404, wall, work)))),
            _ => {
                let said = self.truth(number, asked);
                (millis(3), said, Some(self.judge(dice, number, asked, said, wall, work)))
            }
        };
        let at = asked + takes;
        self.log[number].looks.iter_mut().for_each(|looks| looks.push(Look { asked, at, said, heard: true }));
        Word { at, event: Event::Polled(inquiry.run, polled) }
    }

    /// What is to be said of work at an instant.
    fn truth(&self, number: usize, at: Instant) -> Said {
        if self.log[number].finished.is_none_or(|finished| at < finished) {
            return Said::AtIt;
        }
        match self.endings.get(&number) {
            Some(Ending::Done) | None => Said::Done,
            Some(Ending::Failed) => Said::Failed,
            Some(Ending::Forgotten) => Said::Unknown,
            Some(Ending::Gone) => Said::Gone,
        }
    }

    /// As the dispatcher judges it, by the states that the sidecar goes by.
    fn judge(&self, dice: &mut Dice, number: usize, at: Instant, said: Said, wall: Instant, work: &Work) -> Polled {
        let state = match said {
            Said::Done => "done",
            Said::Failed => "failed",
            Said::Unknown => return Polled::Missing(ended(Outcome::Unknown, 404, wall, work)),
            Said::Gone => return Polled::Over(ended(Outcome::Unknown, 410, wall, work)),
            Said::AtIt | Said::Nothing | Said::Panicked => "running",
        };
        let is_one_of = |states: &[String]| states.iter().any(|one| one == state);
        if is_one_of(&work.failure) {
            return Polled::Over(ended(Outcome::Failed, 200, wall, work));
        }
        if is_one_of(&work.success) {
            return Polled::Over(ended(Outcome::Succeeded, 200, wall, work));
        }
        let minutes = (at - self.log[number].received).num_minutes();
        Polled::Pending { progress: Some(format!("{minutes} minutes")), retry_after: retry_after(dice) }
    }
}

fn ended(outcome: Outcome, status: u16, wall: Instant, work: &Work) -> Report {
    let reason = match outcome {
        Outcome::Succeeded => None,
        Outcome::Failed => Some(Reason::Status),
        _ => Some(Reason::UnknownStatus),
    };
    let duration = (wall - work.since).to_std().unwrap_or_default();
    Report { status: Some(status), duration, ..world::report(outcome, reason, work.since) }
}
