//! What an exchange means for the run: the table of outcomes.

use crate::{
    job::{ExpectedStatus, GATEWAY_STATUSES},
    run::{Outcome, Reason},
};

/// An outcome and why; no reason when it succeeded.
pub(super) type Verdict = (Outcome, Option<Reason>);

/// Judges a complete answer to attempt number `attempt`.
///
/// What may come from something in between that gave up while the app works on tells nothing.
pub(super) fn of_status(status: u16, expect: &[ExpectedStatus], attempt: u32) -> Verdict {
    if expect.iter().any(|expected| expected.covers(status)) {
        return (Outcome::Succeeded, None);
    }
    match status {
        // On a later attempt the one at work is most likely an earlier attempt of this same run.
        409 if attempt > 1 => (Outcome::Unknown, Some(Reason::Busy)),
        409 => (Outcome::Skipped, Some(Reason::Busy)),
        401 | 403 => (Outcome::Failed, Some(Reason::Credential)),
        status if GATEWAY_STATUSES.contains(&status) => (Outcome::Unknown, Some(Reason::UnknownStatus)),
        _ => (Outcome::Failed, Some(Reason::Status)),
    }
}
