//! `/api/jobs…`

mod cancel;
mod get;
mod leases;
mod post;
mod running;
mod session;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::marketplaces::Hole;
use crate::support::app::TestApp;

/// The smallest thing to ask for.
fn marketplaces() -> Value {
    json!({ "kind": "marketplaces" })
}

/// A job that is running and hangs, and the git that hangs for it.
async fn hanging(app: &TestApp, hole: &Hole) -> (String, TcpStream) {
    app.add_marketplace("slow", &hole.url()).await;
    let id = app.enqueue(&marketplaces()).await;
    let git = hole.caught().await;
    (id, git)
}
