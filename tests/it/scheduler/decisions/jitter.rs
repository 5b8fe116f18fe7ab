//! Jitter: a firing leaves later than its schedule says, by a delay of its job; its occurrence stays what it is.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::vec, prelude::*, sample::select};
use sexton::{
    job::Definitions,
    run::{Outcome, Trigger},
    scheduler::decisions::{Decisions, Event, Inherited},
};

use crate::support::{
    definitions::{at, jobs, name, noon},
    memory::MemoryLedger,
    simulation::Simulation,
    world::{millis, secs},
};

/// The job `a`. Of a jitter, its name takes 79 %.
fn job(schedule: &str, jitter: &str, keys: &str) -> Definitions {
    jobs(&[("a", schedule, &format!("jitter = \"{jitter}\"\n{keys}"))])
}

fn hourly(jitter: &str) -> Definitions {
    job("every 1h", jitter, "")
}

fn start(definitions: Definitions) -> Simulation {
    Simulation::start(noon(), definitions, MemoryLedger::default())
}

fn reload(simulation: &mut Simulation, definitions: Definitions) {
    simulation.event(Event::Reload(Box::new(definitions)));
}

/// When which occurrence was sent.
fn sent(simulation: &Simulation) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    simulation.world.sent.iter().map(|(at, order)| (order.scheduled_for, *at)).collect()
}

/// 79 % of ten minutes.
const DELAY: TimeDelta = millis(474_824);

fn one() -> DateTime<Utc> {
    at("2026-03-10T13:00:00Z")
}

/// Seed A26: two jobs do not march in step, and each keeps its step.
#[test]
fn a26_the_delay_is_fixed_by_the_name_and_within_the_jitter() {
    let names: Vec<String> = (0..200).map(|number| format!("job-{number}")).collect();
    let tables: Vec<_> = names.iter().map(|name| (name.as_str(), "every 1h", "jitter = \"10m\"")).collect();
    let delays: Vec<TimeDelta> = jobs(&tables).jobs.values().map(|job| job.delay()).collect();
    assert!(delays.iter().all(|delay| (TimeDelta::zero()..secs(600)).contains(delay)));
    for minute in 0..10 {
        let within = |delay: &&TimeDelta| delay.num_minutes() == minute;
        assert!(delays.iter().filter(within).count() >= 8, "minute {minute} of {delays:?}");
    }
    // Never another one: it would move every firing that users know.
    assert_eq!(hourly("10m").jobs["a"].delay(), DELAY);
    assert_eq!(hourly("0s").jobs["a"].delay(), TimeDelta::zero());
    assert_eq!(hourly("1s").jobs["a"].delay(), millis(791));
}

/// Seed A26.
#[test]
fn a26_a_firing_leaves_later_and_its_occurrence_stays() {
    let mut simulation = start(hourly("10m"));
    simulation.run_until(at("2026-03-10T14:30:00Z"));
    let two = one() + secs(3600);
    assert_eq!(sent(&simulation), [(one(), one() + DELAY), (two, two + DELAY)]);
    assert_eq!(simulation.world.ledger.story("a"), ["13:00:00 succeeded", "14:00:00 succeeded"]);
    assert!(simulation.world.ended().all(|ended| ended.lateness == Some(TimeDelta::zero())), "it is not late by it");
}

#[test]
fn a_jitter_over_the_interval_loses_nothing() {
    let mut simulation = start(job("every 1m", "10m", ""));
    simulation.run_until(noon() + secs(3600));
    let expected: Vec<_> = (1..=52).map(|minute| noon() + secs(60 * minute)).map(|at| (at, at + DELAY)).collect();
    assert_eq!(sent(&simulation), expected);
}

/// What the nominal instant of went by is neither downtime nor late when it is still to come.
#[test]
fn a_restart_waits_for_what_is_held_back() {
    let definitions = || job("every 1h", "10m", "catch_up = \"none\"");
    let mut simulation = start(definitions());
    simulation.run_until(one() - secs(60));
    let mut simulation = simulation.kill_and_restart(secs(360), definitions());
    simulation.run_until(one() + secs(3000));
    assert_eq!(sent(&simulation), [(one(), one() + DELAY)]);
    assert_eq!(simulation.world.sent[0].1.trigger, Trigger::Schedule);
}

