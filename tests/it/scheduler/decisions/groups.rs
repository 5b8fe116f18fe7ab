//! Jobs that share a limit: so many of them are in flight, the others wait in the order they fell due.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    job::Definitions,
    run::{Outcome, Reason},
    scheduler::decisions::Event,
};

use crate::support::{
    definitions::{OPEN_APP, definitions, jobs_text, noon},
    memory::MemoryLedger,
    simulation::{Answer, Simulation},
    world::{millis, secs},
};

/// Jobs of the group `db`, and others.
fn sharing(concurrency: u32, jobs: &[(&str, &str, &str)]) -> Definitions {
    let head = format!("{OPEN_APP}[groups.db]\nconcurrency = {concurrency}\n");
    definitions(&jobs_text("", &head, jobs))
}

/// Jobs of the group that fall due one second after the other from 12:00:03 on.
fn in_turn(concurrency: u32, names: &[&str]) -> Definitions {
    let texts: Vec<String> = (0..names.len()).map(|number| format!("at 2026-03-10T12:00:{:02}Z", 3 + number)).collect();
    let keys = "group = \"db\"\ntimeout = \"30s\"";
    let tables: Vec<_> = names.iter().zip(&texts).map(|(name, text)| (*name, text.as_str(), keys)).collect();
    sharing(concurrency, &tables)
}

fn takes(after: TimeDelta) -> impl FnMut(&sexton::dispatch::Order) -> Answer + 'static {
    move |_| Answer::After(after, Outcome::Succeeded, None)
}

fn sent(simulation: &Simulation) -> Vec<(i64, &str)> {
    let sent = simulation.world.sent.iter();
    sent.map(|(at, order)| ((*at - noon()).num_seconds(), order.job.name.as_str())).collect()
}

/// Nobody is skipped: the names are in another order than the instants.
#[test]
fn who_waits_for_a_group_goes_in_due_order() {
    let mut simulation =
        Simulation::with_app(noon(), in_turn(1, &["d", "c", "b", "a"]), MemoryLedger::default(), takes(secs(10)));
    simulation.run_until(noon() + secs(20));
    assert_eq!(simulation.world.decisions.waiting(), 2);
    simulation.run_until(noon() + secs(60));
    assert_eq!(sent(&simulation), [(3, "d"), (13, "c"), (23, "b"), (33, "a")]);
    assert!(["a", "b", "c", "d"].iter().all(|job| simulation.world.ledger.story(job)[0].ends_with("succeeded")));
    assert_eq!(simulation.world.decisions.waiting(), 0);
}

#[test]
fn no_more_than_its_size_are_open_at_once() {
    let mut simulation =
        Simulation::with_app(noon(), in_turn(2, &["a", "b", "c", "d", "e"]), MemoryLedger::default(), takes(secs(10)));
    for second in 0..60 {
        simulation.run_until(noon() + secs(second));
        assert!(simulation.world.open.len() <= 2);
        assert_eq!(simulation.world.ledger.taken_of("db", simulation.now), simulation.world.open.len());
    }
    assert_eq!(sent(&simulation), [(3, "a"), (4, "b"), (13, "c"), (14, "d"), (23, "e")]);
}

/// A group hinders only its own.
#[test]
fn others_are_on_time() {
    let definitions =
        sharing(1, &[("a", "every 1m", "group = \"db\""), ("b", "every 1m", "group = \"db\""), ("c", "every 1m", "")]);
    let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), takes(secs(20)));
    simulation.run_until(noon() + secs(110));
    let mut sent = sent(&simulation);
    sent.sort_by_key(|(at, job)| (*job == "c", *at));
    assert!(matches!(sent[..], [(60, "a"), (80, "b"), (60, "c")] | [(60, "b"), (80, "a"), (60, "c")]), "{sent:?}");
}

