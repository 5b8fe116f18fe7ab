//! Sources on the web.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{add, refresh, report, table};
use crate::support::{
    app::{Builder, TestApp},
    http::PATIENCE,
};

/// A server that answers as it is told, one request at a time.
struct Server(TcpListener);

impl Server {
    async fn open() -> Self {
        Self(TcpListener::bind(("127.0.0.1", 0)).await.unwrap())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0.local_addr().unwrap())
    }

    /// The head of the next request, and the connection to answer it on.
    async fn request(&self) -> (String, TcpStream) {
        let (mut stream, _) = tokio::time::timeout(PATIENCE, self.0.accept()).await.expect("a request").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        (String::from_utf8(head).unwrap(), stream)
    }

    /// Answers the next request; hands back its head.
    async fn answer(&self, status: &str, headers: &str, body: &str) -> String {
        let (head, mut stream) = self.request().await;
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        head
    }
}

async fn refreshed(app: &TestApp, answered: impl Future<Output = String>) -> (serde_json::Value, String) {
    tokio::join!(refresh(app), answered)
}

/// What the server says is the same is not even sent again; what it sends again and is the same is not imported.
#[tokio::test]
async fn an_etag_and_a_hash_tell_what_changed() {
    let app = TestApp::start().await;
    let server = Server::open().await;
    add(&app, json!({ "name": "prices", "url": server.url("/p.csv?day=1") })).await;
    let (job, head) = refreshed(&app, server.answer("200 OK", "etag: \"one\"\r\n", "id\n1\n")).await;
    assert!(head.starts_with("GET /p.csv?day=1 ") && !head.to_lowercase().contains("if-none-match"), "{head}");
    assert_eq!(report(&job, "prices")["status"], "imported");
    let (job, head) = refreshed(&app, server.answer("304 Not Modified", "", "")).await;
    assert!(head.to_lowercase().contains("if-none-match: \"one\""), "{head}");
    assert_eq!((&report(&job, "prices")["status"], &report(&job, "prices")["rows"]), (&json!("unchanged"), &json!(1)));
    let (job, _) = refreshed(&app, server.answer("200 OK", "etag: \"two\"\r\n", "id\n1\n")).await;
    assert_eq!(report(&job, "prices")["status"], "unchanged");
    let (job, head) = refreshed(&app, server.answer("200 OK", "", "id\n2\n3\n")).await;
    assert!(head.to_lowercase().contains("if-none-match: \"two\""), "{head}");
    assert_eq!(report(&job, "prices")["status"], "imported");
    assert_eq!(table(&app, "prices").await.1, ["2", "3"]);
    app.stop().await;
}

/// A redirect is an answer like any other that is no data: nobody is led elsewhere.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let app = TestApp::start().await;
    let (server, inner) = (Server::open().await, Server::open().await);
    add(&app, json!({ "name": "prices", "url": server.url("/p.csv") })).await;
    let location = format!("location: {}\r\n", inner.url("/secret.csv"));
    let (job, _) = refreshed(&app, server.answer("302 Found", &location, "")).await;
    assert_eq!(report(&job, "prices")["error"], "the server answered 302 Found");
    assert_eq!((&job["status"], &job["attempts"]), (&json!("failed"), &json!(1)), "it is not tried again");
    assert!(tokio::time::timeout(Duration::ZERO, inner.0.accept()).await.is_err(), "nobody came");
    app.stop().await;
}

/// A server in trouble is asked again later; one that is silent is given up.
#[tokio::test]
async fn a_server_in_trouble_is_asked_again() {
    let app = Builder::default().source_timeout(Duration::from_millis(300)).start().await;
    let server = Server::open().await;
    add(&app, json!({ "name": "prices", "url": server.url("/p.csv") })).await;
    let (job, _) = refreshed(&app, server.answer("503 Service Unavailable", "", "")).await;
    assert_eq!((&job["status"], &job["attempts"]), (&json!("pending"), &json!(1)), "{job}");
    let (job, _held) = tokio::join!(refresh(&app), server.request());
    assert_eq!((&job["status"], &job["attempts"]), (&json!("pending"), &json!(1)), "{job}");
    app.stop().await;
}

/// Seed A37: while a server is slow, everything is answered but what would pull the table away; a cancellation ends it.
#[tokio::test]
async fn a37_a_slow_server_blocks_nobody() {
    let app = TestApp::start().await;
    let server = Server::open().await;
    add(&app, json!({ "name": "prices", "url": server.url("/p.csv") })).await;
    let id = app.enqueue(&json!({ "kind": "data-refresh" })).await;
    let (_, mut stream) = server.request().await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nid\n1\n").await.unwrap();
    assert_eq!(app.get("/api/health").send().await.status, 200);
    add(&app, json!({ "name": "other", "file": "o.csv" })).await;
    app.scheduler("DELETE", "/api/sources/prices").send().await.problem(409);
    let reply = app.scheduler("POST", &format!("/api/jobs/{id}/cancel")).send().await;
    assert_eq!(reply.json()["status"], "cancelled");
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or_default(), 0, "the connection is closed");
    assert_eq!(app.scheduler("DELETE", "/api/sources/prices").send().await.status, 204);
    app.stop().await;
}
