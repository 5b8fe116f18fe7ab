//! A run whose work the app took on: looked at until it is over, stopped when it takes too long, kept over restarts.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    dispatch::{Cancelled, Polled, Report},
    job::{Call, Definitions},
    run::{Outcome, Reason, RunId, State, Work},
    scheduler::decisions::{Command, Done, Event},
};

use crate::support::{
    definitions::{OPEN_APP, definitions as definitions_of, jobs, jobs_text, noon},
    memory::MemoryLedger,
    world::{World, millis, report, secs},
};

const KEYS: &str = "path = \"/a\"\ncompletion = \"poll\"\npoll = { timeout = \"60s\" }\nhold = \"100s\"\n\
                    cancel = { path = \"/works/{id}/cancel\" }";

fn definitions() -> Definitions {
    jobs(&[("a", "every 10s", KEYS)])
}

/// The work of a run that was sent at noon and ten seconds, looked at every two seconds for a minute.
fn work() -> Work {
    Work {
        attempt: 1,
        fence: 1,
        target: "app".to_owned(),
        path: "/works/7".to_owned(),
        cancel: Some(Call { method: "POST".to_owned(), path: "/works/7/cancel".to_owned() }),
        interval: Duration::from_secs(2),
        state: "/status".to_owned(),
        success: vec!["done".to_owned()],
        failure: vec!["failed".to_owned()],
        progress: "/progress".to_owned(),
        since: t(10),
        until: t(70),
    }
}

/// Seconds after noon.
fn t(seconds: i64) -> DateTime<Utc> {
    noon() + secs(seconds)
}

fn accepted(work: Work) -> Report {
    let waits = Report { status: Some(202), work: Some(Box::new(work)), ..report(Outcome::Unknown, None, t(10)) };
    Report { reason: None, ..waits }
}

/// The request of `a` left at noon and ten seconds and was answered with a 202 a second later.
fn taken_on_as(work: Work) -> (World, RunId) {
    let mut world = World::start(noon(), definitions(), MemoryLedger::default());
    for at in [t(8), t(10) - millis(50), t(10)] {
        world.pulse(at);
    }
    let run = world.sent[0].1.run;
    world.answer(t(11), run, Some(accepted(work)));
    (world, run)
}

fn taken_on() -> (World, RunId) {
    taken_on_as(work())
}

fn pending(progress: Option<&str>) -> Polled {
    Polled::Pending { progress: progress.map(str::to_owned), retry_after: None }
}

fn over(outcome: Outcome, reason: Option<Reason>) -> Report {
    report(outcome, reason, t(10))
}

/// The seconds after noon of each look so far.
fn looks(world: &World) -> Vec<i64> {
    world.looks.iter().map(|(at, _)| (*at - noon()).num_seconds()).collect()
}

/// Wakes it every second up to `until` and answers each look with `answer`.
fn answering(world: &mut World, run: RunId, from: i64, until: i64, answer: impl Fn(DateTime<Utc>) -> Polled) {
    for second in from..=until {
        let before = world.looks.len();
        world.on(t(second), Event::Wake);
        if world.looks.len() > before {
            world.on(t(second), Event::Polled(run, Some(answer(t(second)))));
        }
    }
}

fn row(world: &World, run: RunId) -> (State, Option<Reason>) {
    let row = &world.ledger.runs[&run];
    (row.state, row.reason)
}

#[test]
fn it_is_looked_at_every_interval_and_gives_its_permit_back() {
    let (mut world, run) = taken_on();
    assert_eq!((row(&world, run).0, world.decisions.in_flight()), (State::Polling, 0));
    answering(&mut world, run, 11, 18, |_| pending(None));
    assert_eq!(looks(&world), [13, 15, 17]);
    world.on(t(19), Event::Wake);
    world.on(t(20), Event::Polled(run, Some(Polled::Over(over(Outcome::Succeeded, None)))));
    assert_eq!(row(&world, run), (State::Ended(Outcome::Succeeded), None));
    assert_eq!(world.ledger.runs[&run].lateness, Some(TimeDelta::zero()));
}

