//! The ledger that a command reads.

use miette::IntoDiagnostic;

use super::client::talk;
use crate::{
    config::Environment,
    store::{self, RunStore, StoreError},
};

/// Where the ledger is.
#[derive(Debug, clap::Args)]
pub(super) struct Ledger {
    /// The ledger [env: SEXTON_STORE] [default: sqlite://sexton.db]
    #[arg(long, value_name = "ADDRESS")]
    store: Option<String>,
}

impl Ledger {
    /// Whether a flag names one.
    pub(super) fn is_flagged(&self) -> bool {
        self.store.is_some()
    }

    /// Whether a flag or the variable names one.
    pub(super) fn is_named(&self, environment: &Environment) -> bool {
        self.store.is_some() || environment.get("SEXTON_STORE").is_some()
    }

    /// What `query` finds in it. It is opened for reading only, which works beside a running sidecar.
    pub(super) fn read<T>(
        &self,
        environment: &Environment,
        query: impl AsyncFnOnce(&dyn RunStore) -> Result<T, StoreError>,
    ) -> miette::Result<T> {
        let variable = environment.parsed::<String>("SEXTON_STORE").into_diagnostic()?;
        let address = self.store.clone().or(variable).unwrap_or_else(|| "sqlite://sexton.db".to_owned());
        talk(async { query(store::open_read_only(&address).await.into_diagnostic()?.as_ref()).await.into_diagnostic() })
    }
}
