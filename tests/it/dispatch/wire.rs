//! The ways to reach an app: a root of its own, a client's certificate, a proxy, a socket, more or less patience.

use std::{fs, path::PathBuf, time::Duration};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use sexton::{
    dispatch::{Report, WhoamiError, request_line},
    job::{ClientIdentity, Job, Target, Wire},
    run::{Outcome, Reason},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixListener},
};

use super::{
    fake_app::{FakeApp, Reply, answer},
    orders::{SECRET, dispatcher, job_of, order, target},
    tls::TlsApp,
};

fn reached(base_url: &str, wire: Wire) -> Job {
    job_of(Target { wire, ..target(base_url) })
}

/// The files of a test, gone when it ends.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

async fn send(app: &TlsApp, wire: Wire) -> Report {
    dispatcher().send(&order(reached(&format!("https://{}", app.address), wire))).await
}

fn assert_never_sent(report: &Report, words: &str) {
    assert_eq!((report.outcome, report.reason, report.sent_at), (Outcome::Failed, Some(Reason::Connect), None));
    assert!(report.excerpt.as_ref().unwrap().contains(words), "{report:?}");
}

#[tokio::test]
async fn an_authority_of_its_own_vouches_for_the_app() {
    let (app, files) = (TlsApp::start().await, Files::new());
    let ca_file = Some(files.write("ca.pem", &app.certificate));
    let report = send(&app, Wire { ca_file, ..Wire::default() }).await;
    assert_eq!((report.outcome, report.excerpt.as_deref()), (Outcome::Succeeded, Some("over TLS")));
}

/// Guarantee G5: no other authority counts then.
#[tokio::test]
async fn another_authority_does_not() {
    let (app, files) = (TlsApp::start().await, Files::new());
    let other = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap().cert.pem();
    let ca_file = Some(files.write("ca.pem", &other));
    assert_never_sent(&send(&app, Wire { ca_file, ..Wire::default() }).await, "certificate");
    assert_eq!(app.seen.await.unwrap(), None);
}

/// Mutual TLS; a certificate that was renewed counts without a restart.
#[tokio::test]
async fn the_app_is_shown_a_certificate() {
    let files = Files::new();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["sexton".to_owned()]).unwrap();
    let stranger = generate_simple_self_signed(["sexton".to_owned()]).unwrap();
    let (first, second) = (TlsApp::knowing(Some(&cert)).await, TlsApp::knowing(Some(&cert)).await);
    let certificate = files.write("client.pem", &stranger.cert.pem());
    let key = files.write("client.key", &stranger.signing_key.serialize_pem());
    let ca_file = Some(files.write("ca.pem", &format!("{}{}", first.certificate, second.certificate)));
    let wire = Wire { ca_file, identity: Some(ClientIdentity { certificate, key }), ..Wire::default() };

    let dispatcher = dispatcher();
    let refused = dispatcher.send(&order(reached(&format!("https://{}", first.address), wire.clone()))).await;
    assert_ne!(refused.outcome, Outcome::Succeeded, "{refused:?}");
    assert_eq!(first.seen.await.unwrap(), None);

    files.write("client.pem", &cert.pem());
    files.write("client.key", &signing_key.serialize_pem());
    let report = dispatcher.send(&order(reached(&format!("https://{}", second.address), wire))).await;
    assert_eq!((report.outcome, report.excerpt.as_deref()), (Outcome::Succeeded, Some("over TLS")));
}

#[tokio::test]
async fn files_that_are_not_what_they_should_be() {
    let (app, files) = (TlsApp::start().await, Files::new());
    let certificate = files.write("client.pem", &app.certificate);
    let empty = files.write("empty.pem", "nothing");
    let missing = files.0.path().join("missing.pem");
    let identity = |key: &PathBuf| Some(ClientIdentity { certificate: certificate.clone(), key: key.clone() });
    for (wire, words) in [
        (Wire { ca_file: Some(missing.clone()), ..Wire::default() }, "missing.pem of the target cannot be read"),
        (Wire { ca_file: Some(empty.clone()), ..Wire::default() }, "empty.pem of the target holds no certificate"),
        (Wire { identity: identity(&empty), ..Wire::default() }, "empty.pem of the target holds no private key"),
    ] {
        assert_never_sent(&send(&app, wire).await, words);
    }
    let target = Target { wire: Wire { ca_file: Some(missing), ..Wire::default() }, ..target("https://127.0.0.1:1") };
    let error = dispatcher().whoami(&target, "/me").await.unwrap_err();
    assert!(matches!(error, WhoamiError::Unaskable { .. }), "{error}");
}

/// The proxy that is written down is used, whatever the environment says, and the request is whole.
#[tokio::test]
async fn a_proxy_is_asked_for_the_app() {
    let mut proxy = FakeApp::replying(Reply::Whole(answer(200, "by the proxy"))).await;
    let wire = Wire { proxy: Some(proxy.url().parse().unwrap()), ..Wire::default() };
    let report = dispatcher().send(&order(reached("http://app.invalid/base", wire))).await;
    assert_eq!((report.outcome, report.excerpt.as_deref()), (Outcome::Succeeded, Some("by the proxy")));
    let seen = proxy.next().await;
    assert_eq!(seen.line, "POST http://app.invalid/base/sync HTTP/1.1");
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
}

/// Guarantee G5: through a proxy, an https app is still the only one that sees the secret.
#[tokio::test]
async fn a_proxy_sees_nothing_of_https() {
    let mut proxy = FakeApp::replying(Reply::Closing(answer(403, "no tunnel"))).await;
    let wire = Wire { proxy: Some(proxy.url().parse().unwrap()), ..Wire::default() };
    let report = dispatcher().send(&order(reached("https://app.invalid", wire))).await;
    assert_eq!((report.outcome, report.reason, report.sent_at), (Outcome::Failed, Some(Reason::Connect), None));
    let seen = proxy.next().await;
    assert_eq!((seen.line.as_str(), seen.header("authorization")), ("CONNECT app.invalid:443 HTTP/1.1", None));
}

#[tokio::test]
async fn an_app_on_a_socket() {
    let files = Files::new();
    let socket = files.0.path().join("app.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let app = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 16];
        stream.read_exact(&mut bytes).await.unwrap();
        stream.write_all(&answer(200, "by the socket")).await.unwrap();
        stream.flush().await.unwrap();
        // The rest of the request must be read, or closing would reset the connection under the answer.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        bytes
    });
    let wire = Wire { socket: Some(socket.clone()), ..Wire::default() };
    let definition = reached("http://localhost", wire);
    assert_eq!(request_line(&definition), format!("POST unix://{}:/sync", socket.display()));
    let sender = dispatcher();
    let report = sender.send(&order(definition.clone())).await;
    assert_eq!((report.outcome, report.excerpt.as_deref()), (Outcome::Succeeded, Some("by the socket")));
    drop(sender);
    assert_eq!(app.await.unwrap(), b"POST /sync HTTP/");

    fs::remove_file(&socket).unwrap();
    assert_never_sent(&dispatcher().send(&order(definition)).await, "");
}

#[tokio::test]
async fn patience_with_connecting_is_the_targets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wire = Wire { connect_timeout: Duration::from_secs(2), ..Wire::default() };
    let definition = reached(&format!("https://{}", listener.local_addr().unwrap()), wire);
    let sending = tokio::spawn(async move { dispatcher().send(&order(definition)).await });
    let _silent = listener.accept().await.unwrap();
    tokio::time::pause();
    let report = sending.await.unwrap();
    assert_never_sent(&report, "");
    assert!((1..5).contains(&report.duration.as_secs()), "{report:?}");
}
