//! SIGTERM and Ctrl-C: the first asks for a stop, the second ends at once (guarantee G7).

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// Both signals that ask for a stop.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From here on the signals no longer end the process by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Turns `stop` true at the first signal and ends at the second.
    pub(super) async fn stop_then_end(mut self, stop: watch::Sender<bool>) {
        let signal = self.next().await;
        tracing::info!(signal, "stopping: open requests are waited for; a second signal ends at once");
        stop.send_replace(true);
        let signal = self.next().await;
        tracing::warn!(signal, "ending at once");
    }
}
