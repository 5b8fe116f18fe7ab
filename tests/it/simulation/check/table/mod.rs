//! Histories made by hand: a good one, and each way to spoil it.
//!
//! `spoiled` spoils it, `followed` one whose work is followed, `ends` one whose attempts nobody heard the end of; `reasons` is
//! what is no violation for a reason.

mod ends;
mod followed;
mod reasons;
mod spoiled;

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    entropy::Entropy,
    job::Definitions,
    run::{Attempt, Outcome, Reason, Run, RunId, State, Trigger},
    store::Claim,
};

use super::{Call, Clock, Deeds, History, Kind, Reign, Rule, Side, Trouble, Unsent, check};
use crate::{
    simulation::dice::{fill, seed_ids},
    support::{
        definitions::{jobs, name, noon},
        memory::of_claim,
        world::{millis, secs},
    },
};

type Instant = DateTime<Utc>;

/// How a history is spoiled, and which rule says so.
type Spoiled = (&'static str, Rule, fn(&mut History));

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
        deeds: Deeds::default(),
        deaths: Vec::new(),
        graces: Vec::new(),
        stalls: Vec::new(),
        unsent: Vec::new(),
        slowness: secs(3),
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
        closed_by: Side::App,
        looks: None,
        stops: Vec::new(),
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

/// The third attempt, and its run with it, ends otherwise.
fn third_ends(history: &mut History, outcome: Outcome, reason: Reason) {
    let (row, attempts) = &mut history.rows[2];
    (row.state, row.reason) = (State::Ended(outcome), Some(reason));
    (attempts[0].outcome, attempts[0].reason) = (Some(outcome), Some(reason));
}

/// By the log of who should have sent it, the third attempt never left.
fn unsent(history: &mut History, reason: Reason) {
    let (row, _) = &history.rows[2];
    history.unsent.push(Unsent { run: row.id, attempt: 1, at: row.scheduled_for + millis(1), reason });
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

#[track_caller]
fn assert_each(good: fn() -> History, spoiled: &[Spoiled]) {
    assert_good(&good());
    for (words, rule, spoil) in spoiled {
        let mut history = good();
        spoil(&mut history);
        println!("{words}");
        assert_only(&history, *rule);
    }
}
