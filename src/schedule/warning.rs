//! What a text says but likely does not mean: data for `sexton check`.

use std::{fmt, ops::Range};

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{
    Gap,
    cron::{Expression, Field, Item},
    local::Local,
    part::{Part, Rule},
    zone,
};

/// Something that is allowed and likely not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The text of the schedule.
    pub text: String,
    /// The bytes of the text that it is about.
    pub at: Range<usize>,
    /// What it is.
    pub kind: WarningKind,
}

/// What a [`Warning`] is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WarningKind {
    /// `*/45`: the step starts anew with each hour (day, month, …), so the last pause is shorter.
    UnevenStep {
        /// The field's name.
        field: &'static str,
        /// The last value before it starts anew.
        last: u8,
    },
    /// Day of month and day of week are both restricted, so either one is enough (POSIX).
    EitherDay,
    /// A fixed time that the zone's clocks skip.
    InGap {
        /// The next local time that does not exist.
        local: NaiveDateTime,
        /// The zone.
        zone: Tz,
        /// When it runs instead; `None` under `gap = "skip"`.
        moved_to: Option<DateTime<Tz>>,
    },
    /// An `at` that is over.
    Past {
        /// The instant.
        instant: DateTime<FixedOffset>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            WarningKind::UnevenStep { field, last } => {
                let step = self.text.get(self.at.clone()).unwrap_or_default();
                write!(f, "`{step}` is uneven: after {field} {last} it starts anew, with a shorter pause")
            }
            WarningKind::EitherDay => f.write_str(
                "day of month and day of week are both restricted: a day that matches either one counts (POSIX)",
            ),
            WarningKind::InGap { local, zone, moved_to } => {
                write!(f, "{local} does not exist in {zone}, the clocks skip it: ")?;
                match moved_to {
                    Some(instant) => write!(f, "it runs at {} instead", instant.format("%H:%M:%S %:z")),
                    None => f.write_str("it does not run that day"),
                }
            }
            WarningKind::Past { instant } => write!(f, "{} is in the past: the job is done", instant.to_rfc3339()),
        }
    }
}

impl Warning {
    /// What to write for what is likely meant.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self.kind {
            WarningKind::UnevenStep { .. } => Some("`every` keeps its interval, as in `every 45m` or `every 2d`"),
            WarningKind::EitherDay => Some("put + before the day of week to ask for both, as in `+FRI`"),
            WarningKind::InGap { .. } => Some("choose a time that exists every day, or set `dst`"),
            WarningKind::Past { .. } => None,
        }
    }
}

/// How far ahead the changes of a zone's clocks are looked at.
const GAPS_AHEAD: TimeDelta = TimeDelta::days(5 * 366);

pub(super) fn warnings(part: &Part, now: DateTime<Utc>) -> Vec<Warning> {
    let found = match &part.rule {
        Rule::Every(_) => Vec::new(),
        Rule::At(instant) if *instant <= now => vec![(0..part.text.len(), WarningKind::Past { instant: *instant })],
        Rule::At(_) => Vec::new(),
        Rule::Local(local) => {
            let of_cron = match local {
                Local::Cron(expression, _) => in_expression(expression),
                Local::Calendar(_) => Vec::new(),
            };
            let in_gap = in_gap(part, local, now).map(|kind| (0..part.text.len(), kind));
            of_cron.into_iter().chain(in_gap).collect()
        }
    };
    found.into_iter().map(|(at, kind)| Warning { text: part.text.clone(), at, kind }).collect()
}

fn in_expression(expression: &Expression) -> Vec<(Range<usize>, WarningKind)> {
    let mut found: Vec<_> = expression.fields().into_iter().flat_map(uneven_steps).collect();
    if expression.takes_either_day() {
        found.push((expression.days_at(), WarningKind::EitherDay));
    }
    found
}

fn uneven_steps(field: &Field) -> Vec<(Range<usize>, WarningKind)> {
    let unit = field.unit;
    let whole = unit.last() - unit.min() + 1;
    let uneven = |item: Item| match item {
        Item::StarStep { step } => !whole.is_multiple_of(step),
        Item::Span { open: true, step, .. } => !whole.is_multiple_of(step),
        _ => false,
    };
    let items = field.items.iter().flatten().filter(|(item, _)| uneven(*item));
    items
        .filter_map(|(item, at)| {
            let last = item.values(unit).iter().next_back()?;
            Some((at.clone(), WarningKind::UnevenStep { field: unit.name(), last }))
        })
        .collect()
}

/// The first fixed time that falls into a gap of its zone in the next years.
fn in_gap(part: &Part, local: &Local, now: DateTime<Utc>) -> Option<WarningKind> {
    if local.follows_elapsed_time() {
        return None;
    }
    let until = now.checked_add_signed(GAPS_AHEAD)?;
    zone::changes(part.zone, now, until).filter(zone::Change::is_gap).find_map(|gap| {
        let skipped = local.first_in(gap.local_before()?, gap.local_after()?)?;
        let moved_to = (part.dst.gap == Gap::RunAfter).then(|| gap.at.with_timezone(&part.zone));
        Some(WarningKind::InGap { local: skipped, zone: part.zone, moved_to })
    })
}
