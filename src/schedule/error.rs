//! What is wrong with a schedule's text, where, and the likely fix.

use std::ops::Range;

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// What is wrong: the part, the value and what is allowed.
    pub message: String,
    /// The offending bytes of the text; empty at its end when something is missing there.
    pub at: Range<usize>,
    /// The likely fix.
    pub help: Option<String>,
}

impl ScheduleError {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { message: message.into(), at, help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
