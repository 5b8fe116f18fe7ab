//! Occurrences that come while an earlier run is, or may be, still running.

use chrono::TimeDelta;
use sexton::{
    job::Definitions,
    run::{Outcome, Reason},
    scheduler::decisions::{Event, Notice},
};

use crate::support::{
    definitions::{jobs, name, noon},
    memory::MemoryLedger,
    simulation::{Answer, Simulation},
    world::{World, millis, report, secs},
};

const fn succeeds(after: TimeDelta) -> Answer {
    Answer::After(after, Outcome::Succeeded, None)
}

/// A simulation in which the first request of job `a` gets `first`, and every other one 200 after 10 ms.
fn first_of_a(definitions: Definitions, first: Answer) -> Simulation {
    let mut answers = Some(first);
    Simulation::with_app(noon(), definitions, MemoryLedger::default(), move |order| {
        let first = (order.job.name.as_str() == "a").then(|| answers.take()).flatten();
        first.unwrap_or(succeeds(millis(10)))
    })
}

/// Seed A24: a job in flight is not launched again, and what it misses is one row.
#[test]
fn a24_a_slow_run_lets_its_next_occurrences_pass() {
    let mut simulation = first_of_a(jobs(&[("a", "every 1s", "timeout = \"30s\"")]), succeeds(millis(4_500)));
    simulation.run_until(noon() + millis(7_500));
    let expected =
        ["12:00:01 succeeded", "12:00:02..12:00:05 x4 skipped running", "12:00:06 succeeded", "12:00:07 succeeded"];
    assert_eq!(simulation.world.ledger.story("a")[..4], expected);
}

/// Seed A24: a slow job delays nobody else by a millisecond.
#[test]
fn a24_a_slow_run_delays_no_other_job() {
    let definitions = jobs(&[("a", "every 1s", "timeout = \"30s\""), ("b", "every 1s", "")]);
    let mut simulation = first_of_a(definitions, succeeds(secs(20)));
    simulation.run_until(noon() + secs(20));
    let of_b: Vec<_> = simulation.world.sent.iter().filter(|(_, order)| order.job.name.as_str() == "b").collect();
    assert_eq!(of_b.len(), 20);
    assert!(of_b.iter().all(|(at, order)| *at == order.scheduled_for));
}

/// Guarantee G3: given up is not finished. `running` while the request is open, `possibly_running` until the hold is over;
/// then it is told, and the job goes on.
#[test]
fn a_run_given_up_holds_its_job() {
    let keys = "timeout = \"3s\"\nhold = \"5s\"";
    let gone = Answer::After(secs(3), Outcome::Unknown, Some(Reason::Timeout));
    let mut simulation = first_of_a(jobs(&[("a", "every 1s", keys)]), gone);
    simulation.run_until(noon() + millis(10_500));
    // Sent at 12:00:01, given up at :04, held until :09; the occurrence of that very instant goes out.
    let expected = [
        "12:00:01 unknown timeout",
        "12:00:02..12:00:04 x3 skipped running",
        "12:00:05..12:00:08 x4 skipped possibly_running",
        "12:00:09 succeeded",
        "12:00:10 succeeded",
    ];
    let story = simulation.world.ledger.story("a");
    // At :04 the end of the request and the next occurrence meet: either may be first.
    let meeting = [
        "12:00:01 unknown timeout",
        "12:00:02..12:00:03 x2 skipped running",
        "12:00:04..12:00:08 x5 skipped possibly_running",
        "12:00:09 succeeded",
        "12:00:10 succeeded",
    ];
    assert!(story[..5] == expected || story[..5] == meeting, "{story:#?}");
    let run = simulation.world.sent[0].1.run;
    let over: Vec<_> =
        simulation.world.told.iter().filter(|notice| matches!(notice, Notice::HoldOver { .. })).collect();
    assert_eq!(over, [&Notice::HoldOver { job: name("a"), run }]);
}

