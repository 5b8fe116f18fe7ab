//! The vectors of the Open Cron Pattern Specification (github.com/open-source-cron/ocps, increments 1.0 to 1.4), as facts
//! in a table of our own.
//!
//! Where we differ, on purpose: an impossible date is refused when it is read, not when it is first asked for; there is no
//! year field and no `@reboot` (`at` and `run_on_start` are ours); a time in a gap runs after it unless `gap = "skip"`.

use chrono::TimeDelta;
use chrono_tz::Tz;
use sexton::schedule::{Dst, Schedule};

use super::{in_utc, utc};

/// Pattern, instants that match, instants that do not; in UTC, without the `Z`.
const MATCHES: &[(&str, &[&str], &[&str])] = &[
    ("15 10 * * *", &["2025-03-10T10:15:00"], &["2025-03-10T10:14:00", "2025-03-10T10:15:30"]),
    ("30 8 * jan Mon", &["2025-01-06T08:30:00"], &["2025-02-03T08:30:00"]),
    (
        "5-59/15 9 * * *",
        &["2025-03-10T09:05:00", "2025-03-10T09:20:00", "2025-03-10T09:35:00", "2025-03-10T09:50:00"],
        &["2025-03-10T09:15:00"],
    ),
    (
        "0 12 1 * MON",
        &["2025-09-01T12:00:00", "2025-09-08T12:00:00", "2025-10-01T12:00:00", "2025-10-06T12:00:00"],
        &["2025-10-07T12:00:00"],
    ),
    ("0 12 * * MON", &["2025-10-06T12:00:00"], &["2025-10-07T12:00:00"]),
    ("0 12 1-31 * MON", &["2025-10-06T12:00:00", "2025-10-07T12:00:00"], &["2025-10-08T11:00:00"]),
    ("@yearly", &["2026-01-01T00:00:00"], &["2026-01-02T00:00:00"]),
    ("@monthly", &["2026-02-01T00:00:00"], &["2026-02-02T00:00:00"]),
    ("@weekly", &["2025-10-05T00:00:00"], &["2025-10-06T00:00:00"]),
    ("@daily", &["2025-10-07T00:00:00"], &["2025-10-07T00:01:00"]),
    ("@hourly", &["2025-10-07T10:00:00"], &["2025-10-07T10:01:00"]),
    ("30 15 10 * * *", &["2025-03-10T10:15:30"], &["2025-03-10T10:15:29"]),
    ("0 0 L * *", &["2025-02-28T00:00:00"], &["2025-02-27T00:00:00"]),
    ("0 0 * * FRI#L", &["2025-02-28T00:00:00"], &["2025-02-21T00:00:00"]),
    ("0 0 * * TUE#3", &["2025-06-17T00:00:00"], &["2025-06-10T00:00:00"]),
    ("0 12 15W * *", &["2025-06-16T12:00:00"], &["2025-06-15T12:00:00"]),
    ("0 12 1W * *", &["2025-02-03T12:00:00"], &["2025-02-01T12:00:00"]),
    ("0 12 1 * +MON", &["2025-09-01T12:00:00"], &["2025-09-08T12:00:00", "2025-10-01T12:00:00"]),
    // The steps of a wildcard restrict the day of month, so either day is enough.
    ("0 12 */2 * MON", &["2025-10-06T12:00:00", "2025-10-07T12:00:00"], &["2025-10-08T12:00:00"]),
    // 0 and 7 are Sunday.
    ("0 0 * * 0", &["2025-10-05T00:00:00"], &["2025-10-06T00:00:00"]),
    ("0 0 * * 7", &["2025-10-05T00:00:00"], &["2025-10-06T00:00:00"]),
];

const REJECTED: &[&str] = &[
    "60 0 * * *",
    "0 0 10-5 * *",
    "0 0 /30 * *",
    "0 0 */0 * *",
    "@Daily",
    "@daily 0 0 * * *",
    "0 12 1-15W * *",
    "0 12 +1 * MON",
    "? 12 * * *",
];

/// Accepted there, refused here.
const DIFFERENT: &[(&str, &str)] = &[
    ("* * 31 2 *", "would never run"),
    ("@reboot", "is not one of"),
    ("0 15 10 * * * 2025", "has 7"),
    ("0 0 0 1 1 * 1970-2199/2", "has 7"),
];

fn matches(pattern: &str, instant: &str) -> bool {
    let t = utc(&format!("{instant}Z"));
    in_utc(pattern).next_after(t - TimeDelta::nanoseconds(1)) == Some(t)
}

#[test]
fn the_vectors_of_the_specification() {
    for (pattern, yes, no) in MATCHES {
        for instant in *yes {
            assert!(matches(pattern, instant), "{pattern} at {instant}");
        }
        for instant in *no {
            assert!(!matches(pattern, instant), "{pattern} at {instant}");
        }
    }
    for pattern in REJECTED {
        assert!(Schedule::parse(pattern, Tz::UTC, Dst::default()).is_err(), "{pattern}");
    }
}

#[test]
fn where_we_differ_from_the_specification() {
    for (pattern, reason) in DIFFERENT {
        let error = Schedule::parse(pattern, Tz::UTC, Dst::default()).unwrap_err();
        assert!(error.message.contains(reason), "{pattern}: {error}");
    }
}
