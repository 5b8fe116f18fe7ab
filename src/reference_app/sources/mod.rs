//! Sources: CSV files or lines of JSON, in files or on the web, that a job imports into tables when they changed.
//!
//! ```text
//! origin --fetch: hash, ETag--> copy --read: columns, rows--> a growing table --commit--> the table of the source's name
//! ```

mod api;
mod data;
mod fetch;
mod name;
mod origin;
mod read;
mod refresh;
mod spool;
mod table;

use std::{path::PathBuf, sync::Arc, time::Duration};

use reqwest::Client;
use sqlx::SqlitePool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::fetch::Fetcher;
pub(super) use self::{
    api::{add, list, may_import, remove},
    refresh::{Reports, refresh},
    spool::clear,
    table::{TableError, exists},
};

/// How sources are imported, and whether one is.
#[derive(Debug)]
pub(super) struct Imports {
    data: SqlitePool,
    fetcher: Fetcher,
    spool: PathBuf,
    turn: Arc<Semaphore>,
}

/// What bounds the import of one source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) timeout: Duration,
    pub(super) max_bytes: u64,
}

impl Imports {
    /// Into `data`, from files in `folder` and the web, by way of copies in `spool`.
    pub(super) fn new(data: SqlitePool, client: Client, folder: PathBuf, spool: PathBuf, bounds: Bounds) -> Self {
        let Bounds { timeout, max_bytes } = bounds;
        let fetcher = Fetcher { client, folder, timeout, max_bytes };
        Self { data, fetcher, spool, turn: Arc::new(Semaphore::new(1)) }
    }

    /// The right to change tables, as soon as nobody else has it.
    async fn next_turn(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed, so it is always a permit.
        Arc::clone(&self.turn).acquire_owned().await.ok()
    }

    /// The same, if nobody has it now.
    fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turn).try_acquire_owned().ok()
    }
}
