//! What a start makes of what the ledger holds: after a stop, after a crash, after the definitions changed.

use sexton::{
    job::Definitions,
    run::{Outcome, Reason, Trigger},
    scheduler::decisions::{Event, Notice, Write},
};

use crate::support::{
    definitions::{at, jobs, jobs_with, name, noon},
    memory::MemoryLedger,
    simulation::Simulation,
    world::{World, millis, secs},
};

/// A world in which the job `a` was claimed and nothing sent: its instant is 13:00, the clock reads two seconds before.
fn claimed(keys: &str) -> World {
    let definitions = hourly(keys);
    let ledger = MemoryLedger::with_cursor(&definitions.jobs["a"], noon());
    let mut world = World::start(one_o_clock() - secs(2), definitions, ledger);
    world.on(one_o_clock() - secs(2), Event::Pulse);
    assert_eq!(world.ledger.story("a"), ["13:00:00 claimed"]);
    world
}

/// The same, sent at its instant and not answered.
fn sending(keys: &str) -> World {
    let mut world = claimed(keys);
    world.on(one_o_clock() - millis(50), Event::Wake);
    world.on(one_o_clock(), Event::Wake);
    assert_eq!(world.ledger.story("a"), ["13:00:00 sending"]);
    world
}

fn hourly(keys: &str) -> Definitions {
    jobs(&[("a", "every 1h", keys)])
}

fn one_o_clock() -> chrono::DateTime<chrono::Utc> {
    at("2026-03-10T13:00:00Z")
}

/// Seed A22: a restart fires nothing twice and forgets nothing. What was claimed and not sent is sent: on time when there
/// is still time, late within `late_limit`, then by `catch_up`.
#[test]
fn a22_a_claim_left_over_is_sent() {
    for (start, keys, trigger) in [
        (-millis(1_500), "", Trigger::Schedule),
        (-millis(10), "catch_up = \"none\"", Trigger::Schedule),
        (secs(0), "catch_up = \"none\"", Trigger::Schedule),
        (secs(59), "catch_up = \"none\"", Trigger::Schedule),
        (secs(600), "", Trigger::CatchUp),
    ] {
        let now = one_o_clock() + start;
        let mut world = claimed(keys).restart(now, hourly(keys));
        world.pulse(now);
        world.pulse(now.max(one_o_clock()));
        let [(sent_at, order)] = world.sent.as_slice() else { panic!("{start}: {:?}", world.sent) };
        assert_eq!((order.scheduled_for, order.trigger), (one_o_clock(), trigger), "{start}");
        assert_eq!(*sent_at, now.max(one_o_clock()), "{start}: neither early nor later than it has to be");
        let story = world.ledger.story("a");
        let word = if trigger == Trigger::CatchUp { "13:00:00 catch_up sending" } else { "13:00:00 sending" };
        assert_eq!(story, [word], "{start}");
    }
}

#[test]
fn a_claim_too_old_to_be_sent_is_missed() {
    let now = one_o_clock() + secs(61);
    let mut world = claimed("catch_up = \"none\"").restart(now, hourly("catch_up = \"none\""));
    world.pulse(now);
    assert!(world.sent.is_empty());
    assert_eq!(world.ledger.story("a"), ["13:00:00 missed downtime"]);
}

/// Of one job only the newest is sent, whether the others are claims left over or found due only now.
#[test]
fn claims_left_over_are_superseded_by_what_came_since() {
    let definitions = || jobs(&[("a", "every 1s", ""), ("b", "every 1s", "catch_up = \"none\"")]);
    let mut world = World::start(noon(), definitions(), MemoryLedger::default());
    world.on(noon(), Event::Pulse);
    assert_eq!(world.ledger.story("a"), ["12:00:01 claimed", "12:00:02 claimed"]);

    // While both claims are the newest there are.
    let now = noon() + millis(2_100);
    let mut soon = world.restart(now, definitions());
    soon.pulse(now);
    assert_eq!(soon.ledger.story("a")[..2], ["12:00:01 missed downtime", "12:00:02 sending"]);

    let mut world = World::start(noon(), definitions(), MemoryLedger::default());
    world.on(noon(), Event::Pulse);
    let now = noon() + millis(30_100);
    let mut later = world.restart(now, definitions());
    later.pulse(now);
    for job in ["a", "b"] {
        let story = later.ledger.story(job);
        let expected =
            ["12:00:01..12:00:02 x2 missed downtime", "12:00:03..12:00:29 x27 missed downtime", "12:00:30 sending"];
        assert_eq!(story[..3], expected, "{job}");
    }
    assert_eq!(later.sent.len(), 2);
}

