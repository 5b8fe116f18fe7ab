//! What befalls the sidecar, and what people do.

use std::fmt;

use chrono::TimeDelta;
use sexton::job::Definitions;

use crate::{
    simulation::dice::Dice,
    support::{
        definitions::{OPEN_APP, definitions},
        world::{millis, secs},
    },
};

/// Something that befalls the sidecar.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// The process is killed, and comes back after this long.
    Crash(CrashPoint, TimeDelta),
    /// The process is asked to stop, and comes back after this long.
    Stop(TimeDelta),
    /// The ledger takes no writes for this long.
    Outage(TimeDelta),
    /// The process stands still for this long, and the clocks go on.
    Freeze(TimeDelta),
    /// Somebody sets the wall clock.
    Step(TimeDelta),
    /// Somebody edits `jobs.toml`.
    Edit(Box<Definitions>),
    /// Somebody does something by hand.
    ByHand(Deed),
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edit(definitions) => {
                write!(f, "Edit")?;
                for (name, job) in &definitions.jobs {
                    let off = if job.enabled { "" } else { ", disabled" };
                    write!(f, " [{name}: {}{off}, {:?}]", job.schedule.identity(), job.hold)?;
                }
                Ok(())
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// What people do. Jobs and runs have numbers, from the first on.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Asks so many times in a row for a run of a job.
    Fire(usize, u64),
    /// Sends the occurrences of a job again that lie so far back, over so long a time; so many do at once.
    Backfill { number: usize, back: TimeDelta, length: TimeDelta, again: bool, times: usize },
    /// Cancels a run that is not over.
    Cancel(usize),
    /// Looks at the app and settles what it has done.
    Settle(usize),
    /// Holds a job back, or all, for so long or without end.
    Pause(Option<usize>, Option<TimeDelta>),
    /// Ends a pause.
    Resume(Option<usize>),
}

/// At which moment a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CrashPoint {
    /// Whatever it is doing.
    Now,
    /// When it next wants something written: nothing is.
    BeforeWrite,
    /// When that is written, and it has not heard so.
    AfterWrite,
    /// When its next request has just left.
    AfterSend,
}

pub(super) fn fate(dice: &mut Dice) -> Fate {
    match dice.below(100) {
        0..30 => {
            let points = [CrashPoint::Now, CrashPoint::BeforeWrite, CrashPoint::AfterWrite, CrashPoint::AfterSend];
            Fate::Crash(dice.pick(&points), downtime(dice))
        }
        30..40 => Fate::Stop(downtime(dice)),
        40..55 => Fate::Outage(pause(dice)),
        55..65 => Fate::Freeze(pause(dice)),
        65..72 => Fate::Step(dice.span(secs(2), secs(5_400))),
        72..80 => Fate::Step(-dice.span(secs(2), secs(5_400))),
        _ => Fate::Edit(Box::new(definitions(OPEN_APP))),
    }
}

pub(super) fn by_hand(dice: &mut Dice) -> Deed {
    let number = usize::try_from(dice.below(10)).unwrap();
    let job = Some(number).filter(|_| dice.chance(70));
    match dice.below(20) {
        0..5 => Deed::Fire(number, 1 + dice.below(3)),
        5..9 => {
            let back = dice.span(secs(600), secs(6 * 3_600));
            let (length, again) = (back.min(dice.span(secs(600), secs(5_400))), dice.chance(30));
            Deed::Backfill { number, back, length, again, times: if dice.chance(40) { 2 } else { 1 } }
        }
        9..13 => Deed::Cancel(number),
        13..16 => Deed::Settle(number),
        16..18 => Deed::Pause(job, Some(dice.span(secs(60), secs(10_800))).filter(|_| dice.chance(50))),
        _ => Deed::Resume(job),
    }
}

fn downtime(dice: &mut Dice) -> TimeDelta {
    match dice.below(10) {
        0..5 => dice.span(millis(50), secs(10)),
        5..8 => dice.span(secs(10), secs(900)),
        _ => dice.span(secs(900), secs(4 * 3_600)),
    }
}

fn pause(dice: &mut Dice) -> TimeDelta {
    if dice.chance(60) { dice.span(millis(50), secs(30)) } else { dice.span(secs(30), secs(1_800)) }
}
