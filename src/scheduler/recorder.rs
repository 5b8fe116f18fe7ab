//! Takes writes to the ledger one after the other, and those of a kind that wait together.
//!
//! One at a time keeps their order: a run's end frees the slot before the next run asks for it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::decisions::{Event, Operation, Stored, Write};
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
        for write in join(waiting.drain(..)) {
            let again = write.clone();
            let event = match write_one(store.as_ref(), clock.now(), write).await {
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

async fn write_one(store: &dyn RunStore, now: DateTime<Utc>, write: Write) -> Result<Stored, StoreError> {
    Ok(match write {
        Write::Anchor(cursors) => {
            store.anchor(cursors).await?;
            Stored::Anchored
        }
        Write::Account(batch) => {
            let answers = store.account(now, batch.clone()).await?;
            Stored::Accounted(batch, answers)
        }
        Write::Begin(batch) => {
            let answers = store.begin(now, batch.clone()).await?;
            Stored::Begun(batch, answers)
        }
        Write::End(batch) => {
            store.end(now, batch.clone()).await?;
            Stored::Ended(batch)
        }
        Write::Finish(batch) => {
            let answers = store.finish(now, batch.clone()).await?;
            Stored::Finished(batch, answers)
        }
        Write::Operate(operation) => {
            let found = operate(store, &operation).await?;
            Stored::Operated(operation, found)
        }
        Write::Tick(at) => {
            store.tick(at).await?;
            Stored::Ticked
        }
    })
}

async fn operate(store: &dyn RunStore, operation: &Operation) -> Result<bool, StoreError> {
    match operation.clone() {
        Operation::Claim(asked, _) => store.claim(asked).await.map(|()| true),
        Operation::Settle(run, outcome, _) => store.settle(run, outcome).await,
        Operation::Pause(pause, _) => store.pause(vec![pause]).await.map(|()| true),
        Operation::ForgetPauses(jobs) => store.resume(jobs).await.map(|()| true),
    }
}

/// Joins neighbours of one kind into one write.
fn join(writes: impl Iterator<Item = Write>) -> Vec<Write> {
    let mut joined: Vec<Write> = Vec::new();
    for write in writes {
        match (joined.last_mut(), write) {
            (Some(Write::Anchor(last)), Write::Anchor(more)) => last.extend(more),
            (Some(Write::Account(last)), Write::Account(more)) => last.extend(more),
            (Some(Write::Begin(last)), Write::Begin(more)) => last.extend(more),
            (Some(Write::End(last)), Write::End(more)) => last.extend(more),
            (Some(Write::Finish(last)), Write::Finish(more)) => last.extend(more),
            (_, write) => joined.push(write),
        }
    }
    joined
}
