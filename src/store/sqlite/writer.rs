//! The one task that writes.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{mpsc, mpsc::error::TrySendError, oneshot, watch};

use super::{blocking::blocking, lock::LedgerLock};
use crate::store::StoreError;

/// How many writes may wait, and how many one transaction takes.
const QUEUE: usize = 1024;

/// Something to be written, in one transaction with its neighbours.
#[async_trait]
pub(super) trait Write: Send + Sync + 'static {
    /// What the caller is told once it is durable.
    type Answer: Send + 'static;

    /// Writes it. May be called again, on a fresh transaction, when a neighbour failed.
    async fn apply(&self, ledger: &mut SqliteConnection) -> Result<Self::Answer, StoreError>;
}

type Queue = mpsc::Sender<Box<dyn Queued>>;

/// The way to the writing task.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` once it is closed. A write that waits for room has a copy, and the task ends when the last one is gone.
    queue: Mutex<Option<Queue>>,
    ended: watch::Receiver<()>,
}

impl Writer {
    /// Starts the task. It owns the connection and the lock until [`Self::close`], or until this is dropped.
    pub(super) fn start(connection: SqliteConnection, options: SqliteConnectOptions, lock: LedgerLock) -> Self {
        let (queue, inbox) = mpsc::channel(QUEUE);
        let (alive, ended) = watch::channel(());
        let pen = Pen { options, connection: Some(connection), _lock: lock };
        tokio::spawn(async move {
            serve(pen, inbox).await;
            drop(alive);
        });
        Self { queue: Mutex::new(Some(queue)), ended }
    }

    /// Has `write` carried out and waits until it is durable.
    pub(super) async fn carry_out<W: Write>(&self, write: W) -> Result<W::Answer, StoreError> {
        let (caller, answer) = oneshot::channel();
        self.enqueue(Box::new(Ticket { write, answer: None, caller }))?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Puts the write in without ever giving it back to a caller that may go away: with a full queue a task of its own
    /// waits for room (seed D11).
    fn enqueue(&self, write: Box<dyn Queued>) -> Result<(), StoreError> {
        let queue = self.queue().clone().ok_or(StoreError::Closed)?;
        match queue.try_send(write) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(write)) => {
                tokio::spawn(async move { queue.send(write).await });
                Ok(())
            }
            Err(TrySendError::Closed(_)) => Err(StoreError::Closed),
        }
    }

    /// Lets the task write what waits, and waits until connection and lock are given back.
    pub(super) async fn close(&self) {
        drop(self.queue().take());
        // Nothing is ever sent: the error says that the task has ended.
        let _ = self.ended.clone().changed().await;
    }

    /// No call panics while it has the queue, so a poisoned lock means nothing.
    fn queue(&self) -> MutexGuard<'_, Option<Queue>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(mut pen: Pen, mut inbox: mpsc::Receiver<Box<dyn Queued>>) {
    let mut group = Vec::new();
    while inbox.recv_many(&mut group, QUEUE).await > 0 {
        let group = mem::take(&mut group);
        let written = blocking(move || async move {
            pen.write(group).await;
            pen
        });
        pen = match written.await {
            Ok(pen) => pen,
            Err(_the_runtime_ends) => return,
        };
    }
    if blocking(move || pen.put_down()).await.is_err() {
        tracing::warn!("the runtime went down before the ledger was closed");
    }
}

/// The write connection, as long as it is good.
struct Pen {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    _lock: LedgerLock,
}

/// Why a group was not written.
enum Failure {
    /// The transaction cannot begin or commit: it would be so for any group.
    Ledger(Arc<sqlx::Error>),
    /// One of the writes failed: the others may go through.
    Write(StoreError),
}

impl Pen {
    /// Writes a group as one transaction and answers everybody; if one of them spoils it, each in its own.
    async fn write(&mut self, group: Vec<Box<dyn Queued>>) {
        if let Err(spoiled) = self.write_together(group).await {
            for one in spoiled {
                self.write_alone(one).await;
            }
        }
    }

    /// Gives the group back, unanswered, when one of its writes failed.
    async fn write_together(&mut self, mut group: Vec<Box<dyn Queued>>) -> Result<(), Vec<Box<dyn Queued>>> {
        match self.transact(&mut group).await {
            Ok(()) => group.into_iter().for_each(Queued::answer),
            Err(Failure::Write(_)) => return Err(group),
            Err(Failure::Ledger(error)) => {
                group.into_iter().for_each(|write| write.refuse(StoreError::Database(Arc::clone(&error))));
            }
        }
        Ok(())
    }

    async fn write_alone(&mut self, one: Box<dyn Queued>) {
        let mut group = [one];
        let result = self.transact(&mut group).await;
        let [one] = group;
        match result {
            Ok(()) => one.answer(),
            Err(Failure::Write(error)) => one.refuse(error),
            Err(Failure::Ledger(error)) => one.refuse(StoreError::Database(error)),
        }
    }

    /// One transaction. After a failure the connection is closed, which rolls back, and the next one is a new one: SQLite
    /// rolls back by itself on some errors and not on others, and nothing is to be built on a guess which.
    async fn transact(&mut self, group: &mut [Box<dyn Queued>]) -> Result<(), Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        let result = commit(&mut connection, group).await;
        match result {
            Ok(()) => self.connection = Some(connection),
            Err(_) => close(connection).await,
        }
        result
    }

    /// Closing the last connection folds the write-ahead log into the file.
    async fn put_down(self) {
        if let Some(connection) = self.connection {
            close(connection).await;
        }
    }
}

async fn commit(connection: &mut SqliteConnection, group: &mut [Box<dyn Queued>]) -> Result<(), Failure> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    for write in group {
        write.apply(connection).await.map_err(Failure::Write)?;
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

async fn close(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the ledger's connection did not close cleanly");
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Ledger(Arc::new(error))
    }
}

/// A write in the queue, whatever its answer is.
#[async_trait]
trait Queued: Send {
    async fn apply(&mut self, ledger: &mut SqliteConnection) -> Result<(), StoreError>;
    /// Hands over what the last `apply` gave; to be called once that is durable.
    fn answer(self: Box<Self>);
    fn refuse(self: Box<Self>, error: StoreError);
}

struct Ticket<W: Write> {
    write: W,
    answer: Option<W::Answer>,
    caller: oneshot::Sender<Result<W::Answer, StoreError>>,
}

#[async_trait]
impl<W: Write> Queued for Ticket<W> {
    async fn apply(&mut self, ledger: &mut SqliteConnection) -> Result<(), StoreError> {
        self.answer = Some(self.write.apply(ledger).await?);
        Ok(())
    }

    fn answer(self: Box<Self>) {
        if let Some(answer) = self.answer {
            // A caller that went away does not want to know.
            let _ = self.caller.send(Ok(answer));
        }
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        if let Err(Err(error)) = self.caller.send(Err(error)) {
            tracing::error!(%error, "a write failed after its caller had gone");
        }
    }
}
