//! A slow reading of the rules of DESIGN section 5, written apart from the crate's: it looks at every minute of a window
//! and takes each field by its definition.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use sexton::schedule::{Dst, DstOverlap, Gap};

/// What a schedule asks of local time, as data, beside its text.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) text: String,
    pub(super) seconds: BTreeSet<u32>,
    pub(super) times: Times,
    pub(super) days: Days,
    /// A star in hour or minute.
    pub(super) star: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Times {
    Fields { minutes: BTreeSet<u32>, hours: BTreeSet<u32> },
    Listed(BTreeSet<(u32, u32)>),
}

#[derive(Debug, Clone)]
pub(super) struct Days {
    pub(super) months: BTreeSet<u32>,
    /// `None`: any.
    pub(super) dates: Option<Vec<Date>>,
    /// `None`: any.
    pub(super) weekdays: Option<Vec<OfWeek>>,
    pub(super) both: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Date {
    Day(u32),
    Last,
    LastWeekday,
    Nearest(u32),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum OfWeek {
    Each(Weekday),
    Nth(Weekday, u32),
    Last(Weekday),
}

fn is_workday(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

fn days_of_month(date: NaiveDate) -> Vec<NaiveDate> {
    (1..=31).filter_map(|day| date.with_day(day)).collect()
}

impl Date {
    fn is(self, date: NaiveDate) -> bool {
        let month = days_of_month(date);
        match self {
            Self::Day(day) => date.day() == day,
            Self::Last => month.last() == Some(&date),
            Self::LastWeekday => month.iter().rev().find(|day| is_workday(**day)) == Some(&date),
            Self::Nearest(day) => {
                // Of the workdays of the month the nearest; never two are equally near.
                let Some(wanted) = date.with_day(day) else { return false };
                let nearest =
                    month.iter().filter(|day| is_workday(**day)).min_by_key(|day| (**day - wanted).num_days().abs());
                nearest == Some(&date)
            }
        }
    }
}

impl OfWeek {
    fn is(self, date: NaiveDate) -> bool {
        let (Self::Each(weekday) | Self::Nth(weekday, _) | Self::Last(weekday)) = self;
        let same: Vec<NaiveDate> = days_of_month(date).into_iter().filter(|day| day.weekday() == weekday).collect();
        match self {
            Self::Each(_) => same.contains(&date),
            Self::Nth(_, nth) => same.get(nth as usize - 1) == Some(&date),
            Self::Last(_) => same.last() == Some(&date),
        }
    }
}

impl Days {
    fn have(&self, date: NaiveDate) -> bool {
        let by_date = self.dates.as_ref().map(|dates| dates.iter().any(|wanted| wanted.is(date)));
        let by_weekday = self.weekdays.as_ref().map(|weekdays| weekdays.iter().any(|wanted| wanted.is(date)));
        self.months.contains(&date.month())
            && match (by_date, by_weekday) {
                (None, None) => true,
                (Some(one), None) | (None, Some(one)) => one,
                (Some(one), Some(other)) if self.both => one && other,
                (Some(one), Some(other)) => one || other,
            }
    }
}

impl Asked {
    /// The local seconds of a local minute that match.
    fn seconds_of(&self, minute: NaiveDateTime, days: &mut BTreeMap<NaiveDate, bool>) -> Vec<NaiveDateTime> {
        let in_day = match &self.times {
            Times::Fields { minutes, hours } => minutes.contains(&minute.minute()) && hours.contains(&minute.hour()),
            Times::Listed(times) => times.contains(&(minute.hour(), minute.minute())),
        };
        let matches = in_day && *days.entry(minute.date()).or_insert_with(|| self.days.have(minute.date()));
        if !matches {
            return Vec::new();
        }
        self.seconds.iter().map(|second| minute + TimeDelta::seconds(i64::from(*second))).collect()
    }
}

/// A stretch of time in a zone, minute by minute. Its changes must be on whole minutes, by whole minutes.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) zone: Tz,
    pub(super) minutes: Vec<(DateTime<Utc>, NaiveDateTime)>,
}

impl Window {
    /// The hours around `middle`.
    pub(super) fn around(zone: Tz, middle: DateTime<Utc>, hours: i64) -> Self {
        let first = middle - TimeDelta::hours(hours);
        let minutes = (0..hours * 120)
            .map(|minute| {
                let t = first + TimeDelta::minutes(minute);
                (t, t.with_timezone(&zone).naive_local())
            })
            .collect();
        Self { zone, minutes }
    }

    pub(super) fn begin(&self) -> DateTime<Utc> {
        self.minutes[0].0
    }

    /// When it runs within the window. What comes twice must lie in the window both times, and what is skipped too.
    pub(super) fn runs(&self, asked: &Asked, dst: Dst) -> Vec<DateTime<Utc>> {
        let dst = if asked.star { Dst { gap: Gap::Skip, overlap: DstOverlap::Both } } else { dst };
        let mut days = BTreeMap::new();
        let mut by_reading: BTreeMap<NaiveDateTime, Vec<DateTime<Utc>>> = BTreeMap::new();
        let mut runs = BTreeSet::new();
        let mut expected = self.minutes[0].1;
        for (t, local) in &self.minutes {
            // The readings between the last one and this one were skipped.
            while expected < *local {
                if dst.gap == Gap::RunAfter && !asked.seconds_of(expected, &mut days).is_empty() {
                    runs.insert(*t);
                }
                expected += TimeDelta::minutes(1);
            }
            expected = *local + TimeDelta::minutes(1);
            for reading in asked.seconds_of(*local, &mut days) {
                by_reading.entry(reading).or_default().push(*t + (reading - *local));
            }
        }
        for instants in by_reading.values() {
            match dst.overlap {
                DstOverlap::First => runs.extend(instants.first()),
                DstOverlap::Second => runs.extend(instants.last()),
                DstOverlap::Both => runs.extend(instants),
            }
        }
        runs.into_iter().collect()
    }
}
