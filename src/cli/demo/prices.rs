//! A CSV file that the app imports, and that grows now and then.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use miette::IntoDiagnostic;
use tokio::sync::watch;

/// How often it gets a row: not in step with the demo's schedule, so that some imports find nothing.
const CHANGE: Duration = Duration::from_secs(14);

/// The demo's source of data.
pub(super) struct Prices(PathBuf);

impl Prices {
    /// Its name in the folder in which the app looks for files.
    pub(super) const FILE: &str = "prices.csv";

    /// `app`: where the app keeps its data.
    pub(super) fn make(app: &Path) -> miette::Result<Self> {
        let folder = app.join("sources");
        fs::create_dir_all(&folder).into_diagnostic()?;
        let this = Self(folder.join(Self::FILE));
        fs::write(&this.0, "item,price\nbell,120\nrope,15\n").into_diagnostic()?;
        Ok(this)
    }

    /// Adds rows until `stop` turns true.
    pub(super) async fn keep_growing(self, mut stop: watch::Receiver<bool>) {
        for number in 1_u32.. {
            tokio::select! {
                () = tokio::time::sleep(CHANGE) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let row = format!("candle-{number},{number}\n");
            let file = fs::OpenOptions::new().append(true).open(&self.0);
            if let Err(error) = file.and_then(|mut file| file.write_all(row.as_bytes())) {
                return tracing::warn!("no further prices: {error}");
            }
        }
    }
}
