//! Attempts that are made again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    dispatch::{Order, Report},
    job::Definitions,
    run::{Outcome, Reason, RunId, State},
    scheduler::decisions::{Event, Notice},
};

use crate::support::{
    definitions::{jobs, noon},
    memory::MemoryLedger,
    simulation::{Answer, Simulation},
    world::{World, millis, report, secs},
};

const ONCE: &str = "at 2026-03-10T12:00:03Z";

fn refused(_: &Order) -> Answer {
    Answer::After(millis(100), Outcome::Failed, Some(Reason::Connect))
}

/// A world in which the only request of job `a` has left, at 12:00:03.
fn sent(schedule: &str, keys: &str) -> (World, RunId) {
    let definitions = jobs(&[("a", schedule, keys)]);
    let due = definitions.jobs["a"].schedule.next_after(noon()).unwrap();
    let mut world = World::start(noon(), definitions, MemoryLedger::default());
    for ms in [-1_000, -50, 0] {
        world.pulse(due + millis(ms));
    }
    let run = world.sent[0].1.run;
    (world, run)
}

fn answered(outcome: Outcome, reason: Reason, status: Option<u16>, now: DateTime<Utc>) -> Report {
    Report { status, ..report(outcome, Some(reason), now) }
}

/// What the ledger says of a run after its first attempt was answered so.
fn state_after(keys: &str, outcome: Outcome, reason: Reason, status: Option<u16>) -> State {
    let (mut world, run) = sent(ONCE, keys);
    let now = noon() + secs(4);
    world.answer(now, run, Some(answered(outcome, reason, status, now)));
    world.ledger.runs[&run].state
}

/// One run, one key; the attempt's number and the fence grow; the pauses grow from `initial` by `factor` up to `max`.
#[test]
fn a_failed_attempt_is_made_again_with_growing_pauses() {
    let keys = "retry = { attempts = 5, initial = \"10s\", factor = 2.0, max = \"25s\", on = [\"connect\"] }";
    let mut simulation = Simulation::with_app(noon(), jobs(&[("a", ONCE, keys)]), MemoryLedger::default(), refused);
    simulation.run_for(TimeDelta::minutes(5));
    let sent = &simulation.world.sent;
    let told: Vec<_> = sent.iter().map(|(_, order)| (order.run, order.attempt, order.fence)).collect();
    let run = told[0].0;
    assert_eq!(told, (1..=5).map(|number| (run, number, u64::from(number))).collect::<Vec<_>>());
    let pauses = sent.windows(2).map(|pair| pair[1].0 - pair[0].0 - millis(100));
    for (pause, longest) in pauses.zip([secs(10), secs(20), secs(25), secs(25)]) {
        assert!((longest / 2..=longest).contains(&pause), "{pause} of at most {longest}");
    }
    assert_eq!(simulation.world.ledger.story("a"), ["12:00:03 failed connect"]);
    let attempts = simulation.world.told.iter().filter(|notice| matches!(notice, Notice::Attempted { .. }));
    assert_eq!(attempts.count(), 5, "each counts");
    assert_eq!(simulation.world.ended().count(), 1, "and the run ends once");
}

/// Many that failed together do not come back together.
#[test]
fn pauses_are_spread() {
    let keys = "retry = { attempts = 2, initial = \"100s\", on = [\"connect\"] }";
    let names: Vec<String> = (0..40).map(|number| format!("j{number}")).collect();
    let tables: Vec<_> = names.iter().map(|name| (name.as_str(), ONCE, keys)).collect();
    let mut simulation = Simulation::with_app(noon(), jobs(&tables), MemoryLedger::default(), refused);
    simulation.run_for(TimeDelta::minutes(5));
    let second: Vec<_> =
        simulation.world.sent.iter().filter(|(_, order)| order.attempt == 2).map(|(at, _)| *at).collect();
    assert_eq!(second.len(), 40);
    let spread = *second.iter().max().unwrap() - *second.iter().min().unwrap();
    assert!(spread > secs(20), "all within {spread}");
}

