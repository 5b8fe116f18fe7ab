//! The one task that writes.

use std::{
    future::poll_fn,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{mpsc, mpsc::error::TrySendError, oneshot, watch};

use super::{blocking::blocking, lock::LedgerLock};
use crate::store::StoreError;

/// How many writes may wait, and how many one transaction takes.
const QUEUE: usize = 1024;
/// How long what waits at the close may take.
const CLOSING: Duration = Duration::from_secs(3);

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

    /// Lets the task write what waits, and waits until connection and lock are given back, but not for a file that does not
    /// answer (guarantee G7).
    pub(super) async fn close(&self) {
        drop(self.queue().take());
        let mut ended = self.ended.clone();
        // Nothing is ever sent: the error says that the task has ended.
        if tokio::time::timeout(CLOSING, ended.changed()).await.is_err() {
            tracing::error!("the ledger did not close in time: a write is still under way");
        }
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
        apply(write.as_mut(), connection).await.map_err(Failure::Write)?;
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

/// A panic is an error of the write that panicked: the ledger stays open for all others.
async fn apply(write: &mut dyn Queued, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut applied = write.apply(connection);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| applied.as_mut().poll(context)));
        polled.unwrap_or(Poll::Ready(Err(StoreError::Panicked)))
    })
    .await
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

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    /// Says that it began, and waits until it may go on.
    struct Hangs {
        began: Arc<Notify>,
        may_go_on: Arc<Notify>,
    }

    #[async_trait]
    impl Write for Hangs {
        type Answer = ();

        async fn apply(&self, _: &mut SqliteConnection) -> Result<(), StoreError> {
            self.began.notify_one();
            self.may_go_on.notified().await;
            Ok(())
        }
    }

    /// Writes a row, and panics if it is told to.
    struct Row {
        id: i64,
        panics: bool,
    }

    #[async_trait]
    impl Write for Row {
        type Answer = i64;

        async fn apply(&self, ledger: &mut SqliteConnection) -> Result<i64, StoreError> {
            sqlx::query("INSERT INTO rows VALUES (?1)").bind(self.id).execute(&mut *ledger).await?;
            assert!(!self.panics, "this write was told to panic");
            Ok(sqlx::query_scalar("SELECT count(*) FROM rows").fetch_one(ledger).await?)
        }
    }

    async fn writer(folder: &tempfile::TempDir) -> Writer {
        let path = folder.path().join("sexton.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        sqlx::query("CREATE TABLE rows (id INTEGER)").execute(&mut connection).await.unwrap();
        Writer::start(connection, options, LedgerLock::take(&path).unwrap())
    }

    /// Seed D9: of three that may share a transaction, the one that panics is rolled back and hears of it.
    #[tokio::test]
    async fn d9_a_panic_is_an_error_of_its_write_and_of_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder).await;
        let row = |id, panics| writer.carry_out(Row { id, panics });
        let (first, panicked, third) = tokio::join!(row(1, false), row(2, true), row(3, false));
        assert!(matches!(panicked, Err(StoreError::Panicked)), "{panicked:?}");
        assert_eq!((first.unwrap(), third.unwrap()), (1, 2), "what it had written is not there");
        assert_eq!(row(4, false).await.unwrap(), 3, "and the ledger is open");
        writer.close().await;
    }

    /// Guarantee G7: what hangs does not hold up the close for ever.
    #[tokio::test]
    async fn a_close_does_not_wait_for_a_write_that_hangs() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Arc::new(writer(&folder).await);
        let (began, may_go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (hanging, of_others) =
            (Hangs { began: Arc::clone(&began), may_go_on: Arc::clone(&may_go_on) }, Arc::clone(&writer));
        let hanging = tokio::spawn(async move { of_others.carry_out(hanging).await });
        began.notified().await;
        tokio::time::timeout(CLOSING * 10, writer.close()).await.expect("the close is bounded");
        assert!(!hanging.is_finished());
        may_go_on.notify_one();
        hanging.await.unwrap().unwrap();
    }
}
