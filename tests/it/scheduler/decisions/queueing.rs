//! `overlap = "queue"`: one occurrence waits for the run before it.

use sexton::{
    job::Definitions,
    run::{Outcome, Reason, State},
    scheduler::decisions::{Effect, Event, Write},
    store::End,
};

use crate::support::{
    definitions::{jobs, noon},
    memory::MemoryLedger,
    simulation::{Answer, Simulation},
    world::{World, millis, report, secs},
};

fn queueing(schedule: &str, keys: &str) -> Definitions {
    jobs(&[("a", schedule, &format!("overlap = \"queue\"\n{keys}"))])
}

/// The first request gets `first`, the others 200 after 10 ms.
fn first_gets(definitions: Definitions, first: Answer) -> Simulation {
    Simulation::with_app(noon(), definitions, MemoryLedger::default(), move |order| {
        if order.fence == 1 { first } else { Answer::After(millis(10), Outcome::Succeeded, None) }
    })
}

#[test]
fn one_waits_and_the_others_are_skipped() {
    let slow = Answer::After(millis(4_500), Outcome::Succeeded, None);
    let mut simulation = first_gets(queueing("every 1s", ""), slow);
    simulation.run_until(noon() + millis(3_500));
    assert_eq!(simulation.world.ledger.story("a")[1], "12:00:02 queued", "in the ledger, for a restart");
    simulation.run_until(noon() + millis(7_500));
    let expected = [
        "12:00:01 succeeded",
        "12:00:02 succeeded",
        "12:00:03..12:00:05 x3 skipped queue_full",
        "12:00:06 succeeded",
        "12:00:07 succeeded",
    ];
    assert_eq!(simulation.world.ledger.story("a")[..5], expected);
    assert_eq!(simulation.world.sent[1].0, noon() + millis(5_500), "as soon as the one before is over");
}

/// What waits behind a run ends the retries of that run: an older occurrence is not made again after a newer one.
#[test]
fn a_retry_is_not_made_behind_the_one_that_waited() {
    let failed = Answer::After(millis(1_500), Outcome::Failed, Some(Reason::Connect));
    let retry = "retry = { attempts = 3, initial = \"1s\", on = [\"connect\"] }";
    let mut simulation = first_gets(queueing("every 1s", retry), failed);
    simulation.run_until(noon() + millis(6_500));
    let instants: Vec<_> = simulation.world.sent.iter().map(|(_, order)| order.scheduled_for).collect();
    assert!(instants.is_sorted(), "{instants:?}");
    assert_eq!(simulation.world.ledger.story("a")[..2], ["12:00:01 failed connect", "12:00:02 succeeded"]);
}

/// Guarantee G3: it waits for the end of a hold too.
#[test]
fn it_waits_for_the_end_of_a_hold() {
    let gone = Answer::After(secs(3), Outcome::Unknown, Some(Reason::Timeout));
    let mut simulation = first_gets(queueing("every 5s", "timeout = \"3s\"\nhold = \"11s\""), gone);
    simulation.run_until(noon() + secs(29));
    let sent: Vec<_> = simulation.world.sent.iter().map(|(at, order)| (*at, order.scheduled_for)).collect();
    assert_eq!(sent[0], (noon() + secs(5), noon() + secs(5)));
    assert_eq!(sent[1], (noon() + secs(19), noon() + secs(10)), "given up at :08, held until :19");
    assert_eq!(simulation.world.ledger.story("a")[2], "12:00:15 skipped queue_full");
}

#[test]
fn it_waits_over_a_restart() {
    let definitions = || queueing("every 10m", "timeout = \"1m\"\nhold = \"30m\"");
    let ledger = MemoryLedger::with_cursor(&definitions().jobs["a"], noon());
    let mut simulation = Simulation::with_app(noon(), definitions(), ledger, |order| {
        Answer::After(if order.fence == 1 { secs(900) } else { millis(10) }, Outcome::Succeeded, None)
    });
    simulation.run_until(noon() + secs(1_230));
    assert_eq!(simulation.world.ledger.story("a"), ["12:10:00 sending", "12:20:00 queued"]);
    let mut simulation = simulation.kill_and_restart(secs(10), definitions());
    simulation.run_until(noon() + secs(1_700));
    assert_eq!(simulation.world.ledger.story("a"), ["12:10:00 unknown crash", "12:20:00 queued"]);
    simulation = simulation.kill_and_restart(secs(10), definitions());
    simulation.run_until(noon() + secs(3_700));
    let story = simulation.world.ledger.story("a");
    // Held from 12:20:40 on, for half an hour.
    assert_eq!(
        story[..4],
        [
            "12:10:00 unknown crash",
            "12:20:00 succeeded",
            "12:30:00..12:50:00 x3 skipped queue_full",
            "13:00:00 succeeded"
        ]
    );
    assert_eq!(simulation.world.sent[1].0, noon() + secs(1_240 + 1_800));
}

