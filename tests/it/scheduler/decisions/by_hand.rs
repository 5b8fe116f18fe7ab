//! What people ask for by hand.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    dispatch::{Cancelled, Report},
    job::Definitions,
    run::{Outcome, Reason, RunId, State, Trigger},
    scheduler::decisions::{Command, Done, Event, Notice, Refused},
};

use crate::support::{
    definitions::{jobs, name, noon},
    memory::MemoryLedger,
    simulation::{Answer, Simulation},
    world::{World, millis, report, secs},
};

fn fire(job: &str) -> Command {
    Command::Fire { job: name(job), by: Some("admin:ann".to_owned()) }
}

fn pause(job: Option<&str>, until: Option<DateTime<Utc>>) -> Command {
    Command::Pause { job: job.map(name), until, note: None, by: None }
}

fn resume(job: Option<&str>) -> Command {
    Command::Resume { job: job.map(name) }
}

fn hourly() -> Definitions {
    jobs(&[("a", "every 1h", "timeout = \"3s\"\nhold = \"60s\"")])
}

fn claimed(world: &World, ticket: u64) -> RunId {
    match &world.answers[&ticket] {
        Ok(Done::Claimed { run, .. }) => *run,
        other => panic!("{other:?}"),
    }
}

/// Seed C16: it is sent at once, its row says who asked, and the schedule goes on as if nothing had been.
#[test]
fn c16_a_run_by_hand_is_sent_at_once() {
    let now = noon() + secs(10);
    let mut world = World::start(noon(), hourly(), MemoryLedger::default());
    world.on(now, Event::Asked(1, fire("a")));
    let run = claimed(&world, 1);
    let (at, order) = &world.sent[0];
    assert_eq!((*at, order.run, order.trigger), (now, run, Trigger::Manual));
    world.succeed(now + millis(20), run);
    let row = &world.ledger.runs[&run];
    assert_eq!((row.state, row.asked_by.as_deref()), (State::Ended(Outcome::Succeeded), Some("admin:ann")));
    assert!(world.ledger.rows("a").is_empty(), "it is no occurrence");
    assert_eq!(world.decisions.next_of(&name("a")).unwrap().0, noon() + secs(3600));
}

/// Guarantee G3 holds for what is asked for by hand too, and it is a row of its own that says why.
#[test]
fn a_run_by_hand_is_not_stacked_on_another() {
    let mut world = World::start(noon(), hourly(), MemoryLedger::default());
    world.on(noon(), Event::Asked(1, fire("a")));
    world.on(noon() + secs(1), Event::Asked(2, fire("a")));
    let (first, second) = (claimed(&world, 1), claimed(&world, 2));
    assert_eq!(world.sent.len(), 1);
    let story = |world: &World, run: RunId| (world.ledger.runs[&run].state, world.ledger.runs[&run].reason);
    assert_eq!(story(&world, second), (State::Ended(Outcome::Skipped), Some(Reason::Running)));

    let gone = report(Outcome::Unknown, Some(Reason::Timeout), noon());
    world.answer(noon() + secs(3), first, Some(gone));
    world.on(noon() + secs(4), Event::Asked(3, fire("a")));
    let third = claimed(&world, 3);
    assert_eq!(story(&world, third), (State::Ended(Outcome::Skipped), Some(Reason::PossiblyRunning)));

    world.on(
        noon() + secs(5),
        Event::Asked(4, Command::Settle { run: first, job: name("a"), outcome: Outcome::Failed }),
    );
    assert_eq!(world.answers[&4], Ok(Done::Settled));
    assert!(world.told.iter().any(|notice| matches!(notice, Notice::Settled { .. })));
    world.on(noon() + secs(6), Event::Asked(5, fire("a")));
    assert_eq!(world.sent.len(), 2, "once settled, the job may be sent again");
    world.on(noon() + secs(70), Event::Wake);
    let over = |notice: &Notice| matches!(notice, Notice::HoldOver { .. });
    assert!(!world.told.iter().any(over), "a settled run has no hold left to be over");
}

