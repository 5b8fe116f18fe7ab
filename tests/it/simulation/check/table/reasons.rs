//! What is no violation, or is one, for a reason.

use sexton::run::{Outcome, Reason, State};

use super::{Kind, Reign, Rule, Side, Trouble, assert_good, assert_only, check, good, third_ends, third_unsent, under};
use crate::support::{
    definitions::{jobs, jobs_with, noon},
    world::secs,
};

/// What is no violation when there is a reason for it.
#[test]
fn a_reason_makes_it_good() {
    let mut history = good();
    third_unsent(&mut history, Outcome::Missed, Reason::Downtime);
    let third = noon() + secs(180);
    history.troubles.push(Trouble { from: third - secs(5), to: third + secs(70), kind: Kind::Ill });
    assert_good(&history);

    let mut history = good();
    third_unsent(&mut history, Outcome::Skipped, Reason::Running);
    history.calls[1].closed = third + secs(2);
    history.calls[1].finished = Some(third + secs(2));
    history.rows[1].1[0].finished_at = Some(third + secs(2));
    assert_good(&history);

    let mut history = good();
    third_unsent(&mut history, Outcome::Cancelled, Reason::Redefined);
    history.troubles.push(Trouble { from: third - secs(1), to: third + secs(4), kind: Kind::Edit });
    assert_good(&history);
}

/// The newest of a backlog is not left out by a job that catches up.
#[test]
fn a_backlog_that_is_dropped_is_told() {
    let mut history = good();
    third_unsent(&mut history, Outcome::Missed, Reason::Downtime);
    let third = noon() + secs(180);
    history.troubles.push(Trouble { from: third - secs(5), to: third + secs(50), kind: Kind::Ill });
    assert_only(&history, Rule::Dishonest);
}

/// The hold is all that the sidecar can promise: an app that takes longer is on its own.
#[test]
fn after_the_hold_a_second_pass_is_no_violation() {
    let mut history = good();
    let first = &mut history.calls[2];
    (first.answer, first.closed, first.closed_by) = (None, first.scheduled_for + secs(10), Side::Client);
    first.finished = Some(first.scheduled_for + secs(62));
    third_ends(&mut history, Outcome::Unknown, Reason::Timeout);
    assert_good(&history);
}

#[test]
fn a_crowd_is_told() {
    let mut history = under(jobs_with("max_in_flight = 1", &[("a", "every 1m", "overlap = \"allow\"")]));
    history.calls[2].closed = noon() + secs(241);
    assert_only(&history, Rule::Crowd);
}

/// An edit: the old schedule is owed up to it, and nothing after.
#[test]
fn an_edit_changes_what_is_demanded() {
    let mut history = good();
    history.reigns.push(Reign {
        since: noon() + secs(150),
        definitions: jobs(&[("a", "every 2m", "timeout = \"10s\"\nhold = \"30s\"")]),
        took: true,
    });
    let violations = check(&history);
    let invented: Vec<_> = violations.iter().filter(|violation| violation.rule == Rule::Invented).collect();
    // The third and the fifth minute are odd: a row's first and last instant, and a call.
    assert_eq!((invented.len(), violations.len()), (6, 6), "{violations:#?}");
}

/// Set back: what was sent before is not owed again, and not doubled. Set ahead: what was leapt over is owed.
#[test]
fn a_clock_that_is_set_changes_what_is_demanded() {
    let mut history = good();
    history.clock.set(noon() + secs(310), -secs(120), noon() + secs(310), noon() + secs(310));
    assert_good(&history);
    let mut history = good();
    history.clock.set(noon() + secs(310), secs(120), noon() + secs(430), noon() + secs(310));
    assert_only(&history, Rule::Unaccounted);
}

/// `running` is a run that is open; one that was given up is `possibly_running`.
#[test]
fn a_run_that_was_given_up_is_not_running() {
    let mut history = good();
    let second = &mut history.calls[1];
    (second.answer, second.closed, second.closed_by) = (None, second.scheduled_for + secs(40), Side::Client);
    second.finished = Some(second.closed);
    let (row, attempts) = &mut history.rows[1];
    let gave_up = (State::Ended(Outcome::Unknown), Some(Reason::Timeout));
    (row.state, row.reason) = gave_up;
    attempts[0].outcome = Some(Outcome::Unknown);
    (attempts[0].reason, attempts[0].finished_at) = (Some(Reason::Timeout), Some(row.scheduled_for + secs(40)));
    third_unsent(&mut history, Outcome::Skipped, Reason::PossiblyRunning);
    assert_good(&history);
    history.rows[2].0.reason = Some(Reason::Running);
    assert_only(&history, Rule::Dishonest);
}

/// So too where the definition changed at another time of the day.
#[test]
fn an_edit_excuses_what_it_was_in_force_for() {
    let mut history = good();
    third_unsent(&mut history, Outcome::Skipped, Reason::Running);
    let edited = jobs(&[("a", "every 1m", "timeout = \"9s\"\nhold = \"30s\"")]);
    history.reigns.push(Reign { since: noon() + secs(270), definitions: edited, took: true });
    assert_only(&history, Rule::Dishonest);
    history.reigns[1].since = noon() + secs(179);
    assert_good(&history);
}

/// A line is full while another one stands in it.
#[test]
fn a_line_that_is_full_has_somebody_in_it() {
    let keys = "timeout = \"10s\"\nhold = \"30s\"\noverlap = \"queue\"";
    let mut history = under(jobs(&[("a", "every 1m", keys)]));
    third_unsent(&mut history, Outcome::Skipped, Reason::QueueFull);
    assert_only(&history, Rule::Dishonest);
    let sent = noon() + secs(190);
    (history.calls[1].received, history.calls[1].finished) = (sent, Some(sent + secs(1)));
    (history.calls[1].answer, history.calls[1].closed) = (Some((sent + secs(1), 200)), sent + secs(1));
    (history.rows[1].1[0].sent_at, history.rows[1].1[0].finished_at) = (sent, Some(sent + secs(1)));
    assert_good(&history);
}
