//! `catch_up = "all"`: each missed occurrence is sent, oldest first, one by one.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    job::Definitions,
    run::{Outcome, Reason, Run, State, Trigger},
    scheduler::decisions::MOST_CAUGHT_UP,
};

use crate::support::{
    definitions::{at, jobs, noon},
    memory::MemoryLedger,
    simulation::{Answer, Simulation},
    world::{millis, secs},
};

fn all(schedule: &str, keys: &str) -> Definitions {
    jobs(&[("a", schedule, &format!("catch_up = \"all\"\n{keys}"))])
}

/// A start at `now` after a downtime since `cursor`, with an app that takes `takes`.
fn after_downtime(definitions: Definitions, cursor: DateTime<Utc>, now: DateTime<Utc>, takes: TimeDelta) -> Simulation {
    let ledger = MemoryLedger::with_cursor(&definitions.jobs["a"], cursor);
    Simulation::with_app(now, definitions, ledger, move |_| Answer::After(takes, Outcome::Succeeded, None))
}

fn sent_for(simulation: &Simulation) -> Vec<DateTime<Utc>> {
    simulation.world.sent.iter().map(|(_, order)| order.scheduled_for).collect()
}

/// Seed A31. Whatever the overlap policy: not two at once, and none is skipped for another.
#[test]
fn each_is_sent_oldest_first_and_one_by_one() {
    for overlap in ["skip", "allow", "queue"] {
        let definitions = all("every 1h", &format!("overlap = \"{overlap}\"\ntimeout = \"1h\""));
        let now = noon() + TimeDelta::minutes(310);
        let mut simulation = after_downtime(definitions, noon(), now, TimeDelta::minutes(4));
        simulation.run_until(now + TimeDelta::minutes(40));
        let hours: Vec<_> = (1..=5).map(|hour| noon() + TimeDelta::hours(hour)).collect();
        assert_eq!(sent_for(&simulation), hours, "{overlap}");
        let at: Vec<_> = simulation.world.sent.iter().map(|(at, _)| *at - now).collect();
        assert_eq!(at, (0..5).map(|n| TimeDelta::minutes(4 * n)).collect::<Vec<_>>(), "{overlap}");
        assert!(simulation.world.sent.iter().all(|(_, order)| order.trigger == Trigger::CatchUp));
        assert!(simulation.world.ledger.story("a").iter().all(|row| row.ends_with("catch_up succeeded")));
    }
}

/// Seed E15: of what lies within the window the newest hundred are sent, and what is not is counted in one row.
#[test]
fn e15_the_window_and_the_cap() {
    let first_of = |simulation: &Simulation| sent_for(simulation)[0];
    // A minute's job over three days: the window is a day, the cap a hundred.
    let mut simulation = after_downtime(all("every 1m", ""), noon() - TimeDelta::days(3), noon(), millis(5));
    simulation.run_for(secs(30));
    assert_eq!(sent_for(&simulation).len(), MOST_CAUGHT_UP);
    assert_eq!(first_of(&simulation), noon() - TimeDelta::minutes(99));
    let missed = simulation.world.ledger.rows("a")[0];
    assert_eq!((missed.state.outcome(), missed.reason), (Some(Outcome::Missed), Some(Reason::Downtime)));
    assert_eq!(missed.count, 3 * 24 * 60 - 100);
    let told: u64 = simulation.world.ended().filter(|ended| ended.outcome == Outcome::Missed).map(|e| e.count).sum();
    assert_eq!(told, missed.count);

    // An hour's job over three days: a day of them.
    let mut simulation = after_downtime(all("every 1h", ""), noon() - TimeDelta::days(3), noon(), millis(5));
    simulation.run_for(secs(30));
    assert_eq!((sent_for(&simulation).len(), first_of(&simulation)), (25, noon() - TimeDelta::hours(24)));
    assert_eq!(simulation.world.ledger.rows("a")[0].count, 47);

    // A window of one's own.
    let keys = "catch_up_window = \"150m\"";
    let mut simulation = after_downtime(all("every 1h", keys), noon() - TimeDelta::days(60), noon(), millis(5));
    simulation.run_for(secs(30));
    assert_eq!(sent_for(&simulation).len(), 3);
    assert_eq!(simulation.world.ledger.rows("a")[0].count, 60 * 24 - 3);
}

/// Seed E15: an app that is slower than the schedule never has more than a hundred wait; what has no room is counted, in rows
/// that say so, and every occurrence has its own.
#[test]
fn e15_the_cap_holds_for_an_app_that_is_slower_than_its_schedule() {
    let definitions = || all("every 10s", "timeout = \"5m\"\nhold = \"1s\"");
    let now = noon() + TimeDelta::minutes(30);
    let mut simulation = after_downtime(definitions(), noon(), now, secs(25));
    for minute in 1..=90 {
        simulation.run_until(now + TimeDelta::minutes(minute));
        if minute % 40 == 0 {
            simulation = simulation.kill_and_restart(TimeDelta::minutes(2), definitions());
        }
        let waiting = |run: &&Run| run.state == State::Claimed && run.scheduled_for <= simulation.now;
        let waiting = simulation.world.ledger.rows("a").into_iter().filter(waiting).count();
        assert!(waiting <= MOST_CAUGHT_UP, "{waiting} wait after {minute} minutes");
    }
    let rows = simulation.world.ledger.rows("a");
    let full: u64 = rows.iter().filter(|row| row.reason == Some(Reason::QueueFull)).map(|row| row.count).sum();
    assert!(full > 100, "{full}");
    assert!(
        rows.iter()
            .filter(|row| row.reason == Some(Reason::QueueFull))
            .all(|row| row.state == State::Ended(Outcome::Skipped))
    );
    let mut next = noon() + secs(10);
    for row in &rows {
        assert_eq!(row.scheduled_for, next);
        next = row.through + secs(10);
    }
    assert!(sent_for(&simulation).is_sorted());
}