#[test]
fn an_attempt_that_succeeds_is_the_last() {
    let keys = "retry = { attempts = 5, initial = \"1s\", on = [\"connect\"] }";
    let mut simulation = Simulation::with_app(noon(), jobs(&[("a", ONCE, keys)]), MemoryLedger::default(), |order| {
        match order.attempt {
            1 | 2 => refused(order),
            _ => Answer::After(millis(5), Outcome::Succeeded, None),
        }
    });
    simulation.run_for(TimeDelta::minutes(5));
    assert_eq!(simulation.world.sent.len(), 3);
    let [row] = simulation.world.ledger.rows("a")[..] else { panic!("{simulation:?}") };
    assert_eq!((row.state, row.reason, row.attempts), (State::Ended(Outcome::Succeeded), None, 3));
    assert_eq!(row.lateness, Some(TimeDelta::zero()), "that of its first attempt");
}

/// Only what is listed, and what is unknown only of a job that says that a second time does no harm.
#[test]
fn what_is_made_again() {
    let again = State::RetryWait;
    let listed = |on: &str| format!("retry = {{ attempts = 3, on = [{on}] }}");
    let idempotent = "idempotent = true\nretry = { attempts = 3 }";
    let (failed, unknown) = (Outcome::Failed, Outcome::Unknown);
    for (keys, outcome, reason, status, expected) in [
        (listed("\"connect\""), failed, Reason::Connect, None, again),
        (listed("\"5xx\""), failed, Reason::Connect, None, State::Ended(failed)),
        (listed("\"5xx\""), failed, Reason::Status, Some(503), again),
        (listed("\"429\""), failed, Reason::Status, Some(503), State::Ended(failed)),
        (listed("\"429\""), failed, Reason::Status, Some(429), again),
        (listed("\"5xx\", \"429\""), failed, Reason::Status, Some(404), State::Ended(failed)),
        (listed("\"5xx\""), failed, Reason::Expect, Some(200), State::Ended(failed)),
        (listed("\"5xx\""), failed, Reason::Panic, None, State::Ended(failed)),
        (listed("\"5xx\", \"connect\""), unknown, Reason::Timeout, None, State::Ended(unknown)),
        (listed("\"5xx\""), unknown, Reason::UnknownStatus, Some(502), State::Ended(unknown)),
        (listed("\"5xx\""), Outcome::Skipped, Reason::Busy, Some(409), State::Ended(Outcome::Skipped)),
        (idempotent.to_owned(), unknown, Reason::Timeout, None, again),
        (idempotent.to_owned(), unknown, Reason::UnknownStatus, Some(504), again),
        ("idempotent = true".to_owned(), unknown, Reason::Timeout, None, State::Ended(unknown)),
        (String::new(), failed, Reason::Connect, None, State::Ended(failed)),
    ] {
        assert_eq!(state_after(&keys, outcome, reason, status), expected, "{keys}: {outcome} {reason} {status:?}");
    }
}

/// `Retry-After` is the least that is waited.
#[test]
fn the_app_says_how_long_to_wait() {
    for (asked, at_least, at_most) in [(90, 90, 90), (0, 5, 10)] {
        let (mut world, run) = sent(ONCE, "retry = { attempts = 2, initial = \"10s\", on = [\"429\"] }");
        let now = noon() + secs(4);
        let answer = answered(Outcome::Failed, Reason::Status, Some(429), now);
        world.answer(now, run, Some(Report { retry_after: Some(Duration::from_secs(asked)), ..answer }));
        let pause = world.ledger.runs[&run].wake_at.unwrap() - now;
        assert!((secs(at_least)..=secs(at_most)).contains(&pause), "{asked}: {pause}");
    }
}

/// The pending attempt is in the ledger: a restart neither forgets nor hastens it.
#[test]
fn a_retry_survives_a_restart() {
    let keys = "retry = { attempts = 3, initial = \"60s\", on = [\"connect\"] }";
    let definitions = || jobs(&[("a", ONCE, keys)]);
    let mut simulation = Simulation::with_app(noon(), definitions(), MemoryLedger::default(), |order| {
        if order.attempt == 1 { refused(order) } else { Answer::After(millis(5), Outcome::Succeeded, None) }
    });
    simulation.run_until(noon() + secs(10));
    let run = simulation.world.sent[0].1.run;
    let due = simulation.world.ledger.runs[&run].wake_at.unwrap();
    for _ in 0..3 {
        simulation = simulation.kill_and_restart(secs(3), definitions());
        simulation.run_for(secs(2));
    }
    simulation.run_until(noon() + secs(120));
    let [(_, _), (at, second)] = &simulation.world.sent[..] else { panic!("{simulation:?}") };
    assert_eq!((*at, second.run, second.attempt, second.fence), (due, run, 2, 2));
    assert_eq!(simulation.world.ledger.story("a"), ["12:00:03 succeeded"]);
}

