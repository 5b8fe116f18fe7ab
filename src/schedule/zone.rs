//! What the clocks of a zone read, and when they are set.
//!
//! chrono-tz answers which instants a local time has; it looks at the neighbouring spans of one offset only, which is exact
//! because in the zone data no two changes lie within six days and none moves the clocks by more than one.

use chrono::{DateTime, FixedOffset, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

/// Changes of one zone's clocks lie further apart.
const CLOSEST_CHANGES: TimeDelta = TimeDelta::days(6);

/// The instants that a local time has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The usual case.
    Once(DateTime<Utc>),
    /// The clocks were set back over it.
    Twice { first: DateTime<Utc>, second: DateTime<Utc> },
    /// The clocks were set forward over it.
    Never(Change),
}

/// A change of a zone's offset from UTC, for whatever reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// The first instant under the new offset.
    pub(super) at: DateTime<Utc>,
    before: FixedOffset,
    after: FixedOffset,
}

impl Change {
    /// What the old offset reads at the change: the end of a repeated time, the start of a gap.
    pub(super) fn local_before(&self) -> Option<NaiveDateTime> {
        self.at.naive_utc().checked_add_offset(self.before)
    }

    /// What the new offset reads at the change: the start of a repeated time, the end of a gap.
    pub(super) fn local_after(&self) -> Option<NaiveDateTime> {
        self.at.naive_utc().checked_add_offset(self.after)
    }

    /// Whether the clocks were set forward.
    pub(super) fn is_gap(&self) -> bool {
        self.after.local_minus_utc() > self.before.local_minus_utc()
    }

    /// The one change after `early` and up to `late`, which have different offsets.
    pub(super) fn between(zone: Tz, early: DateTime<Utc>, late: DateTime<Utc>) -> Self {
        let before = offset(zone, early);
        let (mut old, mut new) = (early.timestamp(), late.timestamp());
        while new - old > 1 {
            let middle = old + (new - old) / 2;
            let same = DateTime::from_timestamp(middle, 0).is_some_and(|instant| offset(zone, instant) == before);
            if same { old = middle } else { new = middle }
        }
        let at = DateTime::from_timestamp(new, 0).unwrap_or(late);
        Self { at, before, after: offset(zone, at) }
    }

    /// The change whose first instant is `t`.
    pub(super) fn at(zone: Tz, t: DateTime<Utc>) -> Option<Self> {
        let (before, after) = (offset(zone, t.checked_sub_signed(TimeDelta::seconds(1))?), offset(zone, t));
        (before != after).then_some(Self { at: t, before, after })
    }
}

/// The changes of `zone` after `from` and up to `to`.
pub(super) fn changes(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = Change> {
    let (mut early, mut before) = (from, offset(zone, from));
    std::iter::from_fn(move || {
        while early < to {
            let late = early.checked_add_signed(CLOSEST_CHANGES)?.min(to);
            let (start, old) = (early, before);
            (early, before) = (late, offset(zone, late));
            if before != old {
                return Some(Change::between(zone, start, late));
            }
        }
        None
    })
}

/// What the clocks read at `t`; `None` within a day of chrono's first and last instant.
pub(super) fn local(zone: Tz, t: DateTime<Utc>) -> Option<NaiveDateTime> {
    t.naive_utc().checked_add_offset(offset(zone, t))
}

/// The instants of the local time `local`; `None` when they are outside chrono's range.
pub(super) fn resolve(zone: Tz, local: NaiveDateTime) -> Option<Reading> {
    use chrono::offset::LocalResult::{Ambiguous, None as Skipped, Single};

    let instant = |offset: &<Tz as TimeZone>::Offset| Some(local.checked_sub_offset(offset.fix())?.and_utc());
    Some(match zone.offset_from_local_datetime(&local) {
        Single(offset) => Reading::Once(instant(&offset)?),
        Ambiguous(first, second) => Reading::Twice { first: instant(&first)?, second: instant(&second)? },
        Skipped => {
            let (starts, offset_before) = GapInfo::new(&local, &zone)?.begin?;
            let before = offset_before.fix();
            let at = starts.checked_sub_offset(before)?.and_utc();
            Reading::Never(Change { at, before, after: offset(zone, at) })
        }
    })
}

fn offset(zone: Tz, t: DateTime<Utc>) -> FixedOffset {
    zone.offset_from_utc_datetime(&t.naive_utc()).fix()
}
