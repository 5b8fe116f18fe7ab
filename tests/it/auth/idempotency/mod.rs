//! Work that is asked for twice.

mod answers;
mod fences;
mod limits;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, Response, StatusCode, header},
    response::IntoResponse,
    routing::post,
};
use sexton::{
    auth::{
        Auth, Credential, Idempotency, InMemory, Kind, Presented, Principal,
        idempotency::{Answers, InMemoryAnswers},
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
