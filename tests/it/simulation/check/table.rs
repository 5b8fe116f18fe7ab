//! Histories made by hand: a good one, and each way to spoil it.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    entropy::Entropy,
    job::Definitions,
    run::{Attempt, Outcome, Reason, Run, RunId, State, Trigger},
    store::{Claim, Pause},
};

use super::{Call, Clock, History, Kind, Reign, Rule, Trouble, check};
use crate::{
    simulation::dice::{fill, seed_ids},
    support::{
        definitions::{jobs, jobs_with, name, noon},
        memory::of_claim,
        world::{millis, secs},
    },
};

type Instant = DateTime<Utc>;

/// A job `a` every minute, sent and answered each time over five minutes.
fn good() -> History {
    under(jobs(&[("a", "every 1m", "timeout = \"10s\"\nhold = \"30s\"")]))
}

fn under(definitions: Definitions) -> History {
    seed_ids(7);
    let reigns = vec![Reign { since: noon(), definitions, took: true }];
    let mut history = History {
        clock: Clock::right_from(noon()),
        reigns,
        troubles: Vec::new(),
        calls: Vec::new(),
        rows: Vec::new(),
        evidence: Vec::new(),
        fates: Vec::new(),
        asked: Vec::new(),
        promised: Vec::new(),
        pauses: Vec::new(),
        end: noon() + secs(330),
    };
    for minute in 1..=5 {
        let at = noon() + TimeDelta::minutes(minute);
        let run = RunId::new(at, Entropy::Told(fill));
        let fence = u64::try_from(minute).unwrap();
        history.calls.push(call(run, at, fence));
        history.rows.push((row(run, at, fence), vec![attempt(run, at, fence)]));
    }
    history
}

fn call(run: RunId, at: Instant, fence: u64) -> Call {
    Call {
        job: name("a"),
        run,
        scheduled_for: at,
        attempt: 1,
        fence,
        trigger: Trigger::Schedule,
        received: at + millis(5),
        finished: Some(at + secs(1)),
        answer: Some((at + secs(1), 200)),
        closed: at + secs(1),
        cut_off: false,
    }
}

fn row(run: RunId, at: Instant, fence: u64) -> Run {
    let claim = Claim { id: run, scheduled_for: at, trigger: Trigger::Schedule, definition: String::new() };
    Run {
        state: State::Ended(Outcome::Succeeded),
        fence: Some(fence),
        status: Some(200),
        finished_at: Some(at + secs(1)),
        ..of_claim(&name("a"), &claim)
    }
}

fn attempt(run: RunId, at: Instant, fence: u64) -> Attempt {
    Attempt {
        run,
        number: 1,
        fence,
        sent_at: at,
        finished_at: Some(at + secs(1)),
        outcome: Some(Outcome::Succeeded),
        reason: None,
        status: Some(200),
        excerpt: None,
    }
}

/// The third occurrence ends otherwise, and nothing was sent for it.
fn third_unsent(history: &mut History, outcome: Outcome, reason: Reason) {
    history.calls.remove(2);
    let (row, attempts) = &mut history.rows[2];
    (row.state, row.reason, row.fence) = (State::Ended(outcome), Some(reason), None);
    attempts.clear();
}

/// Makes room for one more attempt before the one at `from`.
fn later_fences(history: &mut History, from: usize) {
    for (call, (row, attempts)) in history.calls[from..].iter_mut().zip(&mut history.rows[from..]) {
        call.fence += 1;
        row.fence = Some(call.fence);
        attempts[0].fence = call.fence;
    }
}

#[track_caller]
fn assert_only(history: &History, rule: Rule) {
    let violations = check(history);
    assert!(!violations.is_empty(), "{rule:?} goes unseen");
    assert!(violations.iter().all(|violation| violation.rule == rule), "{violations:#?}");
}

#[track_caller]
fn assert_good(history: &History) {
    assert_eq!(check(history), []);
}

