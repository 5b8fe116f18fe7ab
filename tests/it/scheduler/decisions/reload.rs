//! What becomes of a job's occurrences when its definition changes, while the scheduler runs and while nobody is there
//! (DESIGN section 4, "Reload").

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    job::Definitions,
    run::{Outcome, Reason, Trigger},
    scheduler::decisions::{Command, Event, Notice, Reloaded, Write},
    ticker::LEAD,
};

use crate::support::{
    definitions::{at, jobs, name, noon},
    memory::{MemoryLedger, tell},
    simulation::{Answer, Simulation},
    world::{World, millis, report, secs},
};

/// Definitions before and after an edit, and what the ledger says of the jobs in the end.
struct Row {
    what: &'static str,
    before: Definitions,
    after: Definitions,
    /// The edit is taken while the scheduler runs.
    running: &'static [(&'static str, &'static [&'static str])],
    /// The edit is made while it is down.
    down: &'static [(&'static str, &'static [&'static str])],
}

/// Each hour, on the hour; the edit is made at 14:30 and the world ends at 16:10. Down means from 13:30 on.
fn rows() -> Vec<Row> {
    let hourly = |keys: &str| jobs(&[("a", "every 1h", keys)]);
    let prague = |zone: &str| jobs(&[("a", "0 * * * *", &format!("timezone = \"{zone}\""))]);
    vec![
        Row {
            what: "unchanged",
            before: hourly(""),
            after: hourly(""),
            running: &[(
                "a",
                &["13:00:00 succeeded", "14:00:00 succeeded", "15:00:00 succeeded", "16:00:00 succeeded"],
            )],
            down: &[(
                "a",
                &["13:00:00 succeeded", "14:00:00 catch_up succeeded", "15:00:00 succeeded", "16:00:00 succeeded"],
            )],
        },
        Row {
            what: "another request, same instants",
            before: hourly(""),
            after: hourly("method = \"PUT\""),
            running: &[(
                "a",
                &["13:00:00 succeeded", "14:00:00 succeeded", "15:00:00 succeeded", "16:00:00 succeeded"],
            )],
            down: &[(
                "a",
                &["13:00:00 succeeded", "14:00:00 catch_up succeeded", "15:00:00 succeeded", "16:00:00 succeeded"],
            )],
        },
        Row {
            what: "the same instants, written otherwise",
            before: jobs(&[("a", "@hourly", "")]),
            after: jobs(&[("a", "0 * * * *", "")]),
            running: &[(
                "a",
                &["13:00:00 succeeded", "14:00:00 succeeded", "15:00:00 succeeded", "16:00:00 succeeded"],
            )],
            down: &[(
                "a",
                &["13:00:00 succeeded", "14:00:00 catch_up succeeded", "15:00:00 succeeded", "16:00:00 succeeded"],
            )],
        },
        Row {
            what: "another schedule",
            before: hourly(""),
            after: jobs(&[("a", "*/40 * * * *", "")]),
            running: &[(
                "a",
                &[
                    "13:00:00 succeeded",
                    "14:00:00 succeeded",
                    "14:40:00 succeeded",
                    "15:00:00 succeeded",
                    "15:40:00 succeeded",
                    "16:00:00 succeeded",
                ],
            )],
            down: &[(
                "a",
                &[
                    "13:00:00 succeeded",
                    "14:00:00 missed downtime",
                    "14:40:00 succeeded",
                    "15:00:00 succeeded",
                    "15:40:00 succeeded",
                    "16:00:00 succeeded",
                ],
            )],
        },
        Row {
            what: "another zone",
            before: prague("UTC"),
            after: prague("Asia/Kathmandu"),
            running: &[("a", &["13:00:00 succeeded", "14:00:00 succeeded", "15:15:00 succeeded"])],
            down: &[("a", &["13:00:00 succeeded", "14:00:00 missed downtime", "15:15:00 succeeded"])],
        },
        Row {
            what: "another rule for the changes of the clocks",
            before: hourly(""),
            after: jobs(&[("a", "0 13,14,15,16 * * *", "dst = { gap = \"skip\" }")]),
            running: &[(
                "a",
                &["13:00:00 succeeded", "14:00:00 succeeded", "15:00:00 succeeded", "16:00:00 succeeded"],
            )],
            down: &[(
                "a",
                &["13:00:00 succeeded", "14:00:00 missed downtime", "15:00:00 succeeded", "16:00:00 succeeded"],
            )],
        },
        Row {
            what: "new",
            before: jobs(&[]),
            after: hourly(""),
            running: &[("a", &["15:00:00 succeeded", "16:00:00 succeeded"])],
            down: &[("a", &["15:00:00 succeeded", "16:00:00 succeeded"])],
        },
        Row {
            what: "removed",
            before: hourly(""),
            after: jobs(&[]),
            running: &[("a", &["13:00:00 succeeded", "14:00:00 succeeded"])],
            down: &[("a", &["13:00:00 succeeded", "14:00:00 missed downtime"])],
        },
        Row {
            what: "renamed",
            before: hourly(""),
            after: jobs(&[("b", "every 1h", "path = \"/a\"")]),
            running: &[
                ("a", &["13:00:00 succeeded", "14:00:00 succeeded"]),
                ("b", &["15:00:00 succeeded", "16:00:00 succeeded"]),
            ],
            down: &[
                ("a", &["13:00:00 succeeded", "14:00:00 missed downtime"]),
                ("b", &["15:00:00 succeeded", "16:00:00 succeeded"]),
            ],
        },
        Row {
            what: "disabled",
            before: hourly(""),
            after: hourly("enabled = false"),
            running: &[("a", &["13:00:00 succeeded", "14:00:00 succeeded"])],
            down: &[("a", &["13:00:00 succeeded", "14:00:00 missed downtime"])],
        },
        Row {
            what: "enabled",
            before: hourly("enabled = false"),
            after: hourly(""),
            running: &[("a", &["15:00:00 succeeded", "16:00:00 succeeded"])],
            down: &[("a", &["15:00:00 succeeded", "16:00:00 succeeded"])],
        },
    ]
}

