//! `max_in_flight`: so many requests of a target are open, the others wait in the order they fell due.

use sexton::{
    job::Definitions,
    run::{Outcome, Reason, RunId},
    scheduler::decisions::{Event, Notice},
};

use crate::support::{
    definitions::{OPEN_APP, definitions, jobs_text, jobs_with, noon},
    memory::MemoryLedger,
    simulation::{Answer, Simulation},
    world::{World, millis, report, secs},
};

/// Jobs that fall due one second after the other from 12:00:03 on, in the order given.
fn in_turn(max_in_flight: usize, names: &[&str]) -> Definitions {
    let texts: Vec<String> = (0..names.len()).map(|number| format!("at 2026-03-10T12:00:{:02}Z", 3 + number)).collect();
    let tables: Vec<_> = names.iter().zip(&texts).map(|(name, text)| (*name, text.as_str(), "")).collect();
    jobs_with(&format!("max_in_flight = {max_in_flight}"), &tables)
}

/// A world that went on until the instants of all of them had come, with no answer from the app.
fn all_due(definitions: Definitions) -> World {
    let seconds = i64::try_from(definitions.jobs.len()).unwrap() + 2;
    let mut world = World::start(noon(), definitions, MemoryLedger::default());
    for ms in (0..=seconds * 1_000 + 100).step_by(50) {
        world.pulse(noon() + millis(ms));
    }
    world
}

fn run_of(world: &World, job: &str) -> RunId {
    world.sent.iter().find(|(_, order)| order.job.name.as_str() == job).unwrap().1.run
}

#[test]
fn the_rest_wait_in_due_order() {
    // The names are in another order than the instants.
    let mut world = all_due(in_turn(2, &["e", "d", "c", "b", "a"]));
    assert_eq!(world.sent_jobs(), ["e", "d"]);
    assert_eq!((world.decisions.in_flight(), world.decisions.waiting()), (2, 3));
    let now = noon() + secs(10);
    let run = run_of(&world, "d");
    world.succeed(now, run);
    assert_eq!(world.sent_jobs(), ["e", "d", "c"]);
    let run = run_of(&world, "e");
    world.succeed(now, run);
    assert_eq!(world.sent_jobs(), ["e", "d", "c", "b"]);
    for job in ["b", "c", "a"] {
        let run = run_of(&world, job);
        world.succeed(now, run);
    }
    assert_eq!((world.decisions.in_flight(), world.decisions.waiting()), (0, 0));
    assert!(["a", "b", "c", "d", "e"].iter().all(|job| world.ledger.story(job)[0].ends_with("succeeded")));
}

/// It is in time, however long it waits: an edit of whatever else is no reason to call it late.
#[test]
fn an_edit_leaves_everybody_where_they_stand() {
    let mut world = all_due(in_turn(1, &["c", "b", "a"]));
    let later = noon() + secs(300);
    world.on(later, Event::Reload(Box::new(in_turn(1, &["c", "b", "a"]))));
    assert_eq!(world.decisions.waiting(), 2);
    for job in ["c", "b", "a"] {
        let run = run_of(&world, job);
        world.succeed(later, run);
    }
    assert_eq!(world.sent_jobs(), ["c", "b", "a"]);
}

/// A reload that makes room calls up those in line, and whoever comes next goes behind those that are left.
#[test]
fn more_room_is_for_those_in_line() {
    let names = ["e", "d", "c", "b", "a"];
    let mut world = all_due(in_turn(1, &names));
    let now = noon() + secs(10);
    world.on(now, Event::Reload(Box::new(in_turn(3, &names))));
    assert_eq!(world.sent_jobs(), ["e", "d", "c"]);
    assert_eq!((world.decisions.in_flight(), world.decisions.waiting()), (3, 2));
    let run = run_of(&world, "c");
    world.succeed(now, run);
    assert_eq!(world.sent_jobs(), ["e", "d", "c", "b"]);
}