/// A reload of something else leaves it in its place; one that takes its job away cancels it.
#[test]
fn a_reload_meets_a_run_that_waits() {
    for (after, expected) in [
        (queueing("every 1m", "timeout = \"10m\"\ndescription = \"other words\""), "12:02:00 queued"),
        (jobs(&[]), "12:02:00 cancelled removed"),
        (queueing("every 7m", ""), "12:02:00 cancelled redefined"),
    ] {
        let slow = Answer::After(secs(3_600), Outcome::Succeeded, None);
        let mut simulation = first_gets(queueing("every 1m", "timeout = \"10m\""), slow);
        simulation.run_until(noon() + secs(150));
        simulation.event(Event::Reload(Box::new(after)));
        simulation.run_for(secs(5));
        assert_eq!(simulation.world.ledger.story("a")[1], expected);
    }
}

/// The failure of a write leaves it where it is.
#[test]
fn it_waits_while_the_ledger_is_away() {
    let slow = Answer::After(secs(90), Outcome::Succeeded, None);
    let mut simulation = first_gets(queueing("every 1m", "timeout = \"10m\""), slow);
    simulation.run_until(noon() + millis(119_900));
    simulation.world.ledger.broken = true;
    simulation.run_until(noon() + secs(170));
    simulation.world.ledger.broken = false;
    simulation.run_until(noon() + secs(200));
    let rows = simulation.world.ledger.rows("a");
    assert!(rows.iter().all(|run| run.state == State::Ended(Outcome::Succeeded)), "{simulation:?}");
    assert_eq!(simulation.world.sent.len(), 3);
}

/// A stop leaves it to the next start.
#[test]
fn a_stop_does_not_wait_for_it() {
    let slow = Answer::After(secs(90), Outcome::Succeeded, None);
    let mut simulation = first_gets(queueing("every 1m", "timeout = \"10m\""), slow);
    simulation.run_until(noon() + secs(125));
    simulation.event(Event::Stop);
    simulation.run_until(noon() + secs(160));
    assert!(simulation.world.decisions.is_drained());
    assert_eq!(simulation.world.ledger.story("a"), ["12:01:00 succeeded", "12:02:00 queued"]);
}

/// A run whose row is not claimed any more, as the ledger says when it is to line up, has its permit by then: it is given back,
/// once.
#[test]
fn a_permit_of_a_run_that_somebody_else_ended_comes_back() {
    let mut world = World::start(noon(), queueing("every 10s", ""), MemoryLedger::default());
    for at in [9_000, 9_950, 10_000] {
        world.pulse(noon() + millis(at));
    }
    let first = world.sent[0].1.run;
    world.on(noon() + millis(19_000), Event::Pulse);
    world.on(noon() + millis(19_950), Event::Wake);
    // 12:00:20 is to line up, and the one before it ends before the ledger has heard of that.
    world.on_unwritten(noon() + secs(20), Event::Wake);
    assert!(matches!(world.unwritten.front(), Some(Write::Queue(_))), "{:?}", world.unwritten);
    let second = world.ledger.rows("a")[1].id;
    let end = End { run: second, outcome: Outcome::Cancelled, reason: Reason::Settled };
    world.ledger.carry_out(noon() + secs(20), Write::End(vec![end])).unwrap();
    world.open.clear();
    let done = report(Outcome::Succeeded, None, noon() + secs(10));
    let finish = world.decisions.on(noon() + secs(20), Event::AttemptEnded(first, Some(done)));
    for effect in finish {
        let Effect::Write(write) = effect else { continue };
        let stored = world.ledger.carry_out(noon() + secs(20), write).unwrap();
        world.on_unwritten(noon() + secs(20), Event::Stored(stored));
    }
    assert_eq!(world.decisions.in_flight(), 1, "the second one begins");
    world.write(noon() + secs(20));
    assert_eq!(world.decisions.in_flight(), 0);
    for at in [29_000, 29_950, 30_000] {
        world.pulse(noon() + millis(at));
    }
    assert_eq!((world.sent.len(), world.decisions.in_flight()), (2, 1), "and it goes on");
}
