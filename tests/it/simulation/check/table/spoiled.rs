//! Each way to spoil a good history is told by its rule.

use sexton::{
    entropy::Entropy,
    run::{Attempt, Outcome, Reason, RunId, State, Trigger},
    store::Pause,
};

use super::{
    Call, Rule, Side, Spoiled, assert_each, attempt, call, good, later_fences, row, third_ends, third_unsent, unsent,
};
use crate::{
    simulation::{
        check::{Ask, What},
        dice::fill,
    },
    support::{
        definitions::{name, noon},
        world::{millis, secs},
    },
};

const SPOILED: &[Spoiled] = &[
    ("no row and no call", Rule::Unaccounted, |history| {
        history.rows.remove(2);
        history.calls.remove(2);
    }),
    ("a call of which the ledger knows nothing", Rule::Untrue, |history| {
        let stray = call(RunId::new(noon(), Entropy::Told(fill)), noon() + secs(180), 9);
        history.calls[2].run = stray.run;
        history.rows[2].1.clear();
        history.rows[2].0.state = State::Ended(Outcome::Failed);
        history.rows[2].0.reason = Some(Reason::Credential);
        history.rows[2].0.fence = None;
    }),
    ("two rows for one occurrence", Rule::Doubled, |history| {
        let mut twin = history.rows[2].clone();
        twin.0.id = RunId::new(noon(), Entropy::Told(fill));
        (twin.0.state, twin.0.reason) = (State::Ended(Outcome::Failed), Some(Reason::Credential));
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
        (first.answer, first.closed, first.closed_by) = (None, first.scheduled_for + secs(40), Side::Client);
        first.finished = Some(first.scheduled_for + secs(62));
        third_ends(history, Outcome::Unknown, Reason::Timeout);
    }),
    ("sent a minute and a half late", Rule::OutOfTime, |history| {
        history.rows[4].1[0].sent_at += secs(90);
    }),
    ("sent before its time", Rule::OutOfTime, |history| history.rows[4].1[0].sent_at -= secs(10)),
    ("a success that the app did not see", Rule::Untrue, |history| history.calls[2].answer = None),
    ("a success that the ledger denies", Rule::Untrue, |history| {
        third_ends(history, Outcome::Failed, Reason::Credential);
    }),
    ("a connection that never was, says the ledger", Rule::Untrue, |history| {
        third_ends(history, Outcome::Failed, Reason::Connect);
        unsent(history, Reason::Connect);
    }),
    ("a run that nobody asked for", Rule::Invented, |history| {
        history.calls[2].trigger = Trigger::Manual;
        history.rows[2].0.trigger = Trigger::Manual;
        let mut twin = history.rows[2].clone();
        (twin.0.id, twin.0.trigger) = (RunId::new(noon(), Entropy::Told(fill)), Trigger::Schedule);
        (twin.0.state, twin.0.reason) = (State::Ended(Outcome::Failed), Some(Reason::Credential));
        twin.1.clear();
        history.rows.push(twin);
    }),
    ("a promised run that is not there", Rule::Unaccounted, |history| {
        history.deeds.promised.push(RunId::new(noon(), Entropy::Told(fill)));
    }),
    ("sent in a pause", Rule::Paused, |history| {
        let (since, until) = (noon() + secs(170), Some(noon() + secs(190)));
        history.deeds.pauses.push(Pause { job: None, since, until, note: None, by: None });
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
    ("settled, and nobody said so", Rule::Untrue, |history| {
        third_ends(history, Outcome::Unknown, Reason::Timeout);
        history.rows[2].0.settled = Some(Outcome::Succeeded);
        let call = &mut history.calls[2];
        (call.answer, call.closed, call.closed_by) = (None, call.received + secs(10), Side::Client);
    }),
    ("cancelled, and nobody said so", Rule::Invented, |history| {
        third_unsent(history, Outcome::Cancelled, Reason::Settled);
    }),
    ("a backfill of what had succeeded", Rule::SentTwice, |history| {
        let (at, first) = (noon() + secs(150), noon() + secs(60));
        let what = What::Backfill { scheduled_for: first, again: false };
        history.deeds.asked.push(Ask { by: "user:0".to_owned(), job: name("a"), at, what });
        let run = RunId::new(at, Entropy::Told(fill));
        later_fences(history, 2);
        let again = call(run, at, 3);
        history.calls.insert(2, Call { scheduled_for: first, trigger: Trigger::Backfill, ..again });
        let (mut row, attempt) = (row(run, at, 3), attempt(run, at, 3));
        (row.scheduled_for, row.through, row.trigger) = (first, first, Trigger::Backfill);
        row.asked_by = Some("user:0".to_owned());
        history.rows.push((row, vec![attempt]));
    }),
];

#[test]
fn each_spoiled_history_is_told_by_its_rule() {
    assert_each(good, SPOILED);
}
