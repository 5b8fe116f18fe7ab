//! What is allowed and likely not meant.

use chrono_tz::Tz;
use sexton::schedule::{Dst, Schedule, WarningKind};

use super::{AFTER_FIRST, SKIP_FIRST, schedule, utc};

const NOW: &str = "2026-05-01T00:00:00Z";

fn warnings(text: &str, zone: Tz, dst: Dst) -> Vec<(String, String)> {
    let warnings = schedule(text, zone, dst).warnings(utc(NOW));
    warnings.into_iter().map(|warning| (text[warning.at.clone()].to_owned(), warning.to_string())).collect()
}

#[test]
fn uneven_steps() {
    for (text, part, words) in [
        ("*/45 * * * *", "*/45", "after minute 45 it starts anew"),
        ("0 */5 * * *", "*/5", "after hour 20 it starts anew"),
        ("*/7 * * * * *", "*/7", "after second 56 it starts anew"),
        ("1,*/40 * * * *", "*/40", "after minute 40 it starts anew"),
        ("5/25 * * * *", "5/25", "after minute 55 it starts anew"),
        ("*/90 * * * *", "*/90", "after minute 0 it starts anew"),
        ("0 0 */2 * *", "*/2", "after day of month 31 it starts anew"),
        ("0 0 1 */5 *", "*/5", "after month 11 it starts anew"),
        ("cron 0 0 * * */2", "*/2", "after day of week 6 it starts anew"),
    ] {
        let found = warnings(text, Tz::UTC, AFTER_FIRST);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].0, part);
        assert!(found[0].1.contains(words) && found[0].1.contains(&format!("`{part}`")), "{text}: {}", found[0].1);
    }
    for even in
        ["*/15 * * * *", "5/10 * * * *", "0 */6 * * *", "0 0 1 */3 *", "1-50/7 * * * *", "*/1 * * * *", "0,45 * * * *"]
    {
        assert_eq!(warnings(even, Tz::UTC, AFTER_FIRST), [], "{even}");
    }
}

/// Seed A30: ours follows POSIX where theirs asked for both, so `check` warns.
#[test]
fn a30_day_of_month_with_day_of_week() {
    let found = warnings("0 5 13 * FRI", Tz::UTC, AFTER_FIRST);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "13 * FRI");
    assert!(found[0].1.contains("either"), "{}", found[0].1);
    let warning = &schedule("0 5 13 * FRI", Tz::UTC, AFTER_FIRST).warnings(utc(NOW))[0];
    assert!(warning.help().unwrap().contains("+FRI"));
    for meant in ["0 5 13 * +FRI", "0 5 13 * *", "0 5 ? * FRI", "0 5 * * FRI"] {
        assert_eq!(warnings(meant, Tz::UTC, AFTER_FIRST), [], "{meant}");
    }
}

#[test]
fn a_fixed_time_in_a_gap() {
    let prague = |text: &str, dst: Dst| warnings(text, Tz::Europe__Prague, dst);
    let found = prague("daily 02:30", AFTER_FIRST);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "daily 02:30");
    assert_eq!(
        found[0].1,
        "2027-03-28 02:30:00 does not exist in Europe/Prague, the clocks skip it: it runs at 03:00:00 +02:00 instead"
    );
    let found = prague("30 2 * * *", SKIP_FIRST);
    assert_eq!(found.len(), 1);
    assert!(found[0].1.ends_with("it does not run that day"), "{}", found[0].1);
    // 25 March is the last Sunday of March in 2029.
    let found = prague("monthly 25 02:00", AFTER_FIRST);
    assert!(found[0].1.starts_with("2029-03-25 02:00:00 does not exist"), "{}", found[0].1);
    for fine in ["daily 03:00", "daily 01:59", "*/30 2 * * *", "30 * * * *", "monthly 1 02:30", "every 1h"] {
        assert_eq!(prague(fine, AFTER_FIRST), [], "{fine}");
    }
    assert_eq!(warnings("daily 02:30", Tz::UTC, AFTER_FIRST), []);
    assert_eq!(warnings("daily 02:30", Tz::Asia__Tokyo, AFTER_FIRST), []);
}

#[test]
fn an_instant_that_is_over() {
    let found = warnings("at 2026-04-30T23:59:59Z", Tz::UTC, AFTER_FIRST);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, "2026-04-30T23:59:59+00:00 is in the past: the job is done");
    assert_eq!(warnings("at 2026-05-01T00:00:01Z", Tz::UTC, AFTER_FIRST), []);
}

#[test]
fn each_text_of_a_list_warns_for_itself() {
    let parts =
        ["*/45 * * * *", "0 5 * * *", "at 2020-01-01T00:00:00Z"].map(|text| schedule(text, Tz::UTC, AFTER_FIRST));
    let warnings = Schedule::any_of(parts).unwrap().warnings(utc(NOW));
    assert_eq!(warnings.len(), 2);
    assert_eq!((warnings[0].text.as_str(), warnings[0].at.clone()), ("*/45 * * * *", 0..4));
    assert!(matches!(warnings[1].kind, WarningKind::Past { .. }));
}
