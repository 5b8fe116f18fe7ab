//! What is refused: bad keys, too much of anything, and everything where what it needs is not there.

use std::{convert::Infallible, time::Duration};

use axum::{Router, body::Body, extract::Request, routing::get};
use sexton::auth::{
    Idempotency,
    idempotency::{Answer, Answers, Begun, Fingerprint, InMemoryAnswers, Key, Lane},
};
use tower::ServiceExt;

use super::{super::forge::clock, Scene, read};

#[tokio::test(start_paused = true)]
async fn a_bad_key_is_400_and_nobody_has_keys_of_nobodys() {
    let scene = Scene::new().await;
    let long = "k".repeat(256);
    for wrong in ["", "\"\"", "two words", &long, "\"a\"\u{7f}"] {
        let request = axum::http::HeaderValue::from_bytes(wrong.as_bytes());
        let Ok(value) = request else { continue };
        let mut request = Scene::request("POST", "/work", &[], "a");
        request.headers_mut().insert("idempotency-key", value);
        assert_eq!(scene.router.clone().oneshot(request).await.unwrap().status(), 400, "{wrong:?}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    assert_eq!(scene.send("POST", "/work", &twice, "a").await.status(), 400);
    assert_eq!(scene.done(), 0);
    let nobody = [("idempotency-key", "k1"), ("authorization", "Bearer nobody")];
    for _ in 0..2 {
        scene.send("POST", "/work", &nobody, "a").await;
    }
    assert_eq!(scene.done(), 2, "what is open to anybody has nobody's keys");
}

/// Bodies are read up to a bound, and an answer that is too large is given once and not kept: the work is done once.
#[tokio::test(start_paused = true)]
async fn bodies_are_bounded() {
    let scene = Scene::with(|layer| layer.with_body(64), InMemoryAnswers::default()).await;
    assert_eq!(scene.work("k1", &"x".repeat(65)).await.0, 413);
    assert_eq!(scene.done(), 0);
    let body = "x".repeat(60);
    let (status, given) = scene.work("k2", &body).await;
    assert_eq!((status, given), (201, format!("work 1 {body} false")), "whole, although it is too large to keep");
    let (status, problem) = scene.work("k2", &body).await;
    assert!(status == 409 && problem.contains("too large"), "{problem}");
    assert_eq!(scene.done(), 1);
}

/// The memory is bounded: the oldest answers go, what is worked on stays, and when that alone fills it, 503.
#[tokio::test(start_paused = true)]
async fn the_memory_is_bounded() {
    let scene = Scene::with(|layer| layer, InMemoryAnswers::within(8 * 1024)).await;
    for number in 0..100 {
        assert_eq!(scene.work(&format!("k{number}"), "a").await.0, 201);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(scene.work("k99", "a").await.1, "work 100 a false", "the newest is kept");
    assert_eq!(scene.work("k0", "a").await.1, "work 101 a false", "the oldest is not");
    scene.close();
    let mut clients = Vec::new();
    for number in 0..100 {
        let (router, key) = (scene.router.clone(), format!("w{number}"));
        let request = Scene::request("POST", "/work", &[("idempotency-key", &key)], "a");
        clients.push(tokio::spawn(router.oneshot(request)));
    }
    let refused = async {
        let mut refused = 0;
        for client in &mut clients {
            tokio::select! {
                biased;
                reply = client => refused += usize::from(reply.unwrap().unwrap().status() == 503),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        refused
    };
    let refused = refused.await;
    assert!((80..100).contains(&refused), "{refused} of 100 had no room");
}

/// A store that fails is 503 with an id, and nothing is done.
#[tokio::test(start_paused = true)]
async fn without_a_store_nothing_is_done() {
    struct Broken;
    impl Answers for Broken {
        type Error = std::io::Error;

        async fn begin(
            &self,
            _: &Key,
            _: &Fingerprint,
            _: chrono::DateTime<chrono::Utc>,
            _: chrono::DateTime<chrono::Utc>,
        ) -> std::io::Result<Begun> {
            Err(std::io::Error::other("the disk is gone"))
        }

        async fn finish(&self, _: &Key, _: Answer, _: chrono::DateTime<chrono::Utc>) -> std::io::Result<()> {
            Err(std::io::Error::other("the disk is gone"))
        }

        async fn free(&self, _: &Key) -> std::io::Result<()> {
            Err(std::io::Error::other("the disk is gone"))
        }

        async fn raise(
            &self,
            _: &Lane,
            fence: u64,
            _: chrono::DateTime<chrono::Utc>,
            _: chrono::DateTime<chrono::Utc>,
        ) -> std::io::Result<u64> {
            Ok(fence)
        }
    }
    let scene = Scene::with(|layer| layer, Broken).await;
    let (status, body) = scene.work("k1", "a").await;
    assert!(status == 503 && body.contains("error_id") && !body.contains("disk"), "{status} {body}");
    assert_eq!((scene.work("", "a").await.0, scene.done()), (400, 0));
    assert_eq!(read(scene.send("POST", "/work", &[], "a").await).await.0, 201, "without a key it is not needed");
}

/// Guarantee G8: outside the layer that knows who is there, it is closed.
#[tokio::test(start_paused = true)]
async fn without_the_auth_layer_it_is_closed() {
    let layer = Idempotency::new(InMemoryAnswers::default(), clock());
    let app: Router = Router::new().route("/", get(|| async { "open" })).layer(layer);
    let reply: Result<_, Infallible> = app.oneshot(Request::new(Body::empty())).await;
    assert_eq!(reply.unwrap().status(), 500);
}
