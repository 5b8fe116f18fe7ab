//! The ledger cannot be written for a while: nothing is sent, nothing is lost, and it goes on by itself.

use chrono::TimeDelta;
use sexton::{
    job::Definitions,
    run::Outcome,
    scheduler::decisions::{Event, Notice},
};

use crate::support::{
    definitions::{jobs, noon},
    memory::MemoryLedger,
    simulation::{Answer, Simulation},
    world::{World, millis, report, secs},
};

fn store_notices(world: &World) -> Vec<bool> {
    let told = world.told.iter().filter_map(|notice| match notice {
        Notice::Store { writable } => Some(*writable),
        _ => None,
    });
    told.collect()
}

/// A simulation whose ledger takes nothing from `from` to `to`, in seconds after noon, and goes on to `end`.
fn outage(definitions: Definitions, from: i64, to: i64, end: i64) -> Simulation {
    let mut simulation = Simulation::start(noon(), definitions, MemoryLedger::default());
    simulation.run_until(noon() + secs(from));
    let sent = simulation.world.sent.len();
    simulation.world.ledger.broken = true;
    simulation.run_until(noon() + secs(to));
    // What had begun before may leave.
    assert!(simulation.world.sent.len() <= sent + 1, "sent without a row: {:?}", simulation.world.sent_jobs());
    simulation.world.ledger.broken = false;
    simulation.run_until(noon() + secs(end));
    simulation
}

#[test]
fn nothing_is_sent_and_the_newest_is_sent_when_it_is_back() {
    let mut simulation = outage(jobs(&[("a", "every 10s", "")]), 35, 95, 105);
    simulation.run_for(millis(500));
    let expected = [
        "12:00:10 succeeded",
        "12:00:20 succeeded",
        "12:00:30 succeeded",
        // It was handed out before anybody knew that the ledger is away.
        "12:00:40 missed downtime",
        "12:00:50..12:01:20 x4 missed downtime",
        "12:01:30 succeeded",
        "12:01:40 succeeded",
    ];
    assert_eq!(simulation.world.ledger.story("a")[..7], expected);
    assert_eq!(store_notices(&simulation.world), [false, true], "told once each");
}

/// Guarantee G1: what the old schedule had due when an edit came is owed, whether the ledger takes it by then or not.
#[test]
fn an_edit_in_an_outage_drops_nothing() {
    let mut simulation =
        Simulation::start(noon(), jobs(&[("a", "every 10s", ""), ("b", "every 1h", "")]), MemoryLedger::default());
    simulation.run_until(noon() + secs(15));
    simulation.world.ledger.broken = true;
    simulation.run_until(noon() + secs(55));
    simulation.event(Event::Reload(Box::new(jobs(&[("b", "every 1h", "")]))));
    simulation.run_until(noon() + secs(60));
    simulation.world.ledger.broken = false;
    simulation.run_until(noon() + secs(70));
    let covered = simulation.world.ledger.rows("a").iter().map(|row| row.count).sum::<u64>();
    assert_eq!(covered, 5, "each of 12:00:10 to 12:00:50: {:?}", simulation.world.ledger.story("a"));
}

/// After a long outage the newest is no longer recent, and goes by `catch_up`.
#[test]
fn a_long_outage_is_downtime() {
    for (catch_up, story) in [
        ("latest", "12:10:00 missed downtime|12:20:00..13:20:00 x7 missed downtime|13:30:00 catch_up succeeded"),
        ("none", "12:10:00 missed downtime|12:20:00..13:30:00 x8 missed downtime"),
    ] {
        let keys = format!("catch_up = \"{catch_up}\"");
        let simulation = outage(jobs(&[("a", "every 10m", &keys)]), 60, 5_700, 5_705);
        assert_eq!(simulation.world.ledger.story("a").join("|"), story);
    }
}

/// However many looks and failures lie between: every occurrence has one row, in order.
#[test]
fn every_second_of_an_outage_is_accounted_for() {
    let mut simulation = outage(jobs(&[("a", "every 1s", "catch_up = \"none\"")]), 5, 605, 620);
    simulation.run_for(millis(100));
    let rows = simulation.world.ledger.rows("a");
    let mut expected = noon() + secs(1);
    for row in &rows {
        assert_eq!(row.scheduled_for, expected, "{:?}", simulation.world.ledger.story("a"));
        assert_eq!((row.through - row.scheduled_for).num_seconds() + 1, i64::try_from(row.count).unwrap());
        expected = row.through + secs(1);
    }
    assert!(expected > noon() + secs(620));
    assert!(rows.len() < 40, "the outage is a few rows, not hundreds: {}", rows.len());
}

/// The end of a run that could not be written is written later, and its job is not told that it is still running.
#[test]
fn an_end_that_was_not_taken_is_kept_in_its_order() {
    let mut world = World::start(noon(), jobs(&[("a", "every 2s", "")]), MemoryLedger::default());
    for ms in [0, 500, 1_950, 2_000] {
        world.pulse(noon() + millis(ms));
    }
    let run = world.sent[0].1.run;
    world.ledger.broken = true;
    let now = noon() + millis(3_900);
    world.open.remove(&run);
    world.on(now, Event::AttemptEnded(run, Some(report(Outcome::Succeeded, None, noon() + secs(2)))));
    world.ledger.broken = false;
    // The next occurrence is at :04; the end is tried again at :04.9.
    for ms in (3_900..5_400).step_by(50) {
        world.pulse(noon() + millis(ms));
    }
    assert_eq!(world.ledger.story("a")[..2], ["12:00:02 succeeded", "12:00:04 sending"]);
}

