//! Attempts whose end nobody heard, or that never left.

use sexton::run::{Outcome, Reason};

use super::{Rule, Side, assert_good, assert_only, good, third_ends, unsent};
use crate::{
    simulation::check::History,
    support::{definitions::noon, world::secs},
};

/// The third request was open for so many seconds when the sidecar died, and the row says so after a restart.
fn cut_off(after: i64, reason: Reason) -> History {
    let mut history = good();
    third_ends(&mut history, Outcome::Unknown, reason);
    let call = &mut history.calls[2];
    let cut = call.received + secs(after);
    (call.answer, call.closed, call.closed_by) = (None, cut, Side::Death);
    history.rows[2].1[0].finished_at = Some(cut + secs(2));
    history.deaths.push(cut);
    history
}

#[test]
fn a_crash_is_the_death_of_a_process() {
    let mut history = cut_off(5, Reason::Crash);
    assert_good(&history);
    history.deaths.clear();
    assert_only(&history, Rule::Dishonest);
    // The one before, and the one after.
    for other in [100, 250] {
        history.deaths = vec![noon() + secs(other)];
        assert_only(&history, Rule::Dishonest);
    }
}

/// What was answered ten seconds before a crash is in the ledger, unless that took nothing.
#[test]
fn a_crash_does_not_make_an_answer_unheard() {
    let mut history = cut_off(20, Reason::Crash);
    let call = &mut history.calls[2];
    (call.closed, call.closed_by) = (call.received + secs(10), Side::Client);
    assert_only(&history, Rule::Dishonest);
    let third = noon() + secs(180);
    history.stalls.push((third + secs(8), third + secs(60)));
    assert_good(&history);
}

#[test]
fn a_shutdown_is_a_grace_that_is_over() {
    let mut history = cut_off(5, Reason::Shutdown);
    assert_only(&history, Rule::Dishonest);
    let third = noon() + secs(180);
    history.graces.push(third + secs(5));
    history.deaths = vec![third + secs(8)];
    assert_good(&history);
    // It says so itself, before it dies.
    history.deaths = vec![third + secs(6)];
    assert_only(&history, Rule::Dishonest);
}

/// What never left is told as that, and nothing else is.
#[test]
fn what_never_left_is_told() {
    for (outcome, told, was, is_good) in [
        (Outcome::Failed, Reason::Connect, Some(Reason::Connect), true),
        (Outcome::Failed, Reason::Panic, Some(Reason::Panic), true),
        (Outcome::Failed, Reason::Panic, Some(Reason::Connect), false),
        (Outcome::Failed, Reason::Credential, Some(Reason::Connect), false),
        (Outcome::Failed, Reason::Connect, None, false),
    ] {
        let mut history = good();
        history.calls.remove(2);
        third_ends(&mut history, outcome, told);
        was.into_iter().for_each(|was| unsent(&mut history, was));
        if is_good { assert_good(&history) } else { assert_only(&history, Rule::Dishonest) }
    }
}

#[test]
fn a_row_tells_what_its_attempt_does() {
    let mut history = good();
    history.rows[2].1[0].outcome = Some(Outcome::Failed);
    assert_only(&history, Rule::Dishonest);
}
