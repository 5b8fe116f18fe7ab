//! Changes of the clocks that are not an hour of summer time at night: a day, three hours, half a night at midnight, for
//! Ramadan, by seconds.

use chrono_tz::Tz;

use super::{
    AFTER_BOTH, AFTER_FIRST, AFTER_SECOND, POLICIES, SKIP_FIRST,
    clocks::{check, row},
    schedule, utc,
};

/// A whole day, 30 December 2011, is skipped: no change of summer time.
#[test]
fn apia_skips_a_day() {
    check(
        Tz::Pacific__Apia,
        "2011-12-28T12:00:00-10:00",
        "2012-01-01T00:00:00+14:00",
        &[
            row(
                "daily 07:00",
                AFTER_FIRST,
                &["2011-12-29T07:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T07:00:00+14:00"],
            ),
            row("daily 07:00", SKIP_FIRST, &["2011-12-29T07:00:00-10:00", "2011-12-31T07:00:00+14:00"]),
            row(
                "daily 00:00",
                AFTER_FIRST,
                &["2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"],
            ),
            row("weekly fri 12:00", AFTER_FIRST, &["2011-12-31T00:00:00+14:00"]),
            row("monthly 30 12:00", SKIP_FIRST, &[]),
            row("0 12 30 12 *", AFTER_FIRST, &["2011-12-31T00:00:00+14:00"]),
            row(
                "0 */12 * * *",
                AFTER_FIRST,
                &[
                    "2011-12-29T00:00:00-10:00",
                    "2011-12-29T12:00:00-10:00",
                    "2011-12-31T00:00:00+14:00",
                    "2011-12-31T12:00:00+14:00",
                    "2012-01-01T00:00:00+14:00",
                ],
            ),
        ],
    );
}

/// The clocks go back for Ramadan, on 15 February 2026, and forward on 22 March.
#[test]
fn casablanca() {
    check(
        Tz::Africa__Casablanca,
        "2026-02-14T12:00:00Z",
        "2026-02-15T12:00:00Z",
        &[
            row("daily 02:30", AFTER_FIRST, &["2026-02-15T02:30:00+01:00"]),
            row("daily 02:30", AFTER_SECOND, &["2026-02-15T02:30:00+00:00"]),
            row(
                "*/30 2 * * *",
                AFTER_FIRST,
                &[
                    "2026-02-15T02:00:00+01:00",
                    "2026-02-15T02:30:00+01:00",
                    "2026-02-15T02:00:00+00:00",
                    "2026-02-15T02:30:00+00:00",
                ],
            ),
        ],
    );
    check(
        Tz::Africa__Casablanca,
        "2026-03-21T12:00:00Z",
        "2026-03-22T12:00:00Z",
        &[
            row("daily 02:30", AFTER_FIRST, &["2026-03-22T03:00:00+01:00"]),
            row("daily 02:30", SKIP_FIRST, &[]),
            row("*/30 2 * * *", AFTER_FIRST, &[]),
        ],
    );
}

/// Forward at midnight on Friday 24 April 2026, back at midnight to the Thursday of 29 October.
#[test]
fn cairo() {
    check(
        Tz::Africa__Cairo,
        "2026-04-23T12:00:00+02:00",
        "2026-04-24T12:00:00+03:00",
        &[
            row("@daily", AFTER_FIRST, &["2026-04-24T01:00:00+03:00"]),
            row("weekly fri 00:30", AFTER_FIRST, &["2026-04-24T01:00:00+03:00"]),
            row("weekly thu 23:59", AFTER_FIRST, &["2026-04-23T23:59:00+02:00"]),
            row("30 0 * * *", SKIP_FIRST, &[]),
        ],
    );
    check(
        Tz::Africa__Cairo,
        "2026-10-29T12:00:00+03:00",
        "2026-10-30T12:00:00+02:00",
        &[
            row("weekly thu 23:30", AFTER_FIRST, &["2026-10-29T23:30:00+03:00"]),
            row("weekly thu 23:30", AFTER_SECOND, &["2026-10-29T23:30:00+02:00"]),
            row(
                "daily 23:30,00:00",
                AFTER_BOTH,
                &["2026-10-29T23:30:00+03:00", "2026-10-29T23:30:00+02:00", "2026-10-30T00:00:00+02:00"],
            ),
            row("0 23 29 10 *", AFTER_SECOND, &["2026-10-29T23:00:00+02:00"]),
        ],
    );
}

