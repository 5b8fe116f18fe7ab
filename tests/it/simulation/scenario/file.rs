//! The jobs of a day, and how they are edited.

use std::{collections::BTreeMap, fmt::Write};

use sexton::job::Definitions;

use crate::{
    simulation::{app::JOBS, dice::Dice},
    support::definitions::{OPEN_APP, definitions},
};

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

/// What makes a job one whose work is followed, and how an app is asked to stop.
const POLL: &str = "completion = \"poll\"";
const STOP: &str = "cancel = { path = \"/stop\" }\n";

const LATE_LIMITS: &[u64] = &[5, 20, 60, 120];
const GRACES: &[u64] = &[0, 5, 30];

/// What stands above the jobs.
#[derive(Debug, Clone, Copy)]
struct Settings {
    max_in_flight: u64,
    /// In seconds, as the next one.
    late_limit: u64,
    shutdown_grace: u64,
    /// Of the group.
    concurrency: u64,
}

/// A `jobs.toml` that is edited over the day.
pub(super) struct File {
    settings: Settings,
    /// Jobs that may overlap and an app that is too slow for them would wait in line for ever.
    overlaps: &'static [&'static str],
    jobs: BTreeMap<String, (String, String)>,
}

impl File {
    pub(super) fn of(dice: &mut Dice) -> Self {
        let (max_in_flight, overlaps): (_, &[_]) = if dice.chance(80) {
            (512, &["skip", "queue", "replace", "allow"])
        } else {
            (1 + dice.below(4), &["skip"])
        };
        let settings = Settings {
            max_in_flight,
            late_limit: dice.pick(LATE_LIMITS),
            shutdown_grace: dice.pick(GRACES),
            concurrency: 1 + dice.below(3),
        };
        let jobs = (0..4 + dice.below(7)).map(|number| (format!("j{number}"), job(dice, overlaps))).collect();
        Self { settings, overlaps, jobs }
    }

    pub(super) fn definitions(&self) -> Definitions {
        definitions(&self.text())
    }

    fn text(&self) -> String {
        let Settings { max_in_flight, late_limit, shutdown_grace, concurrency } = self.settings;
        let mut text = format!(
            "[sexton]\nmax_in_flight = {max_in_flight}\nlate_limit = \"{late_limit}s\"\n\
             shutdown_grace = \"{shutdown_grace}s\"\n[groups.narrow]\nconcurrency = {concurrency}\n{OPEN_APP}"
        );
        for (name, (schedule, keys)) in &self.jobs {
            let folder = if keys.contains(POLL) { JOBS } else { "/" };
            writeln!(text, "[jobs.{name}]\npath = \"{folder}{name}\"\nschedule = \"{schedule}\"\n{keys}").unwrap();
        }
        text
    }

    /// One job becomes another, comes, goes, or is disabled; or a setting is another.
    pub(super) fn edit(&mut self, dice: &mut Dice) {
        if dice.chance(35) {
            return self.edit_settings(dice);
        }
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

    fn edit_settings(&mut self, dice: &mut Dice) {
        let settings = &mut self.settings;
        match dice.below(4) {
            0 => settings.late_limit = dice.pick(LATE_LIMITS),
            1 => settings.shutdown_grace = dice.pick(GRACES),
            2 => settings.concurrency = 1 + dice.below(3),
            // Where runs may overlap there is always room for the slow ones.
            _ if self.overlaps.len() > 1 => settings.max_in_flight = dice.pick(&[12, 24, 512]),
            _ => settings.max_in_flight = dice.pick(&[1, 2, 3, 4, 512]),
        }
    }

    /// The file with a job that fires every few seconds.
    pub(super) fn rush(&self, dice: &mut Dice) -> Definitions {
        let mut text = self.text();
        let (schedule, timeout, hold) = (dice.pick(RUSH), 1 + dice.below(10), 1 + dice.below(20));
        let overlap = dice.pick(self.overlaps);
        writeln!(
            text,
            "[jobs.rush]\npath = \"/rush\"\nschedule = \"{schedule}\"\ntimeout = \"{timeout}s\"\nhold = \"{hold}s\"\n\
             overlap = \"{overlap}\"\n{STOP}"
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
    let polls = dice.chance(30);
    let followed_for = if in_group { dice.pick(&[30, 90]) } else { dice.pick(&[60, 300, 1_200]) };
    let longest = if polls && !in_group { timeout.max(followed_for) } else { timeout };
    let hold = dice.pick(&[longest / 2, longest, longest * 3]).max(1);
    let overlap = if in_group { dice.pick(&["skip", "queue"]) } else { dice.pick(overlaps) };
    // One by one takes longer than the downtime was where each takes longer than its interval.
    let catch_up =
        dice.pick(if longest <= 30 && !polls { &["none", "latest", "all"] } else { &["none", "latest", "latest"] });
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
    if catch_up != "none" && dice.chance(40) {
        writeln!(keys, "catch_up_window = \"{}m\"", dice.pick(&[5, 30, 120])).unwrap();
    }
    if polls {
        let interval = dice.pick(&[5, 15, 40]);
        writeln!(keys, "{POLL}\npoll = {{ interval = \"{interval}s\", timeout = \"{followed_for}s\" }}").unwrap();
    }
    if overlap == "replace" || dice.chance(50) {
        keys.push_str(STOP);
    }
    if in_group {
        keys.push_str("group = \"narrow\"\n");
    }
    keys
}
