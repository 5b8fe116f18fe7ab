//! The one function that changes what a run is: every state against every change.

use sexton::run::{
    Change::{self, End, Send, Settle},
    IllegalChange, Outcome,
    Outcome::{Cancelled, Failed, Missed, Skipped, Succeeded, Unknown},
    State::{self, Claimed, Ended, Sending},
    transition,
};

/// Everything that may happen, written out. What is not here must not.
const ALLOWED: [(State, Change, State); 11] = [
    (Claimed, Send, Sending),
    (Claimed, End(Skipped), Ended(Skipped)),
    (Claimed, End(Missed), Ended(Missed)),
    (Claimed, End(Cancelled), Ended(Cancelled)),
    (Claimed, End(Failed), Ended(Failed)),
    (Sending, End(Succeeded), Ended(Succeeded)),
    (Sending, End(Failed), Ended(Failed)),
    (Sending, End(Unknown), Ended(Unknown)),
    (Sending, End(Skipped), Ended(Skipped)),
    (Ended(Unknown), Settle(Succeeded), Ended(Unknown)),
    (Ended(Unknown), Settle(Failed), Ended(Unknown)),
];

fn states() -> Vec<State> {
    let ended = Outcome::ALL.iter().map(|outcome| Ended(*outcome));
    [Claimed, Sending].into_iter().chain(ended).collect()
}

fn changes() -> Vec<Change> {
    let outcomes = || Outcome::ALL.iter().copied();
    [Send].into_iter().chain(outcomes().map(End)).chain(outcomes().map(Settle)).collect()
}

#[test]
fn every_state_and_every_change() {
    let pairs: Vec<_> = states().into_iter().flat_map(|from| changes().into_iter().map(move |to| (from, to))).collect();
    assert_eq!(pairs.len(), 8 * 13);
    for (from, change) in pairs {
        let allowed = ALLOWED.iter().find(|(state, by, _)| (*state, *by) == (from, change)).map(|(.., to)| *to);
        assert_eq!(transition(from, change), allowed.ok_or(IllegalChange { from, change }), "{from:?} by {change:?}");
    }
}

/// Guarantee G1: an outcome is final; only unknown can be settled, and even that stays what it was.
#[test]
fn nothing_leads_out_of_an_outcome() {
    for outcome in Outcome::ALL {
        for change in changes() {
            if let Ok(to) = transition(Ended(*outcome), change) {
                assert_eq!((*outcome, to), (Unknown, Ended(Unknown)), "{change:?}");
            }
        }
    }
}

/// Guarantee G3: what may have reached the app is never called cancelled or missed.
#[test]
fn what_was_sent_cannot_be_undone() {
    for outcome in [Missed, Cancelled] {
        assert!(transition(Sending, End(outcome)).is_err());
    }
    for outcome in [Succeeded, Unknown] {
        assert!(transition(Claimed, End(outcome)).is_err(), "nothing was sent that could be {outcome}");
    }
}

#[test]
fn an_illegal_change_says_what_was_tried() {
    let error = transition(Ended(Succeeded), Send).unwrap_err().to_string();
    assert_eq!(error, "a run in state succeeded cannot change by Send");
}
