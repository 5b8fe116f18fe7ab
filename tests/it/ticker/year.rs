//! A year of New York by the pump, on virtual time: both edges of summer time, with exact counts. On 8 March 2026 the
//! clocks go from 02:00 to 03:00 (07:00 UTC), on 1 November from 02:00 back to 01:00 (06:00 UTC).

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::America::New_York;
use sexton::ticker::{LEAD, Pump};
use tokio::time::Instant;

use crate::support::definitions::{at, jobs};

const ZONE: &str = "timezone = \"America/New_York\"";

/// What the pump hands out from one new year to the next, asked every `step`.
fn year(schedule: &str, keys: &str, step: TimeDelta) -> Vec<DateTime<Utc>> {
    let keys = format!("{ZONE}\n{keys}");
    let definitions = jobs(&[("a", schedule, &keys)]);
    let (mut now, end) = (at("2026-01-01T04:59:50Z"), at("2027-01-01T05:00:00Z"));
    let mut pump = Pump::default();
    pump.set(Arc::clone(&definitions.jobs["a"]), now);
    let mut found = Vec::new();
    while now < end {
        for due in pump.due(now, LEAD) {
            assert_eq!(due.late.map(|late| late.count), None, "asked often enough, nothing is late");
            assert!(due.ahead.iter().all(|at| *at > now && *at <= now + LEAD));
            found.extend(due.ahead);
        }
        now = (now + step).min(pump.next_fire().map_or(end, |next| (next - LEAD).max(now + TimeDelta::seconds(1))));
    }
    assert!(found.is_sorted() && found.windows(2).all(|pair| pair[0] < pair[1]));
    found.retain(|at| *at < end);
    found
}

/// A hundred jobs, half of them hourly, in zones that change their clocks and one that does not.
#[test]
fn a_year_of_a_hundred_jobs() {
    let zones = ["Europe/Prague", "America/New_York", "Australia/Lord_Howe", "UTC"];
    let jobs_of: Vec<_> = (0..100)
        .map(|n| {
            let zone = format!("timezone = \"{}\"", zones[n / 2 % zones.len()]);
            let daily = format!("daily {:02}:{:02}", n % 24, n % 60);
            let hourly = format!("{} * * * *", n % 60);
            (format!("job-{n}"), if n % 2 == 0 { daily } else { hourly }, zone)
        })
        .collect();
    let rows: Vec<_> =
        jobs_of.iter().map(|(name, schedule, keys)| (name.as_str(), schedule.as_str(), keys.as_str())).collect();
    let definitions = jobs(&rows);
    let (mut now, end) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let begin = Instant::now();
    let mut pump = Pump::default();
    definitions.jobs.values().for_each(|job| pump.set(Arc::clone(job), now));
    let mut fired = BTreeMap::<_, usize>::new();
    while now < end {
        for due in pump.due(now, LEAD) {
            assert_eq!(due.late.map(|late| late.count), None, "asked often enough, nothing is late");
            *fired.entry(due.job.name.to_string()).or_default() += due.ahead.iter().filter(|at| **at <= end).count();
        }
        now = pump.next_fire().map_or(end, |next| (next - LEAD).max(now + TimeDelta::seconds(1)));
    }
    let took = begin.elapsed();
    println!("{} firings of {} jobs in {took:?}", fired.values().sum::<usize>(), fired.len());
    for (name, schedule, _) in &jobs_of {
        let expected = if schedule.starts_with("daily") { 365 } else { 8760 };
        // A zone's new year is not UTC's, and half an hour is changed in one: a firing may be on the other side.
        assert!(fired[name].abs_diff(expected) <= 1, "{name}, {schedule}: {}", fired[name]);
    }
    let bound = if cfg!(debug_assertions) { 90 } else { 10 };
    assert!(took.as_secs() < bound, "it took {took:?}");
}

fn by_local_day(instants: &[DateTime<Utc>]) -> BTreeMap<NaiveDate, usize> {
    let mut days = BTreeMap::new();
    for instant in instants {
        *days.entry(instant.with_timezone(&New_York).date_naive()).or_default() += 1;
    }
    days
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Once each day, also on the day without a 02:30 (at its first instant after the gap) and the one with a long night.
#[test]
fn half_past_two_each_day_of_a_year() {
    let begin = Instant::now();
    let found = year("daily 02:30", "", TimeDelta::minutes(1));
    assert_eq!(found.len(), 365);
    assert!(by_local_day(&found).values().all(|count| *count == 1));
    let moved = found.iter().filter(|at| {
        let local = at.with_timezone(&New_York);
        (local.hour(), local.minute()) != (2, 30)
    });
    assert_eq!(moved.collect::<Vec<_>>(), [&at("2026-03-08T07:00:00Z")], "the gap: 03:00 summer time");
    assert!(found.contains(&at("2026-11-01T07:30:00Z")), "02:30 comes once, after the repeated hour");
    assert!(begin.elapsed().as_secs() < 20, "it took {:?}", begin.elapsed());
}

#[test]
fn half_past_two_skipped_in_the_gap() {
    let found = year("daily 02:30", "dst = { gap = \"skip\" }", TimeDelta::minutes(1));
    assert_eq!(found.len(), 364);
    assert!(!by_local_day(&found).contains_key(&date("2026-03-08")));
}

/// A star in the hour follows elapsed time: two an hour for 8760 hours, 46 on the short day and 50 on the long one.
#[test]
fn every_half_hour_of_a_year() {
    let begin = Instant::now();
    let found = year("*/30 * * * *", "", TimeDelta::minutes(1));
    assert_eq!(found.len(), 365 * 48);
    assert!(found.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(30)));
    for (day, count) in by_local_day(&found) {
        let expected = match day {
            day if day == date("2026-03-08") => 46,
            day if day == date("2026-11-01") => 50,
            _ => 48,
        };
        assert_eq!(count, expected, "{day}");
    }
    assert!(begin.elapsed().as_secs() < 20, "it took {:?}", begin.elapsed());
}

/// 01:30 comes twice on 1 November.
#[test]
fn half_past_one_in_the_repeated_hour() {
    let (first, second) = (at("2026-11-01T05:30:00Z"), at("2026-11-01T06:30:00Z"));
    for (overlap, count, expected) in
        [("first", 365, vec![first]), ("second", 365, vec![second]), ("both", 366, vec![first, second])]
    {
        let found = year("daily 01:30", &format!("dst = {{ overlap = \"{overlap}\" }}"), TimeDelta::minutes(1));
        assert_eq!(found.len(), count, "{overlap}");
        let there: Vec<_> = found.into_iter().filter(|at| *at == first || *at == second).collect();
        assert_eq!(there, expected, "{overlap}");
    }
}
