//! Warnings about jobs that are valid but may not do what was meant.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ExpectedStatus, GATEWAY_STATUSES, Job, RetryOn,
    duration::format_duration,
    finding::{At, Notes},
};

/// From how many jobs on one minute there is a warning.
const CROWD: usize = 20;

/// How many of the crowded minutes are named, the fullest first.
const CROWDS_NAMED: usize = 3;

/// How many firings ahead the shortest interval of a schedule is looked for.
const AHEAD: usize = 8;

/// A job and where the file speaks of it.
pub(super) struct Placed {
    pub(super) job: Arc<Job>,
    pub(super) name: At,
    /// Its `timeout`; its name when it has none of its own.
    pub(super) timeout: At,
}

/// Notes what looks odd, as seen from `now`.
pub(super) fn note(jobs: &[Placed], now: DateTime<Utc>, notes: &mut Notes) {
    let mut minutes: BTreeMap<i64, Vec<&Placed>> = BTreeMap::new();
    for placed in jobs.iter().filter(|placed| placed.job.enabled) {
        timeout_over_interval(placed, now, notes);
        retry_of_unknown(placed, notes);
        if let Some(first) = placed.job.firings_after(now).next().map(|first| placed.job.fires_at(first)) {
            minutes.entry(first.timestamp().div_euclid(60)).or_default().push(placed);
        }
    }
    crowded_minutes(minutes, notes);
}

/// A pass that takes as long as its timeout allows meets the next occurrence, which is then skipped (seed A25). The first
/// answer of an app that is polled ends nothing.
fn timeout_over_interval(placed: &Placed, now: DateTime<Utc>, notes: &mut Notes) {
    let job = &placed.job;
    if job.completion.poll().is_some() {
        return;
    }
    let firings: Vec<_> = job.firings_after(now).take(AHEAD).collect();
    let shortest = firings.windows(2).map(|pair| pair[1] - pair[0]).min();
    let Some(interval) = shortest.and_then(|shortest| shortest.to_std().ok()) else { return };
    if job.timeout > interval {
        let (timeout, interval) = (format_duration(job.timeout), format_duration(interval));
        notes
            .warning(
                &placed.timeout,
                format!("the timeout of `{}`, {timeout}, is longer than its interval, {interval}", job.name),
            )
            .help("occurrences that come while a run is still open follow `overlap`");
    }
}

/// A status that says nothing of what the app does is no failure, so listing it has no effect.
fn retry_of_unknown(placed: &Placed, notes: &mut Notes) {
    let job = &placed.job;
    let listed = |status: &&u16| job.retry.on.contains(&RetryOn::Status(ExpectedStatus::Exact(**status)));
    if job.idempotent || job.retry.attempts < 2 {
        return;
    }
    if let Some(status) = GATEWAY_STATUSES.iter().find(listed) {
        notes
            .warning(&placed.name, format!("`retry` of `{}` lists {status}, after which nothing is tried again", job.name))
            .help("something in between may have given up while the app works on, so the run is unknown; a job that may be sent twice says idempotent = true");
    }
}

fn crowded_minutes(minutes: BTreeMap<i64, Vec<&Placed>>, notes: &mut Notes) {
    let mut crowded: Vec<_> = minutes.into_iter().filter(|(_, jobs)| jobs.len() >= CROWD).collect();
    crowded.sort_by_key(|(minute, jobs)| (std::cmp::Reverse(jobs.len()), *minute));
    for (minute, jobs) in crowded.into_iter().take(CROWDS_NAMED) {
        let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let names: Vec<String> = jobs.iter().take(3).map(|placed| format!("`{}`", placed.job.name)).collect();
        let (at, count, names) = (at.format("%Y-%m-%dT%H:%MZ"), jobs.len(), names.join(", "));
        notes
            .warning(&jobs[0].name, format!("{count} jobs fire in one minute, {at}: {names} and {} more", count - 3))
            .help("spread them, with jitter = \"10m\" or by their schedules, or the app meets them all at once");
    }
}
