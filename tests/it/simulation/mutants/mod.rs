//! Ledgers and decisions that break one promise each. The checker must say no to all of them, or it would say yes to
//! anything.
//!
//! A broken ledger lies between the scheduler and the real one. A broken decision is a scheduler that goes by other
//! definitions than those it was given. So the product needs nothing for them.
//!
//! `ledger`, `definitions` and `by_hand` say where they stand; `reasons` is a ledger that gives wrong ones.

mod by_hand;
mod definitions;
mod ledger;
mod reasons;

use sexton::{
    admin::Backfill,
    job::Definitions,
    scheduler::decisions::{Stored, Write},
};

use super::{
    check::{Rule, check},
    play,
};

/// What becomes of a write on its way: it is carried out as it is here, or something is answered instead.
pub(crate) type Lie = fn(Write) -> Result<Write, Stored>;

/// What becomes of an answer on its way.
pub(crate) type Echo = fn(&mut Stored);

/// What becomes of definitions on their way: the scheduler goes by these, and the checker by those that stand in the file.
pub(crate) type Misread = fn(&mut Definitions);

/// What becomes on its way of what somebody asks for.
pub(crate) type Overhear = fn(&mut Backfill);

/// What stands between the scheduler, its ledger, its definitions and people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Between {
    pub(crate) lie: Lie,
    pub(crate) echo: Echo,
    pub(crate) misread: Misread,
    pub(crate) overhear: Overhear,
}

impl Between {
    pub(crate) const NOTHING: Self = Self { lie: Ok, echo: |_| {}, misread: |_| {}, overhear: |_| {} };

    const fn lie(lie: Lie) -> Self {
        Self { lie, ..Self::NOTHING }
    }

    const fn echo(echo: Echo) -> Self {
        Self { echo, ..Self::NOTHING }
    }

    const fn misread(misread: Misread) -> Self {
        Self { misread, ..Self::NOTHING }
    }
}

/// Within so many seeds a mutant is caught: most within forty, one that needs polled work in a full group takes ninety.
const SEEDS: u64 = 120;

#[track_caller]
fn is_caught(between: Between, by: &[Rule]) {
    for seed in 0..SEEDS {
        if check(&play(seed, between)).iter().any(|violation| by.contains(&violation.rule)) {
            return;
        }
    }
    panic!("not caught within {SEEDS} seeds");
}
