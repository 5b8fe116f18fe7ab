//! A year at a time.

use std::time::{Duration, Instant};

use chrono::{Datelike, TimeDelta, Timelike};
use chrono_tz::Tz;

use super::{AFTER_BOTH, AFTER_FIRST, AFTER_SECOND, SKIP_FIRST, between, local, schedule, utc};

const NEW_YORK: Tz = Tz::America__New_York;
const BEGIN: &str = "2025-12-31T23:59:59-05:00";
const END: &str = "2026-12-31T23:59:59-05:00";

#[test]
fn daily_half_past_two_in_new_york() {
    for (dst, count) in [(AFTER_FIRST, 365), (AFTER_SECOND, 365), (AFTER_BOTH, 365), (SKIP_FIRST, 364)] {
        let runs = between(&schedule("daily 02:30", NEW_YORK, dst), utc(BEGIN), utc(END));
        assert_eq!(runs.len(), count, "{dst:?}");
        for t in runs {
            let here = t.with_timezone(&NEW_YORK);
            let expected = if (here.month(), here.day()) == (3, 8) { (3, 0, 0) } else { (2, 30, 0) };
            assert_eq!((here.hour(), here.minute(), here.second()), expected, "{here}");
        }
    }
}

/// Half past one comes twice on one day.
#[test]
fn daily_half_past_one_in_new_york() {
    for (dst, count) in [(AFTER_FIRST, 365), (AFTER_SECOND, 365), (AFTER_BOTH, 366), (SKIP_FIRST, 365)] {
        assert_eq!(between(&schedule("daily 01:30", NEW_YORK, dst), utc(BEGIN), utc(END)).len(), count, "{dst:?}");
    }
}

/// Elapsed time has no gap and no repetition: 365 days of 48 half hours, each exactly 30 minutes after the last.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test measures real time")]
fn every_half_hour_in_new_york() {
    let schedule = schedule("*/30 * * * *", NEW_YORK, AFTER_FIRST);
    let timed = || {
        let begun = Instant::now();
        let runs = between(&schedule, utc(BEGIN), utc(END));
        (begun.elapsed(), runs)
    };
    // The quickest of a few: what else the machine does is not measured.
    let (quickest, runs) = (0..5).map(|_| timed()).min_by_key(|(took, _)| *took).unwrap();
    assert!(quickest < Duration::from_secs(1), "{quickest:?}");
    assert_eq!(runs.len(), 17_520);
    for pair in runs.windows(2) {
        assert_eq!(pair[1] - pair[0], TimeDelta::minutes(30), "after {}", local(NEW_YORK, pair[0]));
    }
}

/// Seed A31: what is missed over midnight, or over 60 days, is found again from the last instant that was accounted for.
#[test]
fn a31_occurrences_over_midnight_and_over_sixty_days_are_found() {
    let daily = schedule("daily 23:30", NEW_YORK, AFTER_FIRST);
    let over_midnight = between(&daily, utc("2026-05-01T23:29:00-04:00"), utc("2026-05-02T00:10:00-04:00"));
    assert_eq!(over_midnight, [utc("2026-05-01T23:30:00-04:00")]);
    let over_sixty_days = between(&daily, utc("2026-02-01T12:00:00-05:00"), utc("2026-04-02T12:00:00-04:00"));
    assert_eq!(over_sixty_days.len(), 60);
}
