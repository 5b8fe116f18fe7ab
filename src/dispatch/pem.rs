//! The files that say whom to trust and who is calling.

use std::path::Path;

use zeroize::Zeroizing;

use super::client::{ClientError, shown};
use crate::job::Wire;

/// What the files of a [`Wire`] hold.
#[derive(PartialEq, Eq, Default)]
pub(super) struct Pem {
    /// Of `ca_file`.
    pub(super) authorities: Option<Vec<u8>>,
    /// Of `client_cert` and `client_key`.
    pub(super) identity: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
}

impl Pem {
    /// # Errors
    /// [`ClientError::Unreadable`].
    pub(super) async fn read(wire: &Wire) -> Result<Self, ClientError> {
        let authorities = match &wire.ca_file {
            Some(path) => Some(file(path).await?),
            None => None,
        };
        let identity = match &wire.identity {
            Some(files) => Some((file(&files.certificate).await?, Zeroizing::new(file(&files.key).await?))),
            None => None,
        };
        Ok(Self { authorities, identity })
    }
}

async fn file(path: &Path) -> Result<Vec<u8>, ClientError> {
    tokio::fs::read(path).await.map_err(|source| ClientError::Unreadable { path: shown(path), source })
}
