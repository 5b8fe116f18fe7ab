//! TLS: whom the dispatcher trusts.

use std::{fs, path::Path, process::Stdio, sync::Arc};

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use sexton::run::{Outcome, Reason};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::Command,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{RootCertStore, ServerConfig, crypto::ring, pki_types::PrivateKeyDer, server::WebPkiClientVerifier},
};

use super::{
    fake_app::answer,
    orders::{dispatcher, job, order},
};

/// Tells the test below where its parent listens.
const ADDRESS: &str = "TEST_TLS_ADDRESS";

/// An app that speaks TLS with a certificate of its own, for one connection.
pub(super) struct TlsApp {
    pub(super) address: String,
    pub(super) certificate: String,
    /// The first bytes of a request; `None` when the handshake failed.
    pub(super) seen: JoinHandle<Option<Vec<u8>>>,
}

impl TlsApp {
    pub(super) async fn start() -> Self {
        Self::knowing(None).await
    }

    /// It wants to see a certificate of `client`, when there is one.
    pub(super) async fn knowing(client: Option<&rcgen::Certificate>) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server(&cert, &signing_key, client)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.ok()?;
            let mut bytes = vec![0; 16];
            stream.read_exact(&mut bytes).await.unwrap();
            stream.write_all(&answer(200, "over TLS")).await.unwrap();
            stream.flush().await.unwrap();
            Some(bytes)
        });
        Self { address, certificate: cert.pem(), seen }
    }
}

fn server(certificate: &rcgen::Certificate, key: &KeyPair, client: Option<&rcgen::Certificate>) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let config =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let config = match client {
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            config.with_client_cert_verifier(verifier)
        }
        None => config.with_no_client_auth(),
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    config.with_single_cert(vec![certificate.der().clone()], key).unwrap()
}

/// Guarantee G5: whoever cannot show a trusted certificate never sees the secret.
#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent() {
    let app = TlsApp::start().await;
    let report = dispatcher().send(&order(job(&format!("https://{}", app.address)))).await;
    assert_eq!((report.outcome, report.reason, report.sent_at), (Outcome::Failed, Some(Reason::Connect), None));
    assert!(report.excerpt.unwrap().contains("certificate"));
    assert_eq!(app.seen.await.unwrap(), None);
}

/// The operating system's roots count, next to the ones inside the binary: a company's own authority is found there.
#[tokio::test]
async fn a_root_of_the_machine_is_trusted() {
    let app = TlsApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    fs::write(&roots, &app.certificate).unwrap();
    let output = child(&app.address, &roots).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert_eq!(app.seen.await.unwrap().unwrap(), b"POST /sync HTTP/");
}

/// This test binary, running the one test below with `roots` as the machine's root certificates.
fn child(address: &str, roots: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "dispatch::tls::an_attempt_over_tls_succeeds"])
        .env("SSL_CERT_FILE", roots)
        .env(ADDRESS, address)
        .stdin(Stdio::null());
    command
}

#[tokio::test]
#[ignore = "a_root_of_the_machine_is_trusted runs it, in a process whose roots it chose"]
#[expect(clippy::disallowed_methods, reason = "the parent test hands its address over so")]
async fn an_attempt_over_tls_succeeds() {
    let address = std::env::var(ADDRESS).unwrap();
    let report = dispatcher().send(&order(job(&format!("https://{address}")))).await;
    assert_eq!((report.outcome, report.excerpt.as_deref()), (Outcome::Succeeded, Some("over TLS")));
}
