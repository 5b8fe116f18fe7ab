//! Ledgers and decisions that break one promise each. The checker must say no to all of them, or it would say yes to
//! anything.
//!
//! A broken ledger lies between the scheduler and the real one. A broken decision is a scheduler that goes by other
//! definitions than those it was given. So the product needs nothing for them.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use sexton::{
    job::{CatchUp, Definitions, Group, Job, Overlap},
    run::RunId,
    scheduler::decisions::{Stored, Write},
    store::{Begun, Then},
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

/// What stands between the scheduler, its ledger and its definitions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Between {
    pub(crate) lie: Lie,
    pub(crate) echo: Echo,
    pub(crate) misread: Misread,
}

impl Between {
    pub(crate) const NOTHING: Self = Self { lie: Ok, echo: |_| {}, misread: |_| {} };

    const fn lie(lie: Lie) -> Self {
        Self { lie, ..Self::NOTHING }
    }

    const fn misread(misread: Misread) -> Self {
        Self { misread, ..Self::NOTHING }
    }
}

/// Within so many seeds a mutant is caught.
const SEEDS: u64 = 40;

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
            batch.iter_mut().for_each(|finish| finish.then = give_back(finish.then));
        }
        Ok(write)
    };
    is_caught(Between::lie(lie), &[Rule::Stacked]);
}

fn give_back(then: Then) -> Then {
    match then {
        Then::Over { .. } => Then::Over { hold_until: None },
        then => then,
    }
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

fn each_job(definitions: &mut Definitions, change: fn(&mut Job)) {
    definitions.jobs.values_mut().for_each(|job| change(Arc::make_mut(job)));
}

#[test]
fn a_late_limit_without_limit_is_caught() {
    is_caught(
        Between::misread(|definitions| definitions.settings.late_limit = Duration::from_secs(86_400)),
        &[Rule::OutOfTime],
    );
}

#[test]
fn permits_without_end_are_caught() {
    is_caught(Between::misread(|definitions| definitions.settings.max_in_flight = 512), &[Rule::Crowd]);
}

#[test]
fn an_overlap_that_is_allowed_to_all_is_caught() {
    is_caught(Between::misread(|all| each_job(all, |job| job.overlap = Overlap::Allow)), &[Rule::Stacked]);
}

#[test]
fn a_hold_that_is_too_short_is_caught() {
    is_caught(Between::misread(|all| each_job(all, |job| job.hold /= 3)), &[Rule::Stacked]);
}

#[test]
fn an_unknown_attempt_that_is_made_again_is_caught() {
    let misread = |all: &mut Definitions| {
        each_job(all, |job| {
            job.idempotent = true;
            job.retry.attempts = 3;
        });
    };
    is_caught(Between::misread(misread), &[Rule::SentTwice]);
}

#[test]
fn attempts_without_end_are_caught() {
    is_caught(Between::misread(|all| each_job(all, |job| job.retry.attempts = 9)), &[Rule::SentTwice]);
}

#[test]
fn a_backlog_that_is_dropped_is_caught() {
    is_caught(Between::misread(|all| each_job(all, |job| job.catch_up = CatchUp::None)), &[Rule::Dishonest]);
}

#[test]
fn a_group_that_is_too_wide_is_caught() {
    let misread = |all: &mut Definitions| {
        each_job(all, |job| {
            let wide = |group: &Arc<Group>| Arc::new(Group { concurrency: 99, ..Group::clone(group) });
            job.group = job.group.as_ref().map(wide);
        });
    };
    is_caught(Between::misread(misread), &[Rule::Group]);
}
