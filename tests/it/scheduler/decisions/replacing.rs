//! `overlap = "replace"`: the newest occurrence takes the place of the run that is at it, once the app stopped that.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sexton::{
    dispatch::{Cancelled, Polled, Report},
    job::{Call, Definitions},
    run::{Outcome, Reason, RunId, Work},
    scheduler::decisions::{Command, Done, Event},
};

use crate::support::{
    definitions::{jobs, jobs_with, name, noon},
    memory::MemoryLedger,
    world::{World, millis, report, secs},
};

const KEYS: &str =
    "path = \"/a\"\noverlap = \"replace\"\ncancel = { path = \"/stop\" }\ntimeout = \"5m\"\nhold = \"100s\"";

fn replacing() -> Definitions {
    jobs(&[("a", "every 1m", KEYS)])
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

/// The same, of which the app says in a 202 that it is at it.
fn polling(keys: &str) -> Definitions {
    jobs(&[("a", "every 1h", &format!("{KEYS}\ncompletion = \"poll\"\n{keys}"))])
}

fn accepted(now: DateTime<Utc>) -> Report {
    let work = Work {
        attempt: 1,
        fence: 1,
        target: "app".to_owned(),
        path: "/works/7".to_owned(),
        cancel: Some(Call { method: "POST".to_owned(), path: "/works/7/stop".to_owned() }),
        interval: Duration::from_secs(2),
        state: "/status".to_owned(),
        success: Vec::new(),
        failure: vec!["failed".to_owned()],
        progress: "/progress".to_owned(),
        since: now,
        until: now + secs(600),
    };
    Report { status: Some(202), work: Some(Box::new(work)), ..report(Outcome::Unknown, None, now) }
}

fn fire() -> Command {
    Command::Fire { job: name("a"), by: None }
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

/// Somebody cancels by hand what is being stopped for the newest: its permit comes back once, and it ends as cancelled by
/// them.
#[test]
fn a_cancel_by_hand_in_between_gives_no_permit_back_twice() {
    for said in [confirms(), refuses()] {
        let definitions =
            jobs_with("max_in_flight = 2", &[("a", "every 1m", KEYS), ("b", "at 2026-03-10T12:02:01Z", "")]);
        let mut world = World::start(noon(), definitions, MemoryLedger::default());
        pass(&mut world, 58, 121);
        let run = world.sent[0].1.run;
        assert_eq!(world.sent_jobs(), ["a", "b"]);
        answer(&mut world, t(122), run, Outcome::Failed, Some(Reason::Status));
        world.on(t(123), Event::Asked(1, Command::Cancel { run }));
        assert_eq!(world.answers[&1], Ok(Done::Cancelling));
        assert_eq!((world.decisions.in_flight(), world.cancels.len()), (1, 1), "that of b; the app was asked before");
        world.on(t(124), Event::Cancelled(run, said));
        assert_eq!(world.ledger.story("a")[..2], ["12:01:00 cancelled settled", "12:02:00 sending"]);
        assert_eq!(world.decisions.in_flight(), world.open.len());
    }
}

/// The app is asked to stop one attempt; when that failed by itself, the next attempt is none that was stopped.
#[test]
fn a_retry_is_nothing_that_was_stopped() {
    let definitions = polling("retry = { attempts = 3, initial = \"2s\", on = [\"5xx\"] }");
    let at = |seconds: i64| noon() + secs(3_600 + seconds);
    let mut world = World::start(noon(), definitions, MemoryLedger::default());
    pass(&mut world, 3_598, 3_600);
    let run = world.sent[0].1.run;
    world.answer(at(1), run, Some(accepted(at(0))));
    world.on(at(2), Event::Asked(1, fire()));
    assert_eq!(world.cancels.len(), 1, "the newer one wants its place");
    let failed = Report { status: Some(500), ..report(Outcome::Failed, Some(Reason::Status), at(0)) };
    world.on(at(3), Event::Wake);
    world.on(at(3), Event::Polled(run, Some(Polled::Over(failed.clone()))));
    assert_eq!(world.ledger.story("a")[0], "13:00:00 retry_wait status");
    let by_hand = world.sent[1].1.run;
    world.succeed(at(4), by_hand);
    pass(&mut world, 3_604, 3_606);
    assert_eq!((world.sent.len(), world.sent[2].1.run), (3, run), "it is made again");
    // The word on the first attempt comes only now.
    world.on(at(7), Event::Cancelled(run, confirms()));
    world.answer(at(8), run, Some(failed));
    assert_eq!(world.ledger.story("a")[0], "13:00:00 retry_wait status", "the third one is to come");
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

/// The ledger was just being told that the app took it on: it is asked to stop that when the ledger has it.
#[test]
fn what_was_just_taken_on_is_stopped_too() {
    let at = |seconds: i64| noon() + secs(3_600 + seconds);
    let mut world = World::start(noon(), polling(""), MemoryLedger::default());
    pass(&mut world, 3_598, 3_600);
    let run = world.sent[0].1.run;
    world.on_unwritten(at(0), Event::Asked(1, fire()));
    world.open.remove(&run);
    world.on_unwritten(at(1), Event::AttemptEnded(run, Some(accepted(at(0)))));
    assert_eq!(world.cancels, [], "nothing of it is known yet");
    world.write(at(1));
    let asked: Vec<_> = world.cancels.iter().map(|(_, run, call)| (*run, call.path.as_str())).collect();
    assert_eq!(asked, [(run, "/works/7/stop")]);
    world.on(at(2), Event::Cancelled(run, confirms()));
    assert_eq!((world.ledger.runs[&run].state.outcome(), world.sent.len()), (Some(Outcome::Cancelled), 2));
}

/// The ledger took so long to let it go that the newer one fell due: it does not leave any more.
#[test]
fn what_had_not_left_does_not_leave() {
    let mut world = World::start(noon(), jobs(&[("a", "every 1s", KEYS)]), MemoryLedger::default());
    world.on(noon(), Event::Pulse);
    assert_eq!(world.ledger.story("a"), ["12:00:01 claimed", "12:00:02 claimed"]);
    for ms in [950, 1_000, 1_950, 2_000] {
        world.on_unwritten(noon() + millis(ms), Event::Wake);
    }
    world.write(noon() + millis(2_100));
    assert_eq!(world.ledger.story("a")[..2], ["12:00:01 cancelled", "12:00:02 sending"]);
    let sent: Vec<_> = world.sent.iter().map(|(_, order)| order.scheduled_for).collect();
    assert_eq!((sent, world.decisions.in_flight()), (vec![t(2)], 1));
    assert!(world.cancels.is_empty(), "the app knows nothing of it");
}

/// Whom the app was asked to stop is in no ledger: after a restart it is asked again.
#[test]
fn the_app_is_asked_again_after_a_restart() {
    let at = |seconds: i64| noon() + secs(3_600 + seconds);
    let mut world = World::start(noon(), polling(""), MemoryLedger::default());
    pass(&mut world, 3_598, 3_600);
    let run = world.sent[0].1.run;
    world.answer(at(1), run, Some(accepted(at(0))));
    world.on(at(2), Event::Asked(1, fire()));
    assert_eq!(world.cancels.len(), 1);
    let mut world = world.restart(at(5), polling(""));
    world.pulse(at(5));
    world.pulse(at(6));
    assert_eq!(world.cancels.len(), 1, "once");
    world.on(at(7), Event::Cancelled(run, confirms()));
    assert_eq!(world.sent.len(), 1, "the newer one starts");
}

/// Occurrences of the past wait for those of now, and those of now take the place of one of the past.
#[test]
fn a_backfill_replaces_nothing() {
    let mut world = World::start(noon(), replacing(), MemoryLedger::default());
    pass(&mut world, 58, 61);
    let backfill = |world: &mut World, at: DateTime<Utc>| {
        let past = Command::Backfill { job: name("a"), scheduled_for: t(-60), again: false, by: None };
        world.on(at, Event::Asked(1, past));
        let Ok(Done::Claimed { run, .. }) = world.answers[&1] else { panic!("{:?}", world.answers) };
        run
    };
    let of_past = backfill(&mut world, t(70));
    let row = &world.ledger.runs[&of_past];
    assert_eq!((row.state.outcome(), row.reason), (Some(Outcome::Skipped), Some(Reason::Running)));
    assert!(world.cancels.is_empty());

    let run = world.sent[0].1.run;
    world.succeed(t(80), run);
    let of_past = backfill(&mut world, t(90));
    assert_eq!(world.sent[1].1.run, of_past);
    pass(&mut world, 118, 121);
    let asked: Vec<_> = world.cancels.iter().map(|(_, run, _)| *run).collect();
    assert_eq!(asked, [of_past]);
}