fn half_past_two() -> DateTime<Utc> {
    at("2026-03-10T14:30:00Z")
}

fn reload(simulation: &mut Simulation, definitions: Definitions) {
    simulation.event(Event::Reload(Box::new(definitions)));
}

/// Guarantee G1; seed A22: a new or renamed job starts clean.
#[test]
fn a_reload_accounts_for_each_job_by_its_kind_of_change() {
    for row in rows() {
        let mut simulation = Simulation::start(noon(), row.before, MemoryLedger::default());
        simulation.run_until(half_past_two());
        reload(&mut simulation, row.after);
        simulation.run_until(half_past_two() + secs(6000));
        for (job, story) in row.running {
            assert_eq!(simulation.world.ledger.story(job), *story, "{}, {job}", row.what);
        }
    }
}

/// The same rules hold for an edit that nobody saw.
#[test]
fn an_edit_while_down_accounts_for_each_job_by_its_kind_of_change() {
    for row in rows() {
        let mut simulation = Simulation::start(noon(), row.before, MemoryLedger::default());
        simulation.run_until(half_past_two() - secs(3600));
        let mut simulation = simulation.kill_and_restart(secs(3600), row.after);
        simulation.run_until(half_past_two() + secs(6000));
        for (job, story) in row.down {
            assert_eq!(simulation.world.ledger.story(job), *story, "{}, {job}", row.what);
        }
    }
}

/// What was claimed and is not sent follows the definitions that are in force at its instant.
#[test]
fn a_reload_within_the_lead_window_decides_a_claim_anew() {
    let one = at("2026-03-10T13:00:00Z");
    for (after, expected, timeouts) in [
        (jobs(&[]), "13:00:00 cancelled removed", &[][..]),
        (jobs(&[("a", "every 1h", "enabled = false")]), "13:00:00 cancelled redefined", &[]),
        (jobs(&[("a", "daily 13:01", "")]), "13:00:00 cancelled redefined", &[]),
        (jobs(&[("a", "daily 13:00", "")]), "13:00:00 succeeded", &[30]),
        (jobs(&[("a", "every 1h", "timeout = \"7s\"")]), "13:00:00 succeeded", &[7]),
    ] {
        let mut simulation = Simulation::start(noon(), jobs(&[("a", "every 1h", "")]), MemoryLedger::default());
        simulation.run_until(one - LEAD + secs(1));
        assert_eq!(simulation.world.ledger.story("a"), ["13:00:00 claimed"]);
        reload(&mut simulation, after);
        simulation.run_until(one + secs(30));
        assert_eq!(simulation.world.ledger.story("a"), [expected]);
        let sent: Vec<u64> = simulation.world.sent.iter().map(|(_, order)| order.job.timeout.as_secs()).collect();
        assert_eq!(sent, timeouts, "sent with the definition now in force");
    }
}

