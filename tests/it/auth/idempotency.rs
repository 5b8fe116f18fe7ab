//! Work that is asked for twice.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, Response, StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
};
use chrono::TimeDelta;
use sexton::{
    auth::{
        Auth, Credential, Idempotency, InMemory, Kind, Presented, Principal,
        idempotency::{Answer, Answers, Begun, Fingerprint, InMemoryAnswers, Key, Lane},
    },
    clock::SharedClock,
};
use tokio::{sync::Semaphore, task::JoinHandle};
use tower::ServiceExt;

use super::{config, forge::clock};

/// An app that counts its work; each route works when the test lets it.
#[derive(Clone)]
struct Scene {
    router: Router,
    done: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    begun: Arc<Semaphore>,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|layer| layer, InMemoryAnswers::default()).await
    }

    async fn with<A: Answers>(configure: impl FnOnce(Idempotency<A>) -> Idempotency<A>, answers: A) -> Self {
        let clock: SharedClock = clock();
        let auth = Auth::start(config::<String>(&[]), InMemory::default(), Arc::clone(&clock)).await;
        let auth = auth.with_people(|presented| async move { Ok(person(&presented)) });
        let done = Arc::new(AtomicUsize::new(0));
        let (gate, begun) = (Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)), Arc::new(Semaphore::new(0)));
        let (count, wait, tell) = (Arc::clone(&done), Arc::clone(&gate), Arc::clone(&begun));
        let work = move |headers: HeaderMap, body: Bytes| {
            let (count, wait, tell) = (Arc::clone(&count), Arc::clone(&wait), Arc::clone(&tell));
            async move {
                tell.add_permits(1);
                wait.acquire().await.unwrap().forget();
                let number = count.fetch_add(1, SeqCst) + 1;
                answer(number, &headers, &body)
            }
        };
        let router = Router::new()
            .route("/work", post(work.clone()).patch(work.clone()).get(work.clone()))
            .route("/other", post(work))
            .route("/panic", post(fails))
            .layer(configure(Idempotency::new(answers, clock)))
            .layer(auth);
        Self { router, done, gate, begun }
    }

    fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", "Bearer ada");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::from(body.to_owned())).unwrap()
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
        self.router.clone().oneshot(Self::request(method, path, headers, body)).await.unwrap()
    }

    /// The status and the body of a `POST /work` with a key.
    async fn work(&self, key: &str, body: &str) -> (u16, String) {
        read(self.send("POST", "/work", &[("idempotency-key", key)], body).await).await
    }

    fn spawn(&self, key: &'static str) -> JoinHandle<(u16, String)> {
        let scene = self.clone();
        tokio::spawn(async move { scene.work(key, "a").await })
    }

    /// Keeps the work from ending.
    fn close(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    async fn has_begun(&self) {
        self.begun.acquire().await.unwrap().forget();
    }

    fn done(&self) -> usize {
        self.done.load(SeqCst)
    }
}

async fn fails() -> StatusCode {
    panic!("a handler's")
}

fn person(presented: &Presented) -> Option<Principal> {
    let Presented::Bearer(name) = presented else { return None };
    let name = name.expose().to_owned();
    let kind = Kind::User(Credential::AccessToken);
    (name != "nobody").then(|| Principal { id: name.clone(), email: name.clone(), name, kind, groups: Vec::new() })
}

/// What the request asks for: a status as its body, else 201.
fn answer(number: usize, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
    let text = String::from_utf8_lossy(body);
    let status = text.parse().ok().and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::CREATED);
    let told = format!("work {number} {text} {}", headers.get("sexton-run").is_some());
    let headers =
        [(header::LOCATION, "/tasks/1"), (header::SET_COOKIE, "session=secret"), (header::CONTENT_TYPE, "text/x")];
    (status, headers, told).into_response()
}

