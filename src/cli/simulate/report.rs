//! What a simulation found, and how it is shown.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    io::{self, Write},
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

use super::firings::firings;
use crate::job::{Definitions, Job, JobName};

/// How many of the busiest minutes are shown.
const BUSIEST: usize = 10;
/// How many names a minute is shown with.
const NAMES: usize = 12;
/// Rows of the histogram.
const ROWS: i64 = 24;
/// How many minutes a row may be: what divides an hour or a day.
const STEPS: [i64; 14] = [1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 360, 720, 1440];
/// Its widest bar, in characters.
const WIDTH: u64 = 50;
/// How a long simulation shows that it goes on: after so many firings.
const PROGRESS: u64 = 1_000_000;

/// What a simulation found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    firings: u64,
    /// Minutes with firings; the others have none.
    per_minute: Vec<Minute>,
    busiest: Vec<Minute>,
    /// With a ledger: the most requests open at once, and when.
    peak: Option<Peak>,
    /// With a ledger: jobs whose runs would meet the one before.
    overlaps: Vec<Overlap>,
}

#[derive(Debug, Clone, Serialize)]
struct Minute {
    minute: DateTime<Utc>,
    firings: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    jobs: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Peak {
    at: DateTime<Utc>,
    open: usize,
}

#[derive(Debug, Serialize)]
struct Overlap {
    job: String,
    /// The longest of its newest runs.
    takes_seconds: f64,
    firings: u64,
    /// How many of them would come while the one before is still open.
    overlapping: u64,
}

#[derive(Default)]
struct PerJob {
    firings: u64,
    overlapping: u64,
    busy_until: Option<DateTime<Utc>>,
}

impl Report {
    pub(super) fn of(
        definitions: &Definitions,
        durations: &HashMap<JobName, Duration>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Self {
        let (mut count, mut minutes, mut peak) = (0_u64, BTreeMap::<i64, u64>::new(), None::<Peak>);
        let mut jobs: HashMap<&JobName, PerJob> = HashMap::new();
        let mut open: BinaryHeap<Reverse<DateTime<Utc>>> = BinaryHeap::new();
        for firing in firings(definitions, from, to) {
            count += 1;
            if count.is_multiple_of(PROGRESS) {
                crate::cli::progress(&format!("simulated up to {}, {count} firings", firing.at));
            }
            *minutes.entry(firing.at.timestamp().div_euclid(60)).or_default() += 1;
            let Some(end) = durations.get(&firing.job.name).map(|takes| firing.at + *takes) else { continue };
            while open.peek().is_some_and(|Reverse(end)| *end <= firing.at) {
                open.pop();
            }
            open.push(Reverse(end));
            if peak.as_ref().is_none_or(|peak| peak.open < open.len()) {
                peak = Some(Peak { at: firing.at, open: open.len() });
            }
            let job = jobs.entry(&firing.job.name).or_default();
            job.firings += 1;
            job.overlapping += u64::from(job.busy_until.is_some_and(|until| until > firing.at));
            job.busy_until = job.busy_until.max(Some(end));
        }
        if count >= PROGRESS {
            crate::cli::progress("");
        }
        let per_minute: Vec<Minute> =
            minutes.into_iter().filter_map(|(minute, firings)| minute_of(minute, firings)).collect();
        let busiest = busiest(definitions, &per_minute, from, to);
        let overlaps = overlaps(jobs, durations);
        Self { from, to, firings: count, per_minute, busiest, peak, overlaps }
    }
}

fn minute_of(minute: i64, firings: u64) -> Option<Minute> {
    DateTime::from_timestamp(minute * 60, 0).map(|minute| Minute { minute, firings, jobs: Vec::new() })
}

/// The minutes in which most jobs collide, with their names.
fn busiest(definitions: &Definitions, all: &[Minute], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Minute> {
    let mut minutes: Vec<Minute> = all.iter().filter(|minute| minute.firings > 1).cloned().collect();
    minutes.sort_by_key(|minute| (Reverse(minute.firings), minute.minute));
    minutes.truncate(BUSIEST);
    for minute in &mut minutes {
        let first = (minute.minute - TimeDelta::nanoseconds(1)).max(from);
        let last = (minute.minute + TimeDelta::seconds(60) - TimeDelta::nanoseconds(1)).min(to);
        let mut names: Vec<String> = firings(definitions, first, last).map(|firing| name_of(firing.job)).collect();
        names.sort();
        names.dedup();
        minute.jobs = names;
    }
    minutes
}

fn name_of(job: &Job) -> String {
    job.name.to_string()
}

fn overlaps(jobs: HashMap<&JobName, PerJob>, durations: &HashMap<JobName, Duration>) -> Vec<Overlap> {
    let mut found: Vec<Overlap> = jobs
        .into_iter()
        .filter(|(_, job)| job.overlapping > 0)
        .map(|(name, job)| Overlap {
            job: name.to_string(),
            takes_seconds: durations.get(name).map_or(0.0, Duration::as_secs_f64),
            firings: job.firings,
            overlapping: job.overlapping,
        })
        .collect();
    found.sort_by(|a, b| a.job.cmp(&b.job));
    found
}

pub(super) fn write_text(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let firings = if report.firings == 1 { "firing" } else { "firings" };
    writeln!(out, "{} {firings} after {} up to {}", report.firings, utc(report.from), utc(report.to))?;
    write_histogram(report, out)?;
    if !report.busiest.is_empty() {
        writeln!(out, "\nbusiest minutes")?;
    }
    for minute in &report.busiest {
        let more = minute.jobs.len().saturating_sub(NAMES);
        let names = minute.jobs.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        writeln!(out, "  {}  {:>5}  {names}{more}", utc(minute.minute), minute.firings)?;
    }
    if let Some(Peak { at, open }) = &report.peak {
        writeln!(
            out,
            "\nby the durations in the ledger, at most {open} requests are open at once, first at {}",
            utc(*at)
        )?;
    }
    for Overlap { job, takes_seconds, firings, overlapping } in &report.overlaps {
        writeln!(
            out,
            "  {job}: a run takes up to {takes_seconds:.1} s, {overlapping} of {firings} meet the one before"
        )?;
    }
    Ok(())
}

/// The span in at most [`ROWS`] rows of whole minutes.
fn write_histogram(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (first, last) = (report.from.timestamp().div_euclid(60), report.to.timestamp().div_euclid(60));
    let least = (last - first) / ROWS + 1;
    let step = STEPS.into_iter().find(|step| *step >= least).unwrap_or((least + 1439) / 1440 * 1440);
    let mut rows: BTreeMap<i64, u64> =
        (first..=last).step_by(usize::try_from(step).unwrap_or(1)).map(|m| (m, 0)).collect();
    for Minute { minute, firings, .. } in &report.per_minute {
        let row = first + (minute.timestamp().div_euclid(60) - first) / step * step;
        *rows.entry(row).or_default() += firings;
    }
    let most = rows.values().copied().max().unwrap_or_default().max(1);
    match step {
        60.. => writeln!(out, "\nper {} h", step / 60)?,
        _ => writeln!(out, "\nper {step} min")?,
    }
    for (minute, firings) in rows {
        let Some(at) = DateTime::from_timestamp(minute * 60, 0) else { continue };
        let bar = "#".repeat(usize::try_from((firings * WIDTH).div_ceil(most)).unwrap_or_default());
        writeln!(out, "  {}  {firings:>8}  {bar}", utc(at))?;
    }
    Ok(())
}

fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