/// Guarantee G3: an unknown run keeps its slot of the group until its hold is over.
#[test]
fn a_held_run_keeps_its_slot() {
    let keys = "group = \"db\"\ntimeout = \"5s\"\nhold = \"20s\"";
    let definitions = sharing(1, &[("a", "at 2026-03-10T12:00:03Z", keys), ("b", "at 2026-03-10T12:00:04Z", keys)]);
    let gone = |_: &sexton::dispatch::Order| Answer::After(secs(5), Outcome::Unknown, Some(Reason::Timeout));
    let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), gone);
    simulation.run_until(noon() + secs(60));
    assert_eq!(sent(&simulation), [(3, "a"), (28, "b")]);
}

/// A run that waits for its own job, which may be running, keeps nobody of its group waiting.
#[test]
fn who_waits_for_its_job_is_not_in_the_way() {
    let queueing = "group = \"db\"\noverlap = \"queue\"\ntimeout = \"1s\"\nhold = \"50s\"";
    let definitions = sharing(
        2,
        &[
            ("a", "every 5s", queueing),
            ("b", "at 2026-03-10T12:00:09Z", "group = \"db\""),
            ("c", "at 2026-03-10T12:00:20Z", "group = \"db\""),
        ],
    );
    let mut simulation =
        Simulation::with_app(noon(), definitions, MemoryLedger::default(), |order| match order.job.name.as_str() {
            "a" => Answer::After(secs(1), Outcome::Unknown, Some(Reason::Timeout)),
            _ => Answer::After(secs(3), Outcome::Succeeded, None),
        });
    simulation.run_until(noon() + secs(40));
    assert_eq!(sent(&simulation), [(5, "a"), (9, "b"), (20, "c")], "a is held until :56, with one slot");
}

/// A run in line for a permit whose job an edit moves to another group leaves the line of the old one.
#[test]
fn an_edit_of_the_group_leaves_nobody_behind() {
    let in_group = |group: &str| {
        let head = format!("{OPEN_APP}[groups.db]\nconcurrency = 1\n[groups.other]\nconcurrency = 1\n");
        let moved = format!("group = \"{group}\"");
        let stays = "group = \"db\"";
        let tables = [
            ("hog", "at 2026-03-10T12:00:01Z", "timeout = \"1m\""),
            ("first", "at 2026-03-10T12:00:02Z", stays),
            ("moved", "at 2026-03-10T12:00:03Z", moved.as_str()),
            ("last", "at 2026-03-10T12:00:30Z", stays),
        ];
        definitions(&jobs_text("max_in_flight = 1\n", &head, &tables))
    };
    let mut simulation =
        Simulation::with_app(noon(), in_group("db"), MemoryLedger::default(), |order| match order.job.name.as_str() {
            "hog" => Answer::After(secs(20), Outcome::Succeeded, None),
            _ => Answer::After(millis(10), Outcome::Succeeded, None),
        });
    simulation.run_until(noon() + secs(10));
    simulation.event(Event::Reload(Box::new(in_group("other"))));
    simulation.run_until(noon() + secs(60));
    let jobs: Vec<&str> = sent(&simulation).into_iter().map(|(_, job)| job).collect();
    assert_eq!(jobs, ["hog", "first", "moved", "last"]);
}

/// Over a crash: what was open is held, and what waited for it is sent when that is over.
#[test]
fn who_waits_goes_on_waiting_over_a_restart() {
    let keys = "group = \"db\"\ntimeout = \"5s\"\nhold = \"20s\"";
    let definitions = || sharing(1, &[("a", "at 2026-03-10T12:00:03Z", keys), ("b", "at 2026-03-10T12:00:04Z", keys)]);
    let mut simulation = Simulation::with_app(noon(), definitions(), MemoryLedger::default(), takes(secs(4)));
    simulation.run_until(noon() + secs(5));
    let mut simulation = simulation.kill_and_restart(secs(1), definitions());
    simulation.run_until(noon() + secs(60));
    assert_eq!(sent(&simulation), [(3, "a"), (26, "b")], "a is unknown from 12:00:06 on");
    assert_eq!(simulation.world.ledger.story("b"), ["12:00:04 succeeded"]);
}

