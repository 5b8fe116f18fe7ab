//! Where the work of SQLite is done.

use std::panic;

use tokio::{runtime::Handle, task};

use crate::store::StoreError;

/// Drives `work` to its end on a blocking thread, also when the caller goes away.
///
/// SQLite answers from a thread of its own, which tokio's paused clock does not see: it would run ahead during a write
/// and let the timeouts of a test pass. It does not while a blocking task is at work, so in a test the virtual time of a
/// read or a write is nothing. A runtime that ends waits for such a task.
pub(super) async fn blocking<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let runtime = Handle::current();
    match task::spawn_blocking(move || runtime.block_on(work())).await {
        Ok(result) => Ok(result),
        Err(error) => match error.try_into_panic() {
            Ok(panicked) => panic::resume_unwind(panicked),
            Err(_the_runtime_ends) => Err(StoreError::Closed),
        },
    }
}
