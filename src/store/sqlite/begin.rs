//! Claimed runs become `sending`: each gets its fence, its attempt and its job's slot, or none of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    json,
    rows::{Fields, micros},
    writer::Write,
};
use crate::{
    run::{Change, RunId, State, transition},
    store::{Begin, Begun, StoreError},
};

/// Runs to begin.
pub(super) struct BeginRuns {
    pub(super) now: DateTime<Utc>,
    pub(super) batch: Vec<Begin>,
}

#[async_trait]
impl Write for BeginRuns {
    type Answer = Vec<Begun>;

    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<Vec<Begun>, StoreError> {
        let mut standing = Standing::read(ledger, &self.batch).await?;
        let answers: Vec<Begun> = self.batch.iter().map(|begin| standing.decide(self.now, begin)).collect();
        let sent: Vec<SentRow<'_>> =
            self.batch.iter().zip(&answers).filter_map(|(begin, answer)| standing.sent_row(begin, answer)).collect();
        write(ledger, self.now, &sent, &standing.taken).await?;
        Ok(answers)
    }
}

/// The runs of the batch, their jobs and groups, as the decisions so far leave them.
struct Standing {
    runs: HashMap<RunId, RunStanding>,
    jobs: HashMap<String, JobStanding>,
    /// The taken slots of each group, by number.
    groups: HashMap<String, BTreeMap<u32, Holder>>,
    taken: Vec<SlotRow>,
}

struct RunStanding {
    job: String,
    /// Where it stands in the ledger.
    was: State,
    state: State,
    attempts: u32,
}

struct JobStanding {
    fence: u64,
    holder: Option<Holder>,
}

#[derive(Clone, Copy)]
struct Holder {
    run: RunId,
    state: State,
    until: DateTime<Utc>,
}

impl Standing {
    async fn read(ledger: &mut SqliteConnection, batch: &[Begin]) -> Result<Self, StoreError> {
        let mut standing =
            Self { runs: HashMap::new(), jobs: HashMap::new(), groups: HashMap::new(), taken: Vec::new() };
        let ids: Vec<String> = batch.iter().map(|begin| begin.run.to_string()).collect();
        let found = sqlx::query(
            "SELECT runs.id, runs.job, runs.state, jobs.fence,
                 (SELECT count(*) FROM attempts WHERE attempts.run = runs.id) AS attempts,
                 slots.run AS holder, holders.state AS holder_state, slots.until
             FROM json_each(?1) AS asked
             JOIN runs ON runs.id = asked.value
             JOIN jobs ON jobs.job = runs.job
             LEFT JOIN slots ON slots.name = 'job:' || runs.job AND slots.n = 0
             LEFT JOIN runs AS holders ON holders.id = slots.run",
        )
        .bind(json::rows(&ids)?)
        .fetch_all(&mut *ledger)
        .await?;
        for row in &found {
            standing.take_down(row)?;
        }
        standing.read_groups(ledger, batch).await?;
        Ok(standing)
    }

    fn take_down(&mut self, row: &SqliteRow) -> Result<(), StoreError> {
        let fields = Fields::of("run", "id", row)?;
        let job: String = fields.get("job")?;
        let holder = match fields.optional_word("holder")? {
            None => None,
            Some(run) => Some(Holder { run, state: fields.word("holder_state")?, until: fields.instant("until")? }),
        };
        self.jobs.insert(job.clone(), JobStanding { fence: fields.number("fence")?, holder });
        let was = fields.word("state")?;
        let run = RunStanding { job, was, state: was, attempts: fields.number("attempts")? };
        self.runs.insert(fields.word("id")?, run);
        Ok(())
    }

    async fn read_groups(&mut self, ledger: &mut SqliteConnection, batch: &[Begin]) -> Result<(), StoreError> {
        let asked: BTreeSet<&str> =
            batch.iter().filter_map(|begin| Some(begin.group.as_ref()?.group.as_str())).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let found = sqlx::query(
            "SELECT asked.value AS name, slots.n, slots.run, runs.state, slots.until
             FROM json_each(?1) AS asked
             JOIN slots ON slots.name = 'group:' || asked.value
             JOIN runs ON runs.id = slots.run",
        )
        .bind(json::rows(&asked.into_iter().collect::<Vec<_>>())?)
        .fetch_all(ledger)
        .await?;
        for row in &found {
            let fields = Fields::of("slot of group", "name", row)?;
            let holder =
                Holder { run: fields.word("run")?, state: fields.word("state")?, until: fields.instant("until")? };
            self.groups.entry(fields.get("name")?).or_default().insert(fields.number("n")?, holder);
        }
        Ok(())
    }