/// Seed A25: with a timeout longer than the interval no second pass is stacked on the first.
#[test]
fn a25_no_pass_is_stacked_on_another() {
    let keys = "timeout = \"10s\"\nhold = \"10s\"";
    let gone = || Answer::After(secs(10), Outcome::Unknown, Some(Reason::Timeout));
    let definitions = jobs(&[("a", "every 2s", keys)]);
    let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), move |_| gone());
    simulation.run_until(noon() + secs(120));
    let sent: Vec<_> = simulation.world.sent.iter().map(|(at, _)| *at).collect();
    assert!(sent.len() >= 5, "{sent:?}");
    let apart: Vec<_> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(apart.iter().all(|apart| *apart >= secs(20)), "10 s open and 10 s held, at least: {apart:?}");
}

/// Seed A23: a job that fails waits for its own cadence.
#[test]
fn a23_a_failing_job_waits_for_its_next_occurrence() {
    let definitions = jobs(&[("a", "every 15m", "")]);
    let refused = Answer::After(millis(2), Outcome::Failed, Some(Reason::Connect));
    let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), move |_| refused);
    simulation.run_until(noon() + TimeDelta::hours(4));
    let sent: Vec<_> = simulation.world.sent.iter().map(|(at, _)| *at - noon()).collect();
    let cadence: Vec<_> = (1..=16).map(|n| TimeDelta::minutes(15 * n)).collect();
    assert_eq!(sent, cadence);
}

/// Seed D8: a heartbeat is a job like any other, every 30 s within 10 s: whether it is refused, hangs or panics, its run
/// tells so and the next one comes all the same. Each is told once, which is one line in the log: that takes the place of the
/// seed's throttling, and hides no failure.
#[test]
fn d8_a_heartbeat_beats_on() {
    let definitions = jobs(&[("beat", "every 30s", "timeout = \"10s\"\nidempotent = true\ncatch_up = \"none\"")]);
    assert_eq!(definitions.jobs[&name("beat")].timeout.as_secs(), 10);
    let mut beat = 0;
    let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), move |_| {
        beat += 1;
        match beat {
            1..=3 => Answer::After(millis(2), Outcome::Failed, Some(Reason::Connect)),
            4 => Answer::After(secs(10), Outcome::Unknown, Some(Reason::Timeout)),
            5 => Answer::Panic(millis(100)),
            _ => succeeds(millis(10)),
        }
    });
    simulation.run_until(noon() + secs(7 * 30 + 15));
    let expected = [
        "12:00:30 failed connect",
        "12:01:00 failed connect",
        "12:01:30 failed connect",
        "12:02:00 unknown timeout",
        "12:02:30 failed panic",
        "12:03:00 succeeded",
        "12:03:30 succeeded",
    ];
    assert_eq!(simulation.world.ledger.story("beat")[..7], expected);
    let failed = simulation.world.ended().filter(|ended| ended.outcome != Outcome::Succeeded);
    assert_eq!(failed.count(), 5, "one line for each that failed");
    let sent: Vec<_> = simulation.world.sent.iter().map(|(at, _)| *at - noon()).collect();
    assert_eq!(sent, (1..=7).map(|n| secs(30 * n)).collect::<Vec<_>>());
}

/// Seed D9: a panic in one attempt ends that run as failed and nothing else.
#[test]
fn d9_a_panic_ends_one_run() {
    let definitions = jobs(&[("a", "every 1s", ""), ("b", "every 1s", "")]);
    let mut simulation = first_of_a(definitions, Answer::Panic(millis(100)));
    simulation.run_until(noon() + millis(3_500));
    let story = simulation.world.ledger.story("a");
    assert_eq!(story[..3], ["12:00:01 failed panic", "12:00:02 succeeded", "12:00:03 succeeded"]);
    assert!(simulation.world.ledger.story("b")[..3].iter().all(|row| row.ends_with("succeeded")));
    assert_eq!(simulation.world.decisions.in_flight(), 0, "its permit is back");
}

