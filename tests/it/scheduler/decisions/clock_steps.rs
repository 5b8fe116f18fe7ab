//! Somebody sets the wall clock, or the machine sleeps.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    run::{Outcome, Trigger},
    scheduler::decisions::{Event, Notice},
};

use crate::support::{
    definitions::{jobs, jobs_with, name, noon},
    memory::MemoryLedger,
    simulation::{Answer, Simulation},
    world::{World, millis, secs},
};

fn every_minute() -> sexton::job::Definitions {
    jobs(&[("a", "every 1m", "")])
}

fn sent_for(simulation: &Simulation) -> Vec<DateTime<Utc>> {
    simulation.world.sent.iter().map(|(_, order)| order.scheduled_for).collect()
}

fn minutes(range: std::ops::RangeInclusive<i64>) -> Vec<DateTime<Utc>> {
    range.map(|minute| noon() + TimeDelta::minutes(minute)).collect()
}

#[test]
fn a_step_forward_is_downtime() {
    let mut simulation = Simulation::start(noon(), every_minute(), MemoryLedger::default());
    simulation.run_until(noon() + secs(150));
    simulation.step_clock(TimeDelta::minutes(30));
    simulation.run_for(secs(60));
    // The newest of what was jumped over is sent late: it is 30 s old.
    let expected = [
        "12:01:00 succeeded",
        "12:02:00 succeeded",
        "12:03:00..12:31:00 x29 missed downtime",
        "12:32:00 succeeded",
        "12:33:00 succeeded",
    ];
    assert_eq!(simulation.world.ledger.story("a"), expected);
}

/// The machine slept with a claim in hand: of the job only the newest is sent, and that is not the claim. The alarm rings
/// before the pulse looks.
#[test]
fn a_machine_that_slept_sends_the_newest() {
    for (awake_again, trigger) in [(secs(600), Trigger::Schedule), (secs(600 + 3_650), Trigger::CatchUp)] {
        let schedule = if trigger == Trigger::Schedule { "every 1m" } else { "every 1h" };
        let definitions = jobs(&[("a", schedule, "")]);
        let first = definitions.jobs["a"].schedule.next_after(noon()).unwrap();
        let mut world = World::start(noon(), definitions, MemoryLedger::default());
        world.on(first - secs(1), Event::Pulse);
        let now = first + awake_again;
        world.on(now, Event::Wake);
        world.on(now, Event::Pulse);
        world.on(now, Event::Wake);
        let [(_, order)] = world.sent.as_slice() else { panic!("{:?}", world.sent_jobs()) };
        let newest = order.job.schedule.next_after(order.scheduled_for).unwrap() > now;
        assert!(newest, "{} was sent at {now}", order.scheduled_for);
        assert_eq!(order.trigger, trigger);
        assert!(world.ledger.story("a")[0].ends_with("missed downtime"), "{:?}", world.ledger.story("a"));
    }
}

/// Seed A22: a clock that goes back fires nothing twice, and the job does not wait for it to catch up.
#[test]
fn a22_a_step_back_fires_nothing_twice() {
    let mut simulation = Simulation::start(noon(), every_minute(), MemoryLedger::default());
    simulation.run_until(noon() + secs(630));
    assert_eq!(sent_for(&simulation), minutes(1..=10));
    simulation.step_clock(-TimeDelta::minutes(8));
    let told: Vec<_> = simulation.world.told.iter().filter(|notice| matches!(notice, Notice::Clamped { .. })).collect();
    assert_eq!(told, [&Notice::Clamped { job: name("a"), from: noon() + TimeDelta::minutes(10) }]);
    simulation.run_until(noon() + secs(750));
    assert_eq!(sent_for(&simulation), minutes(1..=12), "11 and 12 are new, 3 to 10 have their rows");
    assert_eq!(simulation.world.ledger.rows("a").len(), 12);
}

/// Seed A22: claims that the ledger left out are no runs. Beside one that is open they would be told of as skipped, and
/// wait for their turn.
#[test]
fn a22_what_has_its_row_is_not_there_twice() {
    for keys in ["", "overlap = \"queue\"", "catch_up = \"all\""] {
        let definitions = jobs(&[("a", "every 1m", &format!("timeout = \"1h\"\n{keys}"))]);
        let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), |order| {
            let takes = if order.fence == 5 { TimeDelta::minutes(4) } else { millis(10) };
            Answer::After(takes, Outcome::Succeeded, None)
        });
        simulation.run_until(noon() + secs(330));
        simulation.step_clock(-secs(220));
        simulation.run_for(secs(300));
        let told: Vec<_> = simulation.world.ended().map(|ended| ended.scheduled_for).collect();
        let once: BTreeSet<_> = told.iter().collect();
        assert_eq!(told.len(), once.len(), "{keys}: {:#?}", simulation.world.told);
        assert!(told.len() > 5, "and it goes on: {simulation:?}");
    }
}

