//! The one function that changes what a run is: every state against every change.

use sexton::run::{
    Change::{self, End, Poll, Queue, Retry, Send, Settle},
    IllegalChange, Outcome,
    Outcome::{Cancelled, Failed, Missed, Skipped, Succeeded, Unknown},
    State::{self, Claimed, Ended, Polling, Queued, RetryWait, Sending},
    transition,
};

/// Everything that may happen, written out. What is not here must not.
const ALLOWED: [(State, Change, State); 29] = [
    (Claimed, Queue, Queued),
    (Claimed, Send, Sending),
    (Queued, Send, Sending),
    (RetryWait, Send, Sending),
    (Sending, Poll, Polling),
    (Sending, Retry, RetryWait),
    (Polling, Retry, RetryWait),
    (Claimed, End(Skipped), Ended(Skipped)),
    (Claimed, End(Missed), Ended(Missed)),
    (Claimed, End(Cancelled), Ended(Cancelled)),
    (Claimed, End(Failed), Ended(Failed)),
    (Queued, End(Skipped), Ended(Skipped)),
    (Queued, End(Missed), Ended(Missed)),
    (Queued, End(Cancelled), Ended(Cancelled)),
    (Queued, End(Failed), Ended(Failed)),
    (Sending, End(Succeeded), Ended(Succeeded)),
    (Sending, End(Failed), Ended(Failed)),
    (Sending, End(Unknown), Ended(Unknown)),
    (Sending, End(Skipped), Ended(Skipped)),
    (Sending, End(Cancelled), Ended(Cancelled)),
    (Polling, End(Succeeded), Ended(Succeeded)),
    (Polling, End(Failed), Ended(Failed)),
    (Polling, End(Unknown), Ended(Unknown)),
    (Polling, End(Cancelled), Ended(Cancelled)),
    (RetryWait, End(Failed), Ended(Failed)),
    (RetryWait, End(Unknown), Ended(Unknown)),
    (RetryWait, End(Cancelled), Ended(Cancelled)),
    (Ended(Unknown), Settle(Succeeded), Ended(Unknown)),
    (Ended(Unknown), Settle(Failed), Ended(Unknown)),
];

fn states() -> Vec<State> {
    let ended = Outcome::ALL.iter().map(|outcome| Ended(*outcome));
    State::OPEN.into_iter().chain(ended).collect()
}

fn changes() -> Vec<Change> {
    let outcomes = || Outcome::ALL.iter().copied();
    [Queue, Send, Poll, Retry].into_iter().chain(outcomes().map(End)).chain(outcomes().map(Settle)).collect()
}

#[test]
fn every_state_and_every_change() {
    let pairs: Vec<_> = states().into_iter().flat_map(|from| changes().into_iter().map(move |to| (from, to))).collect();
    assert_eq!(pairs.len(), 11 * 16);
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

/// Guarantee G3: what may have reached the app is never called missed, nor skipped unless the app says so itself.
#[test]
fn what_was_sent_cannot_be_undone() {
    for (state, outcome) in
        [(Sending, Missed), (Polling, Missed), (Polling, Skipped), (RetryWait, Missed), (RetryWait, Skipped)]
    {
        assert!(transition(state, End(outcome)).is_err(), "{state} to {outcome}");
    }
    for outcome in [Succeeded, Unknown] {
        for state in [Claimed, Queued] {
            assert!(transition(state, End(outcome)).is_err(), "nothing was sent that could be {outcome}");
        }
    }
}

/// Seed B11: no state comes back once it was left, but by way of another attempt.
#[test]
fn b11_only_another_attempt_leads_back() {
    let reached = |from: State| changes().into_iter().filter_map(move |change| transition(from, change).ok());
    for from in [Claimed, Queued] {
        let mut seen: Vec<State> = reached(from).collect();
        let mut next = 0;
        while let Some(state) = seen.get(next).copied() {
            seen.extend(reached(state).filter(|state| !seen.contains(state)).collect::<Vec<_>>());
            next += 1;
        }
        assert!(!seen.contains(&from), "{from}");
    }
}

#[test]
fn an_illegal_change_says_what_was_tried() {
    let error = transition(Ended(Succeeded), Send).unwrap_err().to_string();
    assert_eq!(error, "a run in state succeeded cannot change by Send");
}