async fn read(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
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

/// A lower fence of a job is a request that comes too late: 412, with and without a key, and each principal's jobs are its
/// own.
#[tokio::test(start_paused = true)]
async fn a_lower_fence_is_412() {
    let scene = Scene::new().await;
    let send = async |who: &str, job: &str, fence: &str, key: Option<&str>| {
        let bearer = format!("Bearer {who}");
        let mut headers = vec![("authorization", bearer.as_str()), ("sexton-job", job), ("sexton-fence", fence)];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        scene.send("POST", "/work", &headers, "a").await.status().as_u16()
    };
    assert_eq!(send("ada", "nightly", "5", Some("k1")).await, 201);
    assert_eq!(send("ada", "nightly", "5", Some("k1")).await, 201, "the same attempt again");
    assert_eq!(send("ada", "nightly", "9", Some("k1")).await, 201, "a later attempt of the same run");
    for (fence, key) in [("8", Some("k1")), ("8", Some("k2")), ("0", None), ("8", None)] {
        assert_eq!(send("ada", "nightly", fence, key).await, 412, "{fence} {key:?}");
    }
    assert_eq!(send("ada", "weekly", "1", None).await, 201, "another job");
    assert_eq!(send("grace", "nightly", "1", None).await, 201, "another principal's");
    assert_eq!(send("ada", "nightly", "9", None).await, 201);
    for wrong in ["", "x", "-1", "1.5", "18446744073709551616"] {
        assert_eq!(send("ada", "nightly", wrong, None).await, 400, "{wrong:?}");
    }
    let late = [("authorization", "Bearer ada"), ("sexton-job", "nightly"), ("sexton-fence", "1")];
    assert_eq!(scene.send("GET", "/work", &late, "").await.status(), 201, "to look is never too late");
    assert_eq!(scene.done(), 5);
}

/// Fences are not kept for ever: one is forgotten when its job was silent for 90 days, and no sooner.
#[tokio::test(start_paused = true)]
async fn a_fence_is_forgotten_after_90_days_of_silence() {
    let scene = Scene::new().await;
    let send = async |fence: &str| {
        let headers = [("sexton-job", "nightly"), ("sexton-fence", fence)];
        scene.send("POST", "/work", &headers, "a").await.status().as_u16()
    };
    let day = Duration::from_secs(86_400);
    assert_eq!(send("7").await, 201);
    tokio::time::advance(89 * day).await;
    assert_eq!((send("6").await, send("7").await), (412, 201), "seen again");
    tokio::time::advance(89 * day).await;
    assert_eq!(send("6").await, 412, "a refusal, too, sees it");
    tokio::time::advance(90 * day).await;
    assert_eq!(send("1").await, 201);
}

/// Nor do they grow without bound: where there is no room for another job's, nothing is done, and what is over makes room.
#[tokio::test(start_paused = true)]
async fn fences_are_within_the_bound() {
    let scene = Scene::with(|layer| layer, InMemoryAnswers::within(8 * 1024)).await;
    let send = async |number: usize| {
        let (job, fence) = (format!("job-{number}"), "1");
        let headers = [("sexton-job", job.as_str()), ("sexton-fence", fence)];
        scene.send("POST", "/work", &headers, "a").await.status().as_u16()
    };
    for number in 0..100 {
        assert_eq!(send(number).await, if number < 16 { 201 } else { 503 }, "{number}");
    }
    assert_eq!((send(3).await, scene.done()), (201, 17), "those that are known go on");
    tokio::time::advance(Duration::from_secs(90 * 86_400)).await;
    assert_eq!(send(99).await, 201);
}

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

#[tokio::test(start_paused = true)]
async fn an_answer_is_forgotten_after_its_life() {
    let scene = Scene::with(|layer| layer.with_life(TimeDelta::hours(1)), InMemoryAnswers::default()).await;
    scene.work("k1", "a").await;
    tokio::time::advance(Duration::from_secs(3599)).await;
    assert_eq!(scene.work("k1", "a").await.1, "work 1 a false");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(scene.work("k1", "b").await.1, "work 2 b false");
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