/// Seed A22: what waits for the run before it is sent when that is over, also when its instant is yet to come again.
#[test]
fn a22_what_waits_is_woken_by_the_end_and_not_by_the_clock() {
    let definitions = jobs(&[("a", "every 1m", "timeout = \"1h\"\noverlap = \"queue\"")]);
    let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), |order| {
        let takes = if order.fence == 1 { secs(90) } else { millis(10) };
        Answer::After(takes, Outcome::Succeeded, None)
    });
    simulation.run_until(noon() + secs(121));
    assert_eq!(simulation.world.ledger.story("a")[1], "12:02:00 queued");
    simulation.step_clock(-TimeDelta::hours(1));
    simulation.run_for(secs(30));
    assert_eq!(simulation.world.ledger.story("a")[1], "12:02:00 succeeded", "{simulation:?}");
}

/// Before the first occurrence that the ledger knows of there is nothing that could be sent twice.
#[test]
fn a_step_back_behind_the_anchor_fires_what_is_new() {
    let mut simulation = Simulation::start(noon(), every_minute(), MemoryLedger::default());
    simulation.run_until(noon() + secs(90));
    simulation.step_clock(-TimeDelta::minutes(5));
    simulation.run_until(noon() + secs(130));
    let expected: Vec<_> = minutes(1..=1).into_iter().chain(minutes(-3..=0)).chain(minutes(2..=2)).collect();
    assert_eq!(sent_for(&simulation), expected);
    assert!(simulation.world.sent.iter().all(|(at, order)| *at == order.scheduled_for), "all on time");
}

/// Rows that are there are left out of a span that would cover them.
#[test]
fn a_step_back_and_forward_accounts_for_each_occurrence_once() {
    let mut simulation = Simulation::start(noon(), every_minute(), MemoryLedger::default());
    simulation.run_until(noon() + secs(330));
    simulation.step_clock(-TimeDelta::minutes(10));
    simulation.step_clock(TimeDelta::minutes(20));
    simulation.run_for(secs(40));
    // -4 to 0 were never there, 1 to 5 have their rows, the newest is 30 s old.
    let expected = [
        "11:56:00..12:00:00 x5 missed downtime",
        "12:01:00 succeeded",
        "12:02:00 succeeded",
        "12:03:00 succeeded",
        "12:04:00 succeeded",
        "12:05:00 succeeded",
        "12:06:00..12:14:00 x9 missed downtime",
        "12:15:00 succeeded",
        "12:16:00 succeeded",
    ];
    assert_eq!(simulation.world.ledger.story("a"), expected);
}

/// Guarantee G1: behind rows that are there, what a schedule still demanded is written when an edit ends it, and by it.
#[test]
fn an_edit_after_a_step_back_loses_nothing() {
    for (edited, reason) in [
        (jobs(&[("a", "daily 07:00", "")]), "redefined"),
        (jobs(&[("a", "every 7m", "")]), "redefined"),
        (jobs(&[("a", "every 1m", "enabled = false")]), "redefined"),
        (jobs(&[]), "removed"),
    ] {
        for pulse_comes_first in [true, false] {
            let mut simulation = Simulation::start(noon(), every_minute(), MemoryLedger::default());
            simulation.run_until(noon() + secs(210));
            simulation.step_clock(-TimeDelta::minutes(5));
            let world = &mut simulation.world;
            world.told.clear();
            // And then the machine slept, and woke up with the edit. The ledger answers behind it.
            let awake = noon() + secs(390);
            if pulse_comes_first {
                world.on_unwritten(awake, Event::Pulse);
            }
            world.on(awake, Event::Reload(Box::new(edited.clone())));
            let cancelled = format!("12:06:00 cancelled {reason}");
            let expected = [
                "11:59:00..12:00:00 x2 missed downtime",
                "12:01:00 succeeded",
                "12:02:00 succeeded",
                "12:03:00 succeeded",
                "12:04:00..12:05:00 x2 missed downtime",
                &cancelled,
            ];
            assert_eq!(world.ledger.story("a"), expected);
            let missed: Vec<_> = world.ended().map(|ended| (ended.outcome, ended.count)).collect();
            assert_eq!(missed[..2], [(Outcome::Missed, 2); 2], "{missed:?}");
            assert!(!world.told.iter().any(|notice| matches!(notice, Notice::Moved { .. })), "{:#?}", world.told);
        }
    }
}

/// A late newest that is there already is not sent again.
#[test]
fn what_was_sent_is_not_sent_late_again() {
    let mut simulation = Simulation::start(noon(), every_minute(), MemoryLedger::default());
    simulation.run_until(noon() + secs(330));
    simulation.step_clock(-TimeDelta::minutes(3));
    simulation.step_clock(TimeDelta::minutes(3));
    simulation.run_for(secs(20));
    assert_eq!(sent_for(&simulation), minutes(1..=5));
    assert_eq!(simulation.world.ledger.rows("a").len(), 5);
}

