//! What is found due late: the newest within `late_limit` is sent, everything else is downtime and follows `catch_up`.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    run::{Outcome, Trigger},
    scheduler::decisions::RunEnded,
};

use crate::support::{
    definitions::{at, jobs_with, noon},
    memory::MemoryLedger,
    world::{World, millis, secs},
};

/// A start at `now` on a ledger that accounts for everything up to `cursor`.
fn start(schedule: &str, catch_up: &str, late_limit: &str, cursor: DateTime<Utc>, now: DateTime<Utc>) -> World {
    let keys = format!("catch_up = \"{catch_up}\"");
    let definitions = jobs_with(&format!("late_limit = \"{late_limit}\""), &[("a", schedule, &keys)]);
    let ledger = MemoryLedger::with_cursor(&definitions.jobs["a"], cursor);
    let mut world = World::start(now, definitions, ledger);
    world.on(now, sexton::scheduler::decisions::Event::Wake);
    world
}

/// Seeds A22, A31: by policy, age and number. The clock reads 12:30; the job is hourly, or every ten seconds.
#[test]
fn a_backlog_by_catch_up_and_age() {
    let now = at("2026-03-10T12:30:05Z");
    for (catch_up, late_limit, schedule, cursor, expected) in [
        // One occurrence, too old to be sent late.
        ("latest", "60s", "every 1h", "2026-03-10T11:00:00Z", &["12:00:00 catch_up sending"][..]),
        ("none", "60s", "every 1h", "2026-03-10T11:00:00Z", &["12:00:00 missed downtime"]),
        // Two: the newest is sent, the other is not.
        (
            "latest",
            "60s",
            "every 1h",
            "2026-03-10T10:00:00Z",
            &["11:00:00 missed downtime", "12:00:00 catch_up sending"],
        ),
        ("none", "60s", "every 1h", "2026-03-10T10:00:00Z", &["11:00:00..12:00:00 x2 missed downtime"]),
        // Many.
        (
            "latest",
            "60s",
            "every 1h",
            "2026-03-07T12:00:00Z",
            &["13:00:00..11:00:00 x71 missed downtime", "12:00:00 catch_up sending"],
        ),
        ("none", "60s", "every 1h", "2026-03-07T12:00:00Z", &["13:00:00..12:00:00 x72 missed downtime"]),
        // The newest is recent: it is sent late whatever the policy, and that is no catch-up.
        ("latest", "60s", "every 10s", "2026-03-10T12:29:50Z", &["12:30:00 sending"]),
        ("none", "60s", "every 10s", "2026-03-10T12:29:50Z", &["12:30:00 sending"]),
        ("none", "60s", "every 10s", "2026-03-10T12:29:40Z", &["12:29:50 missed downtime", "12:30:00 sending"]),
        (
            "latest",
            "60s",
            "every 10s",
            "2026-03-10T12:00:00Z",
            &["12:00:10..12:29:50 x179 missed downtime", "12:30:00 sending"],
        ),
        // A longer limit lets older ones through.
        ("none", "31m", "every 1h", "2026-03-10T10:00:00Z", &["11:00:00 missed downtime", "12:00:00 sending"]),
        // The shortest.
        ("none", "1s", "every 10s", "2026-03-10T12:29:40Z", &["12:29:50..12:30:00 x2 missed downtime"]),
        (
            "latest",
            "1s",
            "every 10s",
            "2026-03-10T12:29:40Z",
            &["12:29:50 missed downtime", "12:30:00 catch_up sending"],
        ),
    ] {
        let world = start(schedule, catch_up, late_limit, at(cursor), now);
        let what = format!("{schedule} from {cursor}, {catch_up}, {late_limit}");
        assert_eq!(world.ledger.story("a"), expected, "{what}");
        assert!(world.sent.len() <= 1, "{what}: of one job the newest at most");
    }
}

/// Nothing was due: nothing is sent, nothing is written.
#[test]
fn no_backlog_no_rows() {
    let world = start("every 1h", "latest", "60s", noon(), at("2026-03-10T12:59:00Z"));
    assert!(world.ledger.runs.is_empty() && world.sent.is_empty());
}

#[test]
fn the_limit_itself_is_within_it() {
    let fires = noon() + TimeDelta::hours(1);
    for (late, expected) in [
        (TimeDelta::zero(), "13:00:00 sending"),
        (secs(60), "13:00:00 sending"),
        (secs(60) + TimeDelta::microseconds(1), "13:00:00 catch_up sending"),
    ] {
        let world = start("every 1h", "latest", "60s", noon(), fires + late);
        assert_eq!(world.ledger.story("a"), [expected], "{late} late");
        assert_eq!(world.sent[0].0, fires + late, "at once");
    }
}

/// What is late and what is still to come are found by one look.
#[test]
fn a_backlog_does_not_hide_what_is_ahead() {
    let now = noon() + millis(500);
    let world = start("every 1s", "none", "60s", noon() - secs(4), now);
    let story = world.ledger.story("a");
    assert_eq!(
        story,
        ["11:59:57..11:59:59 x3 missed downtime", "12:00:00 sending", "12:00:01 claimed", "12:00:02 claimed"]
    );
}

/// Ten years of seconds are folded into one row, and the newest is sent.
#[test]
fn a_long_downtime_is_one_row() {
    let world = start("every 1h", "latest", "60s", noon() - TimeDelta::days(3_650), noon());
    assert_eq!(world.ledger.rows("a").len(), 2);
    assert_eq!(world.ledger.rows("a")[0].count, 3_650 * 24 - 1);
    assert_eq!(world.ledger.story("a")[1], "12:00:00 sending");
}

/// Seed A31: over midnight, and over a gap of 60 days.
#[test]
fn a31_catch_up_looks_over_midnight_and_over_two_months() {
    for now in ["2026-03-11T00:10:00Z", "2026-05-09T12:00:00Z"] {
        let world = start("daily 23:30", "latest", "60s", noon(), at(now));
        let (_, order) = &world.sent[0];
        assert_eq!((order.trigger, order.scheduled_for.time()), (Trigger::CatchUp, "23:30:00".parse().unwrap()));
        assert!(at(now) - order.scheduled_for < TimeDelta::days(1), "the newest");
    }
}

/// People hear of a span once, with its number, and of what was sent when it ends.
#[test]
fn a_missed_span_is_told_once_with_its_number() {
    let world = start("every 1h", "latest", "60s", noon() - TimeDelta::hours(5), noon() + secs(600));
    let told: Vec<&RunEnded> = world.ended().collect();
    let [missed] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!((missed.outcome, missed.count, missed.trigger), (Outcome::Missed, 4, None));
    assert_eq!(missed.scheduled_for, noon() - TimeDelta::hours(4));
}

/// What was caught up is not caught up again by the next start.
#[test]
fn a_start_after_a_catch_up_finds_nothing_left() {
    let mut world = start("every 1h", "latest", "60s", noon() - TimeDelta::hours(5), noon() + secs(600));
    let run = world.sent[0].1.run;
    world.succeed(noon() + secs(601), run);
    let definitions = jobs_with("late_limit = \"60s\"", &[("a", "every 1h", "")]);
    let mut world = world.restart(noon() + secs(700), definitions);
    world.pulse(noon() + secs(701));
    assert!(world.sent.is_empty());
    assert_eq!(world.ledger.story("a").len(), 2);
}
