//! Where a command that shows something has it from: a running sidecar, or a ledger.

use super::{
    client::{Client, Where},
    ledger::Ledger,
    usage_error,
};
use crate::config::Environment;

/// A running sidecar, or a ledger.
#[derive(Debug, clap::Args)]
pub(super) struct Origin {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    ledger: Ledger,
}

/// What was chosen.
pub(super) enum Chosen<'a> {
    Sidecar(Client),
    Ledger(&'a Ledger),
}

#[derive(Debug, thiserror::Error)]
#[error("--url reads from a running sidecar and --store from a ledger: give one of them")]
struct Both;

impl Origin {
    /// The ledger when a flag names it, or when its variable is set and no sidecar is named; otherwise the sidecar.
    pub(super) fn choose(
        &self,
        environment: &Environment,
    ) -> miette::Result<Result<Chosen<'_>, std::process::ExitCode>> {
        let ledger = Chosen::Ledger(&self.ledger);
        if self.ledger.is_flagged() {
            return Ok(if self.place.is_flagged() { Err(usage_error(&Both)) } else { Ok(ledger) });
        }
        if self.ledger.is_named(environment) && !self.place.is_named(environment) {
            return Ok(Ok(ledger));
        }
        Client::new(&self.place, environment).map(|client| Ok(Chosen::Sidecar(client)))
    }
}
