//! Random worlds: jobs, slow and hanging apps, outages of the ledger, crashes, restarts, stops and steps of the clock; and
//! what must hold in every one of them.
//!
//! Simulated days (`tests/it/simulation`) hold more, and that against the real ledger. This is for what a day leaves out:
//! jobs that fire every few seconds all along, any overlap and any group behind few permits, permits that leak; and for a
//! failure that is made as small as it gets.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::vec, prelude::*, sample::select};
use sexton::{
    job::{CatchUp, Definitions, Overlap},
    run::{Outcome, Reason},
    scheduler::decisions::Event,
};

use crate::support::{
    definitions::{OPEN_APP, definitions as read_definitions, jobs_text, noon},
    memory::MemoryLedger,
    simulation::{Answer, Simulation},
    world::{millis, secs},
};

#[derive(Debug, Clone)]
enum Fate {
    Goes(i64),
    Outage(i64),
    Crash(i64),
    Stop(i64),
    Forward(i64),
    Back(i64),
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        4 => (100_i64..20_000).prop_map(Fate::Goes),
        2 => (100_i64..90_000).prop_map(Fate::Outage),
        2 => (0_i64..90_000).prop_map(Fate::Crash),
        1 => (0_i64..90_000).prop_map(Fate::Stop),
        1 => (1_000_i64..300_000).prop_map(Fate::Forward),
        1 => (1_000_i64..300_000).prop_map(Fate::Back),
    ];
    vec(fate, 1..12)
}

fn job() -> impl Strategy<Value = (String, String)> {
    let every = select(vec![1, 2, 3, 7, 10, 60]);
    let catch_up = select(vec!["none", "latest", "latest", "all"]);
    let overlap = select(vec!["skip", "skip", "queue", "allow"]);
    let more = select(vec![
        "",
        "",
        "group = \"db\"",
        "idempotent = true",
        "retry = { attempts = 3, initial = \"1s\", max = \"3s\", on = [\"connect\"] }",
        "group = \"db\"\nidempotent = true\nretry = { attempts = 2, initial = \"2s\", max = \"9s\", on = [\"connect\"] }",
    ]);
    (every, catch_up, overlap, more, 1_u32..12, 1_u32..20).prop_map(|(every, catch_up, overlap, more, timeout, hold)| {
        // All that a short cadence leaves would take longer to catch up on than the days of a test last.
        let every = if catch_up == "all" { every.max(60) } else { every };
        let keys = format!(
            "catch_up = \"{catch_up}\"\noverlap = \"{overlap}\"\ntimeout = \"{timeout}s\"\nhold = \"{hold}s\"\n{more}"
        );
        (format!("every {every}s"), keys)
    })
}

/// An app that takes its time, as the fence of the attempt says; beyond the timeout it is given up.
fn app(order: &sexton::dispatch::Order) -> Answer {
    let took = millis(i64::try_from(order.fence * 1_117 % 9_000).unwrap());
    let timeout = TimeDelta::from_std(order.job.timeout).unwrap();
    match order.fence % 7 {
        _ if took >= timeout => Answer::After(timeout, Outcome::Unknown, Some(Reason::Timeout)),
        3 => Answer::Panic(took),
        4 => Answer::After(took, Outcome::Failed, Some(Reason::Connect)),
        5 => Answer::After(took, Outcome::Failed, Some(Reason::Status)),
        6 => Answer::After(took, Outcome::Skipped, Some(Reason::Busy)),
        _ => Answer::After(took, Outcome::Succeeded, None),
    }
}

fn live(definitions: &Definitions, fates: &[Fate]) -> Simulation {
    let mut simulation = Simulation::with_app(noon(), definitions.clone(), MemoryLedger::default(), app);
    for fate in fates {
        match *fate {
            Fate::Goes(ms) => simulation.run_for(millis(ms)),
            Fate::Outage(ms) => {
                simulation.world.ledger.broken = true;
                simulation.run_for(millis(ms));
                simulation.world.ledger.broken = false;
            }
            Fate::Crash(ms) => simulation = simulation.kill_and_restart(millis(ms), definitions.clone()),
            Fate::Stop(ms) => {
                simulation.event(Event::Stop);
                simulation.run_for(secs(5));
                simulation.event(Event::GraceOver);
                assert!(simulation.world.decisions.is_drained(), "{simulation:?}");
                simulation = simulation.kill_and_restart(millis(ms), definitions.clone());
            }
            Fate::Forward(ms) => simulation.step_clock(millis(ms)),
            Fate::Back(ms) => simulation.step_clock(-millis(ms)),
        }
    }
    // Whatever is open ends, whatever is held is released (two minutes later where the clock was set back by so much),
    // whatever waits is tried again.
    let all = definitions.jobs.values().any(|job| job.catch_up == CatchUp::All);
    simulation.run_for(secs(if all { 1_000 } else { 300 }));
    simulation
}