/// Guarantee G3 goes before catching up: what is found due while an unknown run holds the job is not sent.
#[test]
fn a_catch_up_is_not_stacked_on_a_run_that_may_go_on() {
    let definitions = hourly("");
    let ledger = MemoryLedger::with_cursor(&definitions.jobs["a"], noon());
    let mut world = World::start(one_o_clock() + secs(600), definitions, ledger);
    assert_eq!(world.ledger.story("a"), ["13:00:00 catch_up sending"], "a late claim is sent at once");
    world = world.restart(one_o_clock() + secs(4_200), hourly(""));
    world.pulse(one_o_clock() + secs(4_200));
    assert_eq!(
        world.ledger.story("a"),
        ["13:00:00 catch_up unknown crash", "14:00:00 catch_up skipped possibly_running"]
    );
}

/// Guarantees G1 and G3: nobody heard how it ended, and the app may still be at it.
#[test]
fn what_was_sent_when_it_died_is_unknown_and_holds_its_job() {
    let now = one_o_clock() + secs(30);
    let mut simulation = {
        let world =
            sending("timeout = \"10s\"\nhold = \"90m\"").restart(now, hourly("timeout = \"10s\"\nhold = \"90m\""));
        Simulation::around(now, world)
    };
    assert_eq!(simulation.world.ledger.story("a"), ["13:00:00 unknown crash"]);
    let ended: Vec<_> = simulation.world.ended().map(|ended| (ended.outcome, ended.reason)).collect();
    assert_eq!(ended, [(Outcome::Unknown, Some(Reason::Crash))]);
    simulation.run_until(at("2026-03-10T15:30:00Z"));
    let expected = ["13:00:00 unknown crash", "14:00:00 skipped possibly_running", "15:00:00 succeeded"];
    assert_eq!(simulation.world.ledger.story("a"), expected);
    assert!(simulation.world.told.iter().any(|notice| matches!(notice, Notice::HoldOver { .. })));
}

/// Seed E9: a run that seems to be running for ever blocks its job no longer than the hold, over any number of crashes.
#[test]
fn e9_a_phantom_run_does_not_block_its_job_for_ever() {
    let keys = "timeout = \"10s\"\nhold = \"2m\"";
    let now = one_o_clock() + secs(5);
    let mut simulation = Simulation::around(now, sending(keys).restart(now, hourly(keys)));
    for _ in 0..3 {
        simulation = simulation.kill_and_restart(secs(10), hourly(keys));
    }
    simulation.run_until(at("2026-03-10T14:30:00Z"));
    assert_eq!(simulation.world.ledger.story("a"), ["13:00:00 unknown crash", "14:00:00 succeeded"]);
}

#[test]
fn a_job_that_may_overlap_is_held_by_nothing() {
    let keys = "overlap = \"allow\"\nhold = \"90m\"";
    let now = one_o_clock() + secs(30);
    let mut simulation = Simulation::around(now, sending(keys).restart(now, hourly(keys)));
    simulation.run_until(at("2026-03-10T14:30:00Z"));
    assert_eq!(simulation.world.ledger.story("a"), ["13:00:00 unknown crash", "14:00:00 succeeded"]);
}

/// A hold that was running when the process stopped goes on, and is told of when it is over.
#[test]
fn holds_are_taken_over() {
    let keys = "timeout = \"10s\"\nhold = \"10m\"";
    let mut world = sending(keys);
    let run = world.sent[0].1.run;
    let gone = crate::support::world::report(Outcome::Unknown, Some(Reason::Timeout), one_o_clock());
    world.answer(one_o_clock() + secs(10), run, Some(gone));
    let now = one_o_clock() + secs(60);
    let mut world = world.restart(now, hourly(keys));
    assert_eq!(world.decisions.wake_at(), Some(one_o_clock() + secs(610)));
    world.on(one_o_clock() + secs(610), Event::Wake);
    assert_eq!(world.told, [Notice::HoldOver { job: name("a"), run }]);
}

