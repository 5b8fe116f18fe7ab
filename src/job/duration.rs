//! Durations as people write them: `90s`, `15m`, `1h30m`, `1d`.

use std::time::Duration;

/// The longest duration that any key takes. It keeps every sum of an instant and a duration inside the calendar.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * DAY);

const DAY: u64 = 86_400;

/// The units, longest first: the order in which a duration may name them.
const UNITS: [(u8, u64); 4] = [(b'd', DAY), (b'h', 3600), (b'm', 60), (b's', 1)];

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing at all: an empty value is a mistake, not a zero (seed A28).
    #[error("is empty")]
    Empty,
    /// A number without `s`, `m`, `h` or `d` behind it.
    #[error("has no unit")]
    NoUnit,
    /// A unit twice, or a shorter one before a longer one.
    #[error("names its units out of order")]
    Order,
    /// More than 366 days.
    #[error("is over 366 days")]
    TooLong,
    /// Anything else.
    #[error("is not a duration")]
    Garbage,
}

/// Reads `90s`, `15m`, `1h30m` or `1d`: whole numbers of days, hours, minutes and seconds, longest first.
///
/// # Errors
/// [`DurationError`] for everything else: a sign, a fraction, white space, a missing unit, more than 366 days.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    if text.is_empty() {
        return Err(DurationError::Empty);
    }
    let mut rest = text.as_bytes();
    let mut units = UNITS.as_slice();
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let (&unit, after) = after.split_first().ok_or(DurationError::NoUnit)?;
        let seconds = UNITS.iter().find(|(name, _)| *name == unit).ok_or(DurationError::Garbage)?.1;
        let place = units.iter().position(|(name, _)| *name == unit).ok_or(DurationError::Order)?;
        total = number.checked_mul(seconds).and_then(|more| total.checked_add(more)).ok_or(DurationError::TooLong)?;
        units = &units[place + 1..];
        rest = after;
    }
    let total = Duration::from_secs(total);
    if total > LONGEST { Err(DurationError::TooLong) } else { Ok(total) }
}

fn leading_number(text: &[u8]) -> Result<(u64, &[u8]), DurationError> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return Err(DurationError::Garbage);
    }
    let number = text[..digits].iter().try_fold(0_u64, |number, digit| {
        number.checked_mul(10).and_then(|number| number.checked_add(u64::from(digit - b'0')))
    });
    Ok((number.ok_or(DurationError::TooLong)?, &text[digits..]))
}

/// Writes a duration the way [`parse_duration`] reads it: `1h30m`, `0s`. Fractions of a second are dropped.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut seconds = duration.as_secs();
    let mut text = String::new();
    for (unit, size) in UNITS {
        if seconds >= size {
            text.push_str(&format!("{}{}", seconds / size, char::from(unit)));
            seconds %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}
