//! Stopping (guarantee G7): nothing new begins, what is open is waited for, and what is left at the end of the grace is
//! recorded.

use sexton::{
    run::{Outcome, Reason, RunId},
    scheduler::decisions::Event,
};

use crate::support::{
    definitions::{jobs, jobs_with, noon},
    memory::MemoryLedger,
    simulation::Simulation,
    world::{World, millis, report, secs},
};

/// The job `a` is claimed for 12:00:01, `b` for 12:00:05.
fn claimed() -> World {
    let definitions = jobs(&[("a", "at 2026-03-10T12:00:01Z", ""), ("b", "at 2026-03-10T12:00:05Z", "")]);
    let mut world = World::start(noon(), definitions, MemoryLedger::default());
    world.on(noon(), Event::Pulse);
    assert_eq!(world.ledger.story("a"), ["12:00:01 claimed"]);
    world
}

/// The request of `a` is open.
fn open() -> (World, RunId) {
    let mut world = claimed();
    world.on(noon() + millis(950), Event::Wake);
    world.on(noon() + secs(1), Event::Wake);
    let run = world.sent[0].1.run;
    (world, run)
}

#[test]
fn what_was_claimed_stays_for_the_next_start() {
    let mut world = claimed();
    world.on(noon() + millis(500), Event::Stop);
    assert!(world.decisions.is_drained(), "there is nothing to wait for");
    world.pulse(noon() + millis(960));
    world.pulse(noon() + secs(1));
    world.pulse(noon() + secs(5));
    assert!(world.sent.is_empty());
    assert_eq!(world.ledger.story("a"), ["12:00:01 claimed"]);
    assert!(world.ledger.story("b").is_empty(), "nothing new is claimed");
    assert_eq!(world.decisions.next_fire(), None);

    let definitions = jobs(&[("a", "at 2026-03-10T12:00:01Z", ""), ("b", "at 2026-03-10T12:00:05Z", "")]);
    let mut world = world.restart(noon() + secs(6), definitions);
    world.pulse(noon() + secs(6));
    assert_eq!(world.sent_jobs(), ["a", "b"], "both are sent late");
}

/// Seed E5, at the end of it: the answer that was waited for is in the ledger.
#[test]
fn e5_an_open_request_is_waited_for() {
    let (mut world, run) = open();
    world.on(noon() + secs(2), Event::Stop);
    assert!(!world.decisions.is_drained());
    let now = noon() + secs(9);
    world.open.remove(&run);
    world.on_unwritten(now, Event::AttemptEnded(run, Some(report(Outcome::Succeeded, None, noon() + secs(1)))));
    assert!(!world.decisions.is_drained(), "not before the ledger has it");
    world.write(now);
    assert!(world.decisions.is_drained());
    assert_eq!(world.ledger.story("a"), ["12:00:01 succeeded"]);
}

#[test]
fn a_freed_permit_lets_nobody_begin() {
    let tables = [("a", "at 2026-03-10T12:00:01Z", ""), ("b", "at 2026-03-10T12:00:02Z", "")];
    let mut world = World::start(noon(), jobs_with("max_in_flight = 1", &tables), MemoryLedger::default());
    for ms in [0, 960, 1_000, 1_960, 2_000] {
        world.pulse(noon() + millis(ms));
    }
    assert_eq!(world.decisions.waiting(), 1);
    world.on(noon() + secs(2), Event::Stop);
    let run = world.sent[0].1.run;
    world.succeed(noon() + secs(3), run);
    assert!(world.decisions.is_drained());
    assert_eq!(world.ledger.story("b"), ["12:00:02 claimed"]);
}

/// The point of no return was passed when the stop came: the request leaves, at its instant, and is waited for.
#[test]
fn what_had_begun_is_sent_and_waited_for() {
    let mut world = claimed();
    world.on_unwritten(noon() + millis(950), Event::Wake);
    world.on_unwritten(noon() + millis(960), Event::Stop);
    assert!(!world.decisions.is_drained(), "its write is on the way");
    world.write(noon() + millis(970));
    assert!(!world.decisions.is_drained());
    world.on(noon() + secs(1), Event::Wake);
    let run = world.sent[0].1.run;
    world.succeed(noon() + secs(2), run);
    assert!(world.decisions.is_drained());
    assert_eq!(world.ledger.story("a"), ["12:00:01 succeeded"]);
}