/// How a history is spoiled, and which rule says so.
type Spoiled = (&'static str, Rule, fn(&mut History));

const SPOILED: &[Spoiled] = &[
    ("no row and no call", Rule::Unaccounted, |history| {
        history.rows.remove(2);
        history.calls.remove(2);
    }),
    ("a call of which the ledger knows nothing", Rule::Untrue, |history| {
        let stray = call(RunId::new(noon(), Entropy::Told(fill)), noon() + secs(180), 9);
        history.calls[2].run = stray.run;
        history.rows[2].1.clear();
        history.rows[2].0.state = State::Ended(Outcome::Unknown);
        history.rows[2].0.reason = Some(Reason::Crash);
        history.rows[2].0.fence = None;
    }),
    ("two rows for one occurrence", Rule::Doubled, |history| {
        let mut twin = history.rows[2].clone();
        twin.0.id = RunId::new(noon(), Entropy::Told(fill));
        (twin.0.state, twin.0.reason) = (State::Ended(Outcome::Cancelled), Some(Reason::Shutdown));
        twin.1.clear();
        history.rows.push(twin);
    }),
    ("a call that no schedule asked for", Rule::Invented, |history| {
        let at = noon() + secs(150);
        let run = RunId::new(at, Entropy::Told(fill));
        later_fences(history, 2);
        history.calls.insert(2, call(run, at, 3));
        history.rows.push((row(run, at, 3), vec![attempt(run, at, 3)]));
    }),
    ("one run sent twice", Rule::SentTwice, |history| {
        let again = history.calls[2].clone();
        let second = Attempt { number: 2, fence: 4, ..history.rows[2].1[0].clone() };
        history.rows[2].1.push(second);
        later_fences(history, 3);
        history.calls.insert(3, Call { received: again.closed + millis(1), fence: 4, attempt: 2, ..again });
    }),
    ("a fence that stands still", Rule::Fence, |history| {
        history.calls[3].fence = 3;
        history.rows[3].0.fence = Some(3);
        history.rows[3].1[0].fence = 3;
    }),
    ("a pass on top of one that was given up", Rule::Stacked, |history| {
        let first = &mut history.calls[2];
        (first.answer, first.closed) = (None, first.scheduled_for + secs(40));
        first.finished = Some(first.scheduled_for + secs(62));
        let (row, _) = &mut history.rows[2];
        (row.state, row.reason) = (State::Ended(Outcome::Unknown), Some(Reason::Timeout));
    }),
    ("sent a minute and a half late", Rule::OutOfTime, |history| {
        history.rows[4].1[0].sent_at += secs(90);
    }),
    ("sent before its time", Rule::OutOfTime, |history| history.rows[4].1[0].sent_at -= secs(10)),
    ("a success that the app did not see", Rule::Untrue, |history| history.calls[2].answer = None),
    ("a success that the ledger denies", Rule::Untrue, |history| {
        history.rows[2].0.state = State::Ended(Outcome::Failed);
        history.rows[2].0.reason = Some(Reason::Credential);
    }),
    ("a connection that never was, says the ledger", Rule::Untrue, |history| {
        history.rows[2].0.state = State::Ended(Outcome::Failed);
        history.rows[2].0.reason = Some(Reason::Connect);
    }),
    ("a run that nobody asked for", Rule::Invented, |history| {
        history.calls[2].trigger = Trigger::Manual;
        history.rows[2].0.trigger = Trigger::Manual;
        let mut twin = history.rows[2].clone();
        (twin.0.id, twin.0.trigger) = (RunId::new(noon(), Entropy::Told(fill)), Trigger::Schedule);
        (twin.0.state, twin.0.reason) = (State::Ended(Outcome::Cancelled), Some(Reason::Shutdown));
        twin.1.clear();
        history.rows.push(twin);
    }),
    ("a promised run that is not there", Rule::Unaccounted, |history| {
        history.promised.push(RunId::new(noon(), Entropy::Told(fill)));
    }),
    ("sent in a pause", Rule::Paused, |history| {
        let (since, until) = (noon() + secs(170), Some(noon() + secs(190)));
        history.pauses.push(Pause { job: None, since, until, note: None, by: None });
    }),
    ("skipped as paused, and there was no pause", Rule::Dishonest, |history| {
        third_unsent(history, Outcome::Skipped, Reason::Paused);
    }),
    ("missed without downtime", Rule::Dishonest, |history| {
        third_unsent(history, Outcome::Missed, Reason::Downtime);
    }),
    ("skipped for a run that was long over", Rule::Dishonest, |history| {
        third_unsent(history, Outcome::Skipped, Reason::Running);
    }),
    ("cancelled without an edit", Rule::Dishonest, |history| {
        third_unsent(history, Outcome::Cancelled, Reason::Redefined);
    }),
];

#[test]
fn a_good_history_is_good() {
    assert_good(&good());
}

#[test]
fn each_spoiled_history_is_told_by_its_rule() {
    for (words, rule, spoil) in SPOILED {
        let mut history = good();
        spoil(&mut history);
        println!("{words}");
        assert_only(&history, *rule);
    }
}

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
    (first.answer, first.closed) = (None, first.scheduled_for + secs(10));
    first.finished = Some(first.scheduled_for + secs(62));
    let (row, _) = &mut history.rows[2];
    (row.state, row.reason) = (State::Ended(Outcome::Unknown), Some(Reason::Timeout));
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
    history.clock.set(noon() + secs(310), -secs(120), noon() + secs(310));
    assert_good(&history);
    let mut history = good();
    history.clock.set(noon() + secs(310), secs(120), noon() + secs(430));
    assert_only(&history, Rule::Unaccounted);
}