    fn decide(&mut self, now: DateTime<Utc>, begin: &Begin) -> Begun {
        let Some(run) = self.runs.get_mut(&begin.run) else { return Begun::Lost };
        let Some(job) = self.jobs.get_mut(&run.job) else { return Begun::Lost };
        let Ok(state) = transition(run.state, Change::Send) else { return Begun::Lost };
        let holder = job.holder.filter(|holder| begin.slot_until.is_some() && holder.keeps_out(begin.run, now));
        if let Some(Holder { run, state, until }) = holder {
            return Begun::Occupied { by: run, state, until };
        }
        if let Some(asked) = &begin.group {
            let slots = self.groups.entry(asked.group.clone()).or_default();
            match free_slot(slots, asked.concurrency, begin.run, now) {
                Err(until) => return Begun::Full { until },
                Ok(n) => {
                    slots.insert(n, Holder { run: begin.run, state, until: asked.until });
                    let name = format!("group:{}", asked.group);
                    self.taken.push((name, n, begin.run.to_string(), micros(asked.until)));
                }
            }
        }
        if let Some(until) = begin.slot_until {
            job.holder = Some(Holder { run: begin.run, state, until });
            self.taken.push((format!("job:{}", run.job), 0, begin.run.to_string(), micros(until)));
        }
        job.fence += 1;
        run.state = state;
        run.attempts += 1;
        Begun::Sending { fence: job.fence, attempt: run.attempts }
    }
}

/// The first free number; without one, when there will be. A group that was made smaller has holders beyond its size: they
/// count too.
fn free_slot(
    slots: &BTreeMap<u32, Holder>,
    concurrency: u32,
    run: RunId,
    now: DateTime<Utc>,
) -> Result<u32, DateTime<Utc>> {
    let taken: BTreeMap<u32, DateTime<Utc>> =
        slots.iter().filter(|(_, holder)| holder.keeps_out(run, now)).map(|(n, holder)| (*n, holder.until)).collect();
    let full = u32::try_from(taken.len()).is_ok_and(|taken| taken >= concurrency);
    match taken.values().min().filter(|_| full) {
        Some(until) => Err(*until),
        None => Ok((0..).find(|n| !taken.contains_key(n)).unwrap_or_default()),
    }
}

impl Holder {
    /// A slot whose time is over keeps nobody out (seed E9).
    fn keeps_out(&self, run: RunId, now: DateTime<Utc>) -> bool {
        self.run != run && micros(self.until) > micros(now)
    }
}

/// name, number, run, end
type SlotRow = (String, u32, String, i64);

/// id, job, fence, attempt, trigger, definition, request, state before
type SentRow<'a> = (String, &'a str, u64, u32, &'static str, &'a str, &'a str, &'static str);

impl Standing {
    fn sent_row<'a>(&'a self, begin: &'a Begin, answer: &Begun) -> Option<SentRow<'a>> {
        let &Begun::Sending { fence, attempt } = answer else { return None };
        let RunStanding { job, was, .. } = self.runs.get(&begin.run)?;
        let (id, trigger) = (begin.run.to_string(), begin.trigger.as_str());
        Some((id, job, fence, attempt, trigger, &begin.definition, &begin.request, was.as_str()))
    }
}

async fn write(
    ledger: &mut SqliteConnection,
    now: DateTime<Utc>,
    sent: &[SentRow<'_>],
    slots: &[SlotRow],
) -> Result<(), StoreError> {
    if sent.is_empty() {
        return Ok(());
    }
    let rows = json::rows(sent)?;
    update_runs(ledger, &rows, sent.len()).await?;
    insert_attempts(ledger, &rows, now).await?;
    take_slots(ledger, slots, now).await?;
    draw_fences(ledger, &rows).await
}

async fn update_runs(ledger: &mut SqliteConnection, rows: &str, count: usize) -> Result<(), StoreError> {
    let updated = sqlx::query(
        r#"UPDATE runs SET state = ?2, fence = value ->> 2, "trigger" = value ->> 4, definition = value ->> 5,
               request = value ->> 6, wake_at = NULL, work = NULL, progress = NULL
           FROM json_each(?1) AS sent WHERE runs.id = sent.value ->> 0 AND runs.state = sent.value ->> 7"#,
    )
    .bind(rows)
    .bind(State::Sending.as_str())
    .execute(ledger)
    .await?;
    json::all_changed("waiting runs", count, &updated)
}

async fn insert_attempts(ledger: &mut SqliteConnection, rows: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO attempts (run, number, fence, sent_at)
         SELECT value ->> 0, value ->> 3, value ->> 2, ?2 FROM json_each(?1)",
    )
    .bind(rows)
    .bind(micros(now))
    .execute(ledger)
    .await?;
    Ok(())
}

async fn take_slots(ledger: &mut SqliteConnection, slots: &[SlotRow], now: DateTime<Utc>) -> Result<(), StoreError> {
    let taken = sqlx::query(
        "INSERT INTO slots (name, n, run, until)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1) WHERE true
         ON CONFLICT (name, n) DO UPDATE SET run = excluded.run, until = excluded.until
             WHERE slots.until <= ?2 OR slots.run = excluded.run",
    )
    .bind(json::rows(slots)?)
    .bind(micros(now))
    .execute(ledger)
    .await?;
    json::all_changed("slots", slots.len(), &taken)
}

async fn draw_fences(ledger: &mut SqliteConnection, rows: &str) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE jobs SET fence = drawn.fence
         FROM (SELECT value ->> 1 AS job, max(value ->> 2) AS fence FROM json_each(?1) GROUP BY 1) AS drawn
         WHERE jobs.job = drawn.job",
    )
    .bind(rows)
    .execute(ledger)
    .await?;
    Ok(())
}
