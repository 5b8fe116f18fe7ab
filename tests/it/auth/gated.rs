//! Work that is done once, behind a gate.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use axum::{Router, body::Body, http::Request, routing::post};
use serde_json::{Value, json};
use sexton::auth::{Auth, Idempotency, InMemory, InMemoryRevocations, Verifier, idempotency::InMemoryAnswers, require};
use tower::ServiceExt;

use super::{
    config,
    forge::{FIRST, claims, clock, hs256, run_claims, taking_secrets},
};

/// An app with one route, which takes the scope `sync:run`.
struct Scene {
    router: Router,
    done: Arc<AtomicUsize>,
}

impl Scene {
    async fn new() -> Self {
        let clock = clock();
        let verifier =
            Verifier::start(taking_secrets(), InMemoryRevocations::default(), Arc::clone(&clock)).await.unwrap();
        let auth = Auth::start(config::<String>(&[]), InMemory::default(), Arc::clone(&clock)).await;
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        let work = post(move || async move { (count.fetch_add(1, SeqCst) + 1).to_string() });
        let once = work.route_layer(Idempotency::new(InMemoryAnswers::default(), clock));
        let router = Router::new().route("/sync", once.route_layer(require(&["sync:run"])));
        Self { router: router.layer(auth.with_tokens(verifier)), done }
    }

    /// The status of `POST /sync`.
    async fn sync(&self, claims: &Value, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::post("/sync").header("authorization", format!("Bearer {}", hs256(FIRST, claims)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        reply.status().as_u16()
    }

    fn done(&self) -> usize {
        self.done.load(SeqCst)
    }
}

/// Seed C3: who lacks the scope gets no stored answer, and takes neither a key nor a fence from who has it.
#[tokio::test(start_paused = true)]
async fn c3_a_refused_caller_never_reaches_the_answers() {
    let scene = Scene::new().await;
    let (may, may_not) = (claims(json!({ "scope": "sync:run" })), claims(json!({ "scope": "jobs:read" })));
    let key = [("idempotency-key", "k1")];
    assert_eq!((scene.sync(&may, &key).await, scene.sync(&may_not, &key).await), (200, 403), "not the stored answer");
    assert_eq!((scene.sync(&may, &key).await, scene.done()), (200, 1), "which stays stored");
    let other = [("idempotency-key", "k2"), ("sexton-job", "nightly"), ("sexton-fence", "99")];
    assert_eq!(scene.sync(&may_not, &other).await, 403);
    let lower = [("idempotency-key", "k2"), ("sexton-job", "nightly"), ("sexton-fence", "1")];
    assert_eq!((scene.sync(&may, &lower).await, scene.done()), (200, 2), "neither key nor fence were taken");
}

/// Seed C6: a run's token gets the answers of its own run. The run's id, which is the scheduler's key, is the same with any
/// of its tokens.
#[tokio::test(start_paused = true)]
async fn c6_a_run_gets_no_other_runs_answers() {
    let scene = Scene::new().await;
    let of = |run: &str, fence: u64| run_claims(json!({ "scope": "sync:run", "run_id": run, "fence": fence }));
    for (run, fence, key, done) in [
        ("run-1", 1, "run-1", 1),
        ("run-1", 2, "run-1", 1),
        ("run-2", 3, "run-1", 2),
        ("run-2", 4, "run-2", 3),
        ("run-1", 5, "k", 4),
        ("run-2", 6, "k", 5),
        ("run-1", 7, "k", 5),
    ] {
        assert_eq!(scene.sync(&of(run, fence), &[("idempotency-key", key)]).await, 200);
        assert_eq!(scene.done(), done, "{run} with {key}");
    }
}

/// Seed B8: a run's token brings its own fence, whatever the request says or leaves out.
#[tokio::test(start_paused = true)]
async fn b8_a_runs_fence_is_that_of_its_token() {
    let scene = Scene::new().await;
    let of = |fence: u64| run_claims(json!({ "scope": "sync:run", "fence": fence }));
    assert_eq!(scene.sync(&of(7), &[]).await, 200);
    assert_eq!(scene.sync(&of(6), &[]).await, 412, "a later attempt of its job was here");
    assert_eq!(scene.sync(&of(6), &[("sexton-job", "weekly")]).await, 403, "it is not of another job");
    assert_eq!(scene.sync(&of(6), &[("sexton-fence", "8")]).await, 403, "nor of another attempt");
    assert_eq!(scene.sync(&of(8), &[("sexton-fence", "8")]).await, 200);
    assert_eq!((scene.sync(&of(7), &[]).await, scene.done()), (412, 2));
}
