//! Both edges of summer time, under every policy. Each row: what runs in a window around a change, in local time with its
//! offset.

use chrono_tz::Tz;
use sexton::schedule::Dst;

use super::{AFTER_BOTH, AFTER_FIRST, AFTER_SECOND, SKIP_FIRST, between, local, schedule, utc};

pub(super) struct Row {
    text: &'static str,
    dst: Dst,
    runs: &'static [&'static str],
}

pub(super) const fn row(text: &'static str, dst: Dst, runs: &'static [&'static str]) -> Row {
    Row { text, dst, runs }
}

pub(super) fn check(zone: Tz, from: &str, until: &str, rows: &[Row]) {
    for Row { text, dst, runs } in rows {
        let found: Vec<String> =
            between(&schedule(text, zone, *dst), utc(from), utc(until)).into_iter().map(|t| local(zone, t)).collect();
        assert_eq!(found, *runs, "{text} in {zone} with {dst:?}");
    }
}

/// Seed E11: at each edge next advances. 02:00 to 03:00 is skipped on 8 March 2026.
#[test]
fn new_york_springs_forward() {
    check(
        Tz::America__New_York,
        "2026-03-07T12:00:00-05:00",
        "2026-03-08T12:00:00-04:00",
        &[
            row("daily 02:30", AFTER_FIRST, &["2026-03-08T03:00:00-04:00"]),
            row("30 2 * * *", AFTER_SECOND, &["2026-03-08T03:00:00-04:00"]),
            row("30 2 * * *", SKIP_FIRST, &[]),
            row("daily 02:00", AFTER_FIRST, &["2026-03-08T03:00:00-04:00"]),
            row("daily 01:59,03:00", AFTER_FIRST, &["2026-03-08T01:59:00-05:00", "2026-03-08T03:00:00-04:00"]),
            // Two that land on one instant are one occurrence.
            row("daily 02:10,02:50,03:00", AFTER_FIRST, &["2026-03-08T03:00:00-04:00"]),
            row("0 2,3 * * *", AFTER_FIRST, &["2026-03-08T03:00:00-04:00"]),
            row("0 2,14 * * *", SKIP_FIRST, &["2026-03-07T14:00:00-05:00"]),
            row("weekly sun 02:15", AFTER_FIRST, &["2026-03-08T03:00:00-04:00"]),
            row("monthly 8 02:15", AFTER_FIRST, &["2026-03-08T03:00:00-04:00"]),
            // A star in hour or minute follows elapsed time, whatever the policy.
            row("*/15 2 * * *", AFTER_FIRST, &[]),
            row(
                "30 */2 8 3 *",
                AFTER_FIRST,
                &[
                    "2026-03-08T00:30:00-05:00",
                    "2026-03-08T04:30:00-04:00",
                    "2026-03-08T06:30:00-04:00",
                    "2026-03-08T08:30:00-04:00",
                    "2026-03-08T10:30:00-04:00",
                ],
            ),
            row(
                "*/30 1-3 8 * *",
                AFTER_BOTH,
                &[
                    "2026-03-08T01:00:00-05:00",
                    "2026-03-08T01:30:00-05:00",
                    "2026-03-08T03:00:00-04:00",
                    "2026-03-08T03:30:00-04:00",
                ],
            ),
            // A range is no star.
            row("0-59 2 * * *", AFTER_FIRST, &["2026-03-08T03:00:00-04:00"]),
            // Seconds.
            row("30 59 1,2 * * *", AFTER_FIRST, &["2026-03-08T01:59:30-05:00", "2026-03-08T03:00:00-04:00"]),
            row("*/20 30 2 * * *", AFTER_FIRST, &["2026-03-08T03:00:00-04:00"]),
            row("*/20 30 2 * * *", SKIP_FIRST, &[]),
        ],
    );
}

/// Seed E11. 01:00 to 02:00 comes twice on 1 November 2026.
#[test]
fn new_york_falls_back() {
    check(
        Tz::America__New_York,
        "2026-10-31T12:00:00-04:00",
        "2026-11-01T12:00:00-05:00",
        &[
            row("daily 01:30", AFTER_FIRST, &["2026-11-01T01:30:00-04:00"]),
            row("daily 01:30", AFTER_SECOND, &["2026-11-01T01:30:00-05:00"]),
            row("daily 01:30", AFTER_BOTH, &["2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"]),
            row(
                "daily 01:00,01:59,02:00",
                AFTER_FIRST,
                &["2026-11-01T01:00:00-04:00", "2026-11-01T01:59:00-04:00", "2026-11-01T02:00:00-05:00"],
            ),
            row(
                "daily 00:59,01:00,01:59,02:00",
                AFTER_SECOND,
                &[
                    "2026-11-01T00:59:00-04:00",
                    "2026-11-01T01:00:00-05:00",
                    "2026-11-01T01:59:00-05:00",
                    "2026-11-01T02:00:00-05:00",
                ],
            ),
            row(
                "daily 01:10,01:50",
                AFTER_BOTH,
                &[
                    "2026-11-01T01:10:00-04:00",
                    "2026-11-01T01:50:00-04:00",
                    "2026-11-01T01:10:00-05:00",
                    "2026-11-01T01:50:00-05:00",
                ],
            ),
            row("0 1,2 * * *", AFTER_FIRST, &["2026-11-01T01:00:00-04:00", "2026-11-01T02:00:00-05:00"]),
            // Eight quarters of an hour when 1 o'clock comes twice.
            row(
                "*/15 1 * * *",
                AFTER_FIRST,
                &[
                    "2026-11-01T01:00:00-04:00",
                    "2026-11-01T01:15:00-04:00",
                    "2026-11-01T01:30:00-04:00",
                    "2026-11-01T01:45:00-04:00",
                    "2026-11-01T01:00:00-05:00",
                    "2026-11-01T01:15:00-05:00",
                    "2026-11-01T01:30:00-05:00",
                    "2026-11-01T01:45:00-05:00",
                ],
            ),
            row(
                "0 * 1 11 *",
                AFTER_SECOND,
                &[
                    "2026-11-01T00:00:00-04:00",
                    "2026-11-01T01:00:00-04:00",
                    "2026-11-01T01:00:00-05:00",
                    "2026-11-01T02:00:00-05:00",
                    "2026-11-01T03:00:00-05:00",
                    "2026-11-01T04:00:00-05:00",
                    "2026-11-01T05:00:00-05:00",
                    "2026-11-01T06:00:00-05:00",
                    "2026-11-01T07:00:00-05:00",
                    "2026-11-01T08:00:00-05:00",
                    "2026-11-01T09:00:00-05:00",
                    "2026-11-01T10:00:00-05:00",
                    "2026-11-01T11:00:00-05:00",
                    "2026-11-01T12:00:00-05:00",
                ],
            ),
            row("59 59 1 * * *", AFTER_SECOND, &["2026-11-01T01:59:59-05:00"]),
            row("every 12h", AFTER_FIRST, &["2026-10-31T20:00:00-04:00", "2026-11-01T07:00:00-05:00"]),
        ],
    );
}

/// 01:00 to 02:00 is skipped on 29 March 2026 and comes twice on 25 October.
#[test]
fn london() {
    check(
        Tz::Europe__London,
        "2026-03-28T12:00:00Z",
        "2026-03-29T12:00:00Z",
        &[
            row("daily 01:00", AFTER_FIRST, &["2026-03-29T02:00:00+01:00"]),
            row("daily 01:59", SKIP_FIRST, &[]),
            row("daily 00:59,02:00", AFTER_FIRST, &["2026-03-29T00:59:00+00:00", "2026-03-29T02:00:00+01:00"]),
            row(
                "*/30 0-2 29 * *",
                AFTER_FIRST,
                &[
                    "2026-03-29T00:00:00+00:00",
                    "2026-03-29T00:30:00+00:00",
                    "2026-03-29T02:00:00+01:00",
                    "2026-03-29T02:30:00+01:00",
                ],
            ),
        ],
    );
    check(
        Tz::Europe__London,
        "2026-10-24T12:00:00Z",
        "2026-10-25T12:00:00Z",
        &[
            row("daily 01:00", AFTER_FIRST, &["2026-10-25T01:00:00+01:00"]),
            row("daily 01:00", AFTER_SECOND, &["2026-10-25T01:00:00+00:00"]),
            row("daily 02:00", AFTER_BOTH, &["2026-10-25T02:00:00+00:00"]),
            row("30 1 * * sun", AFTER_BOTH, &["2026-10-25T01:30:00+01:00", "2026-10-25T01:30:00+00:00"]),
            row(
                "30 * 25 10 +sun#L",
                SKIP_FIRST,
                &[
                    "2026-10-25T00:30:00+01:00",
                    "2026-10-25T01:30:00+01:00",
                    "2026-10-25T01:30:00+00:00",
                    "2026-10-25T02:30:00+00:00",
                    "2026-10-25T03:30:00+00:00",
                    "2026-10-25T04:30:00+00:00",
                    "2026-10-25T05:30:00+00:00",
                    "2026-10-25T06:30:00+00:00",
                    "2026-10-25T07:30:00+00:00",
                    "2026-10-25T08:30:00+00:00",
                    "2026-10-25T09:30:00+00:00",
                    "2026-10-25T10:30:00+00:00",
                    "2026-10-25T11:30:00+00:00",
                ],
            ),
        ],
    );
}

/// Changes of half an hour: 02:00 to 02:30 is skipped on 4 October 2026, 01:30 to 02:00 comes twice on 5 April.
#[test]
fn lord_howe() {
    check(
        Tz::Australia__Lord_Howe,
        "2026-10-03T12:00:00+10:30",
        "2026-10-04T12:00:00+11:00",
        &[
            row("daily 02:15", AFTER_FIRST, &["2026-10-04T02:30:00+11:00"]),
            row("daily 02:30", SKIP_FIRST, &["2026-10-04T02:30:00+11:00"]),
            row("daily 02:15", SKIP_FIRST, &[]),
            row("*/15 2 * * *", AFTER_FIRST, &["2026-10-04T02:30:00+11:00", "2026-10-04T02:45:00+11:00"]),
        ],
    );
    check(
        Tz::Australia__Lord_Howe,
        "2026-04-04T12:00:00+11:00",
        "2026-04-05T12:00:00+10:30",
        &[
            row("daily 01:45", AFTER_FIRST, &["2026-04-05T01:45:00+11:00"]),
            row("daily 01:45", AFTER_SECOND, &["2026-04-05T01:45:00+10:30"]),
            row("daily 01:15", AFTER_BOTH, &["2026-04-05T01:15:00+11:00"]),
            row(
                "*/15 1 * * *",
                AFTER_FIRST,
                &[
                    "2026-04-05T01:00:00+11:00",
                    "2026-04-05T01:15:00+11:00",
                    "2026-04-05T01:30:00+11:00",
                    "2026-04-05T01:45:00+11:00",
                    "2026-04-05T01:30:00+10:30",
                    "2026-04-05T01:45:00+10:30",
                ],
            ),
        ],
    );
}

/// Midnight itself is skipped on 8 March 2026 and comes twice on 1 November.
#[test]
fn havana() {
    check(
        Tz::America__Havana,
        "2026-03-07T12:00:00-05:00",
        "2026-03-08T12:00:00-04:00",
        &[
            row("@daily", AFTER_FIRST, &["2026-03-08T01:00:00-04:00"]),
            row("@daily", SKIP_FIRST, &[]),
            row("@weekly", AFTER_FIRST, &["2026-03-08T01:00:00-04:00"]),
            row("daily 00:30,01:00", AFTER_FIRST, &["2026-03-08T01:00:00-04:00"]),
            row(
                "0 */6 * * *",
                AFTER_FIRST,
                &["2026-03-07T18:00:00-05:00", "2026-03-08T06:00:00-04:00", "2026-03-08T12:00:00-04:00"],
            ),
        ],
    );
    check(
        Tz::America__Havana,
        "2026-10-31T12:00:00-04:00",
        "2026-11-01T12:00:00-05:00",
        &[
            row("@daily", AFTER_FIRST, &["2026-11-01T00:00:00-04:00"]),
            row("@daily", AFTER_SECOND, &["2026-11-01T00:00:00-05:00"]),
            row("@monthly", AFTER_BOTH, &["2026-11-01T00:00:00-04:00", "2026-11-01T00:00:00-05:00"]),
            row("30 0 * * *", AFTER_FIRST, &["2026-11-01T00:30:00-04:00"]),
        ],
    );
}

/// Seed E11: from anywhere in the repeated hour, first pass or second, next is the right one.
#[test]
fn from_within_a_repeated_hour() {
    let (texts, zone) = (["daily 01:10,01:50,02:00", "10,50 1 * * *", "10,50 * * * *"], Tz::America__New_York);
    let first = |time: &str| format!("2026-11-01T{time}:00-04:00");
    let second = |time: &str| format!("2026-11-01T{time}:00-05:00");
    let tomorrow = |time: &str| format!("2026-11-02T{time}:00-05:00");
    for (text, dst, after, next) in [
        (texts[0], AFTER_FIRST, first("01:00"), first("01:10")),
        (texts[0], AFTER_FIRST, first("01:10"), first("01:50")),
        (texts[0], AFTER_FIRST, first("01:50"), second("02:00")),
        (texts[0], AFTER_FIRST, second("01:00"), second("02:00")),
        (texts[0], AFTER_FIRST, second("01:30"), second("02:00")),
        (texts[1], AFTER_FIRST, second("01:30"), tomorrow("01:10")),
        (texts[0], AFTER_SECOND, first("00:59"), second("01:10")),
        (texts[0], AFTER_SECOND, first("01:00"), second("01:10")),
        (texts[0], AFTER_SECOND, first("01:30"), second("01:10")),
        (texts[1], AFTER_SECOND, first("01:55"), second("01:10")),
        (texts[0], AFTER_SECOND, second("01:00"), second("01:10")),
        (texts[0], AFTER_SECOND, second("01:30"), second("01:50")),
        (texts[0], AFTER_BOTH, first("01:30"), first("01:50")),
        (texts[0], AFTER_BOTH, first("01:50"), second("01:10")),
        (texts[1], AFTER_BOTH, first("01:55"), second("01:10")),
        (texts[1], AFTER_BOTH, second("01:10"), second("01:50")),
        (texts[1], AFTER_BOTH, second("01:50"), tomorrow("01:10")),
        (texts[2], AFTER_FIRST, first("01:50"), second("01:10")),
        (texts[2], SKIP_FIRST, second("01:55"), second("02:10")),
    ] {
        let found = schedule(text, zone, dst).next_after(utc(&after)).map(|t| local(zone, t));
        assert_eq!(found, Some(next), "{text} with {dst:?} after {after}");
    }
}
