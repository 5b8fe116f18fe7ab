//! Tests of this room. One file per subject; add `mod` lines here.

mod clocks;
mod describe;
mod every;
mod far;
mod grammar;
mod notes;
mod ocps;
mod odd_clocks;
mod oracle;
mod panics;
mod refusals;
mod warnings;
mod year;
mod zones;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use sexton::schedule::{Dst, DstOverlap, Gap, Schedule};

const AFTER_FIRST: Dst = Dst { gap: Gap::RunAfter, overlap: DstOverlap::First };
const AFTER_SECOND: Dst = Dst { gap: Gap::RunAfter, overlap: DstOverlap::Second };
const AFTER_BOTH: Dst = Dst { gap: Gap::RunAfter, overlap: DstOverlap::Both };
const SKIP_FIRST: Dst = Dst { gap: Gap::Skip, overlap: DstOverlap::First };
const POLICIES: [Dst; 6] = [
    AFTER_FIRST,
    AFTER_SECOND,
    AFTER_BOTH,
    SKIP_FIRST,
    Dst { gap: Gap::Skip, overlap: DstOverlap::Second },
    Dst { gap: Gap::Skip, overlap: DstOverlap::Both },
];

/// An RFC 3339 instant.
fn utc(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_utc()
}

fn in_utc(text: &str) -> Schedule {
    schedule(text, Tz::UTC, Dst::default())
}

fn schedule(text: &str, zone: Tz, dst: Dst) -> Schedule {
    Schedule::parse(text, zone, dst).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The occurrences in `(from, until]`; each must be later than the last.
fn between(schedule: &Schedule, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let (mut t, mut found) = (from, Vec::new());
    while let Some(next) = schedule.next_after(t).filter(|next| *next <= until) {
        assert!(next > t, "{schedule:?}: {next} after {t}");
        found.push(next);
        t = next;
    }
    found
}

/// As the zone's clocks show it, with its offset.
fn local(zone: Tz, t: DateTime<Utc>) -> String {
    t.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false)
}
