//! Takes writes to the ledger one after the other, and those of a kind that wait together.
//!
//! One at a time keeps their order: a run's end frees the slot before the next run asks for it. It is also all that a
//! scheduler asks of a ledger, so that a simulation asks the same.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::decisions::{Event, Inherited, Life, Operation, Stored, Write};
use crate::{
    clock::SharedClock,
    store::{RunStore, StoreError},
};

/// Ends when nobody writes any more or nobody listens.
pub(super) async fn record(
    store: Arc<dyn RunStore>,
    clock: SharedClock,
    mut writes: UnboundedReceiver<Write>,
    answers: UnboundedSender<Event>,
) {
    let mut waiting = Vec::new();
    while writes.recv_many(&mut waiting, usize::MAX).await > 0 {
        for write in Write::join(waiting.drain(..)) {
            let again = write.clone();
            let event = match write.carry_out(store.as_ref(), clock.now()).await {
                Ok(stored) => Event::Stored(stored),
                Err(error) => {
                    tracing::error!(%error, "the ledger did not take a write, it will be tried again");
                    Event::StoreFailed(again)
                }
            };
            if answers.send(event).is_err() {
                return;
            }
        }
    }
}

impl Inherited {
    /// What the ledger holds at `now`, for the first life of a process.
    ///
    /// # Errors
    /// Whatever the ledger says.
    pub async fn read(store: &dyn RunStore, now: DateTime<Utc>) -> Result<Self, StoreError> {
        Ok(Self {
            cursors: store.cursors().await?,
            unfinished: store.unfinished().await?,
            slots: store.slots(now).await?,
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
            match (joined.last_mut(), write) {
                (Some(Self::Anchor(last)), Self::Anchor(more)) => last.extend(more),
                (Some(Self::Account(last)), Self::Account(more)) => last.extend(more),
                (Some(Self::Begin(last)), Self::Begin(more)) => last.extend(more),
                (Some(Self::End(last)), Self::End(more)) => last.extend(more),
                (Some(Self::Finish(last)), Self::Finish(more)) => last.extend(more),
                (_, write) => joined.push(write),
            }
        }
        joined
    }
}

async fn operate(store: &dyn RunStore, operation: &Operation) -> Result<bool, StoreError> {
    match operation.clone() {
        Operation::Claim(asked, _) => store.claim(asked).await.map(|()| true),
        Operation::Settle(run, outcome, _) => store.settle(run, outcome).await,
        Operation::Pause(pause, _) => store.pause(vec![pause]).await.map(|()| true),
        Operation::ForgetPauses(jobs) => store.resume(jobs).await.map(|()| true),
    }
}
