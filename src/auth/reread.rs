//! Files that are read again while the app runs.

use std::{
    fmt::{Debug, Display},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::clock::SharedClock;

/// How old a reading may be when it is needed.
const FRESH: Duration = Duration::from_secs(1);
/// How long one request waits for a reading; a hung file system must not hang every request.
const READING: Duration = Duration::from_secs(1);

/// What a file holds, read again when it is needed and that was over a second ago. What turns bad keeps the last good.
#[derive(Debug)]
pub(super) struct Reread<T, E> {
    path: PathBuf,
    parse: fn(&Path) -> Result<T, E>,
    /// What was read last and good.
    known: watch::Sender<Option<Arc<T>>>,
    /// Held while the file is read.
    reading: Mutex<Reading<T, E>>,
}

#[derive(Debug)]
struct Reading<T, E> {
    /// One that somebody gave up waiting for keeps its thread until it ends.
    under_way: Option<JoinHandle<Result<T, E>>>,
    /// When the last one ended, or was given up.
    at: Instant,
    good: bool,
}

impl<T, E> Reread<T, E>
where
    T: Send + Sync + 'static,
    E: Display + From<(PathBuf, io::Error)> + Send + 'static,
{
    /// Reads the file a first time, with `parse`, which may block. What was wrong is handed back beside.
    pub(super) async fn start(
        path: PathBuf,
        parse: fn(&Path) -> Result<T, E>,
        clock: &SharedClock,
    ) -> (Self, Option<E>) {
        let mut reading = Reading { under_way: None, at: clock.monotonic(), good: true };
        let (value, trouble) = match reading.read(&path, parse).await {
            Ok(value) => (Some(Arc::new(value)), None),
            Err(error) => (None, Some(error)),
        };
        reading.good = value.is_some();
        reading.at = clock.monotonic();
        (Self { path, parse, known: watch::Sender::new(value), reading: Mutex::new(reading) }, trouble)
    }

    /// What is in force; `None` while the file was never good. While one request reads, the others go by what is known,
    /// unless that is nothing; while a reading hangs, all of them do.
    pub(super) async fn current(&self, clock: &SharedClock) -> Option<Arc<T>> {
        let is_known = self.known.borrow().is_some();
        let reading = if is_known { self.reading.try_lock().ok() } else { Some(self.reading.lock().await) };
        if let Some(mut reading) = reading
            && clock.monotonic() - reading.at >= FRESH
            && !reading.hangs()
        {
            match reading.read(&self.path, self.parse).await {
                Ok(value) => {
                    self.known.send_replace(Some(Arc::new(value)));
                    reading.good = true;
                }
                Err(error) if reading.good => {
                    tracing::warn!(%error, "a file turned bad: what it held last stays in force");
                    reading.good = false;
                }
                Err(_) => {}
            }
            reading.at = clock.monotonic();
        }
        self.known.borrow().clone()
    }
}

impl<T, E> Reading<T, E>
where
    T: Send + 'static,
    E: From<(PathBuf, io::Error)> + Send + 'static,
{
    /// Whether one that was given up has not ended: another would hang beside it, and cost a thread more.
    fn hangs(&self) -> bool {
        self.under_way.as_ref().is_some_and(|reading| !reading.is_finished())
    }

    async fn read(&mut self, path: &Path, parse: fn(&Path) -> Result<T, E>) -> Result<T, E> {
        let owned = path.to_owned();
        let failed = |source: io::Error| E::from((path.to_owned(), source));
        let reading = self.under_way.insert(tokio::task::spawn_blocking(move || parse(&owned)));
        let read = timeout(READING, reading).await.map_err(|elapsed| failed(elapsed.into()))?;
        self.under_way = None;
        read.map_err(|join| failed(join.into()))?
    }
}
