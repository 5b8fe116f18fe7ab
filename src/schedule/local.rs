//! Schedules as sets of local times, before any zone is looked at.

use std::{fmt, sync::Arc};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Weekday};

use super::cron::{Expression, Pattern};

/// A set of local times with a grain of one second.
#[derive(Debug)]
pub(super) enum Local {
    Cron(Box<Expression>, Arc<Pattern>),
    Calendar(Calendar),
}

impl Local {
    /// The first member at or after `from`, which is a whole second; `None` when it is outside chrono's range.
    pub(super) fn at_or_after(&self, from: NaiveDateTime) -> Option<NaiveDateTime> {
        match self {
            Self::Cron(_, pattern) => pattern.at_or_after(from),
            Self::Calendar(calendar) => calendar.at_or_after(from),
        }
    }

    /// Whether it follows elapsed time at a change of the clocks, whatever the policy.
    pub(super) fn follows_elapsed_time(&self) -> bool {
        matches!(self, Self::Cron(expression, _) if expression.follows_elapsed_time())
    }

    /// The first member in `[from, until)`.
    pub(super) fn first_in(&self, from: NaiveDateTime, until: NaiveDateTime) -> Option<NaiveDateTime> {
        self.at_or_after(from).filter(|found| *found < until)
    }
}

/// `daily`, `weekly` and `monthly`: certain days, at certain times of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) days: Days,
    /// In order, without repetition, at least one.
    pub(super) times: Vec<NaiveTime>,
}

/// On which days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Days {
    Daily,
    /// In order from Monday, without repetition, at least one.
    Weekly(Vec<Weekday>),
    /// Days of the month, in order, without repetition; at least one of both.
    Monthly {
        days: Vec<u32>,
        last: bool,
    },
}

impl Days {
    fn has(&self, date: NaiveDate) -> bool {
        match self {
            Self::Daily => true,
            Self::Weekly(weekdays) => weekdays.contains(&date.weekday()),
            Self::Monthly { days, last } => {
                days.contains(&date.day()) || (*last && date.day() == u32::from(date.num_days_in_month()))
            }
        }
    }
}

/// From 31 March to 31 May are 61 days, and no wait is longer.
const LONGEST_WAIT_IN_DAYS: usize = 61;

impl Calendar {
    fn at_or_after(&self, from: NaiveDateTime) -> Option<NaiveDateTime> {
        if self.days.has(from.date())
            && let Some(time) = self.times.iter().find(|time| **time >= from.time())
        {
            return Some(from.date().and_time(*time));
        }
        let day = from.date().iter_days().skip(1).take(LONGEST_WAIT_IN_DAYS).find(|date| self.days.has(*date))?;
        Some(day.and_time(*self.times.first()?))
    }
}

/// The normal form of its text.
impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<String> = match &self.days {
            Days::Daily => Vec::new(),
            Days::Weekly(weekdays) => weekdays.iter().map(|day| day.to_string().to_ascii_lowercase()).collect(),
            Days::Monthly { days, last } => {
                days.iter().map(u32::to_string).chain(last.then(|| "last".to_owned())).collect()
            }
        };
        let times: Vec<String> = self.times.iter().map(|time| time.format("%H:%M").to_string()).collect();
        match self.days {
            Days::Daily => write!(f, "daily {}", times.join(",")),
            Days::Weekly(_) => write!(f, "weekly {} {}", days.join(","), times.join(",")),
            Days::Monthly { .. } => write!(f, "monthly {} {}", days.join(","), times.join(",")),
        }
    }
}
