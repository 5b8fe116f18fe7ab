//! Whole days of the scheduler on a time of its own: the real decisions, pump and SQLite ledger, against an app that is
//! slow, fails, hangs, breaks off and lies, with crashes, stops, frozen processes, ledgers that take nothing, clocks that
//! people set, and edits. Then `check` holds the app's log against the ledger and the definitions.
//!
//! A story follows from its seed. `SEXTON_SIM_SEED=17 cargo test simulation::whatever` plays one again, and tells all of it
//! when it ends badly: what befell the sidecar, every request and every row. `SEXTON_SIM_SEEDS=200` plays so many, as CI
//! does; `just sim` plays 2,000.

mod app;
mod check;
mod dice;
mod mutants;
mod real;
mod scenario;
mod stage;
mod witness;

use std::{
    num::NonZero,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use self::{
    check::{History, KINDS, Violation, check},
    mutants::Between,
    stage::Stage,
};

/// How many seeds a run of all tests plays when nobody says otherwise: half a minute on two cores.
const SEEDS: u64 = 60;

/// Guarantees G1, G2, G3.
#[test]
fn whatever_happens_the_app_and_the_ledger_agree() {
    let (first, count) = match variable("SEXTON_SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, variable("SEXTON_SIM_SEEDS").unwrap_or(SEEDS)),
    };
    let wrong = Mutex::new(Vec::new());
    let unseen = Mutex::new(KINDS.to_vec());
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                while let seed = next.fetch_add(1, Ordering::Relaxed)
                    && seed < first + count
                {
                    let told = std::panic::catch_unwind(|| {
                        let history = play(seed, Between::NOTHING);
                        unseen.lock().unwrap().retain(|(_, is_in)| !is_in(&history));
                        (check(&history), if count == 1 { history.whole() } else { history.fates })
                    });
                    let (violations, fates) = told.unwrap_or_else(|_| (vec![Violation::PANIC], Vec::new()));
                    if !violations.is_empty() {
                        wrong.lock().unwrap().push((seed, violations, fates));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    for (seed, violations, fates) in &wrong {
        eprintln!("SEXTON_SIM_SEED={seed}:\n{}", fates.join("\n"));
        for Violation { rule, words } in violations.iter().take(5) {
            eprintln!("{rule:?}: {words}\n");
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} seeds: {:?}",
        wrong.len(),
        wrong.iter().map(|(seed, ..)| seed).collect::<Vec<_>>()
    );
    let unseen: Vec<_> = unseen.into_inner().unwrap().into_iter().map(|(kind, _)| kind).collect();
    assert!(unseen.is_empty() || count < SEEDS, "no story of {count} has {unseen:?}");
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in [3, 4] {
        let [once, again] = [(); 2].map(|()| play(seed, Between::NOTHING));
        assert_eq!(format!("{:?}", once.calls), format!("{:?}", again.calls));
        assert_eq!(format!("{:?}", once.rows), format!("{:?}", again.rows));
        assert!(once.calls.len() > 30, "a day has more than {} requests", once.calls.len());
    }
}

/// The story of one seed.
fn play(seed: u64, between: Between) -> History {
    let folder = folder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { Stage::set(seed, folder.path(), between).await.play().await })
}

/// In memory where the machine has such a place: the ledger syncs each of its writes.
fn folder() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says which seeds")]
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}
