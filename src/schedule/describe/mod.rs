//! Schedules in words.

mod clock;
mod days;
mod list;

use super::{
    cron::Expression,
    every::Every,
    local::{Calendar, Local},
    part::{Part, Rule},
};

pub(super) fn part(part: &Part) -> String {
    match &part.rule {
        Rule::Every(interval) => every(*interval),
        Rule::At(instant) => format!("once, at {}", instant.to_rfc3339()),
        Rule::Local(Local::Calendar(calendar)) => format!("{} in {}", of_calendar(calendar), part.zone),
        Rule::Local(Local::Cron(expression, _)) => of_expression(expression, part.zone.name()),
    }
}

fn every(interval: Every) -> String {
    let parts: Vec<(i64, &str)> = interval.parts().map(|(count, unit)| (count, unit_name(unit))).collect();
    match parts[..] {
        [(1, "day")] => "every day at 00:00 UTC".to_owned(),
        [(1, unit)] => format!("every {unit}"),
        _ => {
            let parts: Vec<String> = parts.iter().map(|(count, unit)| counted(*count, unit)).collect();
            let anchor = if interval.divides_a_day() { "" } else { ", counted from 1970-01-01 00:00 UTC" };
            format!("every {}{anchor}", parts.join(" "))
        }
    }
}

fn unit_name(unit: char) -> &'static str {
    match unit {
        'd' => "day",
        'h' => "hour",
        'm' => "minute",
        _ => "second",
    }
}

fn counted(count: i64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

fn of_calendar(calendar: &Calendar) -> String {
    let times: Vec<String> = calendar.times.iter().map(|time| time.format("%H:%M").to_string()).collect();
    format!("{} at {}", days::of_calendar(&calendar.days), list::and(&times))
}

fn of_expression(expression: &Expression, zone: &str) -> String {
    if let Some(times) = clock::few_times(expression) {
        return format!("{} at {} in {zone}", days::of_expression(expression), list::and(&times));
    }
    let clock = clock::of_expression(expression);
    let any_day = ![&expression.day_of_month, &expression.month, &expression.day_of_week]
        .iter()
        .any(|field| field.is_restricted());
    if any_day {
        format!("{clock} in {zone}")
    } else {
        format!("{clock}, {}, in {zone}", days::of_expression(expression).trim_end_matches(','))
    }
}