/// It never runs into the next occurrence: it ends first, as the failure that it was.
#[test]
fn a_retry_does_not_run_into_the_next_occurrence() {
    let keys = "retry = { attempts = 9, initial = \"16s\", factor = 2.0, on = [\"connect\"] }";
    let mut simulation =
        Simulation::with_app(noon(), jobs(&[("a", "every 30s", keys)]), MemoryLedger::default(), refused);
    simulation.run_until(noon() + secs(95));
    let told: Vec<_> = simulation.world.sent.iter().map(|(_, order)| (order.scheduled_for, order.attempt)).collect();
    for (instant, attempt) in &told {
        assert!(*attempt <= 3, "8 to 16 s and 16 to 32 s: {told:?} of {instant}");
    }
    for (at, order) in &simulation.world.sent {
        assert!(*at < order.scheduled_for + secs(30), "{order:?} left at {at}");
    }
    let story = simulation.world.ledger.story("a");
    assert_eq!(story[..2], ["12:00:30 failed connect", "12:01:00 failed connect"], "{story:?}");
}

/// Occurrences came and went while nobody was there: the run ends as it was.
#[test]
fn a_retry_that_was_overtaken_in_downtime_ends_as_it_was() {
    let keys = "catch_up = \"none\"\nretry = { attempts = 9, initial = \"10m\", max = \"10m\", on = [\"connect\"] }";
    let definitions = || jobs(&[("a", "every 1h", keys)]);
    let ledger = MemoryLedger::with_cursor(&definitions().jobs["a"], noon() - TimeDelta::hours(1));
    let mut simulation = Simulation::with_app(noon() + secs(1), definitions(), ledger, refused);
    simulation.run_for(secs(5));
    assert_eq!(simulation.world.ledger.story("a"), ["12:00:00 retry_wait connect"]);
    let mut simulation = simulation.kill_and_restart(TimeDelta::minutes(200), definitions());
    simulation.run_for(secs(5));
    assert_eq!(
        simulation.world.ledger.story("a"),
        ["12:00:00 failed connect", "13:00:00..15:00:00 x3 missed downtime"]
    );
    assert_eq!(simulation.world.sent.len(), 1);
}

/// An unknown attempt of an idempotent job holds nothing, and its next occurrence is sent.
#[test]
fn an_idempotent_job_is_not_held() {
    let gone = |_: &Order| Answer::After(secs(2), Outcome::Unknown, Some(Reason::Timeout));
    let definitions = jobs(&[("a", "every 10s", "idempotent = true\ntimeout = \"2s\"\nhold = \"1h\"")]);
    let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), gone);
    simulation.run_until(noon() + secs(35));
    let expected = ["12:00:10 unknown timeout", "12:00:20 unknown timeout", "12:00:30 unknown timeout"];
    assert_eq!(simulation.world.ledger.story("a"), expected);
    assert!(!simulation.world.told.iter().any(|notice| matches!(notice, Notice::HoldOver { .. })));
}

/// After a crash what was open is sent once more with the same key, of a job that is idempotent and of no other.
#[test]
fn what_a_crash_cut_off_is_sent_again_when_it_does_no_harm() {
    for (keys, expected) in [("idempotent = true", 2), ("", 1)] {
        let definitions = || jobs(&[("a", ONCE, keys)]);
        let mut simulation = Simulation::start(noon(), definitions(), MemoryLedger::default());
        simulation.run_until(noon() + secs(3));
        let mut simulation = simulation.kill_and_restart(secs(5), definitions());
        simulation.run_for(secs(5));
        let told: Vec<_> = simulation.world.sent.iter().map(|(_, order)| (order.run, order.attempt)).collect();
        assert_eq!(told.len(), expected, "{keys}");
        assert!(told.iter().all(|(run, _)| *run == told[0].0), "one run, one key");
        assert_eq!(told.last().unwrap().1 as usize, expected);
        let end = if expected == 2 { "12:00:03 succeeded" } else { "12:00:03 unknown crash" };
        assert_eq!(simulation.world.ledger.story("a"), [end]);
    }
}

