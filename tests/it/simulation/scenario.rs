//! What a seed means: the jobs of a day, how they are edited, and what befalls the sidecar.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::job::Definitions;

use super::dice::Dice;
use crate::support::{
    definitions::{OPEN_APP, at, definitions},
    world::{millis, secs},
};

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

const SCHEDULES: &[&str] = &[
    "every 10m",
    "every 15m",
    "every 20m",
    "every 1h",
    "every 7m",
    "*/30 * * * *",
    "7 * * * *",
    "5,35 6-20 * * *",
    "30 2 * * *",
    "daily 03:00",
    "daily 02:30,14:00,23:59",
    "weekly mon,tue,sun 05:00",
    "monthly 1,29,last 04:00",
];

/// For a few minutes only: a day of it would be an hour's work.
const RUSH: &[&str] = &["every 1s", "every 2s", "every 7s", "*/5 * * * * *"];

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
    /// Somebody asks for a run of the job with this number, from the first on.
    Fire(usize),
    /// Somebody holds a job back, or all, for so long or without end.
    Pause(Option<usize>, Option<TimeDelta>),
    /// Somebody ends a pause.
    Resume(Option<usize>),
    /// Somebody who looked at the app settles what it has done.
    Settle,
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
            fates.push((when, fate(dice)));
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

fn fate(dice: &mut Dice) -> Fate {
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
        _ if dice.chance(50) => by_hand(dice),
        _ => Fate::Edit(Box::new(definitions(OPEN_APP))),
    }
}

fn by_hand(dice: &mut Dice) -> Fate {
    let number = usize::try_from(dice.below(10)).unwrap();
    let job = Some(number).filter(|_| dice.chance(70));
    match dice.below(10) {
        0..4 => Fate::Fire(number),
        4..6 => Fate::Pause(job, Some(dice.span(secs(60), secs(10_800))).filter(|_| dice.chance(50))),
        6..8 => Fate::Resume(job),
        _ => Fate::Settle,
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

/// A `jobs.toml` that is edited over the day.
struct File {
    settings: String,
    /// Jobs that may overlap and an app that is too slow for them would wait in line for ever.
    overlaps: &'static [&'static str],
    jobs: BTreeMap<String, (String, String)>,
}

impl File {
    fn of(dice: &mut Dice) -> Self {
        let (max_in_flight, overlaps): (_, &[_]) =
            if dice.chance(80) { (512, &["skip", "queue", "allow"]) } else { (1 + dice.below(4), &["skip"]) };
        let (late_limit, grace) = (dice.pick(&[5, 20, 60, 120]), dice.pick(&[0, 5, 30]));
        let settings = format!(
            "[sexton]\nmax_in_flight = {max_in_flight}\nlate_limit = \"{late_limit}s\"\nshutdown_grace = \"{grace}s\"\n\
             [groups.narrow]\nconcurrency = {}\n",
            1 + dice.below(3)
        );
        let jobs = (0..4 + dice.below(7)).map(|number| (format!("j{number}"), job(dice, overlaps))).collect();
        Self { settings, overlaps, jobs }
    }

    fn definitions(&self) -> Definitions {
        definitions(&self.text())
    }

    fn text(&self) -> String {
        let mut text = format!("{}{OPEN_APP}", self.settings);
        for (name, (schedule, keys)) in &self.jobs {
            writeln!(text, "[jobs.{name}]\npath = \"/{name}\"\nschedule = \"{schedule}\"\n{keys}").unwrap();
        }
        text
    }

    /// One job becomes another, comes, goes, or is disabled.
    fn edit(&mut self, dice: &mut Dice) {
        let name = format!("j{}", dice.below(11));
        match self.jobs.get_mut(&name) {
            None => drop(self.jobs.insert(name, job(dice, self.overlaps))),
            Some(_) if dice.chance(25) => drop(self.jobs.remove(&name)),
            Some((schedule, _)) if dice.chance(35) => dice.pick(SCHEDULES).clone_into(schedule),
            Some((_, keys)) if dice.chance(40) => match keys.strip_suffix("enabled = false\n") {
                Some(enabled) => *keys = enabled.to_owned(),
                None => keys.push_str("enabled = false\n"),
            },
            Some((_, keys)) => *keys = self::keys(dice, self.overlaps),
        }
    }

    /// The file with a job that fires every few seconds.
    fn rush(&self, dice: &mut Dice) -> Definitions {
        let mut text = self.text();
        let (schedule, timeout, hold) = (dice.pick(RUSH), 1 + dice.below(10), 1 + dice.below(20));
        let overlap = dice.pick(self.overlaps);
        writeln!(
            text,
            "[jobs.rush]\npath = \"/rush\"\nschedule = \"{schedule}\"\ntimeout = \"{timeout}s\"\nhold = \"{hold}s\"\n\
             overlap = \"{overlap}\""
        )
        .unwrap();
        definitions(&text)
    }
}

fn job(dice: &mut Dice, overlaps: &[&str]) -> (String, String) {
    (dice.pick(SCHEDULES).to_owned(), keys(dice, overlaps))
}

fn keys(dice: &mut Dice, overlaps: &[&str]) -> String {
    // Whoever waits for a group gets his turn: its jobs hold it for a short time, and one at a time.
    let in_group = dice.chance(25);
    let timeout = if in_group { dice.pick(&[2, 10, 30]) } else { dice.pick(&[2, 10, 30, 120, 600]) };
    let hold = dice.pick(&[timeout / 2, timeout, timeout * 3]).max(1);
    let overlap = if in_group { dice.pick(&["skip", "queue"]) } else { dice.pick(overlaps) };
    // One by one takes longer than the downtime was where each takes longer than its interval.
    let catch_up = dice.pick(if timeout <= 30 { &["none", "latest", "all"] } else { &["none", "latest", "latest"] });
    let zone = dice.pick(&["UTC", "Europe/Prague"]);
    let mut keys = format!(
        "timeout = \"{timeout}s\"\nhold = \"{hold}s\"\noverlap = \"{overlap}\"\ncatch_up = \"{catch_up}\"\n\
         timezone = \"{zone}\"\n"
    );
    for (percent, key) in [
        (50, "dst = { gap = \"skip\", overlap = \"both\" }\n"),
        (30, "retry = { attempts = 3, initial = \"5s\", max = \"1m\" }\n"),
        (15, "idempotent = true\n"),
        (20, "jitter = \"45s\"\n"),
    ] {
        if dice.chance(percent) {
            keys.push_str(key);
        }
    }
    if in_group {
        keys.push_str("group = \"narrow\"\n");
    }
    keys
}
