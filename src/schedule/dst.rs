//! What a schedule in local time does when its zone's clocks are set.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

use super::{
    local::Local,
    zone::{self, Change, Reading},
};

/// The policy of fixed-time schedules at a change of the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dst {
    /// When the clocks skip a local time.
    pub gap: Gap,
    /// When a local time comes twice.
    pub overlap: DstOverlap,
}

/// What becomes of a local time that the clocks skip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Gap {
    /// It runs at the first instant after the gap.
    #[default]
    RunAfter,
    /// It does not run.
    Skip,
}

/// Which of the two instants of a repeated local time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DstOverlap {
    /// The first.
    #[default]
    First,
    /// The second.
    Second,
    /// Both of them.
    Both,
}

impl Dst {
    /// Elapsed time: every real instant whose local reading matches. It is what a star in hour or minute asks for.
    pub(super) const ELAPSED: Self = Self { gap: Gap::Skip, overlap: DstOverlap::Both };
}

/// As `jobs.toml` spells it.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RunAfter => "run_after",
            Self::Skip => "skip",
        })
    }
}

/// As `jobs.toml` spells it.
impl fmt::Display for DstOverlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "first",
            Self::Second => "second",
            Self::Both => "both",
        })
    }
}

/// The first instant after `t` at which `local` runs in `zone`; `None` when it lies outside chrono's range.
///
/// Under each policy the instants of ever later readings never go back, with one exception: under `both` a repeated hour
/// is walked twice. So the walk starts at the first reading that can still lie after `t`, and takes what it meets first.
pub(super) fn next_after(local: &Local, zone: Tz, dst: Dst, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut from = first_reading_after(local, zone, dst.overlap, t)?;
    loop {
        let reading = local.at_or_after(from)?;
        match zone::resolve(zone, reading)? {
            Reading::Once(instant) => return Some(instant),
            Reading::Twice { first, second } => {
                return Some(match dst.overlap {
                    DstOverlap::First => first,
                    DstOverlap::Both if first > t => first,
                    DstOverlap::Second | DstOverlap::Both => second,
                });
            }
            Reading::Never(change) => match dst.gap {
                Gap::RunAfter => return Some(change.at),
                Gap::Skip => from = change.local_after()?,
            },
        }
    }
}

/// The local time from which on every reading has its instant after `t`.
fn first_reading_after(local: &Local, zone: Tz, overlap: DstOverlap, t: DateTime<Utc>) -> Option<NaiveDateTime> {
    let Some(now) = zone::local(zone, t) else {
        // Within a day of chrono's first or last instant.
        return (t < DateTime::UNIX_EPOCH).then_some(NaiveDateTime::MIN);
    };
    let later = next_second(now)?;
    let Reading::Twice { first, second } = zone::resolve(zone, now)? else { return Some(later) };
    let change = Change::between(zone, first, second);
    let (repeat_starts, repeat_ends) = (change.local_after()?, change.local_before()?);
    if t == first {
        match overlap {
            DstOverlap::First => Some(later),
            DstOverlap::Second => Some(repeat_starts),
            DstOverlap::Both => {
                let in_first_pass = local.at_or_after(later).filter(|reading| *reading < repeat_ends);
                Some(in_first_pass.unwrap_or(repeat_starts))
            }
        }
    } else {
        match overlap {
            DstOverlap::First => Some(repeat_ends),
            DstOverlap::Second | DstOverlap::Both => Some(later),
        }
    }
}

/// The first whole second after `local`. Schedules have no finer grain.
pub(super) fn next_second(local: NaiveDateTime) -> Option<NaiveDateTime> {
    local.with_nanosecond(0)?.checked_add_signed(TimeDelta::seconds(1))
}
