//! The days of a schedule in words.

use chrono::Weekday;

use super::list::{join, ordinal, ranges};
use crate::schedule::{
    cron::{Expression, Field, Item, Nth},
    local::Days,
};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// 0 and 7 are Sunday; the week is listed from Monday.
const WEEKDAYS: [&str; 8] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

pub(super) fn of_calendar(days: &Days) -> String {
    match days {
        Days::Daily => "every day".to_owned(),
        Days::Weekly(weekdays) => every_weekday(weekdays.iter().map(Weekday::number_from_monday)),
        Days::Monthly { days, last } => {
            let mut items = Vec::new();
            if !days.is_empty() {
                items.push(format!("the {}", ordinals(days.iter().copied())));
            }
            if *last {
                items.push("the last day".to_owned());
            }
            format!("on {} of the month", join(&items))
        }
    }
}

pub(super) fn of_expression(expression: &Expression) -> String {
    let Expression { day_of_month, month, day_of_week, .. } = expression;
    let months = month.is_restricted().then(|| ranges(month.values().iter(), |value| name(&MONTHS, value - 1)));
    let of = months.as_deref().unwrap_or("the month");
    let dates = dates(day_of_month, of);
    match (dates, weekdays(day_of_week, of)) {
        (None, None) => match months {
            Some(months) => format!("every day of {months}"),
            None => "every day".to_owned(),
        },
        (Some(dates), None) => dates,
        (None, Some(weekdays)) => match months {
            Some(months) if !weekdays.contains(" of ") => format!("{weekdays} in {months}"),
            _ => weekdays,
        },
        (Some(dates), Some(weekdays)) if expression.both_days => format!("{dates}, if that is also {weekdays}"),
        (Some(dates), Some(weekdays)) => format!("{dates}, and also {weekdays}"),
    }
}

/// `on the 1st and 15th of the month`; `None` for a star.
fn dates(field: &Field, of: &str) -> Option<String> {
    let items = field.items()?;
    let mut texts = Vec::new();
    let values = field.values();
    if !values.is_empty() {
        texts.push(format!("the {}", ordinals(values.iter().map(u32::from))));
    }
    for item in items {
        match item {
            Item::LastDay => texts.push("the last day".to_owned()),
            Item::LastWeekday => texts.push("the last weekday (Monday to Friday)".to_owned()),
            Item::NearestWeekday(day) => {
                texts.push(format!("the weekday (Monday to Friday) nearest the {}", ordinal(day)));
            }
            _ => {}
        }
    }
    Some(format!("on {} of {of}", join(&texts)))
}

/// `every Monday`, `the second Friday of the month`; `None` for a star.
fn weekdays(field: &Field, of: &str) -> Option<String> {
    let items = field.items()?;
    let mut texts = Vec::new();
    let values = field.values();
    if !values.is_empty() {
        texts.push(every_weekday(values.iter().map(u32::from)));
    }
    for item in items {
        if let Item::Weekdays { low, high, nth } = item {
            let days = ranges(low..=high, |day| name(&WEEKDAYS, day));
            let which = match nth {
                Nth::Nth(nth) => ordinal(nth),
                Nth::Last => "last".to_owned(),
            };
            texts.push(format!("the {which} {days} of {of}"));
        }
    }
    Some(join(&texts))
}

/// From numbers in which 0 and 7 are Sunday.
fn every_weekday(days: impl Iterator<Item = u32>) -> String {
    let mut days: Vec<u8> = days.filter_map(|day| u8::try_from((day + 6) % 7 + 1).ok()).collect();
    days.sort_unstable();
    if days.len() == 7 {
        return "every day".to_owned();
    }
    format!("every {}", ranges(days.into_iter(), |day| name(&WEEKDAYS, day)))
}

fn ordinals(days: impl Iterator<Item = u32>) -> String {
    ranges(days.filter_map(|day| u8::try_from(day).ok()), ordinal)
}

fn name(names: &[&str], place: u8) -> String {
    names.get(usize::from(place)).copied().unwrap_or_default().to_owned()
}
