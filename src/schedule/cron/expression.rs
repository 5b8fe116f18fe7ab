//! A whole expression.

use std::{fmt, ops::Range};

use super::{Field, Item, Unit, Values};
use crate::schedule::{ScheduleError, word::Word};

/// The fields of an expression, checked one by one and together.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    pub(crate) second: Field,
    pub(crate) minute: Field,
    pub(crate) hour: Field,
    pub(crate) day_of_month: Field,
    pub(crate) month: Field,
    pub(crate) day_of_week: Field,
    /// `+FRI`: a day must match both day fields, where otherwise either is enough.
    pub(crate) both_days: bool,
}

impl Expression {
    /// Reads five or six fields.
    pub(crate) fn parse(words: &[Word<'_>], end: usize) -> Result<Self, ScheduleError> {
        let (second, rest) = match words.len() {
            5 => (Field::second_zero(), words),
            6 => (Field::parse(Unit::Second, words[0])?, &words[1..]),
            count => return Err(wrong_count(words, count, end)),
        };
        let &[minute, hour, day_of_month, month, day_of_week] = rest else {
            return Err(wrong_count(words, words.len(), end));
        };
        let (day_of_week, both_days) = both_days(day_of_week)?;
        let expression = Self {
            second,
            minute: Field::parse(Unit::Minute, minute)?,
            hour: Field::parse(Unit::Hour, hour)?,
            day_of_month: Field::parse(Unit::DayOfMonth, day_of_month)?,
            month: Field::parse(Unit::Month, month)?,
            day_of_week: Field::parse(Unit::DayOfWeek, day_of_week)?,
            both_days,
        };
        expression.refuse_days_no_month_has()?;
        Ok(expression)
    }

    /// Whether it follows elapsed time at a change of the clocks (DESIGN section 5): it has a star in hour or minute.
    pub(crate) fn follows_elapsed_time(&self) -> bool {
        self.hour.has_star() || self.minute.has_star()
    }

    /// Whether a day that matches either day field counts.
    pub(crate) fn takes_either_day(&self) -> bool {
        !self.both_days && self.day_of_month.is_restricted() && self.day_of_week.is_restricted()
    }

    pub(crate) fn fields(&self) -> [&Field; 6] {
        [&self.second, &self.minute, &self.hour, &self.day_of_month, &self.month, &self.day_of_week]
    }

    /// The part of the text that says on which days.
    pub(crate) fn days_at(&self) -> Range<usize> {
        self.day_of_month.at.start..self.day_of_week.at.end
    }

    /// The impossible dates that can be explained by the lengths of months alone, like 30 February.
    fn refuse_days_no_month_has(&self) -> Result<(), ScheduleError> {
        let Some(items) = self.day_of_month.items().filter(|_| !self.takes_either_day()) else { return Ok(()) };
        let mut days = Values::default();
        for item in items {
            match item {
                Item::LastDay | Item::LastWeekday => return Ok(()),
                Item::NearestWeekday(day) => days.insert(day),
                item => days.extend(item.values(Unit::DayOfMonth)),
            }
        }
        let longest = self.month.values().iter().map(longest).max().unwrap_or(31);
        match days.iter().next() {
            Some(first) if first > longest => {
                let at = self.day_of_month.at.start..self.month.at.end;
                Err(ScheduleError::new(
                    at,
                    format!("it would never run: it asks for day {first} of months that have at most {longest} days"),
                )
                .help("write `L` for the last day of the month"))
            }
            _ => Ok(()),
        }
    }
}

/// The normal form: six fields that croner reads, the same for texts that only spell their items differently.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { second, minute, hour, day_of_month, month, day_of_week, both_days } = self;
        let both = if *both_days { "+" } else { "" };
        write!(f, "{second} {minute} {hour} {day_of_month} {month} {both}{day_of_week}")
    }
}

/// The days of a month at its longest.
fn longest(month: u8) -> u8 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn both_days(word: Word<'_>) -> Result<(Word<'_>, bool), ScheduleError> {
    if !word.text.starts_with('+') {
        return Ok((word, false));
    }
    match word.behind(1) {
        Word { text: "" | "*" | "?", .. } => Err(word
            .error(format!("`{}`: + asks for certain weekdays besides the day of month", word.text))
            .help("write `+FRI`, or `*` for any day")),
        days => Ok((days, true)),
    }
}

fn wrong_count(words: &[Word<'_>], count: usize, end: usize) -> ScheduleError {
    let start = words.first().map_or(end, |word| word.start);
    let error = ScheduleError::new(
        start..end,
        format!(
            "a cron expression has 5 fields (minute, hour, day of month, month, day of week), or 6 with the second first; \
             this has {count}"
        ),
    );
    if count == 7 { error.help("there is no year field; write `at` with an instant for a single run") } else { error }
}
