//! One item of a field's list.

use std::fmt;

use super::Unit;

/// A set of a field's values, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Values(u64);

impl Values {
    pub(crate) fn insert(&mut self, value: u8) {
        self.0 |= 1 << value;
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(crate) fn has(self, value: u8) -> bool {
        self.0 >> value & 1 == 1
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In ascending order.
    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = u8> + Clone {
        (0..64).filter(move |value| self.has(*value))
    }
}

/// What stands between two commas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// `*/n`; alone, `*` is [`super::Field`]'s business.
    StarStep { step: u8 },
    /// `5`, `1-5`, `1-31/2`; `5/10` is read as `5-59/10`, `open`.
    Span { low: u8, high: u8, step: u8, open: bool },
    /// `FRI#2`, `MON-FRI#1`, `5L`.
    Weekdays { low: u8, high: u8, nth: Nth },
    /// `L`.
    LastDay,
    /// `LW`.
    LastWeekday,
    /// `15W`.
    NearestWeekday(u8),
}

/// Which one of its weekday in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nth {
    /// 1 to 5.
    Nth(u8),
    Last,
}

impl Item {
    /// The values it stands for in every month.
    pub(crate) fn values(self, unit: Unit) -> Values {
        let mut values = Values::default();
        let (low, high, step) = match self {
            Self::StarStep { step } => (unit.min(), unit.last(), step),
            Self::Span { low, high, step, .. } => (low, high, step),
            _ => return values,
        };
        for value in (low..=high).step_by(usize::from(step)) {
            values.insert(if unit == Unit::DayOfWeek { value % 7 } else { value });
        }
        values
    }
}

/// As croner reads it.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::StarStep { step } => write!(f, "*/{step}"),
            Self::Span { low, high, .. } if low == high => write!(f, "{low}"),
            Self::Span { low, high, step: 1, .. } => write!(f, "{low}-{high}"),
            Self::Span { low, high, step, .. } => write!(f, "{low}-{high}/{step}"),
            Self::Weekdays { low, high, nth } => {
                if low == high {
                    write!(f, "{low}#")?;
                } else {
                    write!(f, "{low}-{high}#")?;
                }
                match nth {
                    Nth::Nth(nth) => write!(f, "{nth}"),
                    Nth::Last => f.write_str("L"),
                }
            }
            Self::LastDay => f.write_str("L"),
            Self::LastWeekday => f.write_str("LW"),
            Self::NearestWeekday(day) => write!(f, "{day}W"),
        }
    }
}
