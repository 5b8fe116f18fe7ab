//! Sets up the log: standard error, text or JSON.

use std::io;

use tracing_subscriber::{EnvFilter, filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogConfig, LogFormat};

/// The engine logs its own channels' noise as errors; what matters of it the ticker's watchdog says.
const NOISE: &str = "tokio_cron_scheduler=off";

/// From here on, what is logged is seen. `usual` is the level when `RUST_LOG` says nothing.
pub(super) fn start(config: &LogConfig, usual: LevelFilter) {
    let wanted = config.filter.clone().unwrap_or_else(|| usual.to_string());
    let filter = EnvFilter::builder().parse_lossy(format!("{wanted},{NOISE}"));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let started = match config.format {
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry.with(layer.with_ansi(io::IsTerminal::is_terminal(&io::stderr()))).try_init(),
    };
    if started.is_err() {
        tracing::debug!("somebody set up a log before");
    }
}
