//! HTTP clients, of the sidecar and of the reference app: what they trust, and what they must not do by themselves.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, ClientBuilder, redirect::Policy};
use rustls::{ClientConfig, ConfigBuilder, client::WantsClientCert, crypto::ring};
use rustls_platform_verifier::Verifier;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// How long an idle connection is used again: less than the 5 s after which Node and uvicorn close theirs, or a request
/// could meet the closing and be a false unknown.
const IDLE: Duration = Duration::from_secs(2);

/// How long connecting takes at most, where nothing else is said.
const CONNECT: Duration = Duration::from_secs(10);

/// What every request says it comes from.
const USER_AGENT: &str = concat!("sexton/", env!("CARGO_PKG_VERSION"));

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
/// retries, no cookies. Connections are shared by address, so one client serves every server that is reached in the usual
/// way.
///
/// # Errors
/// TLS or the client cannot be set up.
pub fn client() -> Result<Client, ClientError> {
    let tls = usual_roots()?.with_no_client_auth();
    Ok(builder(tls).connect_timeout(CONNECT).build()?)
}

/// The same with more to be said about it, on top of a TLS of its own.
pub fn builder(tls: ClientConfig) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .no_proxy()
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(USER_AGENT)
        .pool_idle_timeout(IDLE)
}

/// The platform's authorities, and Mozilla's for an image that has none (`FROM scratch`).
///
/// # Errors
/// None can be used.
pub fn usual_roots() -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let verifier = Verifier::new_with_extra_roots(TLS_SERVER_ROOT_CERTS.iter().cloned(), provider)?;
    // Named so for any verifier handed in; this one is the platform's.
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
}
