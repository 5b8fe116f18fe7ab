//! The same for work that an app took on with a 202.

use sexton::run::{Outcome, Reason, State};

use super::{Rule, Spoiled, assert_each, assert_good, assert_only, third_ends, under};
use crate::{
    simulation::check::{History, Look, Said, Side, Stop},
    support::{
        definitions::{jobs, noon},
        world::{millis, secs},
    },
};

/// The third of five was taken on, looked at twice, and done after twenty seconds.
fn good() -> History {
    let keys =
        "timeout = \"10s\"\nhold = \"30s\"\ncompletion = \"poll\"\npoll = { interval = \"5s\", timeout = \"90s\" }";
    let mut history = under(jobs(&[("a", "every 1m", keys)]));
    let call = &mut history.calls[2];
    call.answer = call.answer.map(|(at, _)| (at, 202));
    call.finished = Some(call.received + secs(20));
    call.looks = Some(vec![look(190, Said::AtIt), look(201, Said::Done)]);
    history.rows[2].0.finished_at = Some(noon() + secs(201));
    history.rows[2].1[0].finished_at = Some(noon() + secs(201));
    history
}

/// Seconds after noon.
fn look(at: i64, said: Said) -> Look {
    let at = noon() + secs(at);
    Look { asked: at - millis(5), at, said, heard: true }
}

fn stop(at: i64, confirmed: bool) -> Stop {
    let at = noon() + secs(at);
    Stop { asked: at - millis(5), at, heard: true, confirmed }
}

/// The third ends so, by looks that say so.
fn ends(history: &mut History, outcome: Outcome, reason: Reason, looks: &[Look]) {
    history.calls[2].looks = Some(looks.to_vec());
    third_ends(history, outcome, reason);
}

const SPOILED: &[Spoiled] = &[
    ("a success that the app never told", Rule::Untrue, |history| {
        history.calls[2].looks = Some(vec![look(190, Said::AtIt), look(201, Said::Nothing)]);
    }),
    ("a success that the sidecar did not live to hear", Rule::Untrue, |history| {
        history.calls[2].looks.iter_mut().flatten().for_each(|look| look.heard = false);
    }),
    ("a success that the ledger calls a failure", Rule::Untrue, |history| {
        ends(history, Outcome::Failed, Reason::Expect, &[look(190, Said::AtIt), look(201, Said::Done)]);
    }),
    ("a failure that the app never told", Rule::Untrue, |history| {
        ends(history, Outcome::Failed, Reason::Status, &[look(190, Said::AtIt)]);
    }),
    ("work that the app knew", Rule::Untrue, |history| {
        ends(history, Outcome::Unknown, Reason::UnknownStatus, &[look(190, Said::AtIt)]);
    }),
    ("followed, and forgotten by a restart", Rule::Untrue, |history| {
        history.deaths.push(noon() + secs(195));
        history.stalls.push((noon() + secs(180), noon() + secs(195)));
        ends(history, Outcome::Unknown, Reason::Crash, &[look(190, Said::AtIt)]);
    }),
    ("looks that panicked, says the ledger", Rule::Dishonest, |history| {
        ends(history, Outcome::Unknown, Reason::Panic, &[look(190, Said::AtIt), look(201, Said::Nothing)]);
    }),
    ("stopped, and the app did not say so", Rule::Untrue, |history| {
        ends(history, Outcome::Failed, Reason::Timeout, &[look(275, Said::AtIt)]);
        history.rows[2].0.finished_at = Some(noon() + secs(275));
        history.calls[2].stops.push(stop(275, false));
    }),
    ("replaced, and the app was not asked to stop", Rule::Untrue, |history| {
        let (row, attempts) = &mut history.rows[2];
        (row.state, row.reason) = (State::Ended(Outcome::Cancelled), None);
        attempts[0].outcome = Some(Outcome::Cancelled);
    }),
    ("given up before its time", Rule::OutOfTime, |history| {
        ends(history, Outcome::Unknown, Reason::Timeout, &[look(190, Said::AtIt), look(201, Said::AtIt)]);
    }),
    ("asked again at once", Rule::OutOfTime, |history| {
        let looks = history.calls[2].looks.get_or_insert_default();
        looks.insert(1, Look { at: looks[0].at + millis(300), asked: looks[0].at + millis(300), ..looks[0] });
    }),
    ("a pass beside work that is followed", Rule::Stacked, |history| {
        let call = &mut history.calls[2];
        call.finished = Some(noon() + secs(244));
        call.looks = Some(vec![look(190, Said::AtIt), look(245, Said::Done)]);
    }),
    ("a pass beside work that was given up, within its hold", Rule::Stacked, |history| {
        ends(history, Outcome::Unknown, Reason::UnknownStatus, &[look(235, Said::Unknown)]);
        history.calls[2].finished = Some(noon() + secs(300));
    }),
];

#[test]
fn each_spoiled_history_of_followed_work_is_told_by_its_rule() {
    assert_each(good, SPOILED);
}

/// The sidecar dies with the answer to a stop in hand, and asks anew after its restart. A look beside the stop tells nothing.
#[test]
fn what_a_crash_took_away_is_asked_for_again() {
    let mut history = good();
    ends(&mut history, Outcome::Failed, Reason::Status, &[look(190, Said::AtIt), look(203, Said::Failed)]);
    history.calls[2].stops.push(stop(201, true));
    assert_good(&history);

    history.calls[2].stops[0].at = noon() + secs(203) - millis(2);
    assert_only(&history, Rule::Untrue);
}

/// An app that says that it stopped is believed, but not while its request was open and after it was given up.
#[test]
fn who_believes_a_stop_may_send_the_next() {
    let mut history = good();
    ends(&mut history, Outcome::Unknown, Reason::UnknownStatus, &[look(235, Said::Unknown)]);
    history.calls[2].finished = Some(noon() + secs(300));
    history.calls[2].stops.push(stop(236, true));
    assert_good(&history);

    history.calls[2].looks = None;
    history.calls[2].answer = None;
    (history.calls[2].closed, history.calls[2].closed_by) = (noon() + secs(230), Side::Client);
    third_ends(&mut history, Outcome::Unknown, Reason::Timeout);
    assert_only(&history, Rule::Stacked);
}