/// One look at a time: a slow answer is not asked over.
#[test]
fn a_look_that_is_open_is_not_repeated() {
    let (mut world, _) = taken_on();
    for second in 11..30 {
        world.on(t(second), Event::Wake);
    }
    assert_eq!(looks(&world), [13]);
}

/// It waited for its group, and its turn came before the instant at which the group was free by itself. That instant is no
/// reason to look in between, nor to look twice as often from then on.
#[test]
fn an_instant_that_it_waited_for_before_adds_no_looks() {
    let group = "[groups.one]\nconcurrency = 1";
    let first = "timeout = \"5s\"\nhold = \"1s\"\ngroup = \"one\"";
    let second = format!("{KEYS}\ngroup = \"one\"");
    let tables = [("a", "10 0 12 * * *", first), ("b", "11 0 12 * * *", second.as_str())];
    let definitions = definitions_of(&jobs_text("", &format!("{OPEN_APP}{group}\n"), &tables));
    let mut world = World::start(noon(), definitions, MemoryLedger::default());
    for at in [t(8), t(10) - millis(50), t(10), t(11) - millis(50), t(11)] {
        world.pulse(at);
    }
    assert_eq!(world.sent_jobs(), ["a"]);
    world.succeed(t(12), world.sent[0].1.run);
    assert_eq!(world.sent_jobs(), ["a", "b"]);
    let run = world.sent[1].1.run;
    let work = Work { interval: Duration::from_secs(20), until: t(100), ..work() };
    world.answer(t(14), run, Some(accepted(work)));
    answering(&mut world, run, 14, 95, |_| pending(None));
    assert_eq!(looks(&world), [34, 54, 74, 94]);
}

#[test]
fn the_app_says_when_it_wants_to_be_asked_again() {
    let mut work = work();
    work.until = t(700);
    let (mut world, run) = taken_on_as(work);
    let asks = |seconds| Some(Duration::from_secs(seconds));
    let answers = [asks(5), asks(0), None, asks(100_000)];
    let mut answers = answers.into_iter();
    for second in 11..800 {
        let before = world.looks.len();
        world.on(t(second), Event::Wake);
        if world.looks.len() > before {
            let retry_after = answers.next().unwrap_or(None);
            world.on(t(second), Event::Polled(run, Some(Polled::Pending { progress: None, retry_after })));
        }
    }
    // After five seconds, after one at least, after the interval, and once more when the time is over.
    assert_eq!(looks(&world), [13, 18, 19, 21, 700]);
}

