//! A job's schedule: from its texts, zone and DST policy, with errors and warnings at the right columns.

use chrono_tz::Tz;

use super::{
    finding::{At, Notes},
    reader::Found,
};
use crate::schedule::{Dst, Schedule, ScheduleError};

/// The schedule that a job's texts make together.
pub(super) fn schedule(texts: &[Found<&str>], zone: Tz, dst: Dst, notes: &mut Notes) -> Option<Schedule> {
    let _ = dst;
    let mut sound = true;
    let mut parsed = None;
    for text in texts {
        match Schedule::parse(text.value, zone) {
            Ok(one) => parsed = Some(one),
            Err(error) => {
                sound = false;
                note(&error, text, notes);
            }
        }
    }
    parsed.filter(|_| sound)
}

fn note(error: &ScheduleError, text: &Found<&str>, notes: &mut Notes) {
    let at = inside(text, error.at.clone(), notes);
    let finding = notes.error(&at, &error.message);
    if let Some(help) = &error.help {
        finding.help(help);
    }
}

/// The place in the file of a stretch of a string's value. A string with escapes is longer in the file than its value, so
/// there it is the whole string.
fn inside(text: &Found<&str>, stretch: std::ops::Range<usize>, notes: &Notes) -> At {
    let written = notes.text(&text.at);
    let Some(begin) = written.find(text.value).filter(|_| !text.value.is_empty()) else { return text.at.clone() };
    let start = text.at.span.start + begin;
    At { file: text.at.file, span: start + stretch.start..start + stretch.end.max(stretch.start) }
}