/// The sign of life does not go past what is held back, or the proof would miss it.
#[test]
fn what_is_held_back_holds_the_sign_of_life_back() {
    let (decisions, _) =
        Decisions::start(noon(), hourly("10m"), Inherited::default(), sexton::entropy::Entropy::System);
    assert_eq!(decisions.alive_at(one() - secs(1)), one() - secs(1));
    assert_eq!(decisions.alive_at(one() + secs(60)), one() - TimeDelta::microseconds(1));
}

/// Guarantee G1: what an edit takes the ground from is accounted for, also when its nominal instant is over.
#[test]
fn what_is_held_back_when_the_schedule_changes_is_cancelled() {
    for (after, expected) in [
        (jobs(&[]), "13:00:00 cancelled removed"),
        (job("every 1h", "10m", "enabled = false"), "13:00:00 cancelled redefined"),
        (job("daily 13:01", "10m", ""), "13:00:00 cancelled redefined"),
        (job("daily 13:00", "10m", ""), "13:00:00 succeeded"),
        (job("daily 13:00", "0s", ""), "13:00:00 succeeded"),
    ] {
        let mut simulation = start(hourly("10m"));
        simulation.run_until(one() + secs(240));
        reload(&mut simulation, after);
        simulation.run_until(one() + secs(1200));
        assert_eq!(simulation.world.ledger.story("a")[0], expected);
    }
}

/// An edit of `jitter` is no downtime: what was still to come leaves with the edit, or at its new instant.
#[test]
fn another_jitter_moves_what_is_held_back_and_loses_nothing() {
    let load = one() + secs(240);
    for (jitter, leaves) in [("0s", load), ("1m", load), ("6m", one() + millis(284_894)), ("20m", one() + DELAY * 2)] {
        let with = |jitter: &str| job("every 1h", jitter, "catch_up = \"none\"");
        let mut simulation = start(with("10m"));
        simulation.run_until(load);
        reload(&mut simulation, with(jitter));
        simulation.run_until(one() + secs(3000));
        let [(occurrence, sent_at)] = sent(&simulation)[..] else { panic!("{jitter}: {simulation:?}") };
        assert_eq!(occurrence, one(), "{jitter}");
        assert!((leaves..leaves + millis(2)).contains(&sent_at), "{jitter}: sent at {sent_at} and not {leaves}");
        assert_eq!(simulation.world.ledger.story("a"), ["13:00:00 succeeded"], "{jitter}");
        let next = simulation.world.decisions.next_of(&name("a")).unwrap().1;
        assert_eq!(next, with(jitter).jobs["a"].fires_at(one() + secs(3600)), "{jitter}: from now on its own");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    /// Guarantees G1 and G2, however often the jitter is edited, also to more than the interval.
    #[test]
    fn edits_of_jitter_lose_and_double_nothing(
        edits in vec((select(vec!["0s", "3s", "40s", "3m"]), 1_i64..60_000), 1..10),
        every in select(vec!["1s", "7s", "1m"]),
    ) {
        let with = |jitter: &str| job(&format!("every {every}"), jitter, "overlap = \"allow\"\ncatch_up = \"none\"");
        let mut simulation = start(with("40s"));
        for (jitter, pause) in edits {
            simulation.run_for(millis(pause));
            reload(&mut simulation, with(jitter));
        }
        let end = simulation.now;
        simulation.run_for(secs(200));
        let mut found: Vec<_> = sent(&simulation).into_iter().map(|(occurrence, _)| occurrence).collect();
        found.sort();
        found.retain(|occurrence| *occurrence <= end);
        let schedule = &with("0s").jobs["a"].schedule;
        let demanded = std::iter::successors(schedule.next_after(noon()), |at| schedule.next_after(*at));
        prop_assert_eq!(found, demanded.take_while(|at| *at <= end).collect::<Vec<_>>());
        let outcomes = simulation.world.ended().map(|ended| ended.outcome);
        prop_assert!(outcomes.into_iter().all(|outcome| outcome == Outcome::Succeeded));
    }
}
