//! The secret: the same in both, kept, and nowhere else.

use serde_json::Value;
use sexton::clock::{Clock, SystemClock};

use super::{
    Jobs, done,
    images::{APP, SEXTON},
    project::{Project, Run, summary},
};
use crate::support::http::Call;

/// Seed A10: 64 hex digits, readable by its owner and the two services' group, the same for both; and neither what Docker
/// shows of containers and images nor any log holds it.
pub(super) async fn is_shared_and_nowhere_else(project: &Project<'_>) {
    let secret = project.secret().await;
    assert_eq!(secret.len(), 64);
    assert!(secret.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(of_scheduler(project, "/secret/token").await, secret);
    let admin = of_scheduler(project, "/keys/admin-token").await;
    assert_eq!(admin.len(), 64);
    assert_ne!(admin, secret);
    let app = project.container("app").await;
    let mode = project.engine.run(&["exec", &app, "stat", "-c", "%a %u %g", "/secret/token"]).await;
    assert_eq!(mode.trim(), "640 65532 65530");
    for service in ["app", "scheduler"] {
        let mounts = project.inspect(service).await["Mounts"].clone();
        let kept = |mount: &&Value| mount["Destination"] != "/data" && mount["Type"] == "volume";
        let kept: Vec<&Value> = mounts.as_array().unwrap().iter().filter(kept).collect();
        assert!(!kept.is_empty() && kept.iter().all(|mount| mount["RW"] == false), "{kept:?}");
    }
    let keys = project.engine.attempt(&["exec", &app, "ls", "/keys"]).await;
    assert_ne!(keys.code, Some(0), "the app has no keys: {keys}");
    let pem = of_scheduler(project, "/keys/signing-key").await;
    let key = pem.lines().nth(1).unwrap_or_else(|| panic!("a key in PEM"));
    for seen in everything_shown(project).await {
        assert!([&secret, &admin, key].iter().all(|hidden| !seen.contains(*hidden)), "a secret shows");
    }
    only_the_token_opens_the_listener(project, &admin).await;
}

/// A second `up`, here with other jobs, keeps the secret and the app, and takes the new jobs.
pub(super) async fn outlives_another_up(project: &mut Project<'_>, jobs: &Jobs) {
    let (secret, app) = (project.secret().await, project.container("app").await);
    project.jobs(jobs.folder());
    project.compose(&["up", "--detach", "--no-build"]).await;
    assert_eq!(project.secret().await, secret);
    assert_eq!(project.container("app").await, app, "nothing changed for the app");
    assert!(project.logs("secret").await.contains("was there already, left as it is"));
}

/// The rotation of the README, under a job that fires every second: no run but succeeds, and the old secret is worth
/// nothing afterwards.
pub(super) async fn is_rotated_without_a_lost_firing(project: &Project<'_>) {
    let began = tokio::time::Instant::now();
    let (old, since) = (project.secret().await, SystemClock.now());
    project.compose(&["run", "--rm", "secret", "secret", "rotate", "/secret/token"]).await;
    let both = project.secret().await;
    let (new, kept) = both.split_once('\n').unwrap_or_else(|| panic!("two lines"));
    assert_eq!(kept, old);
    assert_ne!(new, old);
    project.audited("marketplaces_all", SystemClock.now()).await;
    project.compose(&["run", "--rm", "secret", "secret", "rotate", "--finish", "/secret/token"]).await;
    assert_eq!(project.secret().await, new);
    project.audited("marketplaces_all", SystemClock.now()).await;
    let until = SystemClock.now();
    let app = project.address("app", 8000).await;
    let refused = Call::new(app, "GET", "/api/auth/me").bearer(&old).send().await;
    assert_eq!(refused.status, 401, "{refused:?}");
    let ended =
        project.run_that("a run after the rotation", |run| run.scheduled_for > until && run.state == "succeeded");
    let last = ended.await.scheduled_for;
    let within = |run: &Run| run.job == "tick" && run.scheduled_for > since && run.scheduled_for <= last;
    let runs: Vec<Run> = project.runs().await.into_iter().filter(within).collect();
    assert!(runs.iter().all(|run| run.ended("succeeded", None)), "{:?}", summary(&runs));
    assert_eq!(i64::try_from(runs.len()).unwrap(), (last - runs[0].scheduled_for).num_seconds() + 1, "{runs:?}");
    done("rotation", began);
}

/// A file of a container that has no program to read it with.
async fn of_scheduler(project: &Project<'_>, file: &str) -> String {
    let scheduler = project.container("scheduler").await;
    let shared = ["run", "--rm", "--user", "65532:65530", "--volumes-from", &scheduler, "--entrypoint", "cat"];
    project.engine.run(&[&shared[..], &[APP, file]].concat()).await.trim().to_owned()
}

/// What `docker inspect`, `docker logs` and `docker history` show.
async fn everything_shown(project: &Project<'_>) -> Vec<String> {
    let mut shown = Vec::new();
    for container in project.containers(None).await {
        shown.push(project.engine.run(&["inspect", &container]).await);
        shown.push(project.engine.attempt(&["logs", &container]).await.said());
    }
    for image in [SEXTON, APP] {
        shown.push(project.engine.run(&["history", "--no-trunc", image]).await);
        shown.push(project.engine.run(&["inspect", image]).await);
    }
    assert!(shown.iter().all(|text| !text.trim().is_empty()));
    shown
}

/// Health and metrics are everybody's; the rest wants the admin token that was made along with the secret.
async fn only_the_token_opens_the_listener(project: &Project<'_>, admin: &str) {
    let listener = project.address("scheduler", 7070).await;
    assert_eq!(Call::new(listener, "GET", "/readyz").send().await.status, 200);
    assert_eq!(Call::new(listener, "GET", "/healthz").send().await.status, 403);
    let published = Call::new(listener, "GET", "/.well-known/jwks.json").send().await.json();
    assert_eq!(published["keys"].as_array().map(Vec::len), Some(1), "the public half of the signing key: {published}");
    let reply = Call::new(listener, "GET", "/healthz").bearer(admin).send().await;
    assert_eq!((reply.status, reply.json()["status"].as_str()), (200, Some("ok")), "{reply:?}");
}
