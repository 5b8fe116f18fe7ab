//! The second, minute and hour of an expression in words.

use super::list::{and, ordinal, runs};
use crate::schedule::cron::{Expression, Field, Item};

/// So many times of the day are listed one by one.
const FEW: usize = 6;

/// The times of the day, when they are fixed and few.
pub(super) fn few_times(expression: &Expression) -> Option<Vec<String>> {
    let Expression { second, minute, hour, .. } = expression;
    if [second, minute, hour].iter().any(|field| field.has_star()) {
        return None;
    }
    let only_minutes = is_zero(second);
    let mut times = Vec::new();
    for h in hour.values().iter() {
        for m in minute.values().iter() {
            for s in second.values().iter() {
                if times.len() == FEW {
                    return None;
                }
                times.push(if only_minutes { format!("{h:02}:{m:02}") } else { format!("{h:02}:{m:02}:{s:02}") });
            }
        }
    }
    Some(times)
}

/// The times of the day, when they are many.
pub(super) fn of_expression(expression: &Expression) -> String {
    let Expression { second, minute, hour, .. } = expression;
    if is_zero(second) {
        return minutes(minute, hour);
    }
    let seconds = match interval(second) {
        Some(1) => "every second".to_owned(),
        Some(step) => format!("every {step} seconds"),
        None => format!("at {}", named("second", second)),
    };
    match (interval(minute), interval(hour)) {
        (Some(1), Some(1)) if interval(second).is_some() => seconds,
        (Some(1), Some(1)) => format!("{seconds} of every minute"),
        _ => format!("{seconds} of {} {}", which("minute", minute), of_hours(hour)),
    }
}

fn minutes(minute: &Field, hour: &Field) -> String {
    if let Some(step) = interval(minute) {
        let often = if step == 1 { "every minute".to_owned() } else { format!("every {step} minutes") };
        return match (interval(hour), one_range(hour)) {
            (Some(1), _) => often,
            (None, Some((first, last))) => format!("{often} from {first:02}:00 to {last:02}:59"),
            _ => format!("{often} {}", of_hours(hour)),
        };
    }
    match interval(hour) {
        Some(1) if is_zero(minute) => "every hour".to_owned(),
        Some(step) if is_zero(minute) => format!("every {step} hours from 00:00"),
        _ => format!("at {} {}", named("minute", minute), of_hours(hour)),
    }
}

fn of_hours(hour: &Field) -> String {
    format!("of {}", which("hour", hour))
}

fn which(unit: &str, field: &Field) -> String {
    match interval(field) {
        Some(1) => format!("every {unit}"),
        Some(step) => format!("every {} {unit}", ordinal(step)),
        None => named(unit, field),
    }
}

fn named(unit: &str, field: &Field) -> String {
    let values = field.values();
    let plural = if values.iter().nth(1).is_some() { "s" } else { "" };
    format!("{unit}{plural} {}", and(&runs(values.iter(), |value| value.to_string())))
}

/// The even pause between a field's values: 1 for `*`, n for `*/n` that divides the whole.
fn interval(field: &Field) -> Option<u8> {
    let Some(mut items) = field.items() else { return Some(1) };
    let whole = field.unit.last() + 1;
    match (items.next(), items.next()) {
        (Some(Item::StarStep { step }), None) if whole.is_multiple_of(step) && step < whole => Some(step),
        _ => None,
    }
}

/// The ends of values without a hole.
fn one_range(field: &Field) -> Option<(u8, u8)> {
    let values = field.values();
    let (first, last) = (values.iter().next()?, values.iter().next_back()?);
    (first..=last).all(|value| values.has(value)).then_some((first, last))
}

fn is_zero(field: &Field) -> bool {
    field.values().iter().eq([0])
}