/// Guarantee G3: a hold that ended while nobody was there is told of by the next start; one that was told of is not again.
#[test]
fn a_hold_that_ended_unseen_is_told_of() {
    let keys = "timeout = \"10s\"\nhold = \"10m\"";
    for last_alive in [605, 615] {
        let mut world = sending(keys);
        let run = world.sent[0].1.run;
        let gone = crate::support::world::report(Outcome::Unknown, Some(Reason::Timeout), one_o_clock());
        world.answer(one_o_clock() + secs(10), run, Some(gone));
        world
            .ledger
            .carry_out(one_o_clock() + secs(last_alive), Write::Tick(one_o_clock() + secs(last_alive)))
            .unwrap();
        let now = one_o_clock() + secs(700);
        let mut world = world.restart(now, hourly(keys));
        world.on(now, Event::Wake);
        let over = Notice::HoldOver { job: name("a"), run };
        assert_eq!(world.told.contains(&over), last_alive == 605, "last alive {last_alive} s after the instant");
    }
}

/// Seed A22: a new or renamed job starts clean.
#[test]
fn a22_a_new_job_is_anchored_now() {
    let mut world = World::start(noon(), jobs(&[("old", "every 1m", "")]), MemoryLedger::default());
    world.pulse(noon() + secs(59));
    let now = noon() + secs(3_630);
    let mut world = world.restart(now, jobs(&[("new", "every 1m", "")]));
    world.pulse(now);
    assert!(world.sent.is_empty() && world.ledger.story("new").is_empty());
    assert_eq!(world.decisions.next_of(&name("new")).map(|(next, _)| next), Some(noon() + secs(3_660)));
}

/// Seed A22: a cursor in the future would keep its job silent until the clock caught up.
#[test]
fn a22_a_cursor_in_the_future_is_set_back_and_told() {
    let definitions = hourly("");
    let future = at("2031-01-01T00:00:00Z");
    let ledger = MemoryLedger::with_cursor(&definitions.jobs["a"], future);
    let mut world = World::start(noon(), definitions, ledger);
    assert_eq!(world.told, [Notice::Clamped { job: name("a"), from: future }]);
    assert_eq!(world.ledger.cursors["a"].accounted_to, noon());
    world.pulse(one_o_clock() - secs(1));
    world.pulse(one_o_clock());
    assert_eq!(world.sent_jobs(), ["a"]);
}

/// A cursor within the lead window is no clock that went back, but a claim that was made.
#[test]
fn a_cursor_in_the_lead_window_is_left_alone() {
    let now = one_o_clock() - millis(1_900);
    let mut world = claimed("").restart(now, hourly(""));
    assert_eq!(world.told, []);
    world.pulse(one_o_clock());
    assert_eq!(world.sent.len(), 1);
}

/// What the definitions no longer ask for is cancelled, and only what was not sent.
#[test]
fn claims_of_jobs_that_changed_meanwhile() {
    let now = one_o_clock() - secs(1);
    for (after, expected) in [
        (jobs(&[]), "13:00:00 cancelled removed"),
        (jobs(&[("a", "every 1h", "enabled = false")]), "13:00:00 cancelled redefined"),
        (jobs(&[("a", "daily 13:01", "")]), "13:00:00 cancelled redefined"),
        (jobs(&[("a", "daily 13:00", "")]), "13:00:00 sending"),
        (jobs(&[("a", "every 1h", "timeout = \"7s\"")]), "13:00:00 sending"),
    ] {
        let mut world = claimed("").restart(now, after.clone());
        world.pulse(now);
        world.pulse(one_o_clock() - millis(40));
        world.pulse(one_o_clock());
        assert_eq!(world.ledger.story("a"), [expected]);
        let timeouts: Vec<_> = world.sent.iter().map(|(_, order)| order.job.timeout).collect();
        let now_in_force: Vec<_> =
            after.jobs.values().filter(|_| !timeouts.is_empty()).map(|job| job.timeout).collect();
        assert_eq!(timeouts, now_in_force, "sent with the definition now in force");
    }
}

