//! A job's schedule: from its texts, zone and DST policy, with errors and warnings at the right columns.

use std::ops::Range;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{
    finding::{At, Notes},
    reader::Found,
};
use crate::schedule::{Dst, Parser, Schedule, ScheduleError};

/// Reads the schedules of all jobs; equal cron expressions share one pattern.
pub(super) struct Timing {
    parser: Parser,
    /// "Never fires" and the warnings are judged from here.
    now: DateTime<Utc>,
}

impl Timing {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        Self { parser: Parser::default(), now }
    }

    /// The schedule that a job's texts make together. `None` when one is wrong; why is noted.
    pub(super) fn schedule(
        &mut self,
        texts: &[Found<&str>],
        zone: Tz,
        dst: Dst,
        notes: &mut Notes,
    ) -> Option<Schedule> {
        let schedules: Vec<_> = texts.iter().map(|text| self.one(text, zone, dst, notes)).collect();
        Schedule::any_of(schedules.into_iter().collect::<Option<Vec<_>>>()?)
    }

    fn one(&mut self, text: &Found<&str>, zone: Tz, dst: Dst, notes: &mut Notes) -> Option<Schedule> {
        let parsed = self.parser.parse(text.value, zone, dst);
        let checked = parsed.and_then(|schedule| schedule.check_future(self.now).map(|()| schedule));
        match checked {
            Ok(schedule) => {
                self.warn(&schedule, text, notes);
                Some(schedule)
            }
            Err(ScheduleError { message, at, help }) => {
                let finding = notes.error(&inside(text, at, notes), message);
                finding.help = help;
                None
            }
        }
    }

    fn warn(&self, schedule: &Schedule, text: &Found<&str>, notes: &mut Notes) {
        for warning in schedule.warnings(self.now) {
            let finding = notes.warning(&inside(text, warning.at.clone(), notes), warning.to_string());
            finding.help = warning.help().map(str::to_owned);
        }
    }
}

/// The place in the file of a stretch of a string's value. A string with escapes is longer in the file than its value, so
/// there it is the whole string.
fn inside(text: &Found<&str>, stretch: Range<usize>, notes: &Notes) -> At {
    let written = notes.text(&text.at);
    let delimiter = |c: char| matches!(c, '"' | '\'' | '\r' | '\n');
    let begin = written.len() - written.trim_start_matches(delimiter).len();
    if text.value.is_empty() || written.trim_matches(delimiter) != text.value {
        return text.at.clone();
    }
    let start = text.at.span.start + begin;
    At { file: text.at.file, span: start + stretch.start..start + stretch.end.max(stretch.start) }
}