/// Guarantee G2: two who send the same occurrence again, and the schedule, are told of one another by the ledger.
#[test]
fn an_instant_of_the_past_is_sent_by_one_at_a_time() {
    let definitions = jobs(&[("a", "every 1h", "timeout = \"3s\"\noverlap = \"allow\"")]);
    let mut world = World::start(noon(), definitions, MemoryLedger::default());
    let backfill = |of| Command::Backfill { job: name("a"), scheduled_for: of, again: false, by: None };
    let (of, now) = (noon() - secs(3_600), noon() + secs(10));
    world.on(now, Event::Asked(1, backfill(of)));
    world.on(now, Event::Asked(2, backfill(of)));
    let run = claimed(&world, 1);
    assert_eq!((world.answers[&2].clone(), world.sent.len()), (Err(Refused::Taken(of)), 1));
    world.succeed(now + secs(1), run);
    world.on(now + secs(2), Event::Asked(3, backfill(of)));
    assert_eq!(world.answers[&3], Err(Refused::Taken(of)), "it is done");

    // The machine slept over an occurrence, and somebody sends it again before anybody looked.
    let of = noon() + secs(3_600);
    world.on(of + secs(5), Event::Asked(4, backfill(of)));
    assert_eq!(world.answers[&4], Err(Refused::Taken(of)), "it has its own run");
    assert_eq!(world.sent.len(), 2);
}

/// What somebody asked for is due since then, also after a restart, whatever instant it is for.
#[test]
fn a_backfill_is_no_older_than_its_asking() {
    let definitions = || jobs(&[("a", "every 1h", "timeout = \"3s\"\nhold = \"60s\"\noverlap = \"queue\"")]);
    let mut world = World::start(noon(), definitions(), MemoryLedger::default());
    let of = noon() - TimeDelta::days(30);
    world.on(noon(), Event::Asked(1, fire("a")));
    world.on(noon(), Event::Asked(2, Command::Backfill { job: name("a"), scheduled_for: of, again: false, by: None }));
    let run = claimed(&world, 2);
    world.on(noon(), Event::Wake);
    let mut world = world.restart(noon() + secs(5), definitions());
    world.on(noon() + secs(65), Event::Wake);
    assert_eq!(world.sent.last().map(|(_, order)| order.run), Some(run), "in line, then behind the hold");
    world.succeed(noon() + secs(66), run);
    let lateness = world.ledger.runs[&run].lateness.unwrap();
    assert!((secs(60)..secs(70)).contains(&lateness), "{lateness}");
}

#[test]
fn what_cannot_be_done_is_refused() {
    let mut world = World::start(noon(), hourly(), MemoryLedger::default());
    world.on(noon(), Event::Asked(1, fire("b")));
    assert_eq!(world.answers[&1], Err(Refused::UnknownJob(name("b"))));
    world.on(noon(), Event::Asked(2, fire("a")));
    let run = claimed(&world, 2);
    world.on(noon(), Event::Asked(3, Command::Settle { run, job: name("a"), outcome: Outcome::Failed }));
    assert_eq!(world.answers[&3], Err(Refused::NotUnknown(run)));
    world.on(noon(), Event::Asked(4, resume(Some("a"))));
    assert!(matches!(world.answers[&4], Err(Refused::NotPaused { all_are: false, .. })));
    world.on(noon(), Event::Asked(5, pause(None, Some(noon()))));
    assert_eq!(world.answers[&5], Err(Refused::PauseOver(noon())));
    world.on(noon(), Event::Asked(6, pause(None, None)));
    world.on(noon(), Event::Asked(7, resume(Some("a"))));
    assert!(matches!(world.answers[&7], Err(Refused::NotPaused { all_are: true, .. })));

    world.ledger.broken = true;
    world.on(noon(), Event::Asked(8, fire("a")));
    assert_eq!(world.answers[&8], Err(Refused::Unwritable));
    world.ledger.broken = false;
    world.on(noon() + secs(2), Event::Wake);
    world.on(noon() + secs(2), Event::Stop);
    world.on(noon() + secs(2), Event::Asked(9, fire("a")));
    assert_eq!(world.answers[&9], Err(Refused::NotFiring));
}

