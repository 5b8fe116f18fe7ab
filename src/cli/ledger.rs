//! The ledger that a command reads.

use miette::IntoDiagnostic;

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
    /// What `query` finds in it. It is opened for reading only, which works beside a running sidecar.
    pub(super) fn read<T>(
        &self,
        environment: &Environment,
        query: impl AsyncFnOnce(&dyn RunStore) -> Result<T, StoreError>,
    ) -> miette::Result<T> {
        let variable = environment.parsed::<String>("SEXTON_STORE").into_diagnostic()?;
        let address = self.store.clone().or(variable).unwrap_or_else(|| "sqlite://sexton.db".to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
        let read = async { query(store::open_read_only(&address).await?.as_ref()).await };
        runtime.block_on(read).into_diagnostic()
    }
}
