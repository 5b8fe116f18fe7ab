//! croner, asked for local times only.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta};
use croner::{
    Cron,
    errors::CronError,
    parser::{CronParser, Seconds, Year},
};

/// An expression that croner has read. Some kilobytes: equal expressions share one.
#[derive(Debug)]
pub(crate) struct Pattern(Cron);

/// After so many years the calendar repeats, weekdays and all.
const CYCLE_IN_YEARS: i32 = 400;
/// 400 years are whole weeks, 20,871 of them.
const CYCLE_IN_DAYS: i64 = 146_097;
/// croner looks at the years 1 to 5000. It is asked within this cycle and the one or two after it.
const ASKED_CYCLE: i32 = 2000;
/// From here croner has a whole cycle to look at before it gives up.
const LAST_CYCLE: NaiveDate = NaiveDate::from_ymd_opt(4600, 1, 1).expect("a date");

impl Pattern {
    /// Reads the normal form of an expression.
    pub(crate) fn read(normal_form: &str) -> Result<Self, CronError> {
        let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build();
        parser.parse(normal_form).map(Self)
    }

    /// The first match at or after `from`, a whole second. `None` when it is outside chrono's range.
    pub(crate) fn at_or_after(&self, from: NaiveDateTime) -> Option<NaiveDateTime> {
        let cycles = (from.year() - ASKED_CYCLE).div_euclid(CYCLE_IN_YEARS);
        let shift = TimeDelta::days(i64::from(cycles) * CYCLE_IN_DAYS);
        self.search(from.checked_sub_signed(shift)?)?.checked_add_signed(shift)
    }

    /// Whether it matches at all.
    pub(crate) fn is_possible(&self) -> bool {
        self.search(LAST_CYCLE.into()).is_some()
    }

    fn search(&self, from: NaiveDateTime) -> Option<NaiveDateTime> {
        match self.0.find_next_occurrence(&from, true) {
            Ok(found) => Some(found),
            Err(CronError::TimeSearchLimitExceeded) => None,
            Err(error) => {
                // Seed D10: no schedule may vanish in silence.
                tracing::error!(pattern = %self.0, %from, %error, "the next occurrence could not be computed");
                None
            }
        }
    }
}