/// A run by hand that was claimed when the process died is sent by the next one while it is fresh, and missed after that.
#[test]
fn a_claim_by_hand_outlives_a_crash() {
    for (downtime, outcome, sent) in [(secs(10), None, 1), (secs(3600), Some(Outcome::Missed), 0)] {
        let mut world = World::start(noon(), hourly(), MemoryLedger::default());
        world.on_unwritten(noon(), Event::Asked(1, fire("a")));
        let Some(write) = world.unwritten.pop_front() else { panic!("a claim is written") };
        world.ledger.carry_out(noon(), write).unwrap();
        let later = noon() + downtime;
        let mut world = world.restart(later, hourly());
        world.on(later, Event::Wake);
        let run = *world.ledger.runs.values().find(|run| run.trigger == Trigger::Manual).map(|run| &run.id).unwrap();
        let by_hand = world.sent.iter().filter(|(_, order)| order.run == run).count();
        assert_eq!((by_hand, world.ledger.runs[&run].state.outcome()), (sent, outcome), "after {downtime}");
    }
}

/// DESIGN section 4: paused time is one span, resuming catches nothing up, and a restart in between changes nothing.
#[test]
fn paused_time_is_one_span_over_a_restart() {
    let definitions = || jobs(&[("a", "every 1s", ""), ("b", "every 1s", "")]);
    let mut simulation = Simulation::start(noon(), definitions(), MemoryLedger::default());
    simulation.run_until(noon() + millis(1_500));
    simulation.event(Event::Asked(1, pause(Some("a"), None)));
    simulation.run_until(noon() + millis(4_500));
    let mut simulation = simulation.kill_and_restart(secs(5), definitions());
    simulation.run_until(noon() + millis(12_500));
    simulation.event(Event::Asked(2, resume(Some("a"))));
    assert_eq!(simulation.world.answers[&2], Ok(Done::Resumed));
    simulation.run_until(noon() + millis(14_500));
    let story = simulation.world.ledger.story("a");
    assert_eq!(story[0], "12:00:01 succeeded");
    let paused: Vec<&String> = story.iter().filter(|row| row.ends_with("skipped paused")).collect();
    let count: u32 = paused
        .iter()
        .map(|row| row.split(" x").nth(1).map_or(1, |count| count.split(' ').next().unwrap().parse().unwrap()))
        .sum();
    assert_eq!(count, 11, "from 12:00:02 to 12:00:12, whoever was there: {story:?}");
    assert!(paused.len() <= 2, "one span, and another one after the restart: {story:?}");
    assert_eq!(story[story.len() - 4..][..2], ["12:00:13 succeeded", "12:00:14 succeeded"], "{story:?}");
    assert!(simulation.world.sent.iter().filter(|(_, order)| order.job.name.as_str() == "b").count() >= 8);
}

/// It ends by itself, also while nobody is there: what fell due after it is downtime.
#[test]
fn a_pause_ends_at_its_instant() {
    let definitions = || jobs(&[("a", "every 1s", "")]);
    let mut simulation = Simulation::start(noon(), definitions(), MemoryLedger::default());
    simulation.event(Event::Asked(1, pause(None, Some(noon() + millis(3_500)))));
    simulation.run_until(noon() + millis(5_500));
    let story = simulation.world.ledger.story("a");
    assert_eq!(story[..3], ["12:00:01..12:00:03 x3 skipped paused", "12:00:04 succeeded", "12:00:05 succeeded"]);
    simulation.event(Event::Asked(2, pause(Some("a"), Some(noon() + secs(100)))));
    simulation.run_until(noon() + millis(6_500));
    let mut simulation = simulation.kill_and_restart(secs(194), definitions());
    simulation.run_for(millis(10));
    let story = simulation.world.ledger.story("a");
    let spans: Vec<&String> = story.iter().filter(|row| row.contains(" x")).collect();
    assert!(
        spans.iter().any(|row| row.starts_with("12:00:0") && row.contains("..12:01:40") && row.ends_with("paused")),
        "{story:?}"
    );
    assert!(spans.iter().any(|row| row.starts_with("12:01:41..") && row.ends_with("missed downtime")), "{story:?}");
    simulation.run_for(secs(15));
    assert!(simulation.world.ledger.pauses.is_empty(), "what is over is forgotten");
}

