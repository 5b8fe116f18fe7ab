//! `every 15m`: a cadence from the epoch on, so that restarts and replicas agree.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{ScheduleError, word::Word};

/// A whole number of seconds, one or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Every(i64);

/// A unit, its seconds, and its name.
const UNITS: [(char, i64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl Every {
    /// Reads `1h30m`: each unit at most once, from the largest down.
    pub(super) fn parse(word: Word<'_>) -> Result<Self, ScheduleError> {
        let (mut seconds, mut rest, mut units) = (0_i64, word, &UNITS[..]);
        while !rest.text.is_empty() {
            let digits = rest.text.bytes().take_while(u8::is_ascii_digit).count();
            let number = rest.before(digits);
            let Some(count) = number.number() else { return Err(not_a_duration(word)) };
            let Some(unit) = rest.behind(digits).text.chars().next() else { return Err(no_unit(word, number)) };
            let Some(place) = units.iter().position(|(name, _)| *name == unit) else {
                return Err(not_a_duration(word));
            };
            seconds = i64::from(count?)
                .checked_mul(units[place].1)
                .and_then(|more| seconds.checked_add(more))
                .ok_or_else(|| word.error(format!("`{}` is too long", word.text)))?;
            (rest, units) = (rest.behind(digits + 1), &units[place + 1..]);
        }
        if seconds == 0 {
            return Err(word.error(format!("`{}` is no time at all", word.text)).help("the shortest is `every 1s`"));
        }
        Ok(Self(seconds))
    }

    /// The first multiple after `t`.
    pub(super) fn next_after(self, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = t.timestamp().div_euclid(self.0).checked_add(1)?.checked_mul(self.0)?;
        DateTime::from_timestamp(next, 0)
    }

    /// The fewest whole seconds that are no shorter than `cadence`.
    fn at_least(cadence: Duration) -> Self {
        let seconds = cadence.as_secs().saturating_add(u64::from(cadence.subsec_nanos() > 0));
        Self(i64::try_from(seconds).unwrap_or(i64::MAX).max(1))
    }

    /// Its parts, from the largest unit down.
    pub(super) fn parts(self) -> impl Iterator<Item = (i64, char)> {
        let mut rest = self.0;
        UNITS.into_iter().filter_map(move |(name, seconds)| {
            let count = rest / seconds;
            rest %= seconds;
            (count > 0).then_some((count, name))
        })
    }

    /// Whether its instants are the same on every day.
    pub(super) fn divides_a_day(self) -> bool {
        86_400 % self.0 == 0
    }

    /// The normal form of its text.
    pub(super) fn text(self) -> String {
        let parts: String = self.parts().map(|(count, unit)| format!("{count}{unit}")).collect();
        format!("every {parts}")
    }
}

/// The text of an `every` schedule for a cadence from elsewhere. It rounds up to whole seconds, so that a job never fires
/// more often than asked (seed A29).
#[must_use]
pub fn every_text(cadence: Duration) -> String {
    Every::at_least(cadence).text()
}

fn no_unit(word: Word<'_>, number: Word<'_>) -> ScheduleError {
    number
        .error(format!("`every {}` has no unit behind {}", word.text, number.text))
        .help(format!("write `every {0}m` for minutes, `every {0}s` for seconds", number.text))
}

fn not_a_duration(word: Word<'_>) -> ScheduleError {
    word.error(format!(
        "`{}` is no duration: allowed are whole numbers with d, h, m and s, each once, from the largest down",
        word.text
    ))
    .help("write it like `90s`, `15m`, `1h30m` or `1d`")
}