/// Seed E6: the run that is open ends as it would have, by its own definition, and the others fire meanwhile.
#[test]
fn e6_an_open_run_is_left_alone_whatever_becomes_of_its_job() {
    for after in [
        jobs(&[("b", "every 10s", "")]),
        jobs(&[("a", "every 1h", "enabled = false"), ("b", "every 10s", "")]),
        jobs(&[("a", "daily 07:00", "timeout = \"1s\""), ("b", "every 10s", "")]),
    ] {
        let before = jobs(&[("a", "at 2026-03-10T12:00:05Z", "timeout = \"1m\""), ("b", "every 10s", "")]);
        let app = |order: &sexton::dispatch::Order| {
            let takes = if order.job.name.as_str() == "a" { secs(40) } else { millis(10) };
            Answer::After(takes, Outcome::Succeeded, None)
        };
        let mut simulation = Simulation::with_app(noon(), before, MemoryLedger::default(), app);
        simulation.run_until(noon() + secs(15));
        reload(&mut simulation, after);
        simulation.run_until(noon() + secs(44));
        assert_eq!(simulation.world.ledger.story("a"), ["12:00:05 sending"]);
        simulation.run_until(noon() + secs(61));
        assert_eq!(simulation.world.ledger.story("a"), ["12:00:05 succeeded"]);
        let b: Vec<String> =
            (10..=60).step_by(10).map(|second| format!("12:{:02}:{:02} succeeded", second / 60, second % 60)).collect();
        assert_eq!(simulation.world.ledger.story("b"), b);
    }
}

/// Seed E8: the instants of `every` hang on nothing but the clock.
#[test]
fn e8_a_reload_does_not_move_the_phase_of_every() {
    let before = || jobs(&[("a", "every 7s", "")]);
    let mut simulation = Simulation::start(noon() + millis(300), before(), MemoryLedger::default());
    let mut undisturbed = Simulation::start(noon() + millis(300), before(), MemoryLedger::default());
    for _ in 0..50 {
        simulation.run_for(millis(1_100));
        reload(&mut simulation, jobs(&[("a", "every 7s", "timeout = \"1m\""), ("b", "every 3s", "")]));
        reload(&mut simulation, before());
    }
    undisturbed.run_until(simulation.now);
    let instants = |simulation: &Simulation| -> Vec<DateTime<Utc>> {
        let of_a = simulation.world.sent.iter().filter(|(_, order)| order.job.name.as_str() == "a");
        of_a.map(|(at, _)| *at).collect()
    };
    assert_eq!(instants(&simulation), instants(&undisturbed));
    assert!(instants(&simulation).iter().all(|at| at.timestamp_millis() % 7_000 == 0));
}

/// Guarantee G1: while the ledger takes nothing, an edit must not take away the ground from what fell due meanwhile.
#[test]
fn what_fell_due_in_an_outage_is_accounted_for_by_the_schedule_of_that_time() {
    for (after, last) in [
        (jobs(&[("a", "daily 07:00", "")]), "12:01:30 cancelled redefined"),
        (jobs(&[]), "12:01:30 cancelled removed"),
        (jobs(&[("a", "every 30s", "")]), "12:01:30 succeeded"),
    ] {
        let mut simulation = Simulation::start(noon(), jobs(&[("a", "every 10s", "")]), MemoryLedger::default());
        simulation.run_until(noon() + secs(31));
        simulation.world.ledger.broken = true;
        simulation.run_until(noon() + secs(95));
        reload(&mut simulation, after);
        simulation.run_until(noon() + secs(96));
        simulation.world.ledger.broken = false;
        simulation.run_until(noon() + secs(98));
        let story = simulation.world.ledger.story("a");
        let accounted: u64 = simulation.world.ledger.rows("a").iter().map(|row| row.count).sum();
        assert_eq!(accounted, 9, "{story:?}");
        assert_eq!(story.last().map(String::as_str), Some(last), "{story:?}");
    }
}

