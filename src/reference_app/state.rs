//! What every handler can reach.

use std::sync::Arc;

use sqlx::SqlitePool;

use super::{jobs::Jobs, lifecycle::Lifecycle, marketplaces::Syncs, passwords::Passwords, sources::Imports};
use crate::{auth::VerifierConfig, clock::SharedClock, entropy::Entropy};

/// What every handler can reach.
pub(super) struct App {
    pub(super) pool: SqlitePool,
    pub(super) clock: SharedClock,
    pub(super) entropy: Entropy,
    pub(super) passwords: Passwords,
    /// Which signed tokens are taken, and how the app signs its own.
    pub(super) tokens: Option<VerifierConfig>,
    pub(super) syncs: Syncs,
    pub(super) imports: Imports,
    pub(super) jobs: Jobs,
    pub(super) lifecycle: Lifecycle,
}

/// As axum hands it to each handler.
pub(super) type Shared = Arc<App>;

impl App {
    /// Milliseconds since 1970, as the tables keep instants.
    pub(super) fn now_millis(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }
}