/// What was late before a step back says nothing of what comes after it.
#[test]
fn a_late_occurrence_before_a_step_back_supersedes_nothing_after_it() {
    let definitions = jobs_with("late_limit = \"30s\"", &[("a", "every 1m", "")]);
    let ledger = MemoryLedger::with_cursor(&definitions.jobs["a"], noon());
    let mut simulation = Simulation::start(noon() + secs(610), definitions, ledger);
    simulation.run_for(secs(5));
    simulation.step_clock(-TimeDelta::hours(1));
    // Noon less 49 minutes and 45 s; the loop is a little slow when the next minute comes.
    let due = noon() - TimeDelta::minutes(49);
    let world = &mut simulation.world;
    world.on(due - secs(1), Event::Pulse);
    world.on(due + millis(3), Event::Wake);
    let (sent_at, order) = world.sent.last().unwrap();
    assert_eq!((*sent_at, order.scheduled_for), (due + millis(3), due));
}

/// A claim that both sides of a step back made is one occurrence, also when the loop is slow at its instant.
#[test]
fn a_claim_is_not_lost_to_its_own_double() {
    let definitions = jobs_with("late_limit = \"30s\"", &[("a", "every 1m", "catch_up = \"none\"")]);
    let mut world = World::start(noon(), definitions, MemoryLedger::default());
    let due = noon() + secs(60);
    world.on(due - secs(1), Event::Pulse);
    world.on(due - secs(30), Event::ClockStepped);
    world.on(due - secs(2), Event::Pulse);
    world.on(due + millis(3), Event::Wake);
    assert_eq!(world.ledger.story("a"), ["12:01:00 sending"]);
    assert_eq!(world.sent.len(), 1);
}

/// The ledger was away when the clock went back: it is tried again after a second of the new time, not of the old.
#[test]
fn a_step_back_makes_no_pause_longer() {
    let mut simulation = Simulation::start(noon(), jobs(&[("a", "every 1s", "")]), MemoryLedger::default());
    simulation.run_until(noon() + millis(1_005));
    simulation.world.ledger.broken = true;
    simulation.run_until(noon() + millis(1_990));
    simulation.world.ledger.broken = false;
    simulation.step_clock(-TimeDelta::hours(1));
    simulation.run_for(millis(1_500));
    assert!(simulation.world.ledger.story("a").contains(&"12:00:01 succeeded".to_owned()), "{simulation:?}");
    assert!(simulation.world.sent.len() > 1, "and it goes on");
}

/// Seed A22: a run that the ledger let go moments before the clock went back does not hold its job for an hour.
#[test]
fn a22_what_was_about_to_leave_leaves() {
    let mut simulation = Simulation::start(noon(), every_minute(), MemoryLedger::default());
    simulation.run_until(noon() + millis(59_970));
    assert_eq!(simulation.world.ledger.story("a"), ["12:01:00 sending"]);
    assert!(simulation.world.sent.is_empty());
    simulation.step_clock(-TimeDelta::hours(1));
    simulation.run_for(secs(90));
    assert_eq!(sent_for(&simulation)[..2], [noon() + secs(60), noon() - TimeDelta::minutes(59)]);
}

/// A request that is open when the clock is set ends as it ends.
#[test]
fn an_open_request_survives_a_step() {
    for by in [TimeDelta::hours(1), -TimeDelta::hours(1)] {
        let mut simulation = Simulation::start(noon(), every_minute(), MemoryLedger::default());
        simulation.run_until(noon() + secs(60));
        assert_eq!(simulation.world.open.len(), 1);
        simulation.step_clock(by);
        simulation.run_for(secs(1));
        assert!(simulation.world.ledger.story("a").contains(&"12:01:00 succeeded".to_owned()), "{by}: {simulation:?}");
    }
}

/// Somebody else moved a cursor: what they account for is theirs, and the job goes on from there.
#[test]
fn a_cursor_that_was_moved_is_followed() {
    let mut world = World::start(noon(), every_minute(), MemoryLedger::default());
    let moved = noon() + TimeDelta::minutes(5);
    world.ledger.cursors.get_mut(&name("a")).unwrap().accounted_to = moved;
    world.pulse(noon() + secs(59));
    assert!(world.told.contains(&Notice::Moved { job: name("a"), to: Some(moved) }));
    world.pulse(moved + secs(58));
    world.pulse(moved + secs(60));
    assert_eq!(world.sent.iter().map(|(_, order)| order.scheduled_for).collect::<Vec<_>>(), [moved + secs(60)]);
}

/// A cursor that is gone is loud, and the job goes on from now on its own.
#[test]
fn a_cursor_that_is_gone_is_told_each_time_it_is_missed() {
    let mut world = World::start(noon(), every_minute(), MemoryLedger::default());
    world.ledger.cursors.clear();
    world.pulse(noon() + secs(59));
    assert!(world.told.contains(&Notice::Moved { job: name("a"), to: None }));
    assert!(world.sent.is_empty());
}
