//! `overlap = "replace"`: the newest occurrence takes the place of the run that is at it, once the app stopped that.

use chrono::{DateTime, Utc};
use sexton::{
    dispatch::Cancelled,
    job::Definitions,
    run::{Outcome, Reason, RunId},
    scheduler::decisions::Event,
};

use crate::support::{
    definitions::{jobs, noon},
    memory::MemoryLedger,
    world::{World, millis, report, secs},
};

fn replacing() -> Definitions {
    let keys = "path = \"/a\"\noverlap = \"replace\"\ncancel = { path = \"/stop\" }\ntimeout = \"5m\"\nhold = \"100s\"";
    jobs(&[("a", "every 1m", keys)])
}

fn t(seconds: i64) -> DateTime<Utc> {
    noon() + secs(seconds)
}

fn pass(world: &mut World, from: i64, to: i64) {
    for ms in (from * 1_000..=to * 1_000).step_by(50) {
        world.pulse(noon() + millis(ms));
    }
}

/// 12:01 was sent and not answered; 12:02 wants its place, and the app was asked.
fn asked() -> (World, RunId) {
    let mut world = World::start(noon(), replacing(), MemoryLedger::default());
    pass(&mut world, 58, 121);
    let run = world.sent[0].1.run;
    assert_eq!(world.ledger.story("a")[..2], ["12:01:00 sending", "12:02:00 queued"]);
    let asked: Vec<_> = world.cancels.iter().map(|(at, run, call)| (*at, *run, call.path.as_str())).collect();
    assert_eq!(asked, [(t(120), run, "/stop")], "at its instant, once");
    (world, run)
}

fn answer(world: &mut World, now: DateTime<Utc>, run: RunId, outcome: Outcome, reason: Option<Reason>) {
    world.answer(now, run, Some(report(outcome, reason, now)));
}

fn confirms() -> Option<Cancelled> {
    Some(Cancelled::Confirmed { status: 204 })
}

fn refuses() -> Option<Cancelled> {
    Some(Cancelled::NotConfirmed { words: "the app answered 500".to_owned() })
}

/// Confirmed is not yet over: the open request is the app's own word that it is at it (guarantee G3).
#[test]
fn the_newest_starts_when_the_app_has_stopped() {
    let (mut world, run) = asked();
    world.on(t(122), Event::Cancelled(run, confirms()));
    pass(&mut world, 122, 124);
    assert_eq!(world.sent.len(), 1, "its request is still open");
    answer(&mut world, t(125), run, Outcome::Failed, Some(Reason::Status));
    assert_eq!(world.ledger.story("a")[..2], ["12:01:00 cancelled", "12:02:00 sending"]);
    assert_eq!(world.sent[1].0, t(125));
}

/// The word that it stopped comes after the request's own answer.
#[test]
fn an_answer_that_comes_first_waits_for_the_word() {
    for (said, expected) in [(confirms(), "12:01:00 cancelled"), (refuses(), "12:01:00 unknown broken")] {
        let (mut world, run) = asked();
        answer(&mut world, t(122), run, Outcome::Unknown, Some(Reason::Broken));
        assert_eq!(world.ledger.story("a")[0], "12:01:00 sending");
        world.on(t(123), Event::Cancelled(run, said));
        pass(&mut world, 123, 124);
        assert_eq!(world.ledger.story("a")[0], expected);
        assert_eq!(world.sent.len(), if expected.ends_with("cancelled") { 2 } else { 1 }, "{expected}");
        assert_eq!(world.decisions.in_flight(), world.open.len(), "its permit came back once");
    }
}

/// What succeeded before it could be stopped succeeded.
#[test]
fn what_was_done_first_is_done() {
    for confirmed_first in [false, true] {
        let (mut world, run) = asked();
        if confirmed_first {
            world.on(t(122), Event::Cancelled(run, confirms()));
        }
        answer(&mut world, t(123), run, Outcome::Succeeded, None);
        if !confirmed_first {
            world.on(t(124), Event::Cancelled(run, confirms()));
        }
        assert_eq!(world.ledger.story("a")[..2], ["12:01:00 succeeded", "12:02:00 sending"]);
    }
}

/// An app that says that it stops and goes on: no second pass beside the first, whether its word or the end of the wait
/// for its answer comes first.
#[test]
fn an_app_that_lies_is_held() {
    for (reason, confirmed_at, ended_at) in [
        (Reason::Timeout, 122, 150),
        (Reason::Timeout, 150, 122),
        (Reason::UnknownStatus, 122, 150),
        (Reason::UnknownStatus, 150, 122),
    ] {
        let (mut world, run) = asked();
        for at in [122, 150] {
            if at == confirmed_at {
                world.on(t(at), Event::Cancelled(run, confirms()));
            }
            if at == ended_at {
                answer(&mut world, t(at), run, Outcome::Unknown, Some(reason));
            }
        }
        assert_eq!(world.ledger.story("a")[0], "12:01:00 cancelled");
        pass(&mut world, 150, 249);
        assert_eq!(world.sent.len(), 1, "its hold is not over");
        pass(&mut world, 249, 251);
        assert_eq!(world.sent.len(), 2);
        assert_eq!(world.sent[1].0, t(250));
    }
}

/// Not confirmed: it is given up and held, and the newest starts when that is over.
#[test]
fn without_a_word_the_hold_applies() {
    for said in [refuses(), None] {
        let (mut world, run) = asked();
        world.on(t(122), Event::Cancelled(run, said));
        assert!(world.open.is_empty(), "nobody waits for its answer");
        assert_eq!(world.ledger.story("a")[..2], ["12:01:00 cancelled", "12:02:00 queued"]);
        assert_eq!(world.decisions.in_flight(), 0);
        pass(&mut world, 122, 221);
        assert_eq!(world.sent.len(), 1);
        pass(&mut world, 221, 223);
        assert_eq!((world.sent.len(), world.sent.last().unwrap().0), (2, t(222)));
        let newest = world.sent[1].1.scheduled_for;
        assert_eq!(newest, t(180), "12:03 came meanwhile, and took the place of 12:02");
        assert_eq!(world.ledger.story("a")[1], "12:02:00 skipped possibly_running");
    }
}

/// Over a restart the newest still waits, and what was being stopped is held as after any crash.
#[test]
fn a_crash_in_the_middle_stacks_nothing() {
    let (world, _) = asked();
    let mut world = world.restart(t(125), replacing());
    assert_eq!(world.ledger.story("a")[..2], ["12:01:00 unknown crash", "12:02:00 queued"]);
    pass(&mut world, 125, 224);
    assert!(world.sent.is_empty());
    pass(&mut world, 224, 226);
    assert_eq!((world.sent.len(), world.sent[0].0), (1, t(225)));
}