/// Guarantee G1: up to its cursor, every occurrence that the job demanded has exactly one row, and only such have one. After
/// the clock was set back, rows lie past the cursor too; what is between them is yet to come.
fn accounted_once(simulation: &Simulation, definitions: &Definitions) -> Result<(), TestCaseError> {
    for (name, job) in &definitions.jobs {
        let ledger = &simulation.world.ledger;
        let cursor = ledger.cursors[name].accounted_to;
        let mut last: Option<DateTime<Utc>> = None;
        for row in ledger.rows(name.as_str()) {
            prop_assert!(last.is_none_or(|last| last < row.scheduled_for), "{}: rows overlap {:?}", name, simulation);
            let next = |at: &DateTime<Utc>| job.schedule.next_after(*at).filter(|at| *at <= row.through);
            let walked: Vec<_> = std::iter::successors(Some(row.scheduled_for), next).collect();
            prop_assert!(job.schedule.has(row.scheduled_for));
            prop_assert_eq!(walked.len() as u64, row.count);
            prop_assert_eq!(walked.last(), Some(&row.through));
            if let Some(last) = last.filter(|last| *last < cursor) {
                let skipped = job.schedule.next_after(last).filter(|at| *at < row.scheduled_for.min(cursor));
                prop_assert_eq!(skipped, None, "{}: a hole {:?}", name, simulation);
            }
            last = Some(row.through);
        }
        let after = last.map_or(cursor, |last| job.schedule.next_after(last).unwrap());
        prop_assert!(after > cursor || last.is_none_or(|last| last >= cursor), "{}: {:?}", name, simulation);
        prop_assert!(cursor + secs(61) > simulation.now, "{}: it stopped at {}", name, cursor);
    }
    Ok(())
}

/// Guarantees G2 and G3, as the app sees them.
fn sent_well(simulation: &Simulation) -> Result<(), TestCaseError> {
    let mut seen = HashMap::new();
    let mut fences = HashMap::new();
    for (at, order) in &simulation.world.sent {
        let attempts: &mut Vec<_> = seen.entry((order.job.name.clone(), order.scheduled_for)).or_default();
        prop_assert!(attempts.iter().all(|(run, _)| *run == order.run), "{} has two runs", order.scheduled_for);
        // One that a crash cut off before it left has its number too.
        let newer = attempts.last().is_none_or(|(_, before)| *before < order.attempt);
        prop_assert!(newer, "{} of {} was sent twice", order.scheduled_for, &order.job.name);
        attempts.push((order.run, order.attempt));
        let again = order.job.retry.attempts.max(if order.job.idempotent { 2 } else { 1 });
        prop_assert!(order.attempt <= again, "{:?} at {}", order, at);
        // Drawn when a run begins; of runs that may overlap, the one that began first need not leave first.
        let fence = fences.insert(order.job.name.clone(), order.fence);
        let grows = fence.is_none_or(|fence| fence < order.fence);
        prop_assert!(grows || order.job.overlap == Overlap::Allow && fence != Some(order.fence));
    }
    for row in simulation.world.ledger.runs.values() {
        let sent = seen.contains_key(&(row.job.clone(), row.scheduled_for));
        match row.state.outcome() {
            Some(Outcome::Succeeded | Outcome::Failed) => prop_assert!(sent, "{:?}", row),
            Some(Outcome::Missed | Outcome::Cancelled) => prop_assert!(!sent, "{:?}", row),
            _ => {}
        }
    }
    Ok(())
}

/// Everything older than a minute has its outcome: the last two minutes were quiet.
fn nothing_hangs(simulation: &Simulation) -> Result<(), TestCaseError> {
    for row in simulation.world.ledger.runs.values() {
        let open = row.state.outcome().is_none();
        prop_assert!(!open || row.scheduled_for + secs(60) > simulation.now, "{:?} {:?}", row, simulation);
    }
    let in_flight = simulation.world.decisions.in_flight();
    prop_assert!(in_flight <= simulation.world.open.len() + 8, "permits leak: {} of {:?}", in_flight, simulation);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Guarantees G1, G2, G3; seeds A22, A24, D10, E9.
    #[test]
    fn whatever_happens_every_occurrence_is_accounted_for_once(
        tables in vec(job(), 1..5),
        fates in fates(),
        max_in_flight in 1_usize..6,
        size in 1_u32..3,
    ) {
        let names: Vec<String> = (0..tables.len()).map(|number| format!("j{number}")).collect();
        let tables: Vec<_> =
            names.iter().zip(&tables).map(|(name, (every, keys))| (name.as_str(), every.as_str(), keys.as_str())).collect();
        // Jobs that may overlap and an app that is too slow for them would wait in line for ever.
        let endless = tables.iter().any(|(.., keys)| keys.contains("allow"));
        let (max_in_flight, size) = if endless { (512, 512) } else { (max_in_flight, size) };
        let sexton = format!("max_in_flight = {max_in_flight}\nlate_limit = \"20s\"");
        let head = format!("{OPEN_APP}[groups.db]\nconcurrency = {size}\n");
        let definitions = read_definitions(&jobs_text(&sexton, &head, &tables));
        let simulation = live(&definitions, &fates);
        accounted_once(&simulation, &definitions)?;
        if !fates.iter().any(|fate| matches!(fate, Fate::Back(_))) {
            not_stacked(&simulation)?;
        }
        sent_well(&simulation)?;
        nothing_hangs(&simulation)?;
    }
}

/// Guarantee G3: between a request and the end of its hold no other leaves for the same job. Attempts that a crash cut off
/// held their job from the restart on.
fn not_stacked(simulation: &Simulation) -> Result<(), TestCaseError> {
    let mut busy_until = HashMap::new();
    for (at, order) in &simulation.world.sent {
        if order.job.overlap == Overlap::Allow || order.job.idempotent {
            continue;
        }
        let before = busy_until.get(&order.job.name).copied().unwrap_or(DateTime::<Utc>::MIN_UTC);
        prop_assert!(*at >= before, "{} left at {} and was busy until {}", order.job.name, at, before);
        let row = &simulation.world.ledger.runs[&order.run];
        let heard = simulation.heard.get(&(order.run, order.attempt)).copied();
        let last = row.attempts == order.attempt;
        let end = heard.or(row.finished_at.filter(|_| last)).unwrap_or(*at);
        let held = last && row.state.outcome() == Some(Outcome::Unknown);
        let until = if held { end + TimeDelta::from_std(order.job.hold).unwrap() } else { end };
        busy_until.insert(order.job.name.clone(), until);
    }
    Ok(())
}
