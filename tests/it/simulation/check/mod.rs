//! Holds what an app saw and what the ledger says against what the definitions demanded. Pure: a [`History`] comes in, and
//! every [`Violation`] goes out. The app's log is the witness; the ledger is believed in nothing that it could have seen.
//!
//! `time` is two clocks and what was in force when, `call` the app's log, `demand` the rows against the schedules, `calls`
//! the app's log alone, `rows` the ledger against the log, `followed` the same for work that was taken on, `ends` how
//! attempts ended that nobody heard of, `reasons` why others were not sent, under what was in force (`reign`), `by_hand` what
//! people asked for. `kinds` sees to it that the rules have something to hold.

mod by_hand;
mod call;
mod calls;
mod demand;
mod ends;
mod followed;
mod kinds;
mod reasons;
mod reign;
mod rows;
mod table;
mod time;

use std::{borrow::Cow, fmt};

use chrono::{DateTime, TimeDelta, Utc};
use sexton::{
    job::JobName,
    run::{Attempt, Run, Trigger},
    store::{Evidence, RunQuery, RunStore},
};

pub(crate) use by_hand::{Ask, Deeds, What};
pub(crate) use call::{Call, Look, Said, Side, Stop};
pub(crate) use ends::Unsent;
pub(crate) use kinds::KINDS;
pub(crate) use time::{Clock, Kind, Reign, Trouble};

type Instant = DateTime<Utc>;

/// By how much jitter may put off an instant in these stories.
const JITTER: TimeDelta = TimeDelta::seconds(45);

/// All that is known of a story.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) clock: Clock,
    /// In their order.
    pub(crate) reigns: Vec<Reign>,
    pub(crate) troubles: Vec<Trouble>,
    /// In the order of receipt.
    pub(crate) calls: Vec<Call>,
    pub(crate) rows: Vec<(Run, Vec<Attempt>)>,
    pub(crate) evidence: Vec<Evidence>,
    /// What befell the sidecar, in words.
    pub(crate) fates: Vec<String>,
    /// What people did by hand.
    pub(crate) deeds: Deeds,
    /// When a process ended.
    pub(crate) deaths: Vec<Instant>,
    /// When the grace of a stop was over, with or without something left to wait for.
    pub(crate) graces: Vec<Instant>,
    /// From when to when the sidecar stood still, or its ledger took nothing.
    pub(crate) stalls: Vec<(Instant, Instant)>,
    /// What the app never received, though the ledger let it go.
    pub(crate) unsent: Vec<Unsent>,
    /// How late the machine itself may make a request.
    pub(crate) slowness: TimeDelta,
    /// On the clock that nobody sets.
    pub(crate) end: Instant,
}

/// Which promise was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Rule {
    /// Guarantee G1: a demanded occurrence has no row.
    Unaccounted,
    /// Guarantee G1: it has two.
    Doubled,
    /// A row or a call that nothing demanded.
    Invented,
    /// Guarantee G2: one occurrence was sent by two runs, or one run more often than its job allows.
    SentTwice,
    /// Guarantee G2: a fence that does not grow.
    Fence,
    /// Guarantee G3: two passes at once.
    Stacked,
    /// It was sent before its time, or after its window.
    OutOfTime,
    /// The ledger says what the app did not see, or keeps quiet about what it saw.
    Untrue,
    /// A row's reason was none.
    Dishonest,
    /// A run without an end.
    Unfinished,
    /// Something was sent that was held back.
    Paused,
    /// More runs of a group at once than it lets.
    Group,
    /// More open requests than `max_in_flight`.
    Crowd,
    /// `sexton verify` says no.
    Verify,
    /// The story had no end.
    Panic,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    pub(crate) words: Cow<'static, str>,
}

impl Violation {
    pub(crate) const PANIC: Self = Self { rule: Rule::Panic, words: Cow::Borrowed("see what was said above") };

    fn of(rule: Rule, words: impl fmt::Display) -> Self {
        Self { rule, words: words.to_string().into() }
    }
}

/// Everything that is wrong with a history.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    for job in history.jobs() {
        demand::check(history, &job, &mut violations);
        calls::check(history, &job, &mut violations);
        rows::check(history, &job, &mut violations);
    }
    by_hand::check(history, &mut violations);
    calls::crowds(history, &mut violations);
    calls::groups(history, &mut violations);
    for evidence in &history.evidence {
        let verdict = sexton::verify::verify(evidence, None);
        violations.extend(
            verdict
                .findings
                .iter()
                .map(|finding| Violation::of(Rule::Verify, format_args!("{}: {finding:?}", evidence.job))),
        );
    }
    violations
}

impl History {
    /// Adds what the ledger holds.
    pub(crate) async fn read(&mut self, store: &dyn RunStore) {
        for run in store.runs(RunQuery { limit: u32::MAX, ..RunQuery::default() }).await.unwrap() {
            let attempts = match run.fence {
                Some(_) => store.run(run.id).await.unwrap().expect("a row that was just read").1,
                None => Vec::new(),
            };
            self.rows.push((run, attempts));
        }
        for cursor in store.cursors().await.unwrap() {
            self.evidence.extend(store.evidence(cursor.job).await.unwrap());
        }
    }

    /// All that is known of it, for people.
    pub(crate) fn whole(self) -> Vec<String> {
        let calls = self.calls.iter().map(|call| format!("{call:?}"));
        let rows = self.rows.iter().rev().map(|(row, attempts)| format!("{row:?} {attempts:?}"));
        let more = calls.chain(rows).collect::<Vec<_>>();
        self.fates.into_iter().chain(more).collect()
    }

    /// Every job that was ever defined, called, or in the ledger.
    fn jobs(&self) -> Vec<JobName> {
        let defined = self.reigns.iter().flat_map(|reign| reign.definitions.jobs.keys().cloned());
        let called = self.calls.iter().map(|call| call.job.clone());
        let mut jobs: Vec<_> = defined.chain(called).chain(self.rows.iter().map(|(row, _)| row.job.clone())).collect();
        jobs.sort();
        jobs.dedup();
        jobs
    }

    fn calls_of<'a>(&'a self, job: &'a JobName) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().filter(move |call| call.job == *job)
    }

    fn rows_of<'a>(&'a self, job: &'a JobName) -> impl Iterator<Item = &'a (Run, Vec<Attempt>)> {
        self.rows.iter().filter(move |(row, _)| row.job == *job)
    }
}

fn is_occurrence(trigger: Trigger) -> bool {
    matches!(trigger, Trigger::Schedule | Trigger::CatchUp)
}
