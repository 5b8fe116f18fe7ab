//! Text -> [`Schedule`] -> occurrences. Pure: no clock, no I/O.
//!
//! A text is a cron expression, `every`, `daily`, `weekly`, `monthly` or `at`. All but `every` and `at` name local times,
//! read in an IANA zone; what happens to them when the clocks are set is a [`Dst`] policy. [`Schedule::next_after`] is the
//! one function that everybody asks: the ticker, `sexton next` and the pages.
//!
//! The way of a text: `word` cuts it, `parse` chooses the form, `cron` and `every` read theirs, `local` is a set of local
//! times, `zone` says which instants a local time has, `dst` walks from one to the next.

mod cron;
mod describe;
mod dst;
mod error;
mod every;
mod identity;
mod local;
mod note;
mod parse;
mod part;
mod warning;
mod word;
mod zone;

use std::{collections::HashMap, fmt, sync::Arc};

use chrono::{DateTime, Months, TimeDelta, Utc};
use chrono_tz::Tz;

use self::{
    cron::{Expression, Pattern},
    part::Part,
};
pub use self::{
    dst::{Dst, DstOverlap, Gap},
    error::ScheduleError,
    every::every_text,
    note::Note,
    warning::{Warning, WarningKind},
};

/// A set of instants: what one text asks for, or a list of them. Cheap to clone.
#[derive(Clone)]
pub struct Schedule {
    parts: Arc<[Arc<Part>]>,
    text: Arc<str>,
}

/// Within so many years of its loading a schedule must have an occurrence. Around 2100 eight years lie between two leap
/// days.
const YEARS_AHEAD: u32 = 8;

impl Schedule {
    /// Reads one text. Who reads many uses a [`Parser`].
    ///
    /// # Errors
    /// [`ScheduleError`] when the text is none of the forms, or can never run, like 30 February.
    pub fn parse(text: &str, zone: Tz, dst: Dst) -> Result<Self, ScheduleError> {
        Parser::default().parse(text, zone, dst)
    }

    /// All instants of `schedules` as one set; `None` when there are none to unite.
    pub fn any_of(schedules: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut schedules = schedules.into_iter();
        let first = schedules.next()?;
        Some(schedules.fold(first, |all, more| Self {
            text: format!("{}; {}", all.text, more.text).into(),
            parts: all.parts.iter().chain(more.parts.iter()).cloned().collect(),
        }))
    }

    /// The first occurrence strictly after `t`, for any `t`; `None` when nothing follows within chrono's range.
    #[must_use]
    pub fn next_after(&self, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.parts.iter().filter_map(|part| part.next_after(t)).min()
    }

    /// Whether `t` is an occurrence.
    #[must_use]
    pub fn has(&self, t: DateTime<Utc>) -> bool {
        t.checked_sub_signed(TimeDelta::nanoseconds(1)).and_then(|before| self.next_after(before)) == Some(t)
    }

    /// Refuses what has no occurrence within 8 years of its loading: 29 February that must be a Monday may be 40 years
    /// away, and nobody means that. An `at` in the past is fine here; [`Self::warnings`] tells of it.
    ///
    /// # Errors
    /// [`ScheduleError`] naming the first text that is not to come.
    pub fn check_future(&self, loaded: DateTime<Utc>) -> Result<(), ScheduleError> {
        let Some(limit) = loaded.checked_add_months(Months::new(12 * YEARS_AHEAD)) else { return Ok(()) };
        self.parts.iter().try_for_each(|part| part.check_between(loaded, limit))
    }

    /// What the text is, as it was written; the texts of a list are joined with `; `.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The zone it was read in. `every` and `at` do not look at it.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.parts.first().map_or(Tz::UTC, |part| part.zone)
    }

    /// A text that changes when the instants do: the normal form of the texts, in one order, with zone and policy where
    /// they matter.
    #[must_use]
    pub fn identity(&self) -> String {
        let mut parts: Vec<String> = self.parts.iter().map(|part| part.identity()).collect();
        parts.sort();
        parts.dedup();
        parts.join("; ")
    }

    /// The schedule in words: `every day at 03:00 in Europe/Prague`.
    #[must_use]
    pub fn describe(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| describe::part(part)).collect();
        parts.join(", and ")
    }

    /// What the clocks did to the occurrence `t`, if anything.
    #[must_use]
    pub fn note(&self, t: DateTime<Utc>) -> Option<Note> {
        note::note(&self.parts, t)
    }

    /// What the text likely does not mean, seen from `now`.
    #[must_use]
    pub fn warnings(&self, now: DateTime<Utc>) -> Vec<Warning> {
        self.parts.iter().flat_map(|part| warning::warnings(part, now)).collect()
    }
}

/// Equal where [`Schedule::identity`] is.
impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Schedule {}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({})", self.identity())
    }
}

/// Reads texts. Equal cron expressions that it has read share one pattern, for as long as it or one of them lives.
#[derive(Debug, Default)]
pub struct Parser {
    patterns: HashMap<String, Arc<Pattern>>,
}

impl Parser {
    /// Reads one text.
    ///
    /// # Errors
    /// [`ScheduleError`] when the text is none of the forms, or can never run, like 30 February.
    pub fn parse(&mut self, text: &str, zone: Tz, dst: Dst) -> Result<Schedule, ScheduleError> {
        let rule = parse::parse(text, self)?;
        let part = Part { text: text.to_owned(), rule, zone, dst };
        Ok(Schedule { parts: Arc::new([Arc::new(part)]), text: text.into() })
    }

    /// The pattern of an expression, from an equal one where there is one.
    fn pattern(&mut self, expression: &Expression) -> Result<Arc<Pattern>, ScheduleError> {
        let normal_form = expression.to_string();
        if let Some(known) = self.patterns.get(&normal_form) {
            return Ok(Arc::clone(known));
        }
        let pattern = Pattern::read(&normal_form).map_err(|error| {
            let at = expression.minute.at.start..expression.day_of_week.at.end;
            ScheduleError::new(at, format!("the cron expression cannot be read: {error}"))
        })?;
        if !pattern.is_possible() {
            return Err(ScheduleError::new(
                expression.days_at(),
                "it would never run: no day of any year matches day of month, month and day of week together",
            ));
        }
        let pattern = Arc::new(pattern);
        self.patterns.insert(normal_form, Arc::clone(&pattern));
        Ok(pattern)
    }
}
