//! Files that are read again while the app runs.

use std::{
    fmt::{Debug, Display},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::clock::SharedClock;

/// How old a reading may be when it is needed.
const FRESH: Duration = Duration::from_secs(1);
/// How long a request waits for a reading; a hung file system must not hang every request.
const READING: Duration = Duration::from_secs(1);

/// What a file holds, read again when it is needed and that was over a second ago. What turns bad keeps the last good.
#[derive(Debug)]
pub(super) struct Reread<T, E> {
    path: PathBuf,
    parse: fn(&Path) -> Result<T, E>,
    reading: Mutex<Reading<T>>,
}

#[derive(Debug)]
struct Reading<T> {
    value: Option<Arc<T>>,
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
        let (value, trouble) = match read(&path, parse).await {
            Ok(value) => (Some(Arc::new(value)), None),
            Err(error) => (None, Some(error)),
        };
        let reading = Mutex::new(Reading { good: value.is_some(), value, at: clock.monotonic() });
        (Self { path, parse, reading }, trouble)
    }

    /// What is in force; `None` while the file was never good.
    pub(super) async fn current(&self, clock: &SharedClock) -> Option<Arc<T>> {
        let mut reading = self.reading.lock().await;
        if clock.monotonic() - reading.at >= FRESH {
            match read(&self.path, self.parse).await {
                Ok(value) => {
                    reading.value = Some(Arc::new(value));
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
        reading.value.clone()
    }
}

async fn read<T, E>(path: &Path, parse: fn(&Path) -> Result<T, E>) -> Result<T, E>
where
    T: Send + 'static,
    E: From<(PathBuf, io::Error)> + Send + 'static,
{
    let owned = path.to_owned();
    let failed = |source: io::Error| E::from((path.to_owned(), source));
    match timeout(READING, tokio::task::spawn_blocking(move || parse(&owned))).await {
        Ok(Ok(result)) => result,
        Ok(Err(join)) => Err(failed(join.into())),
        Err(elapsed) => Err(failed(elapsed.into())),
    }
}
