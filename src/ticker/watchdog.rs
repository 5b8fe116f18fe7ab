//! Keeps an engine beating: starts it, and starts another, loudly, when it no longer looks.

use std::{
    sync::{Arc, atomic::Ordering},
    thread,
};

use tokio::{sync::oneshot, time::sleep};
use tokio_cron_scheduler::JobSchedulerError;

use super::{Beat, DEAD_AFTER, Home, engine};

/// Never ends by itself. Dropping it stops the engine.
pub(super) async fn keep_beating(beat: Arc<Beat>, home: Home) {
    for number in 1.. {
        beat.note_look();
        beat.engine.store(number, Ordering::Release);
        let running = Running::start(&beat, number, home).await;
        if let Err(error) = &running {
            tracing::error!(%error, engine = number, "the ticker's engine did not start");
        }
        while let Some(rest) = DEAD_AFTER.checked_sub(beat.age()).filter(|rest| !rest.is_zero()) {
            sleep(rest).await;
        }
        tracing::error!(engine = number, silent_for = ?beat.age(), "the ticker's engine has stopped looking, starting another");
        drop(running);
    }
}

/// An engine that goes away with this value.
enum Running {
    Thread { _stop: oneshot::Sender<()> },
    Here(tokio_cron_scheduler::JobScheduler),
}

#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Thread(#[from] std::io::Error),
    #[error(transparent)]
    Engine(#[from] JobSchedulerError),
}

impl Running {
    async fn start(beat: &Arc<Beat>, number: u64, home: Home) -> Result<Self, StartError> {
        match home {
            Home::OwnThread => Ok(Self::Thread { _stop: in_thread(Arc::clone(beat), number)? }),
            Home::ThisRuntime => Ok(Self::Here(engine::start(Arc::clone(beat), number).await?)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Here(engine) = self {
            let mut engine = engine.clone();
            tokio::spawn(async move { engine.shutdown().await });
        }
    }
}

/// The runtime is dropped with the thread, and with it every task the engine left behind.
fn in_thread(beat: Arc<Beat>, number: u64) -> std::io::Result<oneshot::Sender<()>> {
    let (stop, stopped) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    thread::Builder::new().name(format!("ticker-{number}")).spawn(move || {
        runtime.block_on(async {
            match engine::start(beat, number).await {
                Ok(_engine) => drop(stopped.await),
                Err(error) => tracing::error!(%error, engine = number, "the ticker's engine did not start"),
            }
        });
    })?;
    Ok(stop)
}
