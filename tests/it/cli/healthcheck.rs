//! `sexton healthcheck`: what an image without a shell asks itself.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::{
    process::{Done, run},
    sidecar::sexton,
};

async fn check(url: &str) -> Done {
    let folder = tempfile::tempdir().unwrap();
    run(sexton(folder.path(), &["healthcheck", "--url", url])).await
}

/// Answers one request with these bytes, and tells what was asked.
async fn answering(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/readyz", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request[..length].to_vec()).unwrap()
    });
    (url, asked)
}

#[tokio::test]
async fn only_a_2xx_is_healthy() {
    for (answer, code, words) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nready", 0, "200 OK ready"),
        ("HTTP/1.1 204 No Content\r\n\r\n", 0, "204 No Content"),
        (
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 14\r\n\r\nno tick\nfor 5s",
            1,
            "503 Service Unavailable no tick",
        ),
        ("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n", 1, "302 Found"),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 1, "404 Not Found"),
    ] {
        let (url, asked) = answering(answer).await;
        let done = check(&url).await;
        assert_eq!((done.code, done.stdout.trim()), (Some(code), words), "{done}");
        let request = asked.await.unwrap();
        assert!(request.starts_with("GET /readyz HTTP/1.1"), "{request}");
        assert!(!request.to_lowercase().contains("authorization"), "it has no secret to show: {request}");
    }
}

#[tokio::test]
async fn nobody_there_is_unhealthy() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{free}/readyz");
    let done = check(&url).await;
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.stderr.contains(&format!("no answer from {url}")), "{done}");
}

#[tokio::test]
async fn an_address_that_is_none_is_usage() {
    for url in ["", "127.0.0.1", "not an address"] {
        assert_eq!(check(url).await.code, Some(2), "{url}");
    }
}