/// Guarantee G3: the job is running as long as it is followed, and its slot says so in the ledger.
#[test]
fn occurrences_meanwhile_are_skipped_as_running() {
    let (mut world, run) = taken_on();
    for second in 11..=45 {
        world.pulse(t(second));
        if world.looks.last().is_some_and(|(at, _)| *at == t(second)) {
            world.on(t(second), Event::Polled(run, Some(pending(None))));
        }
    }
    assert_eq!(world.ledger.story("a")[..2], ["12:00:10 polling", "12:00:20..12:00:40 x3 skipped running"]);
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn progress_is_kept_when_it_changes() {
    let (mut world, run) = taken_on();
    answering(&mut world, run, 11, 17, |at| pending(Some(if at < t(16) { "1 of 2" } else { "2 of 2" })));
    assert_eq!(world.ledger.runs[&run].progress.as_deref(), Some("2 of 2"));
    let world = world.restart(t(18), definitions());
    assert_eq!(world.ledger.runs[&run].progress.as_deref(), Some("2 of 2"));
}

/// The poll timeout: one last look, then the app is asked to stop it. Only with its word is the work not done.
#[test]
fn what_takes_too_long_is_stopped() {
    let not_confirmed = Cancelled::NotConfirmed { words: "the app answered 500".to_owned() };
    for (cancelled, ended, words, free) in [
        (
            Some(Cancelled::Confirmed { status: 200 }),
            Outcome::Failed,
            "the app confirmed that it stopped it (200)",
            true,
        ),
        (Some(Cancelled::Confirmed { status: 404 }), Outcome::Unknown, "the app knew of nothing to stop (404)", true),
        (
            Some(not_confirmed),
            Outcome::Unknown,
            "the app did not confirm that it stopped it: the app answered 500",
            false,
        ),
        (None, Outcome::Unknown, "sexton's own code panicked as it asked to stop it", false),
    ] {
        let (mut world, run) = taken_on();
        let trouble = |_| Polled::Unclear { words: "the app answered 503".to_owned(), retry_after: None };
        answering(&mut world, run, 11, 70, trouble);
        assert_eq!(looks(&world).last(), Some(&70), "a last look");
        assert_eq!(world.cancels.len(), 1, "asked once");
        assert_eq!((world.cancels[0].0, &world.cancels[0].2.path), (t(70), &"/works/7/cancel".to_owned()));
        world.on(t(71), Event::Cancelled(run, cancelled));
        assert_eq!(row(&world, run), (State::Ended(ended), Some(Reason::Timeout)));
        let told = world.ended().find(|ended| ended.run == run).unwrap();
        let excerpt = told.excerpt.as_ref().unwrap();
        assert!(excerpt.contains(words) && excerpt.ends_with("; the last look: the app answered 503"), "{excerpt}");
        assert_eq!(told.duration, Some(secs(61)));
        world.on(t(170), Event::Wake);
        let slots = world.ledger.inherited(t(170)).slots;
        assert_eq!(slots.iter().all(|slot| slot.run != run), free, "{slots:?}");
    }
}

#[test]
fn without_a_way_to_stop_it_it_is_unknown() {
    let (mut world, run) = taken_on_as(Work { cancel: None, ..work() });
    answering(&mut world, run, 11, 70, |_| pending(None));
    assert_eq!(row(&world, run), (State::Ended(Outcome::Unknown), Some(Reason::Timeout)));
    assert!(world.cancels.is_empty());
}

/// Down while the time went by: what is there to be read counts, before anything is stopped.
#[test]
fn a_start_after_the_timeout_looks_before_it_stops() {
    let (world, run) = taken_on();
    let mut world = world.restart(t(500), definitions());
    world.on(t(500), Event::Wake);
    assert_eq!((looks(&world), world.cancels.len()), (vec![500], 0));
    world.on(t(501), Event::Polled(run, Some(Polled::Over(over(Outcome::Succeeded, None)))));
    assert_eq!(row(&world, run).0, State::Ended(Outcome::Succeeded));
}

/// An app that restarts may not know it for a moment.
#[test]
fn the_third_time_in_a_row_that_the_app_does_not_know_it_ends_it() {
    let missing = || Polled::Missing(over(Outcome::Unknown, Some(Reason::UnknownStatus)));
    let (mut world, run) = taken_on();
    answering(&mut world, run, 11, 22, |at| if at == t(17) { pending(None) } else { missing() });
    assert_eq!(row(&world, run).0, State::Polling);
    answering(&mut world, run, 23, 23, |_| missing());
    assert_eq!(row(&world, run), (State::Ended(Outcome::Unknown), Some(Reason::UnknownStatus)));
    assert_eq!(looks(&world), [13, 15, 17, 19, 21, 23]);
}

/// Seed D9: a panic in a look ends that run, and the app may be at it.
#[test]
fn d9_a_panic_in_a_look_ends_that_run() {
    let (mut world, run) = taken_on();
    world.on(t(13), Event::Wake);
    world.on(t(13), Event::Polled(run, None));
    assert_eq!(row(&world, run), (State::Ended(Outcome::Unknown), Some(Reason::Panic)));
}

/// Seed E5: a stop does not wait for it, and nothing is asked meanwhile; the next start goes on where it was.
#[test]
fn e5_a_stop_leaves_it_to_the_next_start() {
    let (mut world, run) = taken_on();
    answering(&mut world, run, 11, 14, |_| pending(None));
    world.on(t(14), Event::Stop);
    assert!(world.decisions.is_drained());
    answering(&mut world, run, 15, 20, |_| pending(None));
    assert_eq!(looks(&world), [13]);

    let changed = jobs(&[("a", "every 10s", "completion = \"poll\"\npoll = { interval = \"9s\", timeout = \"5s\" }")]);
    let mut world = world.restart(t(30), changed);
    assert_eq!(world.ledger.inherited(t(30)).slots[0].run, run, "no slot was lost");
    assert_eq!(looks(&world), [30], "at once");
    world.on(t(30), Event::Polled(run, Some(pending(None))));
    answering(&mut world, run, 31, 33, |_| pending(None));
    assert_eq!(looks(&world), [30, 32], "as it was agreed with the app");
    world.pulse(t(38));
    world.pulse(t(40));
    assert!(world.sent.is_empty(), "it is still running");
    assert_eq!(row(&world, run).0, State::Polling);
}

/// Somebody cancels it and then sexton stops: the app's word on that is waited for, and no longer than the grace.
#[test]
fn a_stop_waits_for_a_cancel_by_hand() {
    let cancelled = || {
        let (mut world, run) = taken_on();
        answering(&mut world, run, 11, 14, |_| pending(None));
        world.on(t(14), Event::Asked(1, Command::Cancel { run }));
        assert_eq!(world.answers[&1], Ok(Done::Cancelling));
        world.on(t(15), Event::Stop);
        assert!(!world.decisions.is_drained(), "the app was asked");
        (world, run)
    };
    let (mut world, run) = cancelled();
    world.on(t(16), Event::Cancelled(run, Some(Cancelled::Confirmed { status: 200 })));
    assert!(world.decisions.is_drained());
    assert_eq!(row(&world, run), (State::Ended(Outcome::Cancelled), Some(Reason::Settled)));
    assert!(world.ledger.inherited(t(16)).slots.is_empty(), "nothing runs");
    assert_eq!(world.ledger.runs[&run].duration, Some(secs(6)));

    let (mut world, run) = cancelled();
    world.on(t(44), Event::GraceOver);
    assert!(world.decisions.is_drained());
    assert_eq!(row(&world, run), (State::Ended(Outcome::Cancelled), Some(Reason::Settled)));
    assert_eq!(world.ledger.inherited(t(44)).slots[0].run, run, "the app may be at it");
    assert_eq!(world.ledger.runs[&run].duration, Some(secs(34)));
}

/// A 202 that comes during a stop is written down before the end.
#[test]
fn a_stop_waits_until_the_ledger_has_it() {
    let mut world = World::start(noon(), definitions(), MemoryLedger::default());
    for at in [t(8), t(10) - millis(50), t(10)] {
        world.pulse(at);
    }
    let run = world.sent[0].1.run;
    world.on(t(10), Event::Stop);
    world.open.clear();
    world.on_unwritten(t(11), Event::AttemptEnded(run, Some(accepted(work()))));
    assert!(!world.decisions.is_drained());
    world.on(t(11), Event::GraceOver);
    assert!(world.decisions.is_drained());
    assert_eq!(row(&world, run), (State::Polling, None), "it is not given up: the next start goes on");
}

/// Its job is gone: nobody can be asked any more, and the app may be at it for as long as it was to be followed, and the hold
/// (guarantee G3).
#[test]
fn what_nobody_can_be_asked_about_is_unknown_and_held() {
    let (world, run) = taken_on();
    let world = world.restart(t(20), jobs(&[("b", "every 10s", "")]));
    assert_eq!(row(&world, run), (State::Ended(Outcome::Unknown), Some(Reason::Removed)));
    let slots = world.ledger.inherited(t(20)).slots;
    let held: Vec<_> = slots.iter().map(|slot| (slot.run, slot.until)).collect();
    assert_eq!(held, [(run, t(70 + 100 + 30))]);
}

/// Seed D11: the ledger that takes nothing for a while still learns of it.
#[test]
fn d11_a_ledger_in_trouble_hears_of_it_later() {
    let mut world = World::start(noon(), definitions(), MemoryLedger::default());
    for at in [t(8), t(10) - millis(50), t(10)] {
        world.pulse(at);
    }
    let run = world.sent[0].1.run;
    world.ledger.broken = true;
    world.answer(t(11), run, Some(accepted(work())));
    world.on(t(13), Event::Wake);
    assert_eq!((row(&world, run).0, world.looks.len()), (State::Sending, 0));
    world.ledger.broken = false;
    world.on(t(15), Event::Wake);
    world.on(t(15), Event::Wake);
    assert_eq!((row(&world, run).0, looks(&world)), (State::Polling, vec![15]));
}

/// Unknown work of an idempotent job is begun again.
#[test]
fn unknown_work_of_an_idempotent_job_is_begun_again() {
    let keys = format!("{KEYS}\nidempotent = true\nretry = {{ attempts = 2, initial = \"1s\" }}");
    let definitions = jobs(&[("a", "every 1h", &keys)]);
    let start = noon() + secs(3590);
    let mut world = World::start(start, definitions, MemoryLedger::default());
    for at in [secs(3598), secs(3600) - millis(50), secs(3600)] {
        world.pulse(noon() + at);
    }
    let run = world.sent[0].1.run;
    let work = Work { since: t(3600), until: t(3660), ..work() };
    world.answer(t(3601), run, Some(accepted(work)));
    world.on(t(3603), Event::Wake);
    world.on(t(3603), Event::Polled(run, Some(Polled::Over(over(Outcome::Unknown, Some(Reason::UnknownStatus))))));
    assert_eq!(row(&world, run).0, State::RetryWait);
    for second in 3604..3610 {
        world.on(t(second), Event::Wake);
    }
    assert_eq!(world.sent.len(), 2);
    assert_eq!((world.sent[1].1.run, world.sent[1].1.attempt), (run, 2));
    assert_eq!((row(&world, run).0, &world.ledger.runs[&run].work), (State::Sending, &None));
}

/// Somebody cancels a run while the ledger is told that the app took it on: the app is asked to stop that, and what it said of
/// the request before counts for nothing.
#[test]
fn a_cancel_by_hand_goes_on_with_what_the_app_took_on() {
    for asked_before in [true, false] {
        let keys = KEYS.replace("/works/{id}/cancel", "/stop");
        let mut world = World::start(noon(), jobs(&[("a", "every 10s", &keys)]), MemoryLedger::default());
        for at in [t(8), t(10) - millis(50), t(10)] {
            world.pulse(at);
        }
        let run = world.sent[0].1.run;
        if asked_before {
            world.on(t(10), Event::Asked(1, Command::Cancel { run }));
        }
        world.open.clear();
        world.on_unwritten(t(11), Event::AttemptEnded(run, Some(accepted(work()))));
        if asked_before {
            world.on_unwritten(t(11), Event::Cancelled(run, Some(Cancelled::Confirmed { status: 404 })));
        } else {
            world.on_unwritten(t(11), Event::Asked(1, Command::Cancel { run }));
        }
        world.write(t(11));
        assert_eq!(world.answers[&1], Ok(Done::Cancelling));
        assert_eq!(row(&world, run).0, State::Polling);
        assert_eq!(world.cancels.last().unwrap().2.path, "/works/7/cancel");
        // Its own state says so before the answer to the cancel comes.
        world.on(t(13), Event::Wake);
        world.on(t(14), Event::Polled(run, Some(Polled::Over(over(Outcome::Failed, Some(Reason::Expect))))));
        assert_eq!(row(&world, run), (State::Ended(Outcome::Cancelled), Some(Reason::Settled)));
        assert!(world.ledger.inherited(t(14)).slots.is_empty(), "nothing of it runs");
        assert_eq!(world.ledger.runs[&run].duration, Some(secs(4)));
    }
}
