//! From the normal form that [`Schedule::identity`] writes back to a schedule: the ledger keeps it, so that a schedule
//! that is no longer in any file can still be accounted for.

use chrono_tz::Tz;

use super::{Dst, DstOverlap, Gap, Schedule};

impl Schedule {
    /// Reads what [`Self::identity`] wrote; `None` for any other text.
    #[must_use]
    pub fn from_identity(identity: &str) -> Option<Self> {
        let parts: Option<Vec<Self>> = identity.split("; ").map(part).collect();
        Self::any_of(parts?)
    }
}

fn part(text: &str) -> Option<Schedule> {
    let Some((text, place)) = text.split_once(" in ") else {
        return Schedule::parse(text, Tz::UTC, Dst::default()).ok();
    };
    let mut place = place.split(", ");
    let zone = place.next()?.parse().ok()?;
    let gap = gap(place.next()?.strip_prefix("gap ")?)?;
    let overlap = overlap(place.next()?.strip_prefix("overlap ")?)?;
    Schedule::parse(text, zone, Dst { gap, overlap }).ok()
}

fn gap(word: &str) -> Option<Gap> {
    [Gap::RunAfter, Gap::Skip].into_iter().find(|gap| gap.to_string() == word)
}

fn overlap(word: &str) -> Option<DstOverlap> {
    [DstOverlap::First, DstOverlap::Second, DstOverlap::Both].into_iter().find(|overlap| overlap.to_string() == word)
}
