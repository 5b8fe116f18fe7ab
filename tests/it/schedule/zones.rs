//! Random schedules over every zone, against the oracle, around the changes of the clocks.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, Offset, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::{
    collection::{btree_set, vec},
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use sexton::schedule::Schedule;

use super::{
    POLICIES, between,
    oracle::{Asked, Date, Days, OfWeek, Times, Window},
    utc,
};

/// A zone and the changes of its clocks that a minute-by-minute oracle can follow.
struct Zone {
    zone: Tz,
    changes: Vec<DateTime<Utc>>,
}

/// How many hours of both sides of a change are looked at: more than the longest change, of a day.
const HOURS: i64 = 30;

/// The zones with changes between 1970 and 2037, without second names of one.
fn zones() -> Vec<Zone> {
    let mut seen = BTreeSet::new();
    let zones = TZ_VARIANTS.iter().map(|zone| Zone { zone: *zone, changes: changes(*zone) });
    zones.filter(|zone| !zone.changes.is_empty() && seen.insert(key(zone))).collect()
}

fn key(Zone { zone, changes }: &Zone) -> (i32, Vec<DateTime<Utc>>) {
    (offset(*zone, changes[0]).local_minus_utc(), changes.clone())
}

fn offset(zone: Tz, t: DateTime<Utc>) -> FixedOffset {
    zone.offset_from_utc_datetime(&t.naive_utc()).fix()
}

fn changes(zone: Tz) -> Vec<DateTime<Utc>> {
    let (mut t, end) = (utc("1970-01-03T00:00:00Z"), utc("2037-12-28T00:00:00Z"));
    let mut found = Vec::new();
    while t < end {
        let next = t + TimeDelta::days(2);
        if offset(zone, t) != offset(zone, next) {
            let mut early = t;
            let mut late = next;
            while late - early > TimeDelta::seconds(1) {
                let middle = early + TimeDelta::seconds((late - early).num_seconds() / 2);
                if offset(zone, middle) == offset(zone, t) { early = middle } else { late = middle }
            }
            let whole = |seconds: i64| seconds % 60 == 0;
            let offsets = [offset(zone, t), offset(zone, next)].map(|offset| i64::from(offset.local_minus_utc()));
            if whole(late.timestamp()) && offsets.into_iter().all(whole) {
                found.push(late);
            }
        }
        t = next;
    }
    found
}

/// What `src/schedule/zone.rs` takes for granted: changes of one zone lie more than six days apart.
#[test]
fn no_zone_changes_its_clocks_twice_within_six_days() {
    for Zone { zone, changes } in zones() {
        for pair in changes.windows(2) {
            assert!(pair[1] - pair[0] > TimeDelta::days(6), "{zone}: {} and {}", pair[0], pair[1]);
        }
    }
}

/// A field's text, its values, and whether it has a star.
type FieldCase = (String, BTreeSet<u32>, bool);

fn stepped(low: u32, high: u32, step: u32) -> BTreeSet<u32> {
    (low..=high).step_by(step as usize).collect()
}

fn field(min: u32, max: u32) -> impl Strategy<Value = FieldCase> {
    prop_oneof![
        3 => Just(("*".to_owned(), (min..=max).collect(), true)),
        2 => (1..=max).prop_map(move |step| (format!("*/{step}"), stepped(min, max, step), true)),
        3 => (min..=max).prop_map(|value| (value.to_string(), BTreeSet::from([value]), false)),
        3 => btree_set(min..=max, 1..5).prop_map(|values| (listed(&values), values, false)),
        2 => (min..=max, min..=max, 1..20_u32).prop_map(|(one, other, step)| {
            let (low, high) = (one.min(other), one.max(other));
            (format!("{low}-{high}/{step}"), stepped(low, high, step), false)
        }),
        1 => (min..=max, 1..30_u32).prop_map(move |(low, step)| (format!("{low}/{step}"), stepped(low, max, step), false)),
    ]
}

