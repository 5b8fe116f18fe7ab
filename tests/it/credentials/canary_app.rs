//! Guarantee G5 of the app's half: with a known secret in every slot the reference app answers everything, and none of them
//! is in anything that it writes but the one answer that hands it out.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sexton::{
    auth::{Config, InMemory, InMemoryRevocations, Issuer, Verifier, VerifierConfig},
    clock::{SharedClock, SystemClock},
    credentials::{self, Credentials, Ed25519Keys},
    entropy::Entropy,
    secret::{Secret, SecretSource, SharedSecrets},
};

use super::canary::assert_clean;
use crate::support::{
    http::Call,
    process,
    sidecar::{Running, sexton},
};

const SHARED: &str = "shared-Lw3Ye8Rb5Kd1-secret-of-the-test-0123";
const PREVIOUS: &str = "before-Ux6Ho2Mi9Vg4-secret-of-the-test-0123";
const JWT: &str = "jwt-Cz7Nq5Wa3Te8-secret-of-the-test-012345";
const PASSWORD: &str = "password-Bs4Fp9Jx6Oy2";

const ENVIRONMENT: [(&str, &str); 8] = [
    ("SCHEDULER_API_TOKEN", SHARED),
    ("SCHEDULER_API_TOKEN_PREVIOUS", PREVIOUS),
    ("SEXTON_JWT_SECRETS", JWT),
    ("SEXTON_ISSUER", "https://cron.example.org"),
    ("SEXTON_AUDIENCE", "app"),
    ("SEXTON_LOG", "json"),
    ("RUST_LOG", "trace"),
    ("RUST_BACKTRACE", "1"),
];

async fn program(folder: &Path, line: &[&str]) -> process::Done {
    let mut command = sexton(folder, line);
    command.envs(ENVIRONMENT);
    process::run(command).await
}

/// A token of `subject`, and what of it must not be seen.
async fn issued(folder: &Path, subject: &str) -> String {
    let line = ["token", "issue", "--audience", "app", "--subject", subject, "--scope", "jobs:read"];
    program(folder, &line).await.good().trim_end().to_owned()
}

fn core(token: &str) -> String {
    token.rsplit('.').next().unwrap()[8..32].to_owned()
}

#[tokio::test]
async fn nothing_that_the_app_writes_holds_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sexton(folder.path(), &["app", "--listen", "127.0.0.1:0", "--data", "data"]);
    command.envs(ENVIRONMENT);
    let mut app = Running::start(command);
    let line: Value = serde_json::from_str(&app.hear("the app listens").await).unwrap();
    let address: std::net::SocketAddr = line["address"].as_str().unwrap().parse().unwrap();
    let call = |method: &str, path: &str| Call::new(address, method, path);

    let person = json!({ "email": "ada@example.org", "password": PASSWORD });
    call("POST", "/api/auth/register").json(&person).send().await;
    let cookie = call("POST", "/api/auth/login").json(&person).send().await.header("set-cookie").unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let minted = call("POST", "/api/auth/tokens").cookie(&cookie).json(&json!({ "name": "ci" })).send().await.json();
    let access = minted["token"].as_str().unwrap().to_owned();
    let (good, lost) = (issued(folder.path(), "reporting").await, issued(folder.path(), "reporting").await);
    let stranger = format!("{}.{}", good.rsplit_once('.').unwrap().0, "Zk2".repeat(14));
    let expired =
        format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}"), good.split_once('.').unwrap().1);
    fs::write(folder.path().join("lost"), &lost).unwrap();

    let mut written = Vec::new();
    for bearer in [SHARED, PREVIOUS, &access, &good, &lost, &stranger, &expired, "wrong-Zk2Zk2Zk2Zk2"] {
        for (method, path) in [
            ("GET", "/api/auth/me"),
            ("GET", "/api/audit"),
            ("GET", "/api/jobs"),
            ("POST", "/api/jobs"),
            ("POST", "/api/auth/tokens"),
            ("GET", "/api/marketplaces"),
            ("POST", "/api/marketplaces/sync-all"),
            ("GET", "/none"),
        ] {
            let body = json!({ "kind": bearer, "name": "x" });
            let call = call(method, path).bearer(bearer).header("idempotency-key", "k").json(&body);
            let answer = call.send().await;
            written.push((format!("{method} {path}"), format!("{answer:?}").into_bytes()));
        }
    }
    for line in [
        &["token", "inspect", "--token-file", "lost"][..],
        &["token", "inspect", "--token-file", "lost", "--json"],
        &["token", "revoke", "--data", "data", "--token-file", "lost", "--reason", "lost"],
    ] {
        written.push((line.join(" "), program(folder.path(), line).await.said().into_bytes()));
    }
    assert_eq!(app.stop().await, Some(0));
    let log = app.said.join("\n");
    assert!(log.contains("\"DEBUG\"") || log.contains("\"TRACE\""), "everything is logged");
    written.push(("the log".to_owned(), log.into_bytes()));
    for entry in fs::read_dir(folder.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            written.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    assert!(written.iter().any(|(origin, bytes)| origin.ends_with("app.db") && bytes.len() > 4096));

    let mut cores: Vec<String> =
        ["Lw3Ye8Rb5Kd1", "Ux6Ho2Mi9Vg4", "Cz7Nq5Wa3Te8", "Bs4Fp9Jx6Oy2", "Zk2Zk2Zk2Zk2"].map(str::to_owned).into();
    cores.extend([&access, &good, &lost].map(|token| core(token)));
    cores.push(cookie.split_once('=').unwrap().1[8..32].to_owned());
    for (origin, bytes) in &written {
        assert_clean(origin, bytes, &cores);
    }
}

/// What a panic prints of what it holds: nothing that knows a secret shows one.
#[tokio::test]
async fn nothing_shows_a_secret_when_it_is_printed() {
    let clock: SharedClock = std::sync::Arc::new(SystemClock);
    let secrets = SharedSecrets::from_value(SecretSource::Variable("S".to_owned()), JWT).unwrap();
    let config = Config::from_lookup(|name| {
        ENVIRONMENT.iter().find_map(|(known, value)| (*known == name).then(|| (*value).into()))
    });
    let auth = sexton::auth::Auth::start(config.clone(), InMemory::default(), clock.clone()).await;
    let taken = VerifierConfig::new("https://cron.example.org", "app").with_secrets(secrets.clone());
    let verifier = Verifier::start(taken.clone(), InMemoryRevocations::default(), clock).await.unwrap();
    let variable =
        |name: &str| ENVIRONMENT.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let held = Credentials::load(credentials::Config::from_lookup(variable).unwrap());
    let keys = Ed25519Keys::new(Entropy::System);
    let pem = keys.to_pem().lines().nth(1).unwrap()[20..60].to_owned();
    let issuer = Issuer::new("https://cron.example.org", "app", secrets.clone());
    let caught = tokio::spawn(async move {
        let everything = format!(
            "{config:?} {auth:?} {taken:?} {verifier:?} {held:?} {keys:?} {issuer:?} {secrets:?} {:?}",
            Secret::new(SHARED)
        );
        std::panic::panic_any(everything)
    });
    let printed = *caught.await.unwrap_err().into_panic().downcast::<String>().unwrap();
    assert!(printed.contains("Credentials") && printed.contains("Verifier"), "{printed}");
    let cores = ["Lw3Ye8Rb5Kd1".to_owned(), "Ux6Ho2Mi9Vg4".to_owned(), "Cz7Nq5Wa3Te8".to_owned(), pem];
    assert_clean("a panic", printed.as_bytes(), &cores);
}