/// The log says in a few numbers what an edit changed.
#[test]
fn what_a_reload_changed_is_told() {
    let before = jobs(&[("same", "every 1h", ""), ("other", "every 1h", ""), ("gone", "every 1h", "")]);
    let after = jobs(&[("same", "every 1h", ""), ("other", "every 2h", ""), ("new", "every 1h", "")]);
    let mut simulation = Simulation::start(noon(), before, MemoryLedger::default());
    reload(&mut simulation, after);
    let told = Reloaded { added: 1, changed: 1, removed: 1, total: 3 };
    assert!(simulation.world.told.contains(&Notice::Reloaded(told)), "{:?}", simulation.world.told);
    let next = simulation.world.decisions.next_of(&name("new")).map(|(at, _)| at);
    assert_eq!(next, Some(noon() + TimeDelta::hours(1)));
}

/// A world in which the ledger is just being asked to let a run of `a` go: that of 13:00, or one by hand, half an hour before.
fn beginning(keys: &str, by_hand: bool) -> World {
    let mut world = World::start(noon(), jobs(&[("a", "every 1h", keys)]), MemoryLedger::default());
    let now = one_o_clock() - millis(50);
    if by_hand {
        let now = now - secs(1_800);
        let fire = Command::Fire { job: name("a"), by: None };
        world.on_unwritten(now, Event::Asked(1, fire));
        let claim = world.unwritten.pop_front().unwrap();
        let stored = world.ledger.carry_out(now, claim).unwrap();
        world.on_unwritten(now, Event::Stored(stored));
    } else {
        world.on(now - secs(1), Event::Pulse);
        world.on_unwritten(now, Event::Wake);
    }
    assert!(matches!(world.unwritten.front(), Some(Write::Begin(_))), "{:?}", world.unwritten);
    world
}

fn one_o_clock() -> DateTime<Utc> {
    at("2026-03-10T13:00:00Z")
}

/// An edit comes while the ledger is asked to let a run go, and the ledger fails: the run goes on as the edit says, not as it
/// was.
#[test]
fn a_run_that_steps_back_takes_the_new_definition() {
    for by_hand in [false, true] {
        for (after, of_schedule, of_hand) in [
            (jobs(&[("a", "every 1h", "timeout = \"7s\"")]), "sending", "sending"),
            (jobs(&[("a", "every 1h", "enabled = false\ntimeout = \"7s\"")]), "cancelled redefined", "sending"),
            (jobs(&[]), "cancelled removed", "cancelled removed"),
        ] {
            let mut world = beginning("timeout = \"1m\"", by_hand);
            let now = one_o_clock() - secs(if by_hand { 1_800 } else { 0 });
            world.on_unwritten(now - millis(40), Event::Reload(Box::new(after)));
            world.ledger.fails = 1;
            world.write(now - millis(30));
            for ms in (0..3_000).step_by(50) {
                world.pulse(now + millis(ms));
            }
            let row = world.ledger.runs.values().find(|run| (run.trigger == Trigger::Manual) == by_hand).unwrap();
            let story = tell(row);
            assert!(story.ends_with(if by_hand { of_hand } else { of_schedule }), "by hand {by_hand}: {story}");
            let timeouts: Vec<_> = world.sent.iter().map(|(_, order)| order.job.timeout.as_secs()).collect();
            assert_eq!(timeouts, if story.ends_with("sending") { vec![7] } else { vec![] }, "by hand {by_hand}");
            assert_eq!(world.decisions.in_flight(), world.open.len());
        }
    }
}

/// The same, and another run has the job: the overlap policy is the one now in force.
#[test]
fn a_run_that_does_not_get_its_job_follows_the_policy_now_in_force() {
    let keys = |overlap: &str| format!("timeout = \"10s\"\nhold = \"90m\"\noverlap = \"{overlap}\"");
    let mut world = beginning(&keys("skip"), false);
    world.write(one_o_clock() - millis(40));
    world.on(one_o_clock(), Event::Wake);
    let run = world.sent[0].1.run;
    world.answer(one_o_clock() + secs(10), run, Some(report(Outcome::Unknown, Some(Reason::Timeout), one_o_clock())));
    let two_o_clock = one_o_clock() + secs(3_600);
    world.on(two_o_clock - secs(1), Event::Pulse);
    world.on_unwritten(two_o_clock, Event::Wake);
    assert!(matches!(world.unwritten.front(), Some(Write::Begin(_))), "{:?}", world.unwritten);
    let after = jobs(&[("a", "every 1h", &keys("queue"))]);
    world.on(two_o_clock, Event::Reload(Box::new(after)));
    assert_eq!(world.ledger.story("a"), ["13:00:00 unknown timeout", "14:00:00 queued"]);
    assert_eq!(world.decisions.in_flight(), 0);
}