/// Guarantee G3: a job that went away meanwhile and comes back within the hold is not stacked on what it had sent. What the
/// ledger knows of the hold is all that there is.
#[test]
fn what_a_removed_job_had_sent_is_unknown_and_held() {
    let keys = "timeout = \"10s\"\nhold = \"90m\"";
    for over_restart in [false, true] {
        let mut world = sending(keys).restart(one_o_clock() + secs(5), jobs(&[]));
        assert_eq!(world.ledger.story("a"), ["13:00:00 unknown crash"]);
        let told: Vec<_> = world.ended().map(|ended| (ended.job.as_str(), ended.outcome, ended.attempt)).collect();
        assert_eq!(told, [("a", Outcome::Unknown, Some(1))]);
        let now = one_o_clock() + secs(60);
        if over_restart {
            world = world.restart(now, hourly(keys));
        } else {
            world.on(now, Event::Reload(Box::new(hourly(keys))));
        }
        let mut simulation = Simulation::around(now, world);
        simulation.run_until(at("2026-03-10T15:30:00Z"));
        let expected = ["13:00:00 unknown crash", "14:00:00 skipped possibly_running", "15:00:00 succeeded"];
        assert_eq!(simulation.world.ledger.story("a"), expected, "{over_restart}");
        let over = simulation.world.told.iter().filter(|notice| matches!(notice, Notice::HoldOver { .. }));
        assert_eq!(over.count(), 1);
    }
}

/// Guarantee G1: an edit left a row past the new cursor, the process died, and the job went away meanwhile. The instant that
/// has its row keeps it, and what the edited schedule demanded besides is missed.
#[test]
fn rows_that_an_edit_left_past_the_cursor_are_in_nobodys_way() {
    let mut world = claimed("");
    let edited = one_o_clock() - secs(2);
    world.on(edited, Event::Reload(Box::new(jobs(&[("a", "every 20s", "jitter = \"2m\"")]))));
    let world = world.restart(one_o_clock() + secs(45), jobs(&[]));
    assert_eq!(world.ledger.story("a"), ["13:00:00 cancelled removed", "13:00:20..13:00:40 x2 missed downtime"]);
}

/// Guarantee G1: what the old schedule demanded up to the load is accounted for by the old schedule.
#[test]
fn occurrences_of_a_schedule_that_changed_meanwhile_are_missed() {
    for after in [jobs(&[("a", "daily 07:00", "")]), jobs(&[]), jobs(&[("a", "every 1h", "enabled = false")])] {
        let definitions = hourly("");
        let ledger = MemoryLedger::with_cursor(&definitions.jobs["a"], noon());
        let now = at("2026-03-10T15:30:00Z");
        let mut world = World::start(noon(), definitions, ledger).restart(now, after);
        world.pulse(now);
        assert_eq!(world.ledger.story("a"), ["13:00:00..15:00:00 x3 missed downtime"]);
        assert!(world.sent.is_empty());
        // The next start knows that.
        let mut world = world.restart(now + secs(60), jobs(&[("a", "daily 07:00", "")]));
        world.pulse(now + secs(60));
        assert_eq!(world.ledger.story("a").len(), 1);
    }
}

/// Enabling a job or bringing it back is no reason to catch up what it was not there for.
#[test]
fn a_job_that_comes_back_does_not_catch_up() {
    for away in [jobs(&[]), jobs(&[("a", "every 1h", "enabled = false")])] {
        let definitions = hourly("");
        let ledger = MemoryLedger::with_cursor(&definitions.jobs["a"], noon());
        let world = World::start(noon(), definitions, ledger);
        let world = world.restart(noon() + secs(60), away);
        let now = at("2026-03-12T12:30:00Z");
        let mut world = world.restart(now, hourly(""));
        world.pulse(now);
        assert!(world.ledger.story("a").is_empty(), "{:?}", world.ledger.story("a"));
        assert!(world.sent.is_empty());
        assert_eq!(world.decisions.next_of(&name("a")).map(|(at, _)| at), Some(at("2026-03-12T13:00:00Z")));
    }
}

/// Seed E18: zero jobs is a healthy start.
#[test]
fn e18_nothing_to_do() {
    let mut world = World::start(noon(), jobs(&[]), MemoryLedger::default());
    world.pulse(noon() + secs(10));
    assert_eq!((world.decisions.next_fire(), world.decisions.wake_at()), (None, None));
    assert!(!world.decisions.is_drained());
    world.on(noon() + secs(11), Event::Stop);
    assert!(world.decisions.is_drained());
}

/// Seed A28: `late_limit` is the present one, not that of the day of the claim.
#[test]
fn a_claim_is_judged_by_the_settings_now_in_force() {
    let now = one_o_clock() + secs(600);
    let keys = "catch_up = \"none\"";
    let mut world = claimed(keys).restart(now, jobs_with("late_limit = \"1h\"", &[("a", "every 1h", keys)]));
    world.pulse(now);
    assert_eq!(world.ledger.story("a"), ["13:00:00 sending"]);
}
