//! A ledger that is told another reason than what happened.

use sexton::{
    run::{Outcome, Reason},
    scheduler::decisions::Write,
};

use super::{Between, is_caught};
use crate::simulation::check::Rule;

type End = (Outcome, Reason);

/// `told`: what stands in place of a run's end.
fn tells(told: fn(End) -> End) -> impl Fn(Write) -> Write {
    move |mut write: Write| {
        match &mut write {
            Write::Finish(batch) => {
                for finish in batch {
                    let Some(reason) = finish.reason else { continue };
                    let (outcome, reason) = told((finish.outcome, reason));
                    (finish.outcome, finish.reason) = (outcome, Some(reason));
                }
            }
            Write::End(batch) => {
                batch.iter_mut().for_each(|end| (end.outcome, end.reason) = told((end.outcome, end.reason)));
            }
            _ => {}
        }
        write
    }
}

macro_rules! caught {
    ($($name:ident: $from:pat => $to:expr,)+) => {
        $(#[test]
        fn $name() {
            let lie = |write| Ok(tells(|end| match end { $from => $to, other => other })(write));
            is_caught(Between::lie(lie), &[Rule::Dishonest]);
        })+
    };
}

caught! {
    a_timeout_that_is_called_a_crash_is_caught:
        (Outcome::Unknown, Reason::Timeout) => (Outcome::Unknown, Reason::Crash),
    a_timeout_that_is_called_a_shutdown_is_caught:
        (Outcome::Unknown, Reason::Timeout) => (Outcome::Unknown, Reason::Shutdown),
    a_crash_that_is_called_a_shutdown_is_caught:
        (Outcome::Unknown, Reason::Crash) => (Outcome::Unknown, Reason::Shutdown),
    a_connection_that_is_called_a_panic_is_caught:
        (Outcome::Failed, Reason::Connect) => (Outcome::Failed, Reason::Panic),
    a_connection_that_is_called_a_credential_is_caught:
        (Outcome::Failed, Reason::Connect) => (Outcome::Failed, Reason::Credential),
    work_that_is_missing_and_called_a_panic_is_caught:
        (Outcome::Unknown, Reason::UnknownStatus) => (Outcome::Unknown, Reason::Panic),
    a_run_in_the_way_that_is_called_a_full_line_is_caught:
        (Outcome::Skipped, Reason::Running) => (Outcome::Skipped, Reason::QueueFull),
    a_run_that_was_given_up_and_is_called_open_is_caught:
        (Outcome::Skipped, Reason::PossiblyRunning) => (Outcome::Skipped, Reason::Running),
}
