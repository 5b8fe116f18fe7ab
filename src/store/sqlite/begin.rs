//! Claimed runs become `sending`: each gets its fence, its attempt and its job's slot, or none of them.

use std::collections::HashMap;

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
        write(ledger, self.now, &sent).await?;
        Ok(answers)
    }
}

/// The runs of the batch and their jobs, as the decisions so far leave them.
struct Standing {
    runs: HashMap<RunId, RunStanding>,
    jobs: HashMap<String, JobStanding>,
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

struct Holder {
    run: RunId,
    state: State,
    until: DateTime<Utc>,
}

impl Standing {
    async fn read(ledger: &mut SqliteConnection, batch: &[Begin]) -> Result<Self, StoreError> {
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
        .fetch_all(ledger)
        .await?;
        let mut standing = Self { runs: HashMap::new(), jobs: HashMap::new() };
        for row in &found {
            standing.take_down(row)?;
        }
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

    fn decide(&mut self, now: DateTime<Utc>, begin: &Begin) -> Begun {
        let Some(run) = self.runs.get_mut(&begin.run) else { return Begun::Lost };
        let Some(job) = self.jobs.get_mut(&run.job) else { return Begun::Lost };
        let Ok(sending) = transition(run.state, Change::Send) else { return Begun::Lost };
        if let Some(until) = begin.slot_until {
            if let Some(holder) = job.holder.as_ref().filter(|holder| holder.keeps_out(begin.run, now)) {
                return Begun::Occupied { by: holder.run, state: holder.state, until: holder.until };
            }
            job.holder = Some(Holder { run: begin.run, state: sending, until });
        }
        job.fence += 1;
        run.state = sending;
        run.attempts += 1;
        Begun::Sending { fence: job.fence, attempt: run.attempts }
    }
}

impl Holder {
    /// A slot whose time is over keeps nobody out (seed E9).
    fn keeps_out(&self, run: RunId, now: DateTime<Utc>) -> bool {
        self.run != run && micros(self.until) > micros(now)
    }
}

/// id, job, fence, attempt, trigger, definition, request, slot's end, state before
type SentRow<'a> = (String, &'a str, u64, u32, &'static str, &'a str, &'a str, Option<i64>, &'static str);

impl Standing {
    fn sent_row<'a>(&'a self, begin: &'a Begin, answer: &Begun) -> Option<SentRow<'a>> {
        let &Begun::Sending { fence, attempt } = answer else { return None };
        let RunStanding { job, was, .. } = self.runs.get(&begin.run)?;
        let (id, trigger, until) = (begin.run.to_string(), begin.trigger.as_str(), begin.slot_until.map(micros));
        Some((id, job, fence, attempt, trigger, &begin.definition, &begin.request, until, was.as_str()))
    }
}

async fn write(ledger: &mut SqliteConnection, now: DateTime<Utc>, sent: &[SentRow<'_>]) -> Result<(), StoreError> {
    if sent.is_empty() {
        return Ok(());
    }
    let rows = json::rows(sent)?;
    update_runs(ledger, &rows, sent.len()).await?;
    insert_attempts(ledger, &rows, now).await?;
    let with_slot = sent.iter().filter(|(.., until, _)| until.is_some()).count();
    take_slots(ledger, &rows, with_slot, now).await?;
    draw_fences(ledger, &rows).await
}

async fn update_runs(ledger: &mut SqliteConnection, rows: &str, count: usize) -> Result<(), StoreError> {
    let updated = sqlx::query(
        r#"UPDATE runs SET state = ?2, fence = value ->> 2, "trigger" = value ->> 4, definition = value ->> 5,
               request = value ->> 6, wake_at = NULL
           FROM json_each(?1) AS sent WHERE runs.id = sent.value ->> 0 AND runs.state = sent.value ->> 8"#,
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

async fn take_slots(
    ledger: &mut SqliteConnection,
    rows: &str,
    count: usize,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let taken = sqlx::query(
        "INSERT INTO slots (name, n, run, until)
         SELECT 'job:' || (value ->> 1), 0, value ->> 0, value ->> 7 FROM json_each(?1) WHERE value ->> 7 IS NOT NULL
         ON CONFLICT (name, n) DO UPDATE SET run = excluded.run, until = excluded.until
             WHERE slots.until <= ?2 OR slots.run = excluded.run",
    )
    .bind(rows)
    .bind(micros(now))
    .execute(ledger)
    .await?;
    json::all_changed("slots", count, &taken)
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
