//! Guarantee G3: what cannot have reached the app is `failed`, everything after that is `unknown`.
//!
//! Time stands still once a test has seen the request arrive, and then runs ahead to the timeout.

use std::{sync::Arc, time::Duration};

use sexton::{
    clock::VirtualClock,
    credentials::Credentials,
    dispatch::{Dispatcher, Order, Report},
    entropy::Entropy,
    job::Body,
    run::{
        Outcome::{Failed, Unknown},
        Reason::{Broken, Connect, Timeout},
    },
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{
    fake_app::{FakeApp, Reply},
    orders::{SECRET, dispatcher, from_value, instant, job, order},
};

fn assert_never_sent(report: &Report) {
    assert_eq!((report.outcome, report.reason), (Failed, Some(Connect)), "{report:?}");
    assert_eq!((report.status, report.sent_at), (None, None));
    assert!(report.excerpt.as_ref().is_some_and(|words| !words.is_empty()));
}

/// Sends, stops the time as soon as the app has the request, and lets it run to the timeout.
async fn send_until_timeout(order: Order, app: &mut FakeApp) -> Report {
    let sending = tokio::spawn(async move { dispatcher().send(&order).await });
    app.next().await;
    tokio::time::pause();
    sending.await.unwrap()
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_never_sent(&dispatcher().send(&order(job(&format!("http://{address}")))).await);
}

#[tokio::test]
async fn the_name_is_unknown() {
    assert_never_sent(&dispatcher().send(&order(job("http://no-such-app.invalid:80"))).await);
}

#[tokio::test]
async fn tls_to_a_plain_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let plain = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    assert_never_sent(&dispatcher().send(&order(job(&format!("https://{address}")))).await);
    plain.await.unwrap();
}

/// The timeout ends while the TLS handshake hangs: the app has seen no request.
#[tokio::test]
async fn the_time_is_over_while_still_connecting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut definition = job(&format!("https://{}", listener.local_addr().unwrap()));
    definition.timeout = Duration::from_secs(5);
    let sending = tokio::spawn(async move { dispatcher().send(&order(definition)).await });
    let _silent = listener.accept().await.unwrap();
    tokio::time::pause();
    let report = sending.await.unwrap();
    assert_never_sent(&report);
    assert_eq!(report.excerpt.as_deref(), Some("the time was over before a connection came about"));
    assert!(report.duration >= Duration::from_secs(4), "{report:?}");
}

/// A job with 15 minutes does not wait that long for somebody who is not there.
#[tokio::test]
async fn connecting_has_a_limit_of_its_own() {
    // A backlog that is full: the kernel drops every further SYN.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    loop {
        let connecting = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address));
        match connecting.await {
            Ok(stream) => waiting.push(stream.unwrap()),
            Err(_) => break,
        }
    }
    let mut definition = job(&format!("http://{address}"));
    definition.timeout = Duration::from_secs(900);
    tokio::time::pause();
    let report = dispatcher().send(&order(definition)).await;
    assert_never_sent(&report);
    assert!((10..15).contains(&report.duration.as_secs()), "{report:?}");
}

/// Seed A25: a client that gave up says nothing about the work. With and without a request body.
#[tokio::test]
async fn silence_before_the_head() {
    for (method, body) in
        [("POST", Body::Json("{}".to_owned())), ("POST", Body::Empty), ("GET", Body::Empty), ("DELETE", Body::Empty)]
    {
        let mut app = FakeApp::replying(Reply::Silent(Vec::new())).await;
        let mut definition = job(&app.url());
        definition.method = method.to_owned();
        definition.body = body;
        let report = send_until_timeout(order(definition), &mut app).await;
        tokio::time::resume();
        assert_eq!((report.outcome, report.reason, report.status), (Unknown, Some(Timeout), None));
        assert_eq!(report.excerpt.as_deref(), Some("no complete answer within 30s"));
        assert!(report.sent_at.is_some());
    }
}

#[tokio::test]
async fn silence_within_the_body() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal".to_vec();
    let mut app = FakeApp::replying(Reply::Silent(head)).await;
    let report = send_until_timeout(order(job(&app.url())), &mut app).await;
    assert_eq!((report.outcome, report.reason, report.status), (Unknown, Some(Timeout), Some(200)));
}

#[tokio::test]
async fn a_body_that_drips_ends_by_the_timeout() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let mut app = FakeApp::replying(Reply::Dripping(head)).await;
    let report = send_until_timeout(order(job(&app.url())), &mut app).await;
    assert_eq!((report.outcome, report.reason, report.status), (Unknown, Some(Timeout), Some(200)));
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request() {
    for (written, status) in [
        (&b""[..], None),
        (b"HTTP/1.1 2", None),
        (b"nonsense\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", Some(200)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", Some(200)),
        (b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", Some(500)),
    ] {
        let app = FakeApp::replying(Reply::Closing(written.to_vec())).await;
        let report = dispatcher().send(&order(job(&app.url()))).await;
        assert_eq!((report.outcome, report.reason, report.status), (Unknown, Some(Broken), status), "{report:?}");
        assert!(report.sent_at.is_some() && report.excerpt.is_some());
    }
}

/// Whichever comes first, the request or the closing: the report agrees with itself.
#[tokio::test]
async fn an_app_that_closes_right_after_accepting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let slamming = tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
        }
    });
    let dispatcher = dispatcher();
    for _ in 0..20 {
        let report = dispatcher.send(&order(job(&format!("http://{address}")))).await;
        match report.sent_at {
            None => assert_never_sent(&report),
            Some(_) => assert_eq!((report.outcome, report.reason), (Unknown, Some(Broken))),
        }
    }
    slamming.abort();
}

/// Seed A21: each job has its own limit, from half a minute to an hour.
#[tokio::test]
async fn each_job_has_its_own_timeout() {
    let mut app = FakeApp::replying(Reply::Silent(Vec::new())).await;
    let clock = VirtualClock::at(instant());
    let credentials = Credentials::load(from_value(SECRET));
    let dispatcher = Arc::new(Dispatcher::new(credentials.into(), Arc::new(clock), Entropy::System).unwrap());
    let mut sending = Vec::new();
    for seconds in [30, 120, 900, 3600] {
        let mut definition = job(&app.url());
        definition.timeout = Duration::from_secs(seconds);
        let order = order(definition);
        let dispatcher = Arc::clone(&dispatcher);
        sending.push((seconds, tokio::spawn(async move { dispatcher.send(&order).await })));
    }
    for _ in 0..sending.len() {
        app.next().await;
    }
    tokio::time::pause();
    for (seconds, sending) in sending {
        let report = sending.await.unwrap();
        assert_eq!((report.outcome, report.reason), (Unknown, Some(Timeout)));
        assert_eq!(report.duration.as_secs_f64().round(), seconds as f64);
        assert!((report.sent_at.unwrap() - instant()).num_seconds() < 5);
    }
}
