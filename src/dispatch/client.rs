//! The HTTP client: what it trusts, and what it must not do by itself.

use std::{sync::Arc, time::Duration};

use reqwest::redirect::Policy;
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::Verifier;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Looking up the name, connecting and the TLS handshake may take so long, of a job's timeout. It covers two lost SYNs
/// (resent after 1 s and 3 s); who is silent for longer is not there, and a job of 15 minutes need not wait for that.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an idle connection is used again: less than the 5 s after which Node and uvicorn close theirs, or a request
/// could meet the closing and be a false unknown.
const IDLE: Duration = Duration::from_secs(2);

/// What every request says it comes from.
pub(super) const USER_AGENT: &str = concat!("sexton/", env!("CARGO_PKG_VERSION"));

/// The HTTP client cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No protocol version or no root certificate that can be used.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The client refuses its settings.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// A client that sends what it is given once and to nobody else: no redirects, no proxies from the environment, no
/// retries, no cookies. Connections are shared by address, so one client serves every target.
///
/// # Errors
/// TLS or the client cannot be set up.
pub fn client() -> Result<reqwest::Client, ClientError> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .redirect(Policy::none())
        .no_proxy()
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE)
        .build()?;
    Ok(client)
}

/// The platform's roots, and Mozilla's for an image that has none (`FROM scratch`).
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(TLS_SERVER_ROOT_CERTS.iter().cloned(), Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous() // named so for any verifier handed in; this one is the platform's
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}
