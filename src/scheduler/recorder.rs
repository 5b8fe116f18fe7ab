//! Takes writes to the ledger one after the other, and those of a kind that wait together.
//!
//! One at a time keeps their order: a run's end frees the slot before the next run asks for it. It is also all that a
//! scheduler asks of a ledger, so that a simulation asks the same.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{
    Mutex, OwnedMutexGuard,
    mpsc::{UnboundedReceiver, UnboundedSender},
};

use super::decisions::{Event, Inherited, Life, Operation, Stored, Write};
use crate::{
    clock::SharedClock,
    store::{RunStore, StoreError},
};

/// What the recorder is told.
#[derive(Debug)]
pub(super) enum Task {
    /// Take it.
    Write(Write),
    /// What comes from here on was decided by somebody who knows of every failure so far.
    Resume,
}

/// There is one for all lives of a loop.
pub(super) type Pen = Arc<Mutex<()>>;

/// In the hand of the recorder that writes.
pub(super) type HeldPen = OwnedMutexGuard<()>;

/// Ends when nobody writes any more or nobody listens, and then gives the pen back.
///
/// A write that failed is told again later. Until then ([`Task::Resume`]) nothing else is taken: it could overtake the one
/// that failed, and what that accounts for would be lost. One that would fail for ever would keep everything waiting: it
/// ends this, and with it the life of the loop that decided it.
pub(super) async fn record(
    _pen: HeldPen,
    store: Arc<dyn RunStore>,
    clock: SharedClock,
    mut tasks: UnboundedReceiver<Task>,
    answers: UnboundedSender<Event>,
) {
    let mut waiting = Vec::new();
    let mut refusing = false;
    while tasks.recv_many(&mut waiting, usize::MAX).await > 0 {
        for task in Task::join(waiting.drain(..)) {
            let write = match task {
                Task::Resume => {
                    refusing = false;
                    continue;
                }
                Task::Write(write) => write,
            };
            let event = if refusing {
                Event::StoreFailed(write)
            } else {
                let again = write.clone();
                match write.carry_out(store.as_ref(), clock.now()).await {
                    Ok(stored) => Event::Stored(stored),
                    Err(error) if error.is_of_the_write() && !again.has_asker() => {
                        tracing::error!(%error, "the ledger will never take a write that was decided: this is a bug");
                        return;
                    }
                    Err(error) => {
                        tracing::error!(%error, "the ledger did not take a write, it will be tried again");
                        refusing = again.is_kept();
                        Event::StoreFailed(again)
                    }
                }
            };
            if answers.send(event).is_err() {
                return;
            }
        }
    }
}

impl Task {
    fn join(tasks: impl Iterator<Item = Self>) -> Vec<Self> {
        let mut joined: Vec<Self> = Vec::new();
        for task in tasks {
            let rest = match (joined.last_mut(), task) {
                (Some(Self::Write(last)), Self::Write(more)) => last.merge(more).map(Self::Write),
                (_, task) => Some(task),
            };
            joined.extend(rest);
        }
        joined
    }
}

impl Inherited {
    /// What the ledger holds at `now`, for the first life of a process.
    ///
    /// # Errors
    /// Whatever the ledger says.
    pub async fn read(store: &dyn RunStore, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let last_alive = store.last_tick().await?.unwrap_or(now);
        Ok(Self {
            cursors: store.cursors().await?,
            unfinished: store.unfinished().await?,
            slots: store.slots(last_alive.min(now)).await?,
            pauses: store.pauses().await?,
            life: Life::First,
        })
    }
}

impl Write {
    /// Has the ledger carry this out at `now`. The loop's recorder calls it, and so does whoever drives the decisions on a
    /// time of its own.
    ///
    /// # Errors
    /// Whatever the ledger says; then nothing of it is written.
    pub async fn carry_out(self, store: &dyn RunStore, now: DateTime<Utc>) -> Result<Stored, StoreError> {
        Ok(match self {
            Self::Anchor(cursors) => {
                store.anchor(cursors).await?;
                Stored::Anchored
            }
            Self::Account(batch) => {
                let answers = store.account(now, batch.clone()).await?;
                Stored::Accounted(batch, answers)
            }
            Self::Begin(batch) => {
                let answers = store.begin(now, batch.clone()).await?;
                Stored::Begun(batch, answers)
            }
            Self::Queue(batch) => {
                let answers = store.queue(batch.clone()).await?;
                Stored::Queued(batch, answers)
            }
            Self::Follow(batch) => {
                let answers = store.follow(batch.clone()).await?;
                Stored::Followed(batch, answers)
            }
            Self::End(batch) => {
                store.end(now, batch.clone()).await?;
                Stored::Ended(batch)
            }
            Self::Finish(batch) => {
                let answers = store.finish(now, batch.clone()).await?;
                Stored::Finished(batch, answers)
            }
            Self::Operate(operation) => {
                let found = operate(store, &operation).await?;
                Stored::Operated(operation, found)
            }
            Self::Tick(at) => {
                store.tick(at).await?;
                Stored::Ticked
            }
        })
    }

    /// Joins neighbours of one kind into one write.
    #[must_use]
    pub fn join(writes: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut joined: Vec<Self> = Vec::new();
        for write in writes {
            let rest = match joined.last_mut() {
                Some(last) => last.merge(write),
                None => Some(write),
            };
            joined.extend(rest);
        }
        joined
    }

    /// Gives back what is of another kind.
    fn merge(&mut self, more: Self) -> Option<Self> {
        match (self, more) {
            (Self::Anchor(these), Self::Anchor(more)) => these.extend(more),
            (Self::Account(these), Self::Account(more)) => these.extend(more),
            (Self::Begin(these), Self::Begin(more)) => these.extend(more),
            (Self::Queue(these), Self::Queue(more)) => these.extend(more),
            (Self::Follow(these), Self::Follow(more)) => these.extend(more),
            (Self::End(these), Self::End(more)) => these.extend(more),
            (Self::Finish(these), Self::Finish(more)) => these.extend(more),
            (_, more) => return Some(more),
        }
        None
    }
}

async fn operate(store: &dyn RunStore, operation: &Operation) -> Result<bool, StoreError> {
    match operation.clone() {
        Operation::Claim(asked, _) => store.claim(asked).await.map(|()| true),
        Operation::Backfill { asked, again, .. } => store.claim_past(asked, again).await,
        Operation::Settle(run, _, outcome, _) => store.settle(run, outcome).await,
        Operation::Pause(pause, _) => store.pause(vec![pause]).await.map(|()| true),
        Operation::ForgetPauses(jobs) => store.resume(jobs).await.map(|()| true),
    }
}
