//! `every` and `at`.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sexton::schedule::every_text;

use super::{between, in_utc, utc};

#[test]
fn every_is_anchored_at_the_epoch() {
    for (text, after, next) in [
        ("every 15m", "2026-05-01T10:07:33Z", "2026-05-01T10:15:00Z"),
        ("every 15m", "2026-05-01T10:15:00Z", "2026-05-01T10:30:00Z"),
        ("every 15m", "2026-05-01T10:14:59.999999999Z", "2026-05-01T10:15:00Z"),
        ("every 90s", "1970-01-01T00:00:00Z", "1970-01-01T00:01:30Z"),
        ("every 90s", "1970-01-01T00:01:30Z", "1970-01-01T00:03:00Z"),
        ("every 1d", "2026-05-01T10:07:33Z", "2026-05-02T00:00:00Z"),
        ("every 7d", "2026-05-01T10:07:33Z", "2026-05-07T00:00:00Z"),
        ("every 1h30m", "2026-05-01T10:31:00Z", "2026-05-01T12:00:00Z"),
        ("every 1s", "2026-05-01T10:31:00.5Z", "2026-05-01T10:31:01Z"),
        ("every 1m", "1969-12-31T23:58:30Z", "1969-12-31T23:59:00Z"),
        ("every 1m", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"),
    ] {
        assert_eq!(in_utc(text).next_after(utc(after)), Some(utc(next)), "{text} after {after}");
    }
}

/// Wherever one starts to look, the phase is the same: restarts and replicas agree.
#[test]
fn every_keeps_its_phase() {
    let every = in_utc("every 7m");
    let (from, until) = (utc("2026-05-01T00:00:00Z"), utc("2026-05-02T00:00:00Z"));
    let all = between(&every, from, until);
    for minutes in 0..60 {
        let later = from + TimeDelta::minutes(minutes);
        let rest: Vec<_> = all.iter().copied().filter(|t| *t > later).collect();
        assert_eq!(between(&every, later, until), rest);
    }
}

#[test]
fn an_interval_beyond_the_calendar_has_no_next() {
    let every = in_utc("every 99999999d");
    assert_eq!(every.next_after(utc("2026-05-01T00:00:00Z")), None);
    assert!(every.check_future(utc("2026-05-01T00:00:00Z")).is_err());
    assert_eq!(in_utc("every 1s").next_after(DateTime::<Utc>::MAX_UTC), None);
}

#[test]
fn at_is_once_and_its_text_stays() {
    let text = "at 2026-07-27T14:00:00+02:00";
    let at = in_utc(text);
    let instant = utc("2026-07-27T12:00:00Z");
    assert_eq!(at.next_after(instant - TimeDelta::nanoseconds(1)), Some(instant));
    assert_eq!(at.next_after(instant), None);
    assert_eq!(at.next_after(DateTime::<Utc>::MIN_UTC), Some(instant));
    assert_eq!(at.text(), text);
    assert_eq!(at.check_future(instant), Ok(()), "a past one is a warning, no error");
}

/// Seed A29: a cadence from elsewhere rounds up, so that a job never fires more often than asked.
#[test]
fn a29_a_cadence_never_fires_more_often_than_asked() {
    for (cadence, text) in [
        (Duration::from_secs(900), "every 15m"),
        (Duration::from_secs(5400), "every 1h30m"),
        (Duration::from_secs(59), "every 59s"),
        (Duration::from_secs(100), "every 1m40s"),
        (Duration::from_millis(90_001), "every 1m31s"),
        (Duration::from_millis(1), "every 1s"),
        (Duration::ZERO, "every 1s"),
        (Duration::from_secs(86_400 * 3 + 1), "every 3d1s"),
    ] {
        assert_eq!(every_text(cadence), text);
        let every = in_utc(text);
        let first = every.next_after(utc("2026-05-01T00:00:00Z")).unwrap();
        let second = every.next_after(first).unwrap();
        assert!((second - first).to_std().unwrap() >= cadence, "{text}");
    }
}