/// A run that was to begin is decided anew: it is still sent, as late as it is.
#[test]
fn a_beginning_that_was_not_taken_is_decided_anew() {
    let mut world = World::start(noon(), jobs(&[("a", "every 1h", "")]), MemoryLedger::default());
    let due = noon() + TimeDelta::hours(1);
    world.pulse(due - secs(1));
    world.ledger.broken = true;
    world.on(due - millis(50), Event::Wake);
    world.on(due, Event::Wake);
    assert!(world.sent.is_empty());
    world.ledger.broken = false;
    let again = world.decisions.wake_at().unwrap();
    assert!(again <= due + secs(1), "{again}");
    world.on(again, Event::Wake);
    assert_eq!(world.sent.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [again]);
    assert_eq!(world.decisions.in_flight(), 1);
}

/// Two writes are on their way, and only the first fails: what the second moved past is not lost.
#[test]
fn a_write_behind_one_that_failed_does_not_leave_a_hole() {
    let mut world = World::start(noon(), jobs(&[("a", "every 1s", "")]), MemoryLedger::default());
    world.on_unwritten(noon() + secs(1), Event::Pulse);
    world.on_unwritten(noon() + secs(2), Event::Pulse);
    let first = world.unwritten.pop_front().unwrap();
    let second = world.unwritten.pop_front().unwrap();
    let answer = world.ledger.carry_out(noon() + secs(2), second).unwrap();
    world.on(noon() + secs(2), Event::StoreFailed(first));
    world.on(noon() + secs(2), Event::Stored(answer));
    let mut simulation = Simulation::around(noon() + secs(2), world);
    simulation.run_until(noon() + millis(10_500));
    let rows = simulation.world.ledger.rows("a");
    let covered: u64 = rows.iter().map(|row| row.count).sum();
    let newest = rows.last().unwrap().through;
    assert_eq!(i64::try_from(covered).unwrap(), (newest - noon()).num_seconds(), "{:?}", simulation);
}

/// The account of what the old schedule demanded fails, and the anchor of the new one waits right behind it: were that
/// taken, the account would be stale when it is told again, and its occurrences lost (guarantee G1).
#[test]
fn an_anchor_does_not_overtake_the_account_before_it() {
    let mut world = World::start(noon(), jobs(&[("a", "every 10s", "")]), MemoryLedger::default());
    world.on_unwritten(noon() + secs(9), Event::Pulse);
    world.on_unwritten(noon() + secs(9), Event::Reload(Box::new(jobs(&[("a", "every 7s", "")]))));
    assert_eq!(world.unwritten.len(), 2);
    world.ledger.fails = 1;
    world.write(noon() + secs(9));
    let mut simulation = Simulation::around(noon() + secs(9), world);
    simulation.run_for(secs(20));
    let story = simulation.world.ledger.story("a");
    assert_eq!(story[0], "12:00:10 cancelled redefined", "{story:?}");
    assert!(!simulation.world.told.iter().any(|notice| matches!(notice, Notice::Moved { .. })));
}

/// An outage that comes between other writes of the same job: still the newest, not the oldest that comes to hand.
#[test]
fn of_what_an_outage_left_the_newest_is_sent_whatever_lies_between() {
    let definitions = jobs(&[("a", "every 10m", ""), ("b", "every 10m", "timeout = \"2h\"")]);
    let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), |order| {
        let after = if order.job.name.as_str() == "b" { TimeDelta::minutes(25) } else { millis(10) };
        Answer::After(after, Outcome::Succeeded, None)
    });
    simulation.run_until(noon() + TimeDelta::minutes(15));
    simulation.world.ledger.broken = true;
    // The end of b, at 12:35, comes between what falls due at :30 and at :40.
    simulation.run_until(noon() + TimeDelta::minutes(55));
    simulation.world.ledger.broken = false;
    simulation.run_until(noon() + TimeDelta::minutes(56));
    let story = simulation.world.ledger.story("a");
    assert_eq!(
        story,
        [
            "12:10:00 succeeded",
            "12:20:00 missed downtime",
            "12:30:00..12:40:00 x2 missed downtime",
            "12:50:00 catch_up succeeded"
        ],
        "{simulation:?}"
    );
}

/// A sign of life that was not taken is not worth repeating.
#[test]
fn a_tick_is_not_kept() {
    let mut world = World::start(noon(), jobs(&[]), MemoryLedger::default());
    world.on(noon(), Event::StoreFailed(sexton::scheduler::decisions::Write::Tick(noon())));
    assert_eq!(store_notices(&world), [false]);
    assert_eq!(world.decisions.wake_at(), None);
    world.on(noon() + secs(15), Event::Stored(sexton::scheduler::decisions::Stored::Ticked));
    assert_eq!(store_notices(&world), [false, true]);
}