/// Seed A24: in line for its group a job does not queue up behind itself.
#[test]
fn a24_a_job_waits_once() {
    let definitions = sharing(
        1,
        &[("a", "every 1s", "group = \"db\"\ntimeout = \"5m\""), ("b", "every 1s", "group = \"db\"\ntimeout = \"5m\"")],
    );
    let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), takes(millis(10_400)));
    simulation.run_until(noon() + secs(60));
    assert!((5..=6).contains(&simulation.world.sent.len()), "{:?}", sent(&simulation));
    let late = |(at, order): &(DateTime<Utc>, sexton::dispatch::Order)| *at - order.scheduled_for;
    assert!(simulation.world.sent.iter().map(late).all(|late| late <= millis(10_400)), "{simulation:?}");
}

/// Guarantee G1: an occurrence that a clock which is set makes due behind a newer one, which waits for the group, takes its
/// turn when the newer one makes way for it. Each would wait for the other otherwise.
#[test]
fn who_makes_way_for_an_older_one_wakes_it() {
    let tables =
        [("a", "every 1m", "group = \"db\"\ncatch_up = \"all\""), ("b", "at 2026-03-10T12:02:50Z", "group = \"db\"")];
    let app = |order: &sexton::dispatch::Order| {
        let takes = if order.job.name.as_str() == "b" { secs(20) } else { millis(10) };
        Answer::After(takes, Outcome::Succeeded, None)
    };
    let mut simulation = Simulation::with_app(noon(), sharing(1, &tables), MemoryLedger::default(), app);
    simulation.run_until(noon() + millis(178_500));
    simulation.step_clock(-secs(180));
    simulation.step_clock(secs(181));
    simulation.run_for(millis(700));
    assert_eq!(simulation.world.ledger.story("a")[..2], ["12:00:00 catch_up claimed", "12:01:00 succeeded"]);
    assert_eq!(simulation.world.ledger.story("a").last().unwrap(), "12:03:00 claimed");
    simulation.run_for(secs(30));
    let story = simulation.world.ledger.story("a");
    assert_eq!([&story[0], story.last().unwrap()], ["12:00:00 catch_up succeeded", "12:03:00 succeeded"]);
}

/// The pause between two attempts is nobody's time but the run's own.
#[test]
fn who_waits_to_retry_has_no_slot() {
    let retry = "group = \"db\"\nretry = { attempts = 2, initial = \"20s\", on = [\"connect\"] }";
    let definitions =
        sharing(1, &[("a", "at 2026-03-10T12:00:03Z", retry), ("b", "at 2026-03-10T12:00:04Z", "group = \"db\"")]);
    let mut simulation = Simulation::with_app(noon(), definitions, MemoryLedger::default(), |order| {
        match (order.job.name.as_str(), order.attempt) {
            ("a", 1) => Answer::After(secs(3), Outcome::Failed, Some(Reason::Connect)),
            _ => Answer::After(secs(1), Outcome::Succeeded, None),
        }
    });
    simulation.run_until(noon() + secs(60));
    let order: Vec<_> = sent(&simulation).into_iter().map(|(_, job)| job).collect();
    assert_eq!(order, ["a", "b", "a"]);
    assert_eq!(sent(&simulation)[1], (6, "b"));
}

/// A reload that makes room lets those in who wait.
#[test]
fn a_group_that_grows_lets_the_next_in() {
    let mut simulation =
        Simulation::with_app(noon(), in_turn(1, &["a", "b", "c"]), MemoryLedger::default(), takes(secs(20)));
    simulation.run_until(noon() + secs(10));
    assert_eq!(sent(&simulation), [(3, "a")]);
    let grown = in_turn(2, &["a", "b", "c"]);
    simulation.event(Event::Reload(Box::new(grown)));
    simulation.run_until(noon() + secs(11));
    assert_eq!(sent(&simulation), [(3, "a"), (10, "b")]);
}
