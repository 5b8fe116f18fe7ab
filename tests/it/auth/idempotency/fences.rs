//! Requests that a later attempt of their job has passed.

use std::time::Duration;

use sexton::auth::idempotency::InMemoryAnswers;

use super::Scene;

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
