//! One text of a schedule, read.

use chrono::{DateTime, FixedOffset, Utc};
use chrono_tz::Tz;

use super::{
    ScheduleError,
    dst::{self, Dst},
    every::Every,
    local::Local,
};

/// What a text asks for.
#[derive(Debug)]
pub(super) enum Rule {
    Every(Every),
    At(DateTime<FixedOffset>),
    Local(Local),
}

/// A text with all that decides its instants.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) rule: Rule,
    pub(super) zone: Tz,
    pub(super) dst: Dst,
}

impl Part {
    pub(super) fn next_after(&self, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.rule {
            Rule::Every(every) => every.next_after(t),
            Rule::At(instant) => Some(instant.to_utc()).filter(|instant| *instant > t),
            Rule::Local(local) => dst::next_after(local, self.zone, self.policy(local), t),
        }
    }

    /// Whether an occurrence lies after `loaded` and up to `limit`.
    pub(super) fn check_between(&self, loaded: DateTime<Utc>, limit: DateTime<Utc>) -> Result<(), ScheduleError> {
        if matches!(&self.rule, Rule::At(instant) if *instant <= loaded) {
            return Ok(());
        }
        match self.next_after(loaded) {
            Some(next) if next <= limit => Ok(()),
            Some(next) => Err(self.too_far(&format!("its next occurrence is on {}", next.date_naive()))),
            None => Err(self.too_far("it has no occurrence to come")),
        }
    }

    fn too_far(&self, when: &str) -> ScheduleError {
        ScheduleError::new(0..self.text.len(), format!("{when}: a schedule must have one within 8 years"))
            .help("ask for a day that comes sooner")
    }

    /// The policy that applies, whatever was asked for.
    pub(super) fn policy(&self, local: &Local) -> Dst {
        if local.follows_elapsed_time() { Dst::ELAPSED } else { self.dst }
    }

    /// The normal form of all that decides its instants.
    pub(super) fn identity(&self) -> String {
        match &self.rule {
            Rule::Every(every) => every.text(),
            Rule::At(instant) => format!("at {}", instant.to_utc().to_rfc3339()),
            Rule::Local(local) => {
                let text = match local {
                    Local::Cron(expression, _) => format!("cron {expression}"),
                    Local::Calendar(calendar) => calendar.to_string(),
                };
                let Dst { gap, overlap } = self.policy(local);
                format!("{text} in {}, gap {gap}, overlap {overlap}", self.zone)
            }
        }
    }
}