/// What fell due in a pause is skipped for it, also when the ledger can take its row only long after: the pause is remembered
/// until then.
#[test]
fn a_pause_is_not_forgotten_before_what_fell_due_in_it_has_its_row() {
    let mut simulation = Simulation::start(noon(), jobs(&[("a", "every 10s", "")]), MemoryLedger::default());
    simulation.event(Event::Asked(1, pause(Some("a"), Some(noon() + secs(35)))));
    simulation.run_until(noon() + secs(15));
    simulation.world.ledger.broken = true;
    simulation.run_until(noon() + secs(75));
    simulation.world.ledger.broken = false;
    simulation.run_until(noon() + secs(85));
    let story = simulation.world.ledger.story("a");
    let paused: u64 = simulation
        .world
        .ledger
        .rows("a")
        .into_iter()
        .filter(|row| row.reason == Some(Reason::Paused))
        .map(|row| row.count)
        .sum();
    assert_eq!(paused, 3, "12:00:10, 20 and 30: {story:?}");
    assert!(simulation.world.ledger.pauses.is_empty(), "and then it is");
}

/// An edit of a paused job's schedule keeps the pause, and a run by hand is sent all the same.
#[test]
fn a_pause_outlives_an_edit_and_stops_no_hand() {
    let mut simulation = Simulation::start(noon(), jobs(&[("a", "every 1s", "")]), MemoryLedger::default());
    simulation.event(Event::Asked(1, pause(Some("a"), None)));
    simulation.run_until(noon() + millis(2_500));
    simulation.event(Event::Reload(Box::new(jobs(&[("a", "every 2s", "")]))));
    simulation.event(Event::Asked(2, fire("a")));
    simulation.run_until(noon() + millis(6_500));
    let story = simulation.world.ledger.story("a");
    assert!(story.iter().all(|row| !row.contains("succeeded")), "{story:?}");
    assert!(story.iter().any(|row| row == "12:00:06 skipped paused"), "{story:?}");
    assert_eq!(simulation.world.sent.len(), 1);
    assert_eq!(simulation.world.sent[0].1.trigger, Trigger::Manual);
}

/// A run that was sent at noon, cancelled by hand a second later; the app was asked to stop it.
fn cancelled() -> (World, RunId) {
    let keys = "path = \"/a\"\ntimeout = \"3s\"\nhold = \"60s\"\ncancel = { path = \"/stop\" }\nretry = { attempts = 3, on = [\"5xx\"] }";
    let mut world = World::start(noon(), jobs(&[("a", "every 1h", keys)]), MemoryLedger::default());
    world.on(noon(), Event::Asked(1, fire("a")));
    let run = claimed(&world, 1);
    world.on(noon() + secs(1), Event::Asked(2, Command::Cancel { run }));
    assert_eq!(world.answers[&2], Ok(Done::Cancelling));
    assert_eq!(
        world.cancels.iter().map(|(_, run, call)| (*run, call.path.as_str())).collect::<Vec<_>>(),
        [(run, "/stop")]
    );
    (world, run)
}

/// It has its end, nobody listens to it any more, and its job is free or held.
fn is_cancelled(world: &mut World, run: RunId, free: bool) {
    let row = &world.ledger.runs[&run];
    assert_eq!((row.state, row.reason), (State::Ended(Outcome::Cancelled), Some(Reason::Settled)));
    assert!(row.duration >= Some(secs(1)) && row.lateness == Some(secs(0)), "it was sent: {row:?}");
    assert!(world.open.is_empty(), "nobody listens to its request any more");
    assert_eq!(world.decisions.in_flight(), 0);
    world.on(noon() + secs(10), Event::Asked(4, Command::Cancel { run }));
    assert_eq!(world.answers[&4], Err(Refused::NotOpen(run)));
    world.on(noon() + secs(10), Event::Asked(5, fire("a")));
    assert_eq!(world.sent.len(), if free { 2 } else { 1 });
}

fn confirms() -> Option<Cancelled> {
    Some(Cancelled::Confirmed { status: 204 })
}

fn refuses() -> Option<Cancelled> {
    Some(Cancelled::NotConfirmed { words: "the app answered 500".to_owned() })
}

fn failed() -> Option<Report> {
    Some(Report { status: Some(503), ..report(Outcome::Failed, Some(Reason::Status), noon()) })
}

/// Without the app's word the job is held; and so where nobody can ask it.
#[test]
fn a_cancelled_run_holds_its_job_without_the_apps_word() {
    for said in [refuses(), None] {
        let (mut world, run) = cancelled();
        world.on(noon() + secs(2), Event::Cancelled(run, said));
        is_cancelled(&mut world, run, false);
    }
    let mut world = World::start(noon(), hourly(), MemoryLedger::default());
    world.on(noon(), Event::Asked(1, fire("a")));
    let run = claimed(&world, 1);
    world.on(noon() + secs(1), Event::Asked(2, Command::Cancel { run }));
    is_cancelled(&mut world, run, false);
}

