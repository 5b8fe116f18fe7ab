//! What is done once, and what is told of it the second time.

use std::time::Duration;

use axum::Router;
use chrono::TimeDelta;
use sexton::auth::idempotency::InMemoryAnswers;
use tower::ServiceExt;

use super::{Scene, read};

#[tokio::test(start_paused = true)]
async fn the_same_request_gets_the_stored_answer() {
    let scene = Scene::new().await;
    let first = scene.send("POST", "/work", &[("idempotency-key", "\"k1\"")], "a").await;
    assert!(first.headers().get("idempotency-replayed").is_none() && first.headers().contains_key("set-cookie"));
    assert_eq!(read(first).await, (201, "work 1 a false".to_owned()));
    let again = scene.send("POST", "/work", &[("idempotency-key", "k1")], "a").await;
    let kept = ["location", "content-type"].map(|name| again.headers()[name].to_str().unwrap().to_owned());
    assert_eq!(kept, ["/tasks/1", "text/x"]);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert!(!again.headers().contains_key("set-cookie"), "a cookie is nothing to keep");
    assert_eq!((read(again).await.1, scene.done()), ("work 1 a false".to_owned(), 1));
    for _ in 0..2 {
        scene.send("POST", "/work", &[], "a").await;
        scene.send("GET", "/work", &[("idempotency-key", "k1")], "a").await;
    }
    assert_eq!(scene.done(), 5, "without a key, and where nothing changes, each is done");
}

/// Two routers that an app has nested under different prefixes are two endpoints.
#[tokio::test]
async fn a_key_holds_below_one_prefix() {
    let scene = Scene::new().await;
    let nested = Router::new().nest("/eu", scene.router.clone()).nest("/us", scene.router.clone());
    for (path, works) in [("/eu/work", 1), ("/us/work", 2), ("/eu/work", 2)] {
        let request = Scene::request("POST", path, &[("idempotency-key", "k")], "a");
        assert_eq!(nested.clone().oneshot(request).await.unwrap().status(), 201);
        assert_eq!(scene.done(), works, "{path}");
    }
}

/// Another body, query or content type is another request; another endpoint or principal has keys of its own.
#[tokio::test(start_paused = true)]
async fn a_key_is_of_one_request_one_endpoint_one_principal() {
    let scene = Scene::new().await;
    let key = ("idempotency-key", "k1");
    assert_eq!(scene.work("k1", "a").await.0, 201);
    for (path, headers, body) in [
        ("/work", &[key][..], "b"),
        ("/work?x=1", &[key], "a"),
        ("/work", &[key, ("content-type", "application/json")], "a"),
    ] {
        let (status, problem) = read(scene.send("POST", path, headers, body).await).await;
        assert_eq!(status, 422, "{path} {body}");
        assert!(problem.contains("another request"), "{problem}");
    }
    assert_eq!(scene.done(), 1);
    for (method, path, headers) in [
        ("POST", "/other", &[key][..]),
        ("PATCH", "/work", &[key]),
        ("POST", "/work", &[key, ("authorization", "Bearer grace")]),
    ] {
        assert_eq!(read(scene.send(method, path, headers, "a").await).await.0, 201, "{method} {path}");
    }
    assert_eq!(scene.done(), 4);
}

/// What is final is stored: 2xx and 4xx, but not those that say "not now" or "not you"; a failure frees the key.
#[tokio::test(start_paused = true)]
async fn which_answers_are_stored() {
    for (status, kept) in [
        ("200", true),
        ("202", true),
        ("204", true),
        ("400", true),
        ("401", false),
        ("403", false),
        ("404", true),
        ("422", true),
        ("408", false),
        ("409", false),
        ("425", false),
        ("429", false),
        ("302", false),
        ("500", false),
        ("503", false),
    ] {
        let scene = Scene::new().await;
        for _ in 0..2 {
            assert_eq!(scene.work("k", status).await.0.to_string(), status);
        }
        assert_eq!(scene.done(), if kept { 1 } else { 2 }, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_it_is_worked_on_it_is_409() {
    let scene = Scene::new().await;
    scene.close();
    let first = scene.spawn("k1");
    scene.has_begun().await;
    for _ in 0..3 {
        assert_eq!(scene.work("k1", "a").await.0, 409);
    }
    assert_eq!(scene.work("k1", "b").await.0, 422);
    scene.gate.add_permits(2);
    assert_eq!(scene.work("k2", "a").await.0, 201, "another key does not wait");
    first.await.unwrap();
    assert_eq!((scene.work("k1", "a").await.0, scene.done()), (201, 2));
}

/// A client that hangs up ends neither the work nor the storing of its answer.
#[tokio::test(start_paused = true)]
async fn the_work_outlives_its_client() {
    let scene = Scene::new().await;
    scene.close();
    let client = scene.spawn("k1");
    scene.has_begun().await;
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    assert_eq!(scene.work("k1", "a").await.0, 409, "it is still worked on");
    scene.gate.add_permits(1);
    let stored = async {
        loop {
            match scene.work("k1", "a").await {
                (409, _) => tokio::task::yield_now().await,
                answer => break answer,
            }
        }
    };
    assert_eq!(stored.await, (201, "work 1 a false".to_owned()));
    assert_eq!(scene.done(), 1);
}

/// A panic goes on to the app's own layers, and the key is free.
#[tokio::test(start_paused = true)]
async fn a_panic_frees_the_key() {
    let scene = Scene::new().await;
    for _ in 0..2 {
        let request = Scene::request("POST", "/panic", &[("idempotency-key", "k1")], "");
        let ended = tokio::spawn(scene.router.clone().oneshot(request)).await.unwrap_err();
        assert_eq!(*ended.into_panic().downcast::<&str>().unwrap(), "a handler's");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_forgotten_after_its_life() {
    let scene = Scene::with(|layer| layer.with_life(TimeDelta::hours(1)), InMemoryAnswers::default()).await;
    scene.work("k1", "a").await;
    tokio::time::advance(Duration::from_secs(3599)).await;
    assert_eq!(scene.work("k1", "a").await.1, "work 1 a false");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(scene.work("k1", "b").await.1, "work 2 b false");
}
