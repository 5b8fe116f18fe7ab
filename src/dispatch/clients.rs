//! One HTTP client for each way of reaching an app.

use std::{collections::BTreeMap, fmt, sync::Arc};

use reqwest::Client;
use tokio::sync::watch;

use super::{
    client::{ClientError, client_for},
    pem::Pem,
};
use crate::job::Wire;

/// The clients that were needed so far.
pub(super) struct Clients {
    usual: (Wire, Client),
    others: watch::Sender<BTreeMap<Wire, (Arc<Pem>, Client)>>,
}

impl Clients {
    /// # Errors
    /// TLS or the client cannot be set up.
    pub(super) fn new() -> Result<Self, ClientError> {
        let wire = Wire::default();
        let client = client_for(&wire, &Pem::default())?;
        Ok(Self { usual: (wire, client), others: watch::Sender::new(BTreeMap::new()) })
    }

    /// The client that reaches an app so. Its files are read each time, so that a certificate that was renewed counts
    /// without a restart; a client whose files are the same is used again, with its connections.
    ///
    /// # Errors
    /// A file that cannot be read or does not hold what it should.
    pub(super) async fn of(&self, wire: &Wire) -> Result<Client, ClientError> {
        if *wire == self.usual.0 {
            return Ok(self.usual.1.clone());
        }
        let pem = Pem::read(wire).await?;
        let known = self.others.borrow().get(wire).filter(|(read, _)| **read == pem).map(|(_, client)| client.clone());
        if let Some(client) = known {
            return Ok(client);
        }
        let client = client_for(wire, &pem)?;
        self.others.send_modify(|others| drop(others.insert(wire.clone(), (Arc::new(pem), client.clone()))));
        Ok(client)
    }
}

impl fmt::Debug for Clients {
    /// Without what the files hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("others", &self.others.borrow().keys()).finish_non_exhaustive()
    }
}
