//! A simulated week through the real engine, on paused time.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    clock::{Clock, VirtualClock},
    job::JobName,
    ticker::{Home, LEAD, Pump, Ticker},
};

use crate::support::definitions::jobs as defined;

/// Ten minute-jobs for a week: exactly 100,800 firings, each handed out once, in its lead window and never early of it.
#[tokio::test(start_paused = true)]
async fn a_week_through_the_engine_fires_exactly() {
    let start: DateTime<Utc> = "2026-03-06T00:00:00Z".parse().unwrap();
    let week = start + TimeDelta::days(7);
    let clock = VirtualClock::at(start);
    let names: Vec<String> = (0..10).map(|number| format!("job-{number}")).collect();
    let jobs: Vec<(&str, &str, &str)> = names.iter().map(|name| (name.as_str(), "* * * * *", "")).collect();
    let mut pump = Pump::default();
    for job in defined(&jobs).jobs.values() {
        pump.set(Arc::clone(job), start);
    }
    let ticker = Ticker::start(Arc::new(clock.clone()), Home::ThisRuntime);
    let mut fired: BTreeMap<JobName, Vec<DateTime<Utc>>> = BTreeMap::new();
    while clock.now() < week {
        ticker.expect(pump.next_fire());
        ticker.due().await;
        let now = clock.now();
        for due in pump.due(now, LEAD) {
            assert_eq!(due.late, None, "nothing is found late");
            for at in due.ahead.into_iter().filter(|at| *at <= week) {
                assert!(at - now <= LEAD, "handed out {} ahead", at - now);
                fired.entry(due.job.name.clone()).or_default().push(at);
            }
        }
    }
    assert_eq!(fired.values().map(Vec::len).sum::<usize>(), 100_800);
    for (job, instants) in fired {
        let minutes = (1..=10_080).map(|minute| start + TimeDelta::minutes(minute));
        assert!(instants.into_iter().eq(minutes), "{job}");
    }
}