fn listed(values: &BTreeSet<u32>) -> String {
    values.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

fn date() -> impl Strategy<Value = (String, Date)> {
    prop_oneof![
        8 => (1..=31_u32).prop_map(|day| (day.to_string(), Date::Day(day))),
        1 => Just(("L".to_owned(), Date::Last)),
        1 => Just(("LW".to_owned(), Date::LastWeekday)),
        2 => (1..=31_u32).prop_map(|day| (format!("{day}W"), Date::Nearest(day))),
    ]
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("TUE", Weekday::Tue),
    ("3", Weekday::Wed),
    ("Thu", Weekday::Thu),
    ("5", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("7", Weekday::Sun),
];

fn of_week() -> impl Strategy<Value = (String, OfWeek)> {
    prop_oneof![
        4 => select(&WEEKDAYS[..]).prop_map(|(name, weekday)| (name.to_owned(), OfWeek::Each(weekday))),
        1 => (select(&WEEKDAYS[..]), 1..=5_u32)
            .prop_map(|((name, weekday), nth)| (format!("{name}#{nth}"), OfWeek::Nth(weekday, nth))),
        1 => select(&WEEKDAYS[..]).prop_map(|(name, weekday)| (format!("{name}#L"), OfWeek::Last(weekday))),
    ]
}

fn list<T: std::fmt::Debug>(
    items: impl Strategy<Value = (String, T)>,
) -> impl Strategy<Value = (String, Option<Vec<T>>)> {
    vec(items, 1..6).prop_map(|items| {
        let (texts, values): (Vec<String>, Vec<T>) = items.into_iter().unzip();
        (texts.join(","), Some(values))
    })
}

fn cron() -> impl Strategy<Value = Asked> {
    let second = prop_oneof![
        4 => Just((String::new(), BTreeSet::from([0]))),
        1 => btree_set(0..=59_u32, 1..4).prop_map(|values| (listed(&values) + " ", values)),
    ];
    let dates = prop_oneof![3 => Just(("*".to_owned(), None)), 1 => Just(("?".to_owned(), None)), 2 => list(date())];
    let weekdays = prop_oneof![3 => Just(("*".to_owned(), None)), 2 => list(of_week())];
    let months = prop_oneof![4 => Just(("*".to_owned(), (1..=12).collect(), true)), 1 => field(1, 12)];
    (second, field(0, 59), field(0, 23), dates, months, weekdays, any::<bool>()).prop_filter_map(
        "no date of the month or `L` with `LW`",
        |(second, minute, hour, dates, month, weekdays, both)| {
            let both = both && weekdays.1.is_some();
            let plus = if both { "+" } else { "" };
            let text = format!("{}{} {} {} {} {plus}{}", second.0, minute.0, hour.0, dates.0, month.0, weekdays.0);
            let asked = Asked {
                text,
                seconds: second.1,
                times: Times::Fields { minutes: minute.1, hours: hour.1 },
                days: Days { months: month.1, dates: dates.1, weekdays: weekdays.1, both },
                star: minute.2 || hour.2,
            };
            Schedule::parse(&asked.text, Tz::UTC, POLICIES[0]).is_ok().then_some(asked)
        },
    )
}

fn calendar() -> impl Strategy<Value = Asked> {
    let times = btree_set((0..24_u32, 0..60_u32), 1..8);
    let days = prop_oneof![
        2 => Just(("daily".to_owned(), None, None)),
        1 => vec(select(&WEEKDAYS[..]), 1..5).prop_map(|days| {
            let names: Vec<String> = days.iter().map(|(_, weekday)| weekday.to_string()).collect();
            let weekdays = days.iter().map(|(_, weekday)| OfWeek::Each(*weekday)).collect();
            (format!("weekly {}", names.join(",")), None, Some(weekdays))
        }),
        1 => (btree_set(1..=31_u32, 1..12), any::<bool>()).prop_map(|(days, last)| {
            let ending = if last { ",last" } else { "" };
            let mut dates: Vec<Date> = days.iter().map(|day| Date::Day(*day)).collect();
            dates.extend(last.then_some(Date::Last));
            (format!("monthly {}{ending}", listed(&days)), Some(dates), None)
        }),
    ];
    (times, days).prop_map(|(times, (form, dates, weekdays))| {
        let texts: Vec<String> = times.iter().map(|(hour, minute)| format!("{hour:02}:{minute:02}")).collect();
        Asked {
            text: format!("{form} {}", texts.join(",")),
            seconds: BTreeSet::from([0]),
            times: Times::Listed(times),
            days: Days { months: (1..=12).collect(), dates, weekdays, both: false },
            star: false,
        }
    })
}

/// Seeds E10, E11: what is next is what the rules say, in every zone, and nothing in between is left out. 30 schedules a
/// run, each over every zone at one of its changes, under one of the policies.
#[test]
fn random_schedules_agree_with_the_oracle_in_every_zone() {
    let zones = zones();
    assert!(zones.len() > 250, "{} zones", zones.len());
    let mut runner = TestRunner::new(Config { cases: 30, failure_persistence: None, ..Config::default() });
    let schedules = prop_oneof![3 => cron(), 1 => calendar()];
    runner
        .run(
            &(schedules, 0..POLICIES.len(), any::<u32>(), vec(0..HOURS * 7200, 12)),
            |(asked, policy, pick, offsets)| {
                for Zone { zone, changes } in &zones {
                    let change = changes[pick as usize % changes.len()];
                    agrees(&asked, &Window::around(*zone, change, HOURS), policy, &offsets)?;
                }
                Ok(())
            },
        )
        .unwrap();
}

/// One schedule of each kind at every change of the zones that have troubled others.
#[test]
fn every_change_of_the_notorious_zones() {
    let notorious = ["Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "Africa/Casablanca", "Africa/Cairo"];
    let more = ["Antarctica/Casey", "Antarctica/Troll", "America/Sao_Paulo", "Asia/Gaza", "Pacific/Kwajalein"];
    let mut runner = TestRunner::deterministic();
    let mut one = |strategy: &BoxedStrategy<Asked>| strategy.new_tree(&mut runner).unwrap().current();
    for name in notorious.into_iter().chain(more) {
        let zone: Tz = name.parse().unwrap();
        for (number, change) in changes(zone).into_iter().enumerate() {
            let window = Window::around(zone, change, HOURS);
            for asked in [one(&cron().boxed()), one(&calendar().boxed())] {
                agrees(&asked, &window, number % POLICIES.len(), &[0, 107_999, 108_000, 108_001, 111_600]).unwrap();
            }
        }
    }
}

fn agrees(asked: &Asked, window: &Window, policy: usize, offsets: &[i64]) -> Result<(), TestCaseError> {
    let (zone, dst) = (window.zone, POLICIES[policy]);
    let schedule = Schedule::parse(&asked.text, zone, dst).unwrap();
    let begin = window.begin();
    // Both ends of the window see only half of what the last change before or after did; a margin keeps clear of them.
    let (from, until) = (begin + TimeDelta::hours(1), begin + TimeDelta::hours(2 * HOURS - 1));
    let runs = window.runs(asked, dst);
    let wanted: Vec<_> = runs.iter().copied().filter(|t| *t > from && *t <= until).collect();
    let found = between(&schedule, from, until);
    prop_assert_eq!(&found, &wanted, "{} in {} with {:?}", &asked.text, zone, dst);
    for seconds in offsets {
        let t = begin + TimeDelta::seconds(*seconds) + TimeDelta::milliseconds(seconds % 2 * 500);
        let wanted = runs.iter().find(|run| **run > t && **run <= until);
        let found = schedule.next_after(t).filter(|next| *next <= until);
        prop_assert_eq!(found.as_ref(), wanted, "{} in {} with {:?} after {}", &asked.text, zone, dst, t);
    }
    Ok(())
}