/// Three hours at a time: 00:01 to 03:01 is skipped on 4 October 2020, 21:00 to 24:00 comes twice on 13 March 2021.
#[test]
fn casey() {
    check(
        Tz::Antarctica__Casey,
        "2020-10-03T12:00:00+08:00",
        "2020-10-04T12:00:00+11:00",
        &[
            row("daily 00:00", AFTER_FIRST, &["2020-10-04T00:00:00+08:00"]),
            row("daily 00:01", AFTER_FIRST, &["2020-10-04T03:01:00+11:00"]),
            row("daily 02:59", SKIP_FIRST, &[]),
            row("0 1,2,3 * * *", AFTER_FIRST, &["2020-10-04T03:01:00+11:00"]),
            row(
                "0 0-4 4 * *",
                AFTER_FIRST,
                &["2020-10-04T00:00:00+08:00", "2020-10-04T03:01:00+11:00", "2020-10-04T04:00:00+11:00"],
            ),
            row(
                "0 * 4 * *",
                AFTER_FIRST,
                &[
                    "2020-10-04T00:00:00+08:00",
                    "2020-10-04T04:00:00+11:00",
                    "2020-10-04T05:00:00+11:00",
                    "2020-10-04T06:00:00+11:00",
                    "2020-10-04T07:00:00+11:00",
                    "2020-10-04T08:00:00+11:00",
                    "2020-10-04T09:00:00+11:00",
                    "2020-10-04T10:00:00+11:00",
                    "2020-10-04T11:00:00+11:00",
                    "2020-10-04T12:00:00+11:00",
                ],
            ),
        ],
    );
    check(
        Tz::Antarctica__Casey,
        "2021-03-13T12:00:00+11:00",
        "2021-03-14T12:00:00+08:00",
        &[
            row("daily 22:30", AFTER_FIRST, &["2021-03-13T22:30:00+11:00"]),
            row("daily 22:30", AFTER_SECOND, &["2021-03-13T22:30:00+08:00"]),
            row(
                "daily 21:00,23:59,00:00",
                AFTER_BOTH,
                &[
                    "2021-03-13T21:00:00+11:00",
                    "2021-03-13T23:59:00+11:00",
                    "2021-03-13T21:00:00+08:00",
                    "2021-03-13T23:59:00+08:00",
                    "2021-03-14T00:00:00+08:00",
                ],
            ),
        ],
    );
}

/// Offsets with seconds: local mean time ended in Paris on 11 March 1911, 9 minutes and 21 seconds back.
#[test]
fn paris_leaves_its_mean_time() {
    check(
        Tz::Europe__Paris,
        "1911-03-10T12:00:00Z",
        "1911-03-11T12:00:00Z",
        &[
            row("daily 23:55", AFTER_FIRST, &["1911-03-10T23:55:00+00:09"]),
            row("daily 23:55", AFTER_SECOND, &["1911-03-10T23:55:00+00:00"]),
            row("30 55 23 * * *", AFTER_BOTH, &["1911-03-10T23:55:30+00:09", "1911-03-10T23:55:30+00:00"]),
        ],
    );
    let before = schedule("daily 23:55", Tz::Europe__Paris, AFTER_FIRST).next_after(utc("1911-03-10T12:00:00Z"));
    assert_eq!(before, Some(utc("1911-03-10T23:45:39Z")));
}

/// `every` and `at` look at no zone and no policy.
#[test]
fn every_and_at_ignore_zones() {
    for zone in [Tz::UTC, Tz::America__New_York, Tz::Asia__Kathmandu] {
        for dst in POLICIES {
            let every = schedule("every 1h30m", zone, dst);
            assert_eq!(every.next_after(utc("2026-03-08T06:00:00Z")), Some(utc("2026-03-08T07:30:00Z")));
            let at = schedule("at 2026-03-08T02:30:00-05:00", zone, dst);
            assert_eq!(at.next_after(utc("2026-03-08T06:00:00Z")), Some(utc("2026-03-08T07:30:00Z")));
        }
    }
}
