//! The text of one item of a field's list.

use super::{Item, Nth, Unit};
use crate::schedule::{ScheduleError, word::Word};

pub(super) fn item(unit: Unit, word: Word<'_>) -> Result<Item, ScheduleError> {
    if word.text.starts_with('*') {
        return star_step(unit, word);
    }
    if unit == Unit::DayOfMonth
        && let Some(item) = last_or_nearest(word)?
    {
        return Ok(item);
    }
    if unit == Unit::DayOfWeek
        && let Some(item) = nth_weekdays(word)?
    {
        return Ok(item);
    }
    span(unit, word)
}

fn star_step(unit: Unit, word: Word<'_>) -> Result<Item, ScheduleError> {
    match word.behind(1) {
        Word { text: "", .. } => Err(word
            .error(format!("`*` in a list is already every {}", unit.name()))
            .help("write the star alone, or leave it out of the list")),
        step if step.text.starts_with('/') => {
            // A step beyond the field leaves its first value, however large it is.
            let step = step_of(word, step.behind(1))?;
            Ok(Item::StarStep { step: u8::try_from(step).unwrap_or(u8::MAX) })
        }
        _ => Err(word
            .error(format!("`{}` is no {}", word.text, unit.name()))
            .help("a star stands alone or with a step, like `*/15`")),
    }
}

fn last_or_nearest(word: Word<'_>) -> Result<Option<Item>, ScheduleError> {
    if word.text.eq_ignore_ascii_case("L") {
        return Ok(Some(Item::LastDay));
    }
    if word.text.starts_with(['L', 'l']) && word.text.contains('-') {
        return Err(word
            .error(format!("`{}`: days are not counted from the end of the month", word.text))
            .help("write `L` for the last day, `LW` for the last weekday"));
    }
    let Some(day) = word.text.strip_suffix(['W', 'w']) else { return Ok(None) };
    if day.eq_ignore_ascii_case("L") {
        return Ok(Some(Item::LastWeekday));
    }
    let day = word.before(day.len());
    if day.text.contains(['-', '/']) {
        return Err(word
            .error(format!("`{}`: W takes one day, not a range", word.text))
            .help("write `15W`, or `LW` for the last weekday of the month"));
    }
    Ok(Some(Item::NearestWeekday(value(Unit::DayOfMonth, day)?)))
}

fn nth_weekdays(word: Word<'_>) -> Result<Option<Item>, ScheduleError> {
    let (days, nth) = if let Some((days, nth)) = word.split_once('#') {
        let which = match nth.text {
            "L" | "l" => Nth::Last,
            "1" | "2" | "3" | "4" | "5" => Nth::Nth(nth.text.as_bytes()[0] - b'0'),
            _ => {
                return Err(nth
                    .error(format!("`#{}`: a month has a first to fifth of a weekday, or a last", nth.text))
                    .help("write `FRI#1` to `FRI#5`, or `FRI#L`"));
            }
        };
        (days, which)
    } else if let Some(days) = word.text.strip_suffix(['L', 'l']) {
        (word.before(days.len()), Nth::Last)
    } else {
        return Ok(None);
    };
    if days.text.is_empty() {
        return Err(word.error(format!("`{}` names no weekday", word.text)).help(
            "write `FRI#L` for the last Friday of the month, `SAT` for Saturday, or put `L` into the day of month",
        ));
    }
    let Item::Span { low, high, step: 1, open: false } = span(Unit::DayOfWeek, days)? else {
        return Err(word.error(format!("`{}`: # takes a weekday or a range, not a step", word.text)));
    };
    Ok(Some(Item::Weekdays { low, high, nth }))
}

fn span(unit: Unit, word: Word<'_>) -> Result<Item, ScheduleError> {
    let (base, step) = match word.split_once('/') {
        None => (word, None),
        Some((base, step)) => (base, Some(step_of(word, step)?)),
    };
    let open = step.is_some() && !base.text.contains('-');
    let (low, high) = match base.split_once('-') {
        Some((low, high)) => range(unit, base, low, high)?,
        None if base.text.is_empty() && step.is_some() => {
            return Err(word
                .error(format!("`{}` does not say where the steps start", word.text))
                .help(format!("write `*{}`", word.text)));
        }
        None => {
            let low = value(unit, base)?;
            (low, if open { unit.max() } else { low })
        }
    };
    // `7` alone is Sunday, spelled like `0`.
    let (low, high) = if unit == Unit::DayOfWeek && low == 7 { (0, 0) } else { (low, high) };
    let step = step.unwrap_or(1);
    let (step, high) = match u8::try_from(step) {
        Ok(step) if step <= high - low => (step, high),
        // A step beyond the range leaves its first value.
        _ if step > 1 => (1, low),
        _ => (1, high),
    };
    Ok(Item::Span { low, high, step, open })
}

fn range(unit: Unit, whole: Word<'_>, low: Word<'_>, high: Word<'_>) -> Result<(u8, u8), ScheduleError> {
    let (start, mut end) = (value(unit, low)?, value(unit, high)?);
    if unit == Unit::DayOfWeek && start > 0 && end == 0 {
        end = 7;
    }
    if start <= end {
        return Ok((start, end));
    }
    let (first, last) = (unit.min(), unit.last());
    Err(whole.error(format!("the range `{}` ends before it starts", whole.text)).help(format!(
        "to go over the end write `{},{}`",
        dashed(start, last),
        dashed(first, end)
    )))
}

fn dashed(low: u8, high: u8) -> String {
    if low == high { low.to_string() } else { format!("{low}-{high}") }
}

fn step_of(whole: Word<'_>, step: Word<'_>) -> Result<u32, ScheduleError> {
    match step.number() {
        Some(Ok(0)) => {
            Err(whole.error(format!("`{}`: a step of 0 goes nowhere", whole.text)).help("a step is 1 or more"))
        }
        Some(step) => step,
        None => Err(whole
            .error(format!("`{}`: the step `{}` is not a number", whole.text, step.text))
            .help("a step follows a star, a value or a range: `*/15`, `5/10`, `1-31/2`")),
    }
}

fn value(unit: Unit, word: Word<'_>) -> Result<u8, ScheduleError> {
    if let Some(value) = unit.named(word.text) {
        return Ok(value);
    }
    let refuse = || word.error(format!("`{}` is no {}: allowed is {}", word.text, unit.name(), unit.allowed()));
    match word.number() {
        Some(Ok(number)) => match u8::try_from(number) {
            Ok(value) if (unit.min()..=unit.max()).contains(&value) => Ok(value),
            _ => Err(refuse()),
        },
        Some(Err(too_large)) => Err(too_large),
        None => Err(match word.text.get(..3).filter(|short| unit.named(short).is_some()) {
            Some(short) => refuse().help(format!("did you mean `{short}`?")),
            None => refuse(),
        }),
    }
}
