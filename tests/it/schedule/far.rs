//! Instants far away, and schedules that come seldom.

use std::time::Instant;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use sexton::schedule::{Dst, Schedule};

use super::{POLICIES, in_utc, schedule, utc};

const TEXTS: [&str; 14] = [
    "* * * * *",
    "* * * * * *",
    "*/15 1 * * *",
    "30 2 * * *",
    "0 0 29 2 *",
    "0 0 L * *",
    "0 12 LW 2 *",
    "0 0 * * MON#5",
    "0 9 13 * +FRI",
    "@yearly",
    "every 15m",
    "daily 02:30",
    "weekly sun 00:00",
    "monthly 31 23:59",
];

/// 10,000 leap days reach beyond the year 40,000: far behind what croner looks at by itself, far before chrono's end.
#[test]
fn ten_thousand_leap_days() {
    let leap = in_utc("0 0 29 2 *");
    let mut t = utc("2026-01-01T00:00:00Z");
    for count in 0..10_000 {
        let next = leap.next_after(t).unwrap_or_else(|| panic!("nothing after {t}, the {count}th"));
        assert!(next > t && (next.month(), next.day()) == (2, 29), "{next} after {t}");
        t = next;
    }
    assert_eq!(t.year(), 43_260);
    assert!(t < DateTime::<Utc>::MAX_UTC);
}

/// Seed D10: a schedule that has a future has a next, whatever the instant and the zone; the last instants of chrono's
/// calendar end it without a panic.
#[test]
fn d10_no_schedule_vanishes() {
    let span = TimeDelta::days(8 * 366 + 2);
    for year in [-262_000, -5_001, -400, -1, 0, 1, 1899, 1999, 2399, 2400, 4999, 5000, 5001, 9999, 100_000, 262_000] {
        let t = utc("2000-06-15T12:34:56Z").with_year(year).unwrap();
        for text in TEXTS {
            for zone in [Tz::UTC, Tz::Pacific__Kiritimati, Tz::America__New_York] {
                let next = schedule(text, zone, Dst::default()).next_after(t);
                let next = next.unwrap_or_else(|| panic!("{text} in {zone} has nothing after {t}"));
                assert!(t < next && next <= t + span, "{text} in {zone} after {t}: {next}");
            }
        }
    }
}

#[test]
fn the_ends_of_the_calendar() {
    let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    for text in TEXTS {
        for zone in TZ_VARIANTS.iter().step_by(53).copied() {
            for dst in POLICIES {
                let schedule = schedule(text, zone, dst);
                for hours in (0..60).step_by(5) {
                    let (early, late) = (first + TimeDelta::hours(hours), last - TimeDelta::hours(hours));
                    assert!(schedule.next_after(early).is_some_and(|next| next > early), "{text} in {zone} at {early}");
                    assert!(schedule.next_after(late).is_none_or(|next| next > late), "{text} in {zone} at {late}");
                    assert_eq!(schedule.note(early), None);
                    assert_eq!(schedule.note(late), None);
                }
                assert_eq!(schedule.next_after(last), None);
                schedule.check_future(last).unwrap();
                assert!(!schedule.warnings(last).iter().any(|warning| warning.to_string().is_empty()));
            }
        }
    }
}

/// What can never be is refused with the reason, at once.
#[test]
fn impossible_dates_are_refused_within_a_second() {
    let begun = now();
    for (text, at, reason) in [
        ("0 0 30 2 *", "30 2", "day 30 of months that have at most 29 days"),
        ("0 0 31 2,4,6,9,11 *", "31 2,4,6,9,11", "day 31 of months that have at most 30 days"),
        ("0 0 31W 4 *", "31W 4", "day 31 of months that have at most 30 days"),
        ("0 0 30-31 FEB ?", "30-31 FEB", "day 30 of months that have at most 29 days"),
        ("cron 0 0 30 2 +MON", "30 2", "day 30 of months that have at most 29 days"),
        ("0 0 1-7 * +MON#3", "1-7 * +MON#3", "no day of any year"),
        ("0 0 1-7 * +MON#L", "1-7 * +MON#L", "no day of any year"),
    ] {
        let error = Schedule::parse(text, Tz::UTC, Dst::default()).unwrap_err();
        assert!(error.message.contains("would never run"), "{text}: {error}");
        assert!(error.message.contains(reason), "{text}: {error}");
        assert_eq!(&text[error.at], at);
    }
    assert!(begun.elapsed().as_secs_f64() < 1.0, "{:?}", begun.elapsed());
    // Either day field is enough, so Mondays remain.
    assert!(Schedule::parse("0 0 30 2 MON", Tz::UTC, Dst::default()).is_ok());
}

#[test]
fn nothing_within_eight_years_is_an_error() {
    // 29 February is a Monday in 2044 and 2072.
    let rare = in_utc("0 0 29 2 +MON");
    let error = rare.check_future(utc("2026-01-01T00:00:00Z")).unwrap_err();
    assert!(error.message.contains("2044-02-29") && error.message.contains("8 years"), "{error}");
    assert_eq!(rare.check_future(utc("2040-01-01T00:00:00Z")), Ok(()));
    // The longest wait for a leap day.
    assert_eq!(in_utc("0 0 29 2 *").check_future(utc("2096-02-29T00:00:00Z")), Ok(()));
    assert!(in_utc("at 2060-01-01T00:00:00Z").check_future(utc("2026-01-01T00:00:00Z")).is_err());
    assert_eq!(in_utc("0 0 * * *").check_future(DateTime::<Utc>::MAX_UTC), Ok(()));
}

#[expect(clippy::disallowed_methods, reason = "the test measures real time")]
fn now() -> Instant {
    Instant::now()
}
