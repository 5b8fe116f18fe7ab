//! The days of a schedule in words.

use chrono::Weekday;

use super::list::{and, or, ordinal, runs};
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
            let mut items = the_days(days.iter().filter_map(|day| u8::try_from(*day).ok()));
            items.extend(last.then(|| "the last day".to_owned()));
            format!("on {} of the month", and(&items))
        }
    }
}

/// It ends with a comma when a list of days would run into what follows.
pub(super) fn of_expression(expression: &Expression) -> String {
    let Expression { day_of_month, month, day_of_week, both_days, .. } = expression;
    let months = month.is_restricted().then(|| and(&runs(month.values().iter(), |value| name(&MONTHS, value - 1))));
    let of = months.as_deref().unwrap_or("the month");
    let Some(dates) = dates(day_of_month, of) else {
        return match (day_of_week.is_restricted(), months) {
            (true, months) => every_of(day_of_week, months.as_deref()),
            (false, Some(months)) => format!("every day of {months}"),
            (false, None) => "every day".to_owned(),
        };
    };
    if !day_of_week.is_restricted() {
        dates
    } else if *both_days {
        format!("{dates} if that is {},", if_of(day_of_week))
    } else {
        format!("{dates}, and also {},", every_of(day_of_week, months.as_deref()))
    }
}

/// `on the 1st and 15th of the month`; `None` for a star.
fn dates(field: &Field, of: &str) -> Option<String> {
    let items = field.items()?;
    let mut texts = the_days(field.values().iter());
    texts.extend(items.filter_map(|item| match item {
        Item::LastDay => Some("the last day".to_owned()),
        Item::LastWeekday => Some("the last weekday (Monday to Friday)".to_owned()),
        Item::NearestWeekday(day) => Some(format!("the weekday (Monday to Friday) nearest the {}", ordinal(day))),
        _ => None,
    }));
    Some(format!("on {} of {of}", and(&texts)))
}

/// `the 1st`, `15th`.
fn the_days(days: impl Iterator<Item = u8>) -> Vec<String> {
    let mut items = runs(days, ordinal);
    if let Some(first) = items.first_mut() {
        first.insert_str(0, "the ");
    }
    items
}

/// `every Monday in January`, `on the 2nd Friday of the month`.
fn every_of(field: &Field, months: Option<&str>) -> String {
    let of = months.unwrap_or("the month");
    let mut texts = Vec::new();
    let values = field.values();
    if !values.is_empty() {
        texts.push(every_weekday(values.iter().map(u32::from)));
    }
    let nth = nth_weekdays(field);
    match (months, nth.is_empty()) {
        (Some(months), true) => texts.push(format!("in {months}")),
        (_, true) => {}
        (_, false) => {
            if !texts.is_empty() {
                texts.push("and".to_owned());
            }
            texts.push(format!("on {} of {of}", and(&nth)));
        }
    }
    texts.join(" ")
}

/// `a Monday or Friday`, `the 2nd Friday`.
fn if_of(field: &Field) -> String {
    let mut texts: Vec<String> = field.values().iter().map(|day| name(&WEEKDAYS, day)).collect();
    if let Some(first) = texts.first_mut() {
        first.insert_str(0, "a ");
    }
    texts.extend(nth_weekdays(field));
    or(&texts)
}

/// `the 2nd Friday`.
fn nth_weekdays(field: &Field) -> Vec<String> {
    let items = field.items().into_iter().flatten();
    let texts = items.filter_map(|item| {
        let Item::Weekdays { low, high, nth } = item else { return None };
        let days = and(&runs(low..=high, |day| name(&WEEKDAYS, day)));
        Some(match nth {
            Nth::Nth(nth) => format!("the {} {days}", ordinal(nth)),
            Nth::Last => format!("the last {days}"),
        })
    });
    texts.collect()
}

/// From numbers in which 0 and 7 are Sunday.
fn every_weekday(days: impl Iterator<Item = u32>) -> String {
    let mut days: Vec<u8> = days.filter_map(|day| u8::try_from((day + 6) % 7 + 1).ok()).collect();
    days.sort_unstable();
    if days.len() == 7 {
        return "every day".to_owned();
    }
    format!("every {}", and(&runs(days.into_iter(), |day| name(&WEEKDAYS, day))))
}

fn name(names: &[&str], place: u8) -> String {
    names.get(usize::from(place)).copied().unwrap_or_default().to_owned()
}
