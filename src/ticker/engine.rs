//! tokio-cron-scheduler, given a storage that lists one entry when something is due and a closure that passes it on.
//!
//! Why so and not by its `add` (measured on 0.15.1): its broadcast channel overflows with many jobs due at once, it
//! freezes a zone's UTC offset, and a panic in a job's closure ends its runner for good. Listing at most one entry a tick
//! cannot overflow, a lost activation is repeated by the next tick, and nothing in here can panic.

use std::{future::ready, pin::Pin, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::sync::RwLock;
use tokio_cron_scheduler::{
    JobCode, JobScheduler, JobSchedulerError, JobToRunAsync, MetaDataStorage, PinnedGetFuture, SimpleNotificationCode,
    SimpleNotificationStore, ToCode,
    job::job_data::{JobAndNextTick, JobStoredData, JobType, NonCronJob, Uuid as EngineId, job_stored_data},
    store::{DataStore, InitStore},
};
use uuid::Uuid;

use super::Beat;

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, JobSchedulerError>> + Send>>;

/// The engine's name for the one thing it knows.
const PUMP: Uuid = Uuid::from_u128(1);

/// Slots in each of the engine's ten channels; one entry a tick never fills them.
const CHANNEL: usize = 16;

/// Starts an engine in the current runtime. Its tasks live until that runtime ends or [`JobScheduler::shutdown`].
pub(super) async fn start(beat: Arc<Beat>, number: u64) -> Result<JobScheduler, JobSchedulerError> {
    let code = Code { closure: pass_on(Arc::clone(&beat), number) };
    let engine = JobScheduler::new_with_storage_and_code(
        Box::new(Storage { beat, number }),
        Box::new(SimpleNotificationStore::default()),
        Box::new(code),
        Box::new(SimpleNotificationCode::default()),
        CHANNEL,
    )
    .await?;
    engine.start().await?;
    Ok(engine)
}

fn pass_on(beat: Arc<Beat>, number: u64) -> Arc<RwLock<Box<JobToRunAsync>>> {
    Arc::new(RwLock::new(Box::new(move |_, _| {
        if beat.counts(number) {
            beat.due.notify_one();
        }
        Box::pin(ready(()))
    })))
}

/// Lists the pump when something is due. What the engine writes is ignored: the map advances itself, from the last
/// occurrence, never from now.
struct Storage {
    beat: Arc<Beat>,
    number: u64,
}

impl MetaDataStorage for Storage {
    fn list_next_ticks(&mut self) -> Answer<Vec<JobAndNextTick>> {
        if !self.beat.counts(self.number) {
            return answer(Vec::new());
        }
        self.beat.note_look();
        let due = self.beat.something_is_due().then(pump_is_due);
        answer(due.into_iter().collect())
    }

    fn set_next_and_last_tick(&mut self, _: Uuid, _: Option<DateTime<Utc>>, _: Option<DateTime<Utc>>) -> Answer<()> {
        answer(())
    }

    fn time_till_next_job(&mut self) -> Answer<Option<Duration>> {
        answer(None)
    }
}

impl DataStore<JobStoredData> for Storage {
    /// Must be `Some`, or the engine logs an error with every tick.
    fn get(&mut self, _: Uuid) -> Answer<Option<JobStoredData>> {
        answer(Some(stub()))
    }

    fn add_or_update(&mut self, _: JobStoredData) -> Answer<()> {
        answer(())
    }

    fn delete(&mut self, _: Uuid) -> Answer<()> {
        answer(())
    }
}

impl InitStore for Storage {
    fn init(&mut self) -> Answer<()> {
        answer(())
    }

    fn inited(&mut self) -> Answer<bool> {
        answer(true)
    }
}

struct Code {
    closure: Arc<RwLock<Box<JobToRunAsync>>>,
}

impl ToCode<Box<JobToRunAsync>> for Code {
    fn init(&mut self, _: &tokio_cron_scheduler::Context) -> Answer<()> {
        answer(())
    }

    fn get(&mut self, _: Uuid) -> PinnedGetFuture<Box<JobToRunAsync>> {
        answer(Some(Arc::clone(&self.closure)))
    }
}

impl JobCode for Code {}

fn answer<T: Send + 'static>(value: T) -> Answer<T> {
    Box::pin(ready(Ok(value)))
}

/// An entry that the engine finds due whatever the time: its next tick is one second after 1970 and it never ran.
fn pump_is_due() -> JobAndNextTick {
    JobAndNextTick { id: Some(EngineId::from(PUMP)), job_type: JobType::OneShot.into(), next_tick: 1, last_tick: None }
}

fn stub() -> JobStoredData {
    JobStoredData {
        id: Some(EngineId::from(PUMP)),
        last_updated: None,
        last_tick: None,
        next_tick: 1,
        job_type: JobType::OneShot.into(),
        count: 0,
        extra: Vec::new(),
        ran: false,
        stopped: false,
        job: Some(job_stored_data::Job::NonCronJob(NonCronJob { repeating: false, repeated_every: 0 })),
        time_offset_seconds: 0,
    }
}
