//! What stands between the scheduler and people.

use sexton::{
    run::Outcome,
    scheduler::decisions::{Operation, Stored, Write},
};

use super::{Between, Overhear, is_caught};
use crate::simulation::check::Rule;

#[test]
fn a_backfill_of_what_succeeded_is_caught() {
    let overhear: Overhear = |backfill| backfill.again = true;
    is_caught(Between { overhear, ..Between::NOTHING }, &[Rule::SentTwice]);
}

/// Two who send the same occurrence again both get a run.
#[test]
fn a_backfill_beside_another_is_caught() {
    let lie = |write: Write| match write {
        Write::Operate(Operation::Backfill { asked, ticket, .. }) => {
            Ok(Write::Operate(Operation::Claim(vec![asked], Some(ticket))))
        }
        write => Ok(write),
    };
    is_caught(Between::lie(lie), &[Rule::SentTwice]);
}

#[test]
fn a_run_that_is_settled_otherwise_is_caught() {
    let lie = |mut write: Write| {
        if let Write::Operate(Operation::Settle(.., outcome, _)) = &mut write {
            *outcome = if *outcome == Outcome::Failed { Outcome::Succeeded } else { Outcome::Failed };
        }
        Ok(write)
    };
    is_caught(Between::lie(lie), &[Rule::Untrue]);
}

/// Somebody asked for a run, was told of it, and it is not there.
#[test]
fn a_firing_that_is_forgotten_is_caught() {
    let lie = |write: Write| match write {
        Write::Operate(claim @ Operation::Claim(..)) => Err(Stored::Operated(claim, true)),
        write => Ok(write),
    };
    is_caught(Between::lie(lie), &[Rule::Unaccounted]);
}