/// Guarantee G3: the app may go on with what was given up, so the next process holds the job.
#[test]
fn what_is_left_at_the_end_of_the_grace_is_unknown() {
    let (mut world, run) = open();
    world.on(noon() + secs(2), Event::Stop);
    world.on(noon() + secs(32), Event::GraceOver);
    assert!(world.decisions.is_drained());
    assert_eq!(world.ledger.story("a"), ["12:00:01 unknown shutdown"]);
    let told: Vec<_> = world.ended().map(|ended| (ended.run, ended.outcome, ended.reason)).collect();
    assert_eq!(told, [(run, Outcome::Unknown, Some(Reason::Shutdown))]);

    let mut simulation =
        Simulation::around(noon() + secs(33), world.restart(noon() + secs(33), jobs(&[("a", "every 10s", "")])));
    simulation.run_until(noon() + secs(60));
    let story = simulation.world.ledger.story("a");
    assert!(story[1].contains("skipped possibly_running"), "{story:?}");
}

/// An answer that comes after its run was given up changes nothing.
#[test]
fn a_late_answer_is_not_heard() {
    let (mut world, run) = open();
    world.on(noon() + secs(2), Event::Stop);
    world.on_unwritten(noon() + secs(32), Event::GraceOver);
    world.open.remove(&run);
    let late = report(Outcome::Succeeded, None, noon() + secs(1));
    world.on_unwritten(noon() + secs(32), Event::AttemptEnded(run, Some(late)));
    world.write(noon() + secs(32));
    assert!(world.decisions.is_drained());
    assert_eq!(world.ledger.story("a"), ["12:00:01 unknown shutdown"]);
}

/// A grace of nothing, and a write that is still on its way: the request does not leave any more, and the run does not
/// stay without an end.
#[test]
fn nothing_leaves_after_the_end_of_the_grace() {
    let mut world = claimed();
    world.on_unwritten(noon() + millis(950), Event::Wake);
    world.on_unwritten(noon() + millis(960), Event::Stop);
    world.on_unwritten(noon() + millis(961), Event::GraceOver);
    world.write(noon() + millis(970));
    world.on(noon() + secs(1), Event::Wake);
    assert!(world.sent.is_empty(), "{:?}", world.sent_jobs());
    assert!(world.decisions.is_drained());
    assert_eq!(world.ledger.story("a"), ["12:00:01 unknown shutdown"]);
}

#[test]
fn a_run_that_is_about_to_leave_at_the_end_of_the_grace_does_not() {
    let mut world = claimed();
    world.on(noon() + millis(950), Event::Wake);
    assert_eq!(world.ledger.story("a"), ["12:00:01 sending"], "the ledger let it go");
    world.on(noon() + millis(960), Event::Stop);
    world.on(noon() + millis(961), Event::GraceOver);
    world.on(noon() + secs(1), Event::Wake);
    assert!(world.sent.is_empty(), "{:?}", world.sent_jobs());
    assert!(world.decisions.is_drained());
    assert_eq!(world.ledger.story("a"), ["12:00:01 unknown shutdown"]);
}

/// What the ledger has not taken is waited for, too (seed D11: bookkeeping survives shutdown).
#[test]
fn d11_a_stop_waits_for_the_ledger() {
    let (mut world, run) = open();
    world.on(noon() + secs(2), Event::Stop);
    world.ledger.broken = true;
    world.succeed(noon() + secs(3), run);
    assert!(!world.decisions.is_drained());
    world.ledger.broken = false;
    world.on(noon() + secs(4), Event::Wake);
    assert!(world.decisions.is_drained());
    assert_eq!(world.ledger.story("a"), ["12:00:01 succeeded"]);
}

/// What was handed out and could not be written before the stop is not forgotten: the cursor did not move.
#[test]
fn a_claim_that_was_never_written_is_found_by_the_next_start() {
    let definitions = || jobs(&[("a", "at 2026-03-10T12:00:01Z", "")]);
    let mut world = World::start(noon(), definitions(), MemoryLedger::default());
    world.ledger.broken = true;
    world.on(noon(), Event::Pulse);
    world.on(noon() + millis(500), Event::Stop);
    world.ledger.broken = false;
    let mut world = world.restart(noon() + secs(10), definitions());
    world.pulse(noon() + secs(10));
    assert_eq!(world.ledger.story("a"), ["12:00:01 sending"]);
}
