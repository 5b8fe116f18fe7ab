//! What the clocks did to an occurrence.

use chrono_tz::Tz;
use sexton::schedule::{Dst, Schedule};

use super::{AFTER_BOTH, AFTER_FIRST, AFTER_SECOND, SKIP_FIRST, schedule, utc};

fn note(text: &str, zone: Tz, dst: Dst, t: &str) -> Option<String> {
    schedule(text, zone, dst).note(utc(t)).map(|note| note.to_string())
}

#[test]
fn moved_and_merged() {
    let gap = "2026-03-08T03:00:00-04:00";
    let in_new_york = |text: &str, dst: Dst| note(text, Tz::America__New_York, dst, gap);
    let moved = |from: &str| Some(format!("moved from 2026-03-08 {from}, which the clocks skip"));
    let merged = |from: &str| {
        Some(format!("one run for several local times: the first, 2026-03-08 {from}, is skipped by the clocks"))
    };
    assert_eq!(in_new_york("daily 02:30", AFTER_FIRST), moved("02:30:00"));
    assert_eq!(in_new_york("0 2 * * *", AFTER_BOTH), moved("02:00:00"));
    assert_eq!(in_new_york("daily 02:30,03:00", AFTER_FIRST), merged("02:30:00"));
    assert_eq!(in_new_york("daily 02:10,02:30", AFTER_FIRST), merged("02:10:00"));
    assert_eq!(in_new_york("daily 03:00", AFTER_FIRST), None);
    assert_eq!(in_new_york("daily 02:30,03:00", SKIP_FIRST), None);
    assert_eq!(in_new_york("0 * * * *", AFTER_FIRST), None);
    assert_eq!(in_new_york("every 1h", AFTER_FIRST), None);
    // Not an occurrence at all.
    assert_eq!(in_new_york("daily 04:00", AFTER_FIRST), None);
}

#[test]
fn merged_over_a_list() {
    let parts = ["daily 02:30", "weekly sun 03:00"].map(|text| schedule(text, Tz::America__New_York, AFTER_FIRST));
    let list = Schedule::any_of(parts).unwrap();
    let note = list.note(utc("2026-03-08T07:00:00Z")).unwrap().to_string();
    assert!(note.starts_with("one run for several local times: the first, 2026-03-08 02:30:00"), "{note}");
}

#[test]
fn a_whole_day_moved() {
    let note = note("daily 07:00", Tz::Pacific__Apia, AFTER_FIRST, "2011-12-31T00:00:00+14:00");
    assert_eq!(note.unwrap(), "moved from 2011-12-30 07:00:00, which the clocks skip");
}

#[test]
fn the_second_pass_of_a_repeated_hour() {
    let (first, second) = ("2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00");
    let in_new_york = |text: &str, dst: Dst, t: &str| note(text, Tz::America__New_York, dst, t);
    let words = Some("the second 2026-11-01 01:30:00: the clocks went back".to_owned());
    assert_eq!(in_new_york("daily 01:30", AFTER_SECOND, second), words);
    assert_eq!(in_new_york("daily 01:30", AFTER_BOTH, second), words);
    assert_eq!(in_new_york("*/30 * * * *", AFTER_FIRST, second), words);
    assert_eq!(in_new_york("daily 01:30", AFTER_BOTH, first), None);
    assert_eq!(in_new_york("daily 01:30", AFTER_FIRST, first), None);
    assert_eq!(in_new_york("daily 01:30", AFTER_FIRST, second), None, "it does not run then");
}
