//! What the listener shows, and to whom.

use std::os::unix::fs::PermissionsExt;

use crate::support::{
    http::Call,
    process::run,
    sidecar::{FakeApp, OTHER, Running, SECRET, Sidecar, get},
};

/// Seeds D9, E18: zero jobs is a healthy start, and the age of the last tick can be watched. Probes and metrics are open,
/// the rest is for this machine.
#[tokio::test]
async fn probes_are_open_and_the_rest_is_for_this_machine() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "");
    let (mut running, address) = sidecar.run().await;
    let url = format!("http://{address}/readyz");
    crate::support::process::eventually("readiness", crate::support::sidecar::PATIENCE, async || {
        (get(address, "/readyz").await.0 == 200).then_some(())
    })
    .await;
    assert_eq!(get(address, "/livez").await.0, 200);
    let metrics = get(address, "/metrics").await.1;
    assert!(metrics.contains("sexton_in_flight 0"));
    let age = metrics.lines().find_map(|line| line.strip_prefix("sexton_last_tick_age_seconds ")).unwrap();
    assert!((0.0..5.0).contains(&age.parse::<f64>().unwrap()), "{age}");
    let (status, body) = get(address, "/healthz").await;
    assert_eq!((status, body.contains("\"status\":\"ok\"")), (200, true), "{body}");
    assert_eq!(run(sidecar.command(&["healthcheck", "--url", &url])).await.good().trim(), "200 OK ready");

    for (name, value) in [("x-forwarded-for", "10.0.0.1"), ("forwarded", "for=10.0.0.1")] {
        let reply = Call::new(address, "GET", "/healthz").header(name, value).send().await;
        assert_eq!(reply.status, 403, "through a proxy");
        assert!(reply.body.contains("SEXTON_ADMIN_TOKEN"), "{}", reply.body);
    }
    let rebound = raw(address, "GET /healthz HTTP/1.1\r\nhost: evil.example.org\r\nconnection: close\r\n\r\n").await;
    assert!(rebound.starts_with("HTTP/1.1 403"), "by a rebound name: {rebound}");
    assert_eq!(get(address, "/nothing").await.0, 404);
    assert_eq!(running.stop().await, Some(0));
    assert_eq!(run(sidecar.command(&["healthcheck", "--url", &url])).await.code, Some(1));
}

async fn raw(address: std::net::SocketAddr, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn with_an_admin_token_only_its_bearer_reads() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "");
    let mut command = sidecar.command(&["run", "--listen", "127.0.0.1:0"]);
    command.env("SEXTON_ADMIN_TOKEN", OTHER);
    let mut running = Running::start(command);
    let line = running.hear("sexton is up").await;
    let address = Running::field(&line, "listening").parse().unwrap();
    assert_eq!(get(address, "/healthz").await.0, 403);
    let asked = async |bearer: &str| Call::new(address, "GET", "/healthz").bearer(bearer).send().await.status;
    assert_eq!(asked(SECRET).await, 403, "the shared secret is another one");
    assert_eq!(asked(OTHER).await, 200);
    assert_eq!(get(address, "/livez").await.0, 200, "probes stay open");
    assert_eq!(running.stop().await, Some(0));
}

#[tokio::test]
async fn a_unix_socket_is_its_owners_and_goes_away() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "");
    let socket = sidecar.path("admin.sock");
    let mut running = Running::start(sidecar.command(&["run", "--listen", &format!("unix:{}", socket.display())]));
    running.hear("sexton is up").await;
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(running.stop().await, Some(0));
    assert!(!socket.exists());
}

/// Seed A33: a secret that the app does not know is found at the start.
#[tokio::test]
async fn a_dead_secret_is_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut command =
        crate::support::sidecar::sexton(folder.path(), &["app", "--listen", "127.0.0.1:0", "--data", "data"]);
    command.env("SCHEDULER_API_TOKEN", OTHER);
    let mut app = Running::start(command);
    let line = app.hear("the app listens").await;
    let sidecar = Sidecar::new(Running::field(&line, "address").parse().unwrap(), "whoami = '/api/auth/me'\n");
    let (mut running, address) = sidecar.run().await;
    running.hear("the self-check was refused").await;
    let (status, body) = get(address, "/healthz").await;
    assert_eq!((status, body.contains("credential_rejected")), (200, true), "{body}");
    assert_eq!((running.stop().await, app.stop().await), (Some(0), Some(0)));
}
