//! `/api/marketplaces…`

mod collection;
mod sync;
mod while_syncing;

use serde_json::Value;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

use crate::support::{
    app::TestApp,
    http::{PATIENCE, Reply},
};

/// Takes connections and says nothing, so that a sync hangs.
pub(super) struct Hole(TcpListener);

impl Hole {
    pub(super) async fn open() -> Self {
        Self(TcpListener::bind(("127.0.0.1", 0)).await.unwrap())
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}/r.git", self.0.local_addr().unwrap())
    }

    /// The connection of the git that fell into it.
    pub(super) async fn caught(&self) -> TcpStream {
        tokio::time::timeout(PATIENCE, self.0.accept()).await.expect("git connects").unwrap().0
    }
}

/// Ends when the process at the other end is gone, which is the one that git started for the network.
pub(super) async fn gone(mut git: TcpStream) {
    let mut said = Vec::new();
    // An end of stream or a reset: either way it is gone.
    drop(tokio::time::timeout(PATIENCE, git.read_to_end(&mut said)).await.expect("git is gone"));
}

async fn sync_all(app: &TestApp) -> Reply {
    app.scheduler("POST", "/api/marketplaces/sync-all").send().await
}

/// The report of one repository.
fn report<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let reports = answer["repositories"].as_array().unwrap();
    reports.iter().find(|report| report["name"] == name).unwrap()
}
