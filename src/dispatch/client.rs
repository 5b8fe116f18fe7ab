//! A client that reaches an app in the way that its target says.

use std::{path::Path, sync::Arc};

use reqwest::Proxy;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::pem::Pem;
use crate::{http_client, job::Wire};

/// The HTTP client cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No protocol version or no root certificate that can be used, or a certificate that does not go with its key.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The client refuses its settings.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
    /// A file of `ca_file`, `client_cert` or `client_key` cannot be read.
    #[error("{path} of the target cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the file system says.
        source: std::io::Error,
    },
    /// A file of `ca_file`, `client_cert` or `client_key` does not hold what it should.
    #[error("{path} of the target holds no {wanted} in PEM")]
    Pem {
        /// The file.
        path: String,
        /// What should be in it.
        wanted: &'static str,
    },
}

/// A client as [`http_client`] has them, which reaches an app in a way of its own. `pem` is what the files of `wire` hold.
pub(super) fn client_for(wire: &Wire, pem: &Pem) -> Result<reqwest::Client, ClientError> {
    let mut client = http_client::builder(tls(wire, pem)?).connect_timeout(wire.connect_timeout);
    if let Some(proxy) = &wire.proxy {
        client = client.proxy(Proxy::all(proxy.as_str())?);
    }
    if let Some(socket) = &wire.socket {
        client = client.unix_socket(socket.as_path());
    }
    Ok(client.build()?)
}

/// The authorities of the target's own file and no others; else the usual ones.
fn tls(wire: &Wire, pem: &Pem) -> Result<ClientConfig, ClientError> {
    let config = match wire.ca_file.as_deref().zip(pem.authorities.as_deref()) {
        Some((path, pem)) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path, pem)? {
                roots.add(certificate)?;
            }
            let provider = Arc::new(ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
            config.with_root_certificates(roots)
        }
        None => http_client::usual_roots()?,
    };
    match wire.identity.as_ref().zip(pem.identity.as_ref()) {
        Some((files, (chain, key))) => {
            let of_key = || ClientError::Pem { path: shown(&files.key), wanted: "private key" };
            let key = PrivateKeyDer::from_pem_slice(key).ok().ok_or_else(of_key)?;
            Ok(config.with_client_auth_cert(certificates(&files.certificate, chain)?, key)?)
        }
        None => Ok(config.with_no_client_auth()),
    }
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let none = || ClientError::Pem { path: shown(path), wanted: "certificate" };
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok().ok_or_else(none)?;
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
