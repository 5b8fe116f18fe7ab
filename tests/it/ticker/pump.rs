//! The one function from an instant to the occurrences due by then.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::vec, prelude::*};
use sexton::{
    job::{Definitions, Job},
    ticker::{Backlog, Due, LEAD, Pump},
};
use tokio::time::Instant;

use crate::support::{
    definitions::{at, jobs, name, noon},
    world::{millis, secs},
};

fn pump(definitions: &Definitions, cursor: DateTime<Utc>) -> Pump {
    let mut pump = Pump::default();
    definitions.jobs.values().for_each(|job| pump.set(Arc::clone(job), cursor));
    pump
}

fn job(schedule: &str) -> Arc<Job> {
    jobs(&[("a", schedule, "")]).jobs["a"].clone()
}

/// Every occurrence, folded or not: the late ones are walked again.
fn occurrences(due: &Due) -> Vec<DateTime<Utc>> {
    let late = due.late.map_or(Vec::new(), |late| walked(&due.job, late));
    late.into_iter().chain(due.ahead.iter().copied()).collect()
}

fn walked(job: &Job, late: Backlog) -> Vec<DateTime<Utc>> {
    let next = |at: &DateTime<Utc>| job.schedule.next_after(*at).filter(|next| *next <= late.newest);
    let all: Vec<_> = std::iter::successors(Some(late.first), next).collect();
    assert_eq!(all.len() as u64, late.count, "{late:?}");
    assert_eq!(late.before_newest, all.len().checked_sub(2).map(|index| all[index]), "{late:?}");
    all
}

#[test]
fn what_is_due_comes_in_the_order_of_its_instants() {
    let definitions = jobs(&[
        ("d", "at 2026-03-10T12:00:04Z", ""),
        ("a", "at 2026-03-10T12:00:05Z", ""),
        ("c", "every 3s", ""),
        ("b", "at 2026-03-10T12:00:03Z", ""),
    ]);
    let due = pump(&definitions, noon()).due(noon() + secs(10), TimeDelta::zero());
    let order: Vec<_> = due.iter().map(|due| due.job.name.as_str()).collect();
    assert_eq!(order, ["b", "c", "d", "a"], "by instant, and by name where that is the same");
}

#[test]
fn the_instant_itself_is_late_and_the_horizon_is_in() {
    let mut pump = pump(&jobs(&[("a", "every 1s", "")]), noon());
    let due = pump.due(noon() + secs(2), LEAD);
    let [due] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!((due.from, due.to), (noon(), noon() + secs(4)));
    let late =
        Backlog { first: noon() + secs(1), before_newest: Some(noon() + secs(1)), newest: noon() + secs(2), count: 2 };
    assert_eq!(due.late, Some(late));
    assert_eq!(due.ahead, [noon() + secs(3), noon() + secs(4)]);
    assert!(pump.due(noon() + secs(2), LEAD).is_empty(), "nothing comes twice");
    assert_eq!(pump.next_fire(), Some(noon() + secs(5)));
    assert_eq!(pump.next_of(&name("a")), Some((noon() + secs(5), noon() + secs(5))));
}

#[test]
fn nothing_is_due_a_moment_too_early() {
    let mut pump = pump(&jobs(&[("a", "every 1m", "")]), noon());
    assert!(pump.due(noon() + secs(60) - LEAD - TimeDelta::nanoseconds(1), LEAD).is_empty());
    let due = pump.due(noon() + secs(60) - LEAD, LEAD);
    assert_eq!(occurrences(&due[0]), [noon() + secs(60)]);
    assert_eq!(due[0].late, None);
}

#[test]
fn a_clock_that_goes_back_makes_nothing_due_again() {
    let mut pump = pump(&jobs(&[("a", "every 1s", "")]), noon());
    assert_eq!(pump.due(noon() + secs(100), LEAD).len(), 1);
    assert!(pump.due(noon(), LEAD).is_empty());
    assert!(pump.due(noon() + secs(99), LEAD).is_empty());
}

#[test]
fn disabled_jobs_and_spent_schedules_are_not_in_it() {
    let mut pump = Pump::default();
    let off = jobs(&[("a", "every 1s", "enabled = false")]).jobs["a"].clone();
    pump.set(off, noon());
    assert_eq!(pump.next_fire(), None);
    let once = job("at 2026-03-10T12:00:05Z");
    pump.set(Arc::clone(&once), noon());
    assert_eq!(pump.due(noon() + secs(5), LEAD).len(), 1);
    assert_eq!((pump.next_fire(), pump.next_of(&once.name)), (None, None));
    pump.set(Arc::clone(&once), noon() + secs(5));
    assert_eq!(pump.next_fire(), None, "its instant is not after the cursor");
}

#[test]
fn putting_a_job_in_again_replaces_it() {
    let mut pump = Pump::default();
    pump.set(job("every 1s"), noon());
    pump.set(job("every 1h"), noon());
    assert_eq!(pump.next_fire(), Some(noon() + TimeDelta::hours(1)));
    pump.set(jobs(&[("a", "every 1s", "enabled = false")]).jobs["a"].clone(), noon());
    assert_eq!(pump.next_fire(), None);
    pump.set(job("every 1s"), noon());
    pump.remove(&name("a"));
    assert!(pump.due(noon() + secs(100), LEAD).is_empty());
}