/// A sidecar that dies each time does not send for ever.
#[test]
fn a_crash_loop_sends_twice() {
    let definitions = || jobs(&[("a", ONCE, "idempotent = true")]);
    let mut simulation = Simulation::with_app(noon(), definitions(), MemoryLedger::default(), |_| {
        Answer::After(secs(60), Outcome::Succeeded, None)
    });
    simulation.run_until(noon() + secs(3));
    for _ in 0..4 {
        simulation = simulation.kill_and_restart(secs(2), definitions());
        simulation.run_for(secs(1));
    }
    assert_eq!(simulation.world.sent.len(), 2);
    assert_eq!(simulation.world.ledger.story("a"), ["12:00:03 unknown crash"]);
}

/// Seed A32: on a later attempt "already running" is most likely this run's own earlier attempt: held anew.
#[test]
fn a32_busy_on_a_later_attempt_is_unknown_and_holds() {
    let keys = "hold = \"10m\"\nretry = { attempts = 3, initial = \"1s\", on = [\"5xx\"] }";
    let (mut world, run) = sent(ONCE, keys);
    let now = noon() + secs(4);
    world.answer(now, run, Some(answered(Outcome::Failed, Reason::Status, Some(503), now)));
    world.on(now + secs(1), Event::Wake);
    assert_eq!(world.sent.len(), 2);
    let now = now + secs(2);
    world.answer(now, run, Some(answered(Outcome::Unknown, Reason::Busy, Some(409), now)));
    assert_eq!(world.ledger.story("a"), ["12:00:03 unknown busy"]);
    assert_eq!(world.decisions.wake_at(), Some(now + TimeDelta::minutes(10)), "when the hold is over");
}

/// A job that goes away while one of its runs waits: that ends as it was.
#[test]
fn a_retry_of_a_job_that_is_gone_ends_as_it_was() {
    let keys = "retry = { attempts = 9, initial = \"1m\", on = [\"connect\"] }";
    let off = "enabled = false\nretry = { attempts = 9, initial = \"1m\", on = [\"connect\"] }";
    for after in [jobs(&[]), jobs(&[("a", ONCE, off)])] {
        let reloaded = |after: &Definitions| Event::Reload(Box::new(after.clone()));
        let mut simulation = Simulation::with_app(noon(), jobs(&[("a", ONCE, keys)]), MemoryLedger::default(), refused);
        simulation.run_until(noon() + secs(5));
        assert_eq!(simulation.world.ledger.story("a"), ["12:00:03 retry_wait connect"]);
        simulation.event(reloaded(&after));
        simulation.run_for(TimeDelta::minutes(5));
        assert_eq!(simulation.world.ledger.story("a"), ["12:00:03 failed connect"]);
        assert_eq!(simulation.world.sent.len(), 1);
    }
}

/// A stop does not wait for it, and the next start finds it.
#[test]
fn a_stop_leaves_a_retry_to_the_next_start() {
    let keys = "retry = { attempts = 2, initial = \"60s\", on = [\"connect\"] }";
    let definitions = || jobs(&[("a", ONCE, keys)]);
    let mut simulation = Simulation::with_app(noon(), definitions(), MemoryLedger::default(), refused);
    simulation.run_until(noon() + secs(3));
    simulation.event(Event::Stop);
    assert!(!simulation.world.decisions.is_drained(), "a request is open");
    simulation.run_for(secs(1));
    assert!(simulation.world.decisions.is_drained());
    assert_eq!(simulation.world.ledger.story("a"), ["12:00:03 retry_wait connect"]);
    let mut simulation = simulation.kill_and_restart(secs(5), definitions());
    simulation.run_for(secs(120));
    assert_eq!(simulation.world.sent.len(), 2);
    assert_eq!(simulation.world.ledger.story("a"), ["12:00:03 failed connect"]);
}

/// The wall clock goes back an hour: the pause is not an hour longer.
#[test]
fn a_step_back_makes_no_pause_between_attempts_longer() {
    let keys = "retry = { attempts = 2, initial = \"20s\", max = \"20s\", on = [\"connect\"] }";
    let mut simulation = Simulation::with_app(noon(), jobs(&[("a", ONCE, keys)]), MemoryLedger::default(), refused);
    simulation.run_until(noon() + secs(5));
    simulation.step_clock(-TimeDelta::hours(1));
    simulation.run_for(secs(30));
    assert_eq!(simulation.world.sent.len(), 2, "{simulation:?}");
}