/// What waits for its turn until the window is over is missed, as it would be by the next start.
#[test]
fn the_window_holds_for_what_waits_too() {
    let now = noon() + TimeDelta::minutes(50);
    let keys = "timeout = \"1h\"\ncatch_up_window = \"40m\"";
    let mut simulation = after_downtime(all("every 10m", keys), noon(), now, TimeDelta::minutes(16));
    simulation.run_until(now + TimeDelta::minutes(50));
    let story = simulation.world.ledger.story("a");
    // From 12:50 on the oldest within reach is sent each 16 minutes; at 13:06 12:20 is 46 minutes old.
    let expected = ["12:10:00 catch_up succeeded", "12:20:00 catch_up missed downtime", "12:30:00 catch_up succeeded"];
    assert_eq!(story[..3], expected, "{story:#?}");
    let sent = simulation.world.sent.iter().map(|(at, order)| *at - order.scheduled_for);
    assert!(sent.into_iter().all(|late| late <= TimeDelta::minutes(40)), "{story:#?}");
}

/// Asked ahead of its instant, an occurrence is not late, and within any window: its turn may come just before that.
#[test]
fn who_gets_its_turn_just_before_its_instant_is_sent() {
    let now = noon() + secs(570);
    let keys = "timeout = \"1h\"\ncatch_up_window = \"40m\"";
    let takes = secs(30) - millis(20);
    let mut simulation = after_downtime(all("every 10m", keys), noon() - secs(1), now, takes);
    simulation.run_until(noon() + secs(660));
    let story = simulation.world.ledger.story("a");
    assert_eq!(story, ["12:00:00 catch_up succeeded", "12:10:00 succeeded"]);
}

/// The newest only, and only if the window still reaches it.
#[test]
fn the_window_holds_for_the_latest_too() {
    for (window, expected) in [("2h", "12:00:00 catch_up sending"), ("20m", "12:00:00 missed downtime")] {
        let keys = format!("catch_up = \"latest\"\ncatch_up_window = \"{window}\"");
        let definitions = jobs(&[("a", "every 1h", &keys)]);
        let now = noon() + TimeDelta::minutes(30);
        let simulation = after_downtime(definitions, noon() - TimeDelta::hours(1), now, secs(5));
        assert_eq!(simulation.world.ledger.story("a"), [expected], "{window}");
    }
}

/// What falls due meanwhile comes after what is older.
#[test]
fn an_occurrence_waits_for_those_before_it() {
    let now = noon() + secs(290);
    let mut simulation = after_downtime(all("every 1m", "timeout = \"1h\""), noon(), now, secs(20));
    simulation.run_until(now + secs(115));
    // Four to catch up on, 20 s each; 12:05 falls due after ten seconds. At 12:06 the last of these is being sent, and the
    // overlap policy is as ever.
    let minutes: Vec<_> = (1..=5).map(|minute| noon() + TimeDelta::minutes(minute)).collect();
    assert_eq!(sent_for(&simulation), minutes);
    let at: Vec<_> = simulation.world.sent.iter().map(|(at, _)| (*at - now).num_seconds()).collect();
    assert_eq!(at, [0, 20, 40, 60, 80]);
    let triggers: Vec<_> = simulation.world.sent.iter().map(|(_, order)| order.trigger).collect();
    assert_eq!(triggers[3..], [Trigger::Schedule; 2], "12:04 is late by 50 s only, and that is no catch-up");
    assert_eq!(simulation.world.ledger.story("a")[5], "12:06:00 skipped running");
}

/// A crash in the middle: what was open is unknown and holds the next one; the rest go on, none twice.
#[test]
fn it_goes_on_over_a_crash() {
    let definitions = || all("every 1h", "timeout = \"10m\"\nhold = \"7m\"");
    let now = noon() + TimeDelta::minutes(310);
    let mut simulation = after_downtime(definitions(), noon(), now, TimeDelta::minutes(4));
    simulation.run_until(now + TimeDelta::minutes(6));
    let back = simulation.now + secs(30);
    let mut simulation = simulation.kill_and_restart(secs(30), definitions());
    simulation.run_until(now + TimeDelta::minutes(45));
    let story = simulation.world.ledger.story("a");
    assert_eq!(story[..2], ["13:00:00 catch_up succeeded", "14:00:00 catch_up unknown crash"]);
    assert!(story[2..5].iter().all(|row| row.ends_with("catch_up succeeded")), "{story:?}");
    assert_eq!(sent_for(&simulation), (1..=5).map(|hour| noon() + TimeDelta::hours(hour)).collect::<Vec<_>>());
    assert_eq!(simulation.world.sent[2].0, back + TimeDelta::minutes(7), "the hold is over");
}

/// Seed A31: the night in which 02:30 does not exist, and the one in which it comes twice, count as they are.
#[test]
fn a31_over_a_change_of_the_clocks() {
    let zone = "timezone = \"Europe/Prague\"\ncatch_up_window = \"120h\"";
    for (cursor, now, expected) in [
        (
            "2026-03-27T12:00:00Z",
            "2026-03-30T12:00:00Z",
            ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "2026-10-23T12:00:00Z",
            "2026-10-26T12:00:00Z",
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
    ] {
        let mut simulation = after_downtime(all("daily 02:30", zone), at(cursor), at(now), millis(5));
        simulation.run_for(secs(5));
        assert_eq!(sent_for(&simulation), expected.map(at));
    }
}