/// Seed E3: what does not fire is not there.
#[test]
fn cursors_tell_how_far_each_job_was_handed_out() {
    let mut pump = pump(&jobs(&[("a", "every 1s", ""), ("b", "every 1m", "")]), noon());
    pump.due(noon() + secs(59), TimeDelta::zero());
    let cursors: BTreeMap<String, _> = pump.cursors().map(|(job, at)| (job.name.to_string(), at)).collect();
    assert_eq!(cursors, BTreeMap::from([("a".to_owned(), noon() + secs(59)), ("b".to_owned(), noon())]));
}

/// Seed A26: what jitter holds back is not due, and can be had all the same.
#[test]
fn a26_what_jitter_holds_back() {
    let job = jobs(&[("a", "every 1m", "jitter = \"10m\"")]).jobs["a"].clone();
    let mut pump = Pump::default();
    pump.set(Arc::clone(&job), noon());
    let now = noon() + secs(150);
    assert!(pump.due(now, LEAD).is_empty());
    let due = pump.held_back(&job.name, now).unwrap();
    assert_eq!((due.from, due.to, due.late), (noon(), noon() + secs(120), None));
    assert_eq!(due.ahead, [noon() + secs(60), noon() + secs(120)]);
    assert!(pump.held_back(&job.name, now).is_none(), "nothing comes twice");
    let third = noon() + secs(180);
    assert_eq!(pump.next_of(&job.name), Some((third, third + job.delay())));
}

#[test]
fn ten_thousand_jobs_on_one_second_all_come_once() {
    let names: Vec<String> = (0..10_000).map(|number| format!("job-{number}")).collect();
    let tables: Vec<_> = names.iter().map(|name| (name.as_str(), "daily 13:00", "")).collect();
    let mut pump = pump(&jobs(&tables), noon());
    let instant = at("2026-03-10T13:00:00Z");
    let begin = Instant::now();
    let mut seen = HashSet::new();
    let mut now = noon();
    while now <= instant + secs(5) {
        for due in pump.due(now, LEAD) {
            assert_eq!((due.late, due.ahead.as_slice()), (None, &[instant][..]));
            assert!(seen.insert(due.job.name.to_string()), "{} came twice", due.job.name);
        }
        now += millis(500);
    }
    assert_eq!(seen.len(), 10_000);
    assert!(begin.elapsed().as_secs() < 10, "it took {:?}", begin.elapsed());
}

/// A sidecar that was away for long folds what it finds and holds none of it.
#[test]
fn a_backlog_of_a_million_is_folded_quickly() {
    let mut pump = pump(&jobs(&[("a", "every 1s", "")]), noon());
    let begin = Instant::now();
    let due = pump.due(noon() + secs(1_000_000), LEAD);
    let late = Backlog {
        first: noon() + secs(1),
        before_newest: Some(noon() + secs(999_999)),
        newest: noon() + secs(1_000_000),
        count: 1_000_000,
    };
    assert_eq!((due.len(), due[0].late), (1, Some(late)));
    assert_eq!(due[0].ahead.len(), 2);
    assert!(begin.elapsed().as_secs() < 5, "it took {:?}", begin.elapsed());
}

proptest! {
    /// However unevenly it is asked, each occurrence comes once, and none is left out.
    #[test]
    fn every_occurrence_comes_exactly_once(
        intervals in vec(1_i64..30, 1..6),
        steps in vec(0_i64..5_000, 1..60),
        lead in 0_i64..4_000,
    ) {
        let texts: Vec<_> = intervals.iter().map(|seconds| format!("every {seconds}s")).collect();
        let names: Vec<_> = (0..texts.len()).map(|number| format!("j{number}")).collect();
        let tables: Vec<_> = names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str(), "")).collect();
        let definitions = jobs(&tables);
        let mut pump = pump(&definitions, noon());
        let (mut now, mut seen) = (noon(), BTreeMap::<String, Vec<DateTime<Utc>>>::new());
        for step in steps {
            now += millis(step);
            let due = pump.due(now, millis(lead));
            let firsts: Vec<_> = due.iter().map(|due| occurrences(due)[0]).collect();
            prop_assert!(firsts.is_sorted());
            for due in due {
                prop_assert!(due.late.is_none_or(|late| late.newest <= now));
                prop_assert!(due.ahead.iter().all(|at| *at > now && *at <= now + millis(lead)));
                seen.entry(due.job.name.to_string()).or_default().extend(occurrences(&due));
            }
        }
        for job in definitions.jobs.values() {
            let next = |at: &DateTime<Utc>| job.schedule.next_after(*at);
            let demanded = std::iter::successors(next(&noon()), next).take_while(|at| *at <= now + millis(lead));
            let found = seen.remove(job.name.as_str()).unwrap_or_default();
            prop_assert_eq!(found, demanded.collect::<Vec<_>>());
        }
    }
}
