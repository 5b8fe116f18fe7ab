//! Text -> [`Schedule`] -> occurrences. Pure: no clock, no I/O.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// INTERFACE SKETCH, to be replaced by the room's author.
#[derive(Debug, Clone)]
pub struct Schedule;

/// INTERFACE SKETCH.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// What is wrong.
    pub message: String,
    /// The offending bytes of the text.
    pub at: std::ops::Range<usize>,
    /// The likely fix.
    pub help: Option<String>,
}

impl Schedule {
    /// INTERFACE SKETCH.
    pub fn parse(text: &str, zone: Tz) -> Result<Self, ScheduleError> {
        let _ = (text, zone);
        Ok(Self)
    }

    /// The first occurrence strictly after `t`.
    pub fn next_after(&self, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let _ = t;
        None
    }

    /// INTERFACE SKETCH.
    pub fn zone(&self) -> Tz {
        Tz::UTC
    }

    /// INTERFACE SKETCH.
    pub fn describe(&self) -> String {
        String::new()
    }

    /// INTERFACE SKETCH.
    pub fn note(&self, t: DateTime<Utc>) -> Option<String> {
        let _ = t;
        None
    }

    /// Changes when the instants do: the normalised text, the zone and the DST policy.
    pub fn identity(&self) -> String {
        String::new()
    }
}

/// INTERFACE SKETCH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dst {
    /// INTERFACE SKETCH.
    pub gap: Gap,
    /// INTERFACE SKETCH.
    pub overlap: DstOverlap,
}
/// INTERFACE SKETCH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gap {
    /// INTERFACE SKETCH.
    #[default]
    RunAfter,
    /// INTERFACE SKETCH.
    Skip,
}
/// INTERFACE SKETCH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DstOverlap {
    /// INTERFACE SKETCH.
    #[default]
    First,
    /// INTERFACE SKETCH.
    Second,
    /// INTERFACE SKETCH.
    Both,
}