/// Guarantee G3: an app that says that it stopped is believed when its request ends, and not while that is open or has
/// timed out, whichever comes first.
#[test]
fn a_confirmed_cancel_frees_the_job_with_the_end_of_the_request() {
    let broken = |reason| Some(report(Outcome::Unknown, Some(reason), noon()));
    for (ended, free) in [(broken(Reason::Broken), true), (failed(), true), (broken(Reason::Timeout), false)] {
        for word_first in [true, false] {
            let (mut world, run) = cancelled();
            if word_first {
                world.on(noon() + secs(2), Event::Cancelled(run, confirms()));
            } else {
                world.answer(noon() + secs(2), run, ended.clone());
            }
            world.on(noon() + secs(2), Event::Asked(9, fire("a")));
            world.on(noon() + secs(2), Event::Asked(8, Command::Cancel { run }));
            assert_eq!(world.answers[&8], Ok(Done::Cancelling), "to ask twice changes nothing");
            assert_eq!((world.sent.len(), world.ledger.runs[&run].state), (1, State::Sending));
            if word_first {
                world.answer(noon() + secs(3), run, ended.clone());
            } else {
                world.on(noon() + secs(3), Event::Cancelled(run, confirms()));
            }
            is_cancelled(&mut world, run, free);
        }
    }
}

/// An app that stops answers the request too, with an error: that is no failure to be retried, whether the app confirms or not.
#[test]
fn what_somebody_cancelled_is_not_tried_again() {
    for said in [confirms(), refuses()] {
        let (mut world, run) = cancelled();
        world.answer(noon() + secs(2), run, failed());
        world.on(noon() + secs(3), Event::Cancelled(run, said));
        is_cancelled(&mut world, run, true);
    }
}

/// What was done before it could be stopped is done.
#[test]
fn a_cancel_that_came_too_late_takes_nothing_back() {
    let (mut world, run) = cancelled();
    world.on(noon() + secs(2), Event::Cancelled(run, confirms()));
    world.succeed(noon() + secs(2), run);
    assert_eq!(world.ledger.runs[&run].state, State::Ended(Outcome::Succeeded));
}

/// What waits ends at once.
#[test]
fn what_waits_is_cancelled_at_once() {
    let mut world = World::start(noon(), hourly(), MemoryLedger::default());
    let soon = noon() + secs(3599);
    world.on(soon, Event::Pulse);
    let run = world.ledger.rows("a")[0].id;
    world.on(soon, Event::Asked(1, Command::Cancel { run }));
    world.on(noon() + secs(3600), Event::Wake);
    assert_eq!((world.ledger.story("a"), world.sent.len()), (vec!["13:00:00 cancelled settled".to_owned()], 0));
}

/// What waits behind another run, or for its next attempt, when its job is paused is not sent any more.
#[test]
fn a_pause_ends_what_waits() {
    let queued = jobs(&[("a", "every 1m", "overlap = \"queue\"\ntimeout = \"50s\"")]);
    let mut simulation = Simulation::with_app(noon(), queued, MemoryLedger::default(), |_| {
        Answer::After(secs(70), Outcome::Succeeded, None)
    });
    simulation.run_until(noon() + secs(125));
    simulation.event(Event::Asked(1, pause(Some("a"), None)));
    simulation.run_until(noon() + secs(200));
    assert_eq!(simulation.world.sent.len(), 1);
    let story = simulation.world.ledger.story("a");
    assert!(story[1].starts_with("12:02:00") && story[1].ends_with("skipped paused"), "{story:?}");

    let retried = jobs(&[("a", "every 1h", "retry = { attempts = 3, initial = \"60s\" }")]);
    let mut simulation = Simulation::with_app(noon(), retried, MemoryLedger::default(), |_| {
        Answer::After(millis(10), Outcome::Failed, Some(Reason::Connect))
    });
    simulation.run_until(noon() + secs(3601));
    simulation.event(Event::Asked(1, pause(Some("a"), None)));
    simulation.run_until(noon() + secs(3800));
    assert_eq!(simulation.world.sent.len(), 1, "{simulation:?}");
    assert_eq!(simulation.world.ledger.story("a")[0], "13:00:00 failed connect");
}
