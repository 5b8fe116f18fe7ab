//! One field of an expression.

use std::{fmt, ops::Range};

use super::{Item, Unit, Values, read};
use crate::schedule::{ScheduleError, word::Word};

/// A field as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) unit: Unit,
    /// Where it stands in the text.
    pub(crate) at: Range<usize>,
    /// The items of its list and their places; `None` for a star alone, and for `?`, its other name in the day fields.
    pub(crate) items: Option<Vec<(Item, Range<usize>)>>,
}

impl Field {
    /// The seconds of a five-field expression.
    pub(super) fn second_zero() -> Self {
        let zero = Item::Span { low: 0, high: 0, step: 1, open: false };
        Self { unit: Unit::Second, at: 0..0, items: Some(vec![(zero, 0..0)]) }
    }

    pub(super) fn parse(unit: Unit, word: Word<'_>) -> Result<Self, ScheduleError> {
        let items = match word.text {
            "*" => None,
            "?" if unit.is_day() => None,
            text if text.contains('?') => {
                return Err(word
                    .error(format!("`{text}` is no {}: `?` stands alone, for any day", unit.name()))
                    .help("write `*`"));
            }
            _ => Some(items(unit, word)?),
        };
        Ok(Self { unit, at: word.at(), items })
    }

    /// Whether it leaves days or values out, at least by its form: `1-31` restricts, `*` does not (POSIX).
    pub(crate) fn is_restricted(&self) -> bool {
        self.items.is_some()
    }

    /// Whether it has a star, `*` or `*/n`.
    pub(crate) fn has_star(&self) -> bool {
        self.items().is_none_or(|mut items| items.any(|item| matches!(item, Item::StarStep { .. })))
    }

    /// The items, when it is no star.
    pub(crate) fn items(&self) -> Option<impl Iterator<Item = Item> + Clone> {
        self.items.as_ref().map(|items| items.iter().map(|(item, _)| *item))
    }

    /// The values it stands for in every month; what depends on the month (`L`, `W`, `#`) is not among them.
    pub(crate) fn values(&self) -> Values {
        let mut values = Values::default();
        match self.items() {
            None => (self.unit.min()..=self.unit.last()).for_each(|value| values.insert(value)),
            Some(items) => items.for_each(|item| values.extend(item.values(self.unit))),
        }
        values
    }
}

/// As croner reads it, in one order, without repetition.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(items) = self.items() else { return f.write_str("*") };
        let mut texts: Vec<String> = items.map(|item| item.to_string()).collect();
        texts.sort();
        texts.dedup();
        f.write_str(&texts.join(","))
    }
}

fn items(unit: Unit, word: Word<'_>) -> Result<Vec<(Item, Range<usize>)>, ScheduleError> {
    let mut items = Vec::new();
    for item in word.items()? {
        items.push((read::item(unit, item)?, item.at()));
    }
    let has = |wanted: Item| items.iter().any(|(item, _)| *item == wanted);
    if has(Item::LastDay) && has(Item::LastWeekday) {
        return Err(word
            .error(format!("`{}` asks for the last day and for the last weekday of the month", word.text))
            .help("keep one of `L` and `LW`; a job may have a list of schedules"));
    }
    Ok(items)
}
