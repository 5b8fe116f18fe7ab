//! Ledgers that break one promise each. The checker must say no to all of them, or it would say yes to anything.
//!
//! They lie between the scheduler and the real ledger, so the product needs nothing for them.

use chrono::TimeDelta;
use sexton::{
    run::RunId,
    scheduler::decisions::{Stored, Write},
    store::{Begun, Finish, Then},
};

use super::{
    check::{Rule, check},
    play,
};

/// What becomes of a write on its way: it is carried out as it is here, or something is answered instead.
pub(crate) type Lie = fn(Write) -> Result<Write, Stored>;

/// What becomes of an answer on its way.
pub(crate) type Echo = fn(&mut Stored);

/// What stands between the scheduler and its ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Between {
    pub(crate) lie: Lie,
    pub(crate) echo: Echo,
}

impl Between {
    pub(crate) const NOTHING: Self = Self { lie: Ok, echo: |_| {} };

    const fn lie(lie: Lie) -> Self {
        Self { lie, ..Self::NOTHING }
    }
}

/// Within so many seeds a mutant is caught.
const SEEDS: u64 = 20;

#[track_caller]
fn is_caught(between: Between, by: &[Rule]) {
    for seed in 0..SEEDS {
        if check(&play(seed, between)).iter().any(|violation| by.contains(&violation.rule)) {
            return;
        }
    }
    panic!("not caught within {SEEDS} seeds");
}

/// An occurrence may be claimed again: no two rows of it are of one instant.
#[test]
fn a_claim_that_is_not_unique_is_caught() {
    let lie = |mut write: Write| {
        if let Write::Account(batch) = &mut write {
            let claims = batch.iter_mut().flat_map(|accounting| &mut accounting.claims);
            claims.for_each(|claim| claim.scheduled_for += TimeDelta::microseconds(grain(claim.id)));
        }
        Ok(write)
    };
    is_caught(Between::lie(lie), &[Rule::SentTwice]);
}

/// Another one for each run, under a millisecond.
fn grain(run: RunId) -> i64 {
    1 + run.to_string().bytes().map(i64::from).sum::<i64>() % 998
}

#[test]
fn a_fence_that_does_not_grow_is_caught() {
    let echo = |stored: &mut Stored| {
        let Stored::Begun(_, answers) = stored else { return };
        for answer in answers {
            if let Begun::Sending { fence, .. } = answer {
                *fence = (*fence).min(2);
            }
        }
    };
    is_caught(Between { echo, ..Between::NOTHING }, &[Rule::Fence]);
}

/// An unknown run gives its slot back at once.
#[test]
fn a_hold_that_is_not_kept_is_caught() {
    let lie = |mut write: Write| {
        if let Write::Finish(batch) = &mut write {
            let over = |finish: &&mut Finish| matches!(finish.then, Then::Over { .. });
            batch.iter_mut().filter(over).for_each(|finish| finish.then = Then::Over { hold_until: None });
        }
        Ok(write)
    };
    is_caught(Between::lie(lie), &[Rule::Stacked]);
}

#[test]
fn a_slot_that_is_not_taken_is_caught() {
    let lie = |mut write: Write| {
        if let Write::Begin(batch) = &mut write {
            batch.iter_mut().for_each(|begin| begin.slot_until = None);
        }
        Ok(write)
    };
    is_caught(Between::lie(lie), &[Rule::Stacked]);
}

/// A request leaves, and its row does not say so.
#[test]
fn a_row_that_is_not_written_ahead_is_caught() {
    let lie = |write: Write| match write {
        Write::Begin(batch) => {
            let answers = batch.iter().map(|_| Begun::Sending { fence: 1, attempt: 1 }).collect();
            Err(Stored::Begun(batch, answers))
        }
        write => Ok(write),
    };
    is_caught(Between::lie(lie), &[Rule::SentTwice, Rule::Untrue]);
}

/// The cursor moves past occurrences without a row.
#[test]
fn a_cursor_that_goes_too_far_is_caught() {
    let lie = |mut write: Write| {
        if let Write::Account(batch) = &mut write {
            batch.iter_mut().for_each(|accounting| accounting.spans.clear());
        }
        Ok(write)
    };
    is_caught(Between::lie(lie), &[Rule::Unaccounted]);
}

/// The end of a run is acknowledged and not written.
#[test]
fn an_end_that_is_forgotten_is_caught() {
    let lie = |write: Write| match write {
        Write::Finish(batch) => {
            let answers = batch.iter().map(|_| true).collect();
            Err(Stored::Finished(batch, answers))
        }
        write => Ok(write),
    };
    is_caught(Between::lie(lie), &[Rule::Untrue, Rule::Unfinished]);
}
