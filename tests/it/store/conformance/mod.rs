//! What every [`RunStore`] does. Each test is a function over a way to open the ledger: opened again, it is the same
//! ledger. A store runs them all by naming them in its own `conforms!` list; one that is left out is dead code, which the
//! compiler reports.

pub(crate) mod account;
pub(crate) mod begin;
pub(crate) mod by_hand;
pub(crate) mod end;
pub(crate) mod finish;
pub(crate) mod groups;
pub(crate) mod history;
pub(crate) mod periods;
pub(crate) mod prune;
pub(crate) mod settle;
pub(crate) mod waiting;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sexton::{
    entropy::Entropy,
    job::JobName,
    run::{Outcome, Reason, Run, RunId, Trigger},
    schedule::{Dst, Schedule},
    store::{Accounted, Accounting, Begin, Begun, Claim, Cursor, End, Finish, RunQuery, RunStore, Span, Then},
};

pub(crate) type Store = Arc<dyn RunStore>;

/// The answer to an accounting without spans of which every claim has its row.
pub(crate) const DONE: Accounted = Accounted::Done { spans: Vec::new(), left_out: Vec::new() };

/// The first instant of every test, plus seconds.
pub(crate) fn t(seconds: i64) -> DateTime<Utc> {
    "2026-03-01T03:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(seconds)
}

pub(crate) fn job(name: &str) -> JobName {
    JobName::new(name).unwrap()
}

pub(crate) fn new_id(seconds: i64) -> RunId {
    RunId::new(t(seconds), Entropy::System)
}

pub(crate) fn cursor(name: &str, accounted_to: DateTime<Utc>) -> Cursor {
    Cursor {
        job: job(name),
        definition: "d1".to_owned(),
        schedule: "every 60s".to_owned(),
        anchored_at: accounted_to,
        accounted_to,
    }
}

pub(crate) fn claim(seconds: i64) -> Claim {
    Claim { id: new_id(seconds), scheduled_for: t(seconds), trigger: Trigger::Schedule, definition: "d1".to_owned() }
}

pub(crate) fn span(first: i64, last: i64, count: u64) -> Span {
    Span {
        id: new_id(first),
        schedule: Schedule::parse("every 1m", Tz::UTC, Dst::default()).unwrap(),
        scheduled_for: t(first),
        through: t(last),
        count,
        outcome: Outcome::Missed,
        reason: Reason::Downtime,
        definition: "d1".to_owned(),
    }
}

pub(crate) fn accounting(name: &str, from: i64, to: i64) -> Accounting {
    Accounting { job: job(name), from: t(from), to: t(to), spans: Vec::new(), claims: Vec::new() }
}

pub(crate) fn begin(run: RunId, slot_until: Option<i64>) -> Begin {
    Begin {
        run,
        trigger: Trigger::Schedule,
        definition: "d1".to_owned(),
        slot_until: slot_until.map(t),
        group: None,
        request: "POST http://app/sync".to_owned(),
    }
}

pub(crate) fn skip(run: RunId, reason: Reason) -> End {
    End { run, outcome: Outcome::Skipped, reason }
}

pub(crate) fn success(run: RunId) -> Finish {
    Finish {
        run,
        outcome: Outcome::Succeeded,
        reason: None,
        then: Then::Over { hold_until: None },
        status: Some(200),
        excerpt: Some("ok".to_owned()),
        lateness: Some(TimeDelta::milliseconds(3)),
        duration: Some(TimeDelta::milliseconds(250)),
    }
}

pub(crate) fn timeout(run: RunId, hold_until: i64) -> Finish {
    Finish {
        outcome: Outcome::Unknown,
        reason: Some(Reason::Timeout),
        then: Then::Over { hold_until: Some(t(hold_until)) },
        status: None,
        excerpt: None,
        ..success(run)
    }
}

/// Anchors the jobs at second 0.
pub(crate) async fn anchored(store: &Store, names: &[&str]) {
    store.anchor(names.iter().map(|name| cursor(name, t(0))).collect()).await.unwrap();
}

pub(crate) async fn cursor_of(store: &Store, name: &str) -> Cursor {
    store.cursors().await.unwrap().into_iter().find(|cursor| cursor.job == job(name)).unwrap()
}

/// Claims the job's occurrence at `seconds`, from wherever its cursor stands.
pub(crate) async fn claimed(store: &Store, name: &str, seconds: i64) -> RunId {
    let claim = claim(seconds);
    let id = claim.id;
    let from = cursor_of(store, name).await.accounted_to;
    let accounting = Accounting { from, claims: vec![claim], ..accounting(name, 0, seconds) };
    assert_eq!(store.account(t(seconds), vec![accounting]).await.unwrap(), [DONE]);
    id
}

/// Claims an occurrence and sends it, with the job's slot taken for a minute.
pub(crate) async fn sent(store: &Store, name: &str, seconds: i64) -> RunId {
    let run = claimed(store, name, seconds).await;
    let begun = begin_one(store, seconds, begin(run, Some(seconds + 60))).await;
    assert!(matches!(begun, Begun::Sending { .. }), "{begun:?}");
    run
}

pub(crate) async fn begin_one(store: &Store, now: i64, begin: Begin) -> Begun {
    let mut answers = store.begin(t(now), vec![begin]).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

pub(crate) async fn row(store: &Store, id: RunId) -> Run {
    store.run(id).await.unwrap().unwrap().0
}

/// The job's history, oldest first, as it is easiest to read.
pub(crate) async fn history(store: &Store, name: &str) -> Vec<Run> {
    let query = RunQuery { job: Some(job(name)), limit: 1000, ..RunQuery::default() };
    let mut runs = store.runs(query).await.unwrap();
    runs.reverse();
    runs
}
