//! What a seed means: the jobs of a day, how they are edited, and what befalls the sidecar.

mod fates;
mod file;

use chrono::{DateTime, TimeDelta, Utc};
use sexton::job::Definitions;

pub(crate) use self::fates::{CrashPoint, Deed, Fate};
use self::file::File;
use super::dice::Dice;
use crate::support::{definitions::at, world::secs};

/// How long a story is, and how much of its end is quiet, so that whatever is open comes to its end.
pub(crate) const DAY: TimeDelta = TimeDelta::hours(24);
pub(crate) const QUIET: TimeDelta = TimeDelta::hours(2);

/// Ordinary days, both changes of Prague's clocks, the end of a month and of a year, a leap day.
const DAYS: &[&str] = &[
    "2026-03-10T00:00:00Z",
    "2026-03-28T18:00:00Z",
    "2026-10-24T18:00:00Z",
    "2026-04-30T06:00:00Z",
    "2026-12-31T09:00:00Z",
    "2028-02-28T20:00:00Z",
];

#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) begin: DateTime<Utc>,
    pub(crate) definitions: Definitions,
    pub(crate) fates: Vec<(DateTime<Utc>, Fate)>,
}

impl Scenario {
    pub(crate) fn of(dice: &mut Dice) -> Self {
        let begin = at(dice.pick(DAYS));
        let mut file = File::of(dice);
        let definitions = file.definitions();
        let mut fates = Vec::new();
        for _ in 0..5 + dice.below(11) {
            let when = moment(begin, dice);
            fates.push((when, fates::fate(dice)));
        }
        for _ in 0..2 + dice.below(9) {
            let when = moment(begin, dice);
            fates.push((when, Fate::ByHand(fates::by_hand(dice))));
        }
        fates.sort_by_key(|(when, _)| *when);
        // Edits follow on one another, so they are drawn in the order of time.
        for (_, fate) in &mut fates {
            if let Fate::Edit(edited) = fate {
                file.edit(dice);
                **edited = file.definitions();
            }
        }
        if dice.chance(40) {
            let from = moment(begin, dice);
            let rushing = file.rush(dice);
            fates.push((from, Fate::Edit(Box::new(rushing))));
            fates.push((from + dice.span(secs(60), secs(240)), Fate::Edit(Box::new(file.definitions()))));
            fates.sort_by_key(|(when, _)| *when);
        }
        Self { begin, definitions, fates }
    }
}

/// Mostly close to a round five minutes: there the jobs fire.
fn moment(begin: DateTime<Utc>, dice: &mut Dice) -> DateTime<Utc> {
    let any = dice.span(TimeDelta::zero(), DAY - QUIET);
    if dice.chance(25) {
        return begin + any;
    }
    begin + TimeDelta::minutes(any.num_minutes() / 5 * 5) + dice.span(secs(-4), secs(10)).max(TimeDelta::zero())
}
