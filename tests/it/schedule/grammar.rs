//! What is accepted, and what it means, on a plain calendar in UTC.

use std::fmt::Write;

use chrono::{Datelike, Timelike};
use chrono_tz::Tz;
use sexton::schedule::{Dst, Parser, Schedule};

use super::{AFTER_BOTH, AFTER_FIRST, between, in_utc, schedule, utc};

/// Runs of the named text and of the cron expression are the same for two years.
fn same(text: &str, other: &str) {
    let (from, until) = (utc("2026-01-01T00:00:00Z"), utc("2027-12-31T23:59:59Z"));
    let runs = between(&in_utc(text), from, until);
    assert!(!runs.is_empty(), "{text}");
    assert_eq!(runs, between(&in_utc(other), from, until), "{text} and {other}");
}

#[test]
fn each_form_means_its_cron_expression() {
    for (text, cron) in [
        ("cron 0 5 * * 1", "0 5 * * 1"),
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("daily 03:00", "0 3 * * *"),
        ("daily 07:00,13:00,18:00", "0 7,13,18 * * *"),
        ("weekly mon,thu 05:00", "0 5 * * 1,4"),
        ("weekly MON-FRI 05:00,17:00", "0 5,17 * * 1-5"),
        ("weekly mon-sun 00:00", "0 0 * * *"),
        ("monthly 1,15 04:00", "0 4 1,15 * *"),
        ("monthly last 23:30", "30 23 L * *"),
        ("monthly 15,last 23:30", "30 23 15,L * *"),
        ("monthly 31 00:00", "0 0 31 * *"),
        ("  0\t5  * * 1 ", "0 5 * * 1"),
        ("0 0 5 * * 1", "0 5 * * 1"),
        ("0 5 * * MON", "0 5 * * 1"),
        ("0 5 ? * mon-Fri", "0 5 * * 1-5"),
        ("0 5 1 * ?", "0 5 1 * *"),
        ("5/10 * * * *", "5,15,25,35,45,55 * * * *"),
        ("10-30/5 * * * *", "10,15,20,25,30 * * * *"),
        ("*/15,7 9 * * *", "0,7,15,30,45 9 * * *"),
        ("0 0 * JAN,jul-SEP *", "0 0 * 1,7,8,9 *"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
        ("0 0 * * FRI-SUN", "0 0 * * 0,5,6"),
        ("0 0 * * SUN-TUE", "0 0 * * 0,1,2"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * 1/2", "0 0 * * 1,3,5,7"),
        ("0 0 * * */2", "0 0 * * 0,2,4,6"),
        ("0 0 * * 5L", "0 0 * * FRI#L"),
        ("0 0 * * 7#2", "0 0 * * SUN#2"),
        ("0 0 * * fri#1,FRI#3", "0 0 * * 5#3,5#1"),
        ("0 0 * * mon-wed#2", "0 0 * * 1#2,2#2,3#2"),
        ("*/60 * * * *", "0 * * * *"),
        ("*/99999 * * * *", "0 * * * *"),
        ("59/65535 0 * * *", "59 0 * * *"),
        ("0 3/9999 * * *", "0 3 * * *"),
        ("05 007 * * *", "5 7 * * *"),
        ("every 90m", "0 0,3,6,9,12,15,18,21 * * *; 30 1,4,7,10,13,16,19,22 * * *"),
        ("every 1d", "daily 00:00"),
    ] {
        match cron.split_once("; ") {
            None => same(text, cron),
            Some((one, two)) => {
                let (from, until) = (utc("2026-01-01T00:00:00Z"), utc("2026-02-01T00:00:00Z"));
                let either = Schedule::any_of([in_utc(one), in_utc(two)]).unwrap();
                assert_eq!(between(&in_utc(text), from, until), between(&either, from, until), "{text}");
            }
        }
    }
}

/// The dates of 2026 in which an expression at midnight runs.
fn dates(text: &str) -> String {
    let mut dates = String::new();
    for t in between(&in_utc(text), utc("2025-12-31T23:59:59Z"), utc("2026-12-31T23:59:59Z")) {
        write!(dates, "{}-{} ", t.month(), t.day()).unwrap();
    }
    dates.trim_end().to_owned()
}

#[test]
fn the_days_of_a_year() {
    for (text, expected) in [
        ("0 0 L * *", "1-31 2-28 3-31 4-30 5-31 6-30 7-31 8-31 9-30 10-31 11-30 12-31"),
        // 31 January and 28 February are Saturdays.
        ("0 0 LW * *", "1-30 2-27 3-31 4-30 5-29 6-30 7-31 8-31 9-30 10-30 11-30 12-31"),
        // 1 February, 1 March and 1 November are Sundays; 1 August is a Saturday and stays in its month.
        ("0 0 1W * *", "1-1 2-2 3-2 4-1 5-1 6-1 7-1 8-3 9-1 10-1 11-2 12-1"),
        ("0 0 31W * *", "1-30 3-31 5-29 7-31 8-31 10-30 12-31"),
        ("0 0 1W,15W 2 *", "2-2 2-16"),
        ("0 0 * * FRI#L", "1-30 2-27 3-27 4-24 5-29 6-26 7-31 8-28 9-25 10-30 11-27 12-25"),
        ("0 0 * * TUE#3", "1-20 2-17 3-17 4-21 5-19 6-16 7-21 8-18 9-15 10-20 11-17 12-15"),
        ("0 0 * * MON#5", "3-30 6-29 8-31 11-30"),
        // Either, both, and a star on one side.
        ("0 0 13 2,3 FRI", "2-6 2-13 2-20 2-27 3-6 3-13 3-20 3-27"),
        ("0 0 13 * +FRI", "2-13 3-13 11-13"),
        ("0 0 1,2 4 MON#1", "4-1 4-2 4-6"),
        ("0 0 * 2 +SUN", "2-1 2-8 2-15 2-22"),
        ("0 0 L 1-3 +SAT", "1-31 2-28"),
        // A list of all days restricts, so either is enough (POSIX); so does a step.
        (
            "0 0 1-31 2 SUN",
            "2-1 2-2 2-3 2-4 2-5 2-6 2-7 2-8 2-9 2-10 2-11 2-12 2-13 2-14 2-15 2-16 2-17 2-18 2-19 2-20 2-21 2-22 2-23 2-24 2-25 2-26 2-27 2-28",
        ),
        ("0 0 */10 2 SUN", "2-1 2-8 2-11 2-15 2-21 2-22"),
        ("0 0 29 * *", "1-29 3-29 4-29 5-29 6-29 7-29 8-29 9-29 10-29 11-29 12-29"),
        (
            "monthly 30,last 00:00",
            "1-30 1-31 2-28 3-30 3-31 4-30 5-30 5-31 6-30 7-30 7-31 8-30 8-31 9-30 10-30 10-31 11-30 12-30 12-31",
        ),
        (
            "weekly sat 00:00",
            "1-3 1-10 1-17 1-24 1-31 2-7 2-14 2-21 2-28 3-7 3-14 3-21 3-28 4-4 4-11 4-18 4-25 5-2 5-9 5-16 5-23 5-30 6-6 6-13 6-20 6-27 7-4 7-11 7-18 7-25 8-1 8-8 8-15 8-22 8-29 9-5 9-12 9-19 9-26 10-3 10-10 10-17 10-24 10-31 11-7 11-14 11-21 11-28 12-5 12-12 12-19 12-26",
        ),
    ] {
        assert_eq!(dates(text), expected, "{text}");
    }
}

#[test]
fn seconds_come_first_in_six_fields() {
    let runs = between(&in_utc("*/20,5 59 23 31 12 *"), utc("2026-01-01T00:00:00Z"), utc("2026-12-31T23:59:59Z"));
    let seconds: Vec<u32> = runs.iter().map(Timelike::second).collect();
    assert_eq!(seconds, [0, 5, 20, 40]);
    assert!(runs.iter().all(|t| (t.month(), t.day(), t.hour(), t.minute()) == (12, 31, 23, 59)));
}

#[test]
fn a_list_is_one_set_of_instants() {
    let list = Schedule::any_of([in_utc("daily 03:00"), in_utc("0 3,4 * * *"), in_utc("every 12h")]).unwrap();
    let runs = between(&list, utc("2026-05-01T00:00:00Z"), utc("2026-05-02T00:00:00Z"));
    let hours: Vec<u32> = runs.iter().map(Timelike::hour).collect();
    assert_eq!(hours, [3, 4, 12, 0], "03:00 is in two of them and runs once");
    assert_eq!(list.text(), "daily 03:00; 0 3,4 * * *; every 12h");
    assert!(Schedule::any_of([]).is_none());
}

#[test]
fn the_identity_is_of_the_instants() {
    let prague = |text: &str| schedule(text, Tz::Europe__Prague, AFTER_FIRST).identity();
    for (one, other) in [
        ("cron 0 5 * * 1", "0 5 * * MON"),
        ("@daily", "0 0 0 * * ?"),
        ("0 5 * * 1,4,1", "0 5 * * thu,mon"),
        ("5/10 * * * *", "5-59/10 * * * *"),
        ("every 90m", "every 1h30m"),
        ("daily 13:00,07:00", "daily 07:00,13:00,07:00"),
        ("weekly mon-wed 05:00", "weekly wed,tue,MON 05:00"),
        ("monthly last,1 05:00", "monthly 1,last,last 05:00"),
        ("at 2026-07-27T12:00:00Z", "at 2026-07-27T14:00:00+02:00"),
    ] {
        assert_eq!(prague(one), prague(other));
    }
    let texts = [
        "0 5 * * 1",
        "0 5 1 * +1",
        "0 5 1 * 1",
        "1 0 5 * * 1",
        "every 15m",
        "daily 05:00",
        "weekly mon 05:00",
        "monthly 1 05:00",
    ];
    for (place, one) in texts.iter().enumerate() {
        for other in &texts[..place] {
            assert_ne!(prague(one), prague(other));
        }
    }
    // Zone and policy count where they matter.
    let identity = |text: &str, zone: Tz, dst: Dst| schedule(text, zone, dst).identity();
    assert_ne!(prague("daily 05:00"), identity("daily 05:00", Tz::UTC, AFTER_FIRST));
    assert_ne!(prague("daily 05:00"), identity("daily 05:00", Tz::Europe__Prague, AFTER_BOTH));
    assert_eq!(prague("*/5 * * * *"), identity("*/5 * * * *", Tz::Europe__Prague, AFTER_BOTH));
    assert_ne!(prague("*/5 * * * *"), identity("*/5 * * * *", Tz::UTC, AFTER_FIRST));
    assert_eq!(prague("every 15m"), identity("every 15m", Tz::UTC, AFTER_BOTH));
    // The order of a list does not.
    let list = |texts: [&str; 2]| Schedule::any_of(texts.map(in_utc)).unwrap().identity();
    assert_eq!(list(["every 15m", "daily 05:00"]), list(["daily 05:00", "every 15m"]));
}

/// One parser reads thousands of jobs; what it shares does not mix them up.
#[test]
fn a_parser_does_not_mix_up_what_it_shares() {
    let mut parser = Parser::default();
    let mut read = |text: &str, zone| parser.parse(text, zone, Dst::default()).unwrap();
    let t = utc("2026-05-01T00:00:00Z");
    let (prague, utc_zone) = (read("0 5 * * *", Tz::Europe__Prague), read("0 5 * * *", Tz::UTC));
    let (either, both) = (read("0 0 5 5 WED", Tz::UTC), read("0 0 5 5 +WED", Tz::UTC));
    assert_eq!(prague.next_after(t), Some(utc("2026-05-01T03:00:00Z")));
    assert_eq!(utc_zone.next_after(t), Some(utc("2026-05-01T05:00:00Z")));
    assert_eq!(either.next_after(t), Some(utc("2026-05-05T00:00:00Z")));
    assert_eq!(both.next_after(t), Some(utc("2027-05-05T00:00:00Z")));
}

/// Ten thousand jobs of all kinds; in a release build it takes a tenth of this or less.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test measures real time")]
fn ten_thousand_jobs_are_read_and_asked_at_once() {
    let mut parser = Parser::default();
    let begun = std::time::Instant::now();
    for job in 0..10_000 {
        let (minute, hour, day) = (job % 60, job % 24, job % 7);
        let text = match job % 4 {
            0 => format!("{minute} {hour} * * {day}"),
            1 => format!("every {}m", minute + 1),
            2 => format!("daily {hour:02}:{minute:02}"),
            _ => format!("{minute} */{} * * *", day + 1),
        };
        let schedule = parser.parse(&text, Tz::Europe__Prague, Dst::default()).unwrap();
        assert!(schedule.next_after(utc("2026-05-01T00:00:00Z")).is_some(), "{text}");
    }
    assert!(begun.elapsed().as_secs() < 3, "{:?}", begun.elapsed());
}
