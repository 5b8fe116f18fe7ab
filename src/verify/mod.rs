//! The proof of guarantees G1 and G2, from what the ledger holds alone: every occurrence that a schedule in force demanded
//! is accounted for by exactly one row, and no row stands for what no schedule demanded.
//!
//! Pure: [`verify`] takes the [`Evidence`] of one job and gives a [`Verdict`]. `demand` says what was demanded, from the
//! periods of the job's schedules; `sweep` holds the rows against it.

mod demand;
mod sweep;
mod verdict;

use chrono::{DateTime, Utc};

use crate::store::Evidence;

pub use verdict::{Finding, Open, Verdict};

/// Verifies one job up to the last sign of life in its evidence, or up to `to` where that is later. What the ledger claims
/// to have accounted for already is verified too, and lies up to the lead window ahead.
#[must_use]
pub fn verify(evidence: &Evidence, to: Option<DateTime<Utc>>) -> Verdict {
    let end = [Some(evidence.accounted_to), evidence.last_tick, to].into_iter().flatten().max();
    let periods = demand::periods(&evidence.periods, end.unwrap_or(evidence.accounted_to));
    sweep::sweep(evidence, &periods)
}
