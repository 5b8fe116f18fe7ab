//! What a change of the clocks did to an occurrence.

use std::{fmt, sync::Arc};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::{
    Gap,
    dst::next_second,
    local::Local,
    part::{Part, Rule},
    zone::{self, Change, Reading},
};

/// Why an occurrence is not at the plain local time that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// Its local time does not exist, so it runs at the first instant after the gap.
    Moved {
        /// The local time asked for.
        from: NaiveDateTime,
    },
    /// Several local times, at least one in a gap, run as this one occurrence.
    Merged {
        /// The first of them.
        from: NaiveDateTime,
    },
    /// Its local time comes twice, and this is the second time.
    SecondPass {
        /// The local time.
        local: NaiveDateTime,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved { from } => write!(f, "moved from {from}, which the clocks skip"),
            Self::Merged { from } => {
                write!(f, "one run for several local times: the first, {from}, is skipped by the clocks")
            }
            Self::SecondPass { local } => write!(f, "the second {local}: the clocks went back"),
        }
    }
}

pub(super) fn note(parts: &[Arc<Part>], t: DateTime<Utc>) -> Option<Note> {
    let mut asked = Vec::new();
    let mut second = None;
    for part in parts {
        let Rule::Local(local) = &part.rule else { continue };
        if !runs_at(part, t) {
            continue;
        }
        asked.extend(readings_at(part, local, t));
        if let Some(now) = zone::local(part.zone, t)
            && matches!(zone::resolve(part.zone, now), Some(Reading::Twice { second, .. }) if second == t)
        {
            second = Some(now);
        }
    }
    asked.sort_unstable_by_key(|asked| asked.local);
    asked.dedup();
    match asked[..] {
        [] => second.map(|local| Note::SecondPass { local }),
        [Asked { local, skipped: true }] => Some(Note::Moved { from: local }),
        [first, ..] if asked.iter().any(|asked| asked.skipped) => Some(Note::Merged { from: first.local }),
        _ => second.map(|local| Note::SecondPass { local }),
    }
}

/// A local time that runs at the instant in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    local: NaiveDateTime,
    skipped: bool,
}

fn runs_at(part: &Part, t: DateTime<Utc>) -> bool {
    t.checked_sub_signed(TimeDelta::nanoseconds(1)).and_then(|before| part.next_after(before)) == Some(t)
}

/// The local times of `part` that run at `t`; two of a gap say as much as all of it.
fn readings_at(part: &Part, local: &Local, t: DateTime<Utc>) -> Vec<Asked> {
    let own = zone::local(part.zone, t).filter(|now| local.at_or_after(*now) == Some(*now));
    let own = own.map(|local| Asked { local, skipped: false });
    let gap = Change::at(part.zone, t).filter(|change| change.is_gap() && part.policy(local).gap == Gap::RunAfter);
    let Some((start, end)) = gap.and_then(|gap| Some((gap.local_before()?, gap.local_after()?))) else {
        return own.into_iter().collect();
    };
    let first = local.first_in(start, end);
    let second = first.and_then(|first| local.first_in(next_second(first)?, end));
    let skipped = first.into_iter().chain(second).map(|local| Asked { local, skipped: true });
    skipped.chain(own).collect()
}