#[test]
fn a_job_that_may_overlap_is_sent_each_time() {
    let keys = "timeout = \"60s\"\noverlap = \"allow\"";
    let mut simulation = first_of_a(jobs(&[("a", "every 1s", keys)]), succeeds(secs(30)));
    simulation.run_until(noon() + millis(10_500));
    assert_eq!(simulation.world.sent.len(), 10);
    assert_eq!(
        simulation.world.ledger.story("a")[..3],
        ["12:00:01 sending", "12:00:02 succeeded", "12:00:03 succeeded"]
    );
}

/// Asked ahead of its instant, a slot that is taken may yet be free at it.
#[test]
fn a_run_that_ends_just_before_the_next_instant_does_not_cost_an_occurrence() {
    for before in [1, 20, 49] {
        let ends = succeeds(secs(1) - millis(before));
        let mut simulation = first_of_a(jobs(&[("a", "every 1s", "")]), ends);
        simulation.run_until(noon() + millis(2_500));
        let story = simulation.world.ledger.story("a");
        assert_eq!(story[..2], ["12:00:01 succeeded", "12:00:02 succeeded"], "{before} ms before");
        assert_eq!(simulation.world.sent[1].0, noon() + secs(2));
    }
}

/// An occurrence is refused once, not each time it is looked at.
#[test]
fn a_refused_occurrence_is_told_once() {
    let mut simulation = first_of_a(jobs(&[("a", "every 5s", "")]), succeeds(secs(7)));
    simulation.run_until(noon() + secs(12));
    let skipped: Vec<_> =
        simulation.world.ended().filter(|ended| ended.outcome == Outcome::Skipped).map(|e| e.scheduled_for).collect();
    assert_eq!(skipped, [noon() + secs(10)]);
}

/// The end of a run and the next occurrence of its job, in one batch: the slot is free by then.
#[test]
fn a_slot_is_given_back_before_it_is_asked_for() {
    let mut world = World::start(noon(), jobs(&[("a", "every 1s", "")]), MemoryLedger::default());
    world.pulse(noon());
    world.on(noon() + millis(950), Event::Wake);
    world.on(noon() + secs(1), Event::Wake);
    let run = world.sent[0].1.run;
    let now = noon() + millis(1_960);
    world.open.remove(&run);
    world.on_unwritten(now, Event::AttemptEnded(run, Some(report(Outcome::Succeeded, None, now))));
    world.on_unwritten(now, Event::Wake);
    world.write(now);
    world.on(noon() + secs(2), Event::Wake);
    assert_eq!(world.ledger.story("a")[..2], ["12:00:01 succeeded", "12:00:02 sending"]);
}

/// Seed A32: the app's own "already running" is a skip, and holds nothing.
#[test]
fn a_busy_app_is_a_skip_without_a_hold() {
    let busy = Answer::After(millis(5), Outcome::Skipped, Some(Reason::Busy));
    let mut simulation = first_of_a(jobs(&[("a", "every 1s", "")]), busy);
    simulation.run_until(noon() + millis(2_500));
    assert_eq!(simulation.world.ledger.story("a")[..2], ["12:00:01 skipped busy", "12:00:02 succeeded"]);
}

/// Fences of a job only grow, also over runs that were never answered and over restarts.
#[test]
fn fences_only_grow() {
    let definitions = || jobs(&[("a", "every 1s", "overlap = \"allow\"")]);
    let mut simulation = first_of_a(definitions(), succeeds(secs(100)));
    simulation.run_until(noon() + secs(5));
    let mut simulation = simulation.kill_and_restart(secs(3), definitions());
    simulation.run_for(secs(5));
    let fences: Vec<u64> = simulation.world.sent.iter().map(|(_, order)| order.fence).collect();
    assert!(fences.len() > 8 && fences.windows(2).all(|pair| pair[0] < pair[1]), "{fences:?}");
}
