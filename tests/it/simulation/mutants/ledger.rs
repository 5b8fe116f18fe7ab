//! What stands between the scheduler and its ledger.

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    run::{Outcome, RunId},
    scheduler::decisions::{Stored, Write},
    store::{Begun, Then},
};

use super::{Between, is_caught};
use crate::simulation::check::Rule;

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
    is_caught(Between::echo(echo), &[Rule::Fence]);
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

/// A run that was replaced or cancelled, and may go on in the app, gives its slot back at once.
#[test]
fn a_cancelled_run_that_is_not_held_is_caught() {
    let lie = |mut write: Write| {
        if let Write::Finish(batch) = &mut write {
            let cancelled = batch.iter_mut().filter(|finish| finish.outcome == Outcome::Cancelled);
            cancelled.for_each(|finish| finish.then = give_back(finish.then));
        }
        Ok(write)
    };
    is_caught(Between::lie(lie), &[Rule::Stacked]);
}

/// The slots of work that is followed end as if it were not.
#[test]
fn a_slot_that_ends_before_its_work_is_caught() {
    let lie = |mut write: Write| {
        if let Write::Follow(batch) = &mut write {
            batch.iter_mut().for_each(|follow| follow.slot_until = DateTime::<Utc>::UNIX_EPOCH);
        }
        Ok(write)
    };
    is_caught(Between::lie(lie), &[Rule::Group]);
}

/// That an app took work on is acknowledged and not written.
#[test]
fn work_that_a_restart_forgets_is_caught() {
    let lie = |write: Write| match write {
        Write::Follow(batch) => {
            let answers = batch.iter().map(|_| true).collect();
            Err(Stored::Followed(batch, answers))
        }
        write => Ok(write),
    };
    is_caught(Between::lie(lie), &[Rule::Untrue]);
}