/// A reload that takes room away: nobody begins until enough have ended.
#[test]
fn less_room_holds_at_once() {
    let names = ["e", "d", "c", "b", "a"];
    let mut world = all_due(in_turn(3, &names));
    let now = noon() + secs(10);
    world.on(now, Event::Reload(Box::new(in_turn(1, &names))));
    for (job, open) in [("e", 2), ("d", 1)] {
        let run = run_of(&world, job);
        world.succeed(now, run);
        assert_eq!((world.decisions.in_flight(), world.decisions.waiting()), (open, 2));
    }
    for (job, next) in [("c", "b"), ("b", "a")] {
        let run = run_of(&world, job);
        world.succeed(now, run);
        assert_eq!((world.sent_jobs().last(), world.decisions.in_flight()), (Some(&next), 1));
    }
}

/// What waits is not yet `sending`: a crash would send it again.
#[test]
fn who_waits_has_not_begun() {
    let world = all_due(in_turn(1, &["a", "b"]));
    assert_eq!(world.ledger.story("b"), ["12:00:04 claimed"]);
}

/// A warning when somebody has waited for a second, once for each time that it is crowded.
#[test]
fn a_second_of_waiting_is_told_once() {
    let crowded = |world: &World| {
        let told = world.told.iter().filter_map(|notice| match notice {
            Notice::Crowded { target, waiting } => Some((target.clone(), *waiting)),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let once = "at 2026-03-10T12:00:03Z";
    let tables = [("a", once, ""), ("b", once, ""), ("c", once, ""), ("d", "at 2026-03-10T12:00:50Z", "")];
    let mut world = World::start(noon(), jobs_with("max_in_flight = 1", &tables), MemoryLedger::default());
    world.on(noon() + secs(2), Event::Pulse);
    world.on(noon() + millis(2_960), Event::Wake);
    world.on(noon() + secs(3), Event::Wake);
    assert_eq!(world.decisions.wake_at(), Some(noon() + secs(4)), "a second after they fell due");
    world.on(noon() + millis(3_999), Event::Wake);
    assert!(crowded(&world).is_empty());
    world.on(noon() + secs(4), Event::Wake);
    assert_eq!(crowded(&world), [("app".to_owned(), 2)]);
    for later in 5..20 {
        world.on(noon() + secs(later), Event::Wake);
    }
    assert_eq!(crowded(&world).len(), 1);
    assert_eq!(world.decisions.wake_at(), None, "nothing more to be woken for");

    // The crowd goes, and another one comes.
    for second in 20..22 {
        let run = world.sent.last().unwrap().1.run;
        world.succeed(noon() + secs(second), run);
    }
    world.on(noon() + secs(30), Event::Wake);
    for ms in (48_000..52_000).step_by(50) {
        world.pulse(noon() + millis(ms));
    }
    assert_eq!(crowded(&world), [("app".to_owned(), 2), ("app".to_owned(), 1)]);
}

#[test]
fn permits_are_counted_by_target() {
    let other = "[targets.other]\nbase_url = \"http://127.0.0.1:9\"\nauth = \"none\"\n";
    let text = jobs_text(
        "max_in_flight = 1",
        &format!("{OPEN_APP}{other}"),
        &[
            ("a", "at 2026-03-10T12:00:03Z", ""),
            ("b", "at 2026-03-10T12:00:04Z", "target = \"other\""),
            ("c", "at 2026-03-10T12:00:05Z", ""),
        ],
    );
    let world = all_due(definitions(&text));
    assert_eq!(world.sent_jobs(), ["a", "b"]);
}

/// Who is refused its slot at its instant gives the permit to the next in line at once.
#[test]
fn a_permit_that_is_not_used_goes_to_the_next() {
    let tables = [("a", "every 1s", "timeout = \"60s\""), ("b", "at 2026-03-10T12:00:02Z", "")];
    let mut world = World::start(noon(), jobs_with("max_in_flight = 2", &tables), MemoryLedger::default());
    for ms in (0..2_050).step_by(10) {
        world.pulse(noon() + millis(ms));
    }
    assert_eq!(world.sent_jobs(), ["a", "b"], "the second occurrence of a is skipped");
    assert_eq!(world.ledger.story("a")[..2], ["12:00:01 sending", "12:00:02 skipped running"]);
    assert_eq!(world.decisions.in_flight(), 2);
}

/// Seed A24: a full target makes no line of one job's occurrences, to be sent one after the other when there is room.
#[test]
fn a24_a_job_does_not_queue_up_behind_itself() {
    let tables = [("a", "every 1s", "timeout = \"5m\""), ("b", "every 1s", "timeout = \"5m\"")];
    let definitions = jobs_with("max_in_flight = 1", &tables);
    let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), |_| {
        Answer::After(millis(10_400), Outcome::Succeeded, None)
    });
    simulation.run_until(noon() + secs(60));
    let sent = &simulation.world.sent;
    assert!((5..=6).contains(&sent.len()), "one after the other, 10.4 s each: {:?}", simulation.world.sent_jobs());
    assert!(simulation.world.decisions.waiting() <= 1);
    // Whoever waited was at most as late as the other's run took.
    assert!(sent.iter().all(|(at, order)| *at - order.scheduled_for <= millis(10_400)), "{simulation:?}");
    let rows = simulation.world.ledger.story("a");
    assert!(rows.iter().any(|row| row.ends_with("skipped running")), "{rows:#?}");
}

/// Where runs may overlap, each waits its turn.
#[test]
fn a_job_that_may_overlap_waits_with_every_occurrence() {
    let tables = [("a", "every 1s", "timeout = \"5m\"\noverlap = \"allow\"")];
    let mut world = World::start(noon(), jobs_with("max_in_flight = 1", &tables), MemoryLedger::default());
    for ms in (0..10_020).step_by(50) {
        world.pulse(noon() + millis(ms));
    }
    assert_eq!((world.sent.len(), world.decisions.waiting()), (1, 9));
}

/// While the ledger is away, nobody may be left standing in line for good.
#[test]
fn the_line_moves_on_after_the_ledger_was_away() {
    let mut world = World::start(
        noon(),
        jobs_with(
            "max_in_flight = 1\nlate_limit = \"2s\"",
            &[
                ("a", "at 2026-03-10T12:00:03Z", "catch_up = \"none\""),
                ("b", "at 2026-03-10T12:00:03Z", "catch_up = \"none\""),
                ("c", "at 2026-03-10T12:00:03Z", "catch_up = \"none\""),
            ],
        ),
        MemoryLedger::default(),
    );
    world.pulse(noon() + secs(2));
    world.ledger.broken = true;
    for ms in (2_960..7_000).step_by(40) {
        world.on(noon() + millis(ms), Event::Wake);
    }
    assert!(world.sent.is_empty());
    world.ledger.broken = false;
    for ms in (7_000..30_000).step_by(100) {
        world.pulse(noon() + millis(ms));
        let open: Vec<RunId> = world.open.keys().copied().collect();
        open.into_iter().for_each(|run| world.succeed(noon() + millis(ms), run));
    }
    assert_eq!((world.decisions.in_flight(), world.decisions.waiting()), (0, 0));
    for job in ["a", "b", "c"] {
        let story = world.ledger.story(job);
        assert!(story[0].ends_with("succeeded") || story[0].ends_with("missed downtime"), "{job}: {story:?}");
    }
}

/// The order holds for who comes later, too: a free permit belongs to the first in line.
#[test]
fn nobody_overtakes_the_line_after_the_ledger_was_away() {
    let mut world = all_due(in_turn(1, &["a", "b", "c"]));
    let run = run_of(&world, "a");
    world.ledger.broken = true;
    let now = noon() + secs(10);
    world.open.remove(&run);
    world.on(now, Event::AttemptEnded(run, Some(report(Outcome::Succeeded, None, now))));
    world.ledger.broken = false;
    for ms in (10_000..20_000).step_by(100) {
        world.on(noon() + millis(ms), Event::Wake);
        let open: Vec<RunId> = world.open.keys().copied().collect();
        open.into_iter().for_each(|run| world.succeed(noon() + millis(ms), run));
    }
    assert_eq!(world.sent_jobs(), ["a", "b", "c"]);
}

#[test]
fn failures_give_their_permits_back() {
    let mut world = all_due(in_turn(1, &["a", "b", "c", "d"]));
    let now = noon() + secs(10);
    for (job, outcome, reason) in [
        ("a", Outcome::Failed, Reason::Connect),
        ("b", Outcome::Unknown, Reason::Timeout),
        ("c", Outcome::Skipped, Reason::Busy),
    ] {
        let run = run_of(&world, job);
        world.answer(now, run, Some(report(outcome, Some(reason), now)));
    }
    let run = run_of(&world, "d");
    world.answer(now, run, None);
    assert_eq!((world.decisions.in_flight(), world.decisions.waiting()), (0, 0));
}
