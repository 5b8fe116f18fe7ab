//! auth = "run-token": a JWT minted for each run.

use std::{fs, path::Path, time::Duration};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    hmac,
    signature::{ED25519, UnparsedPublicKey},
};
use serde_json::{Value, json};
use sexton::{
    clock::{Clock, SystemClock},
    credentials::{Config, Credentials, Ed25519Keys, JWT_SECRETS, JWT_SECRETS_FILE, SIGNING_KEY_FILE},
    dispatch::{Dispatcher, Question, Showing},
    entropy::Entropy,
    job::{Auth, Completion, Job, Poll, PollUrl, RunTokens, Target},
    run::{Outcome, Reason},
    secret::{Secret, SecretSource, SharedSecrets},
};

use super::{now, showing};
use crate::dispatch::{
    fake_app::{FakeApp, Reply, Seen, answer},
    orders::{dispatcher_with, job_of, order, target},
};

const FIRST: &str = "the-first-secret-of-the-run-tokens-0001";
const SECOND: &str = "the-second-secret-of-the-run-tokens-002";

pub(crate) fn auth() -> Auth {
    Auth::RunToken(RunTokens {
        issuer: "https://cron.example.org".to_owned(),
        audience: "app".to_owned(),
        scopes: vec!["sync:run".to_owned(), "sync:read".to_owned()],
        header: None,
    })
}

pub(crate) fn credentials(variables: &[(&str, &str)]) -> Credentials {
    let lookup = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Credentials::load(Config::from_lookup(lookup).unwrap())
}

/// The credentials of a new key in `folder`.
fn with_new_key(folder: &Path) -> Credentials {
    let file = folder.join("key.pem");
    fs::write(&file, Ed25519Keys::new(Entropy::System).to_pem().as_bytes()).unwrap();
    credentials(&[(SIGNING_KEY_FILE, file.to_str().unwrap())])
}

/// A token's header and claims, not verified.
pub(crate) fn parts(token: &str) -> (Value, Value) {
    let part = |index: usize| {
        let part = token.split('.').nth(index).unwrap();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(token.split('.').count(), 3, "three segments");
    (part(0), part(1))
}

/// Whether a key of the JWK Set signed the token: the one that its `kid` names. By ring alone.
pub(super) fn is_signed_by(token: &str, keys: &Value) -> bool {
    let kid = parts(token).0["kid"].clone();
    let Some(key) = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid) else { return false };
    let public = BASE64_URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ED25519, public).verify(message.as_bytes(), &signature).is_ok()
}

/// Whether one of these secrets signed the token. By ring alone.
pub(super) fn is_signed_with(token: &str, secrets: &SharedSecrets) -> bool {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let signs = |secret: &Secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        hmac::verify(&key, message.as_bytes(), &signature).is_ok()
    };
    secrets.iter().any(signs)
}

pub(super) fn bearer(seen: &Seen) -> String {
    seen.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().to_owned()
}

async fn token(credentials: &Credentials) -> String {
    showing(credentials, &auth()).await.unwrap().secret().expose().to_owned()
}

fn with_run_tokens(app: &FakeApp) -> Job {
    let mut job = job_of(Target { auth: auth(), ..target(&app.url()) });
    job.scopes = vec!["sync:run".to_owned()];
    job
}

/// Seeds B7, B8 and C1: what a token says. It is bound to issuer, audience, job, run, fence and scopes, every claim that a
/// verifier wants is there, and it lives for timeout, hold and a minute.
#[tokio::test]
async fn b8_what_a_token_says() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = with_new_key(folder.path());
    let (header, claims) = parts(&token(&credentials).await);
    let keys = serde_json::to_value(credentials.public_keys().await).unwrap();
    assert_eq!(header, json!({ "typ": "JWT", "alg": "EdDSA", "kid": keys["keys"][0]["kid"] }));
    let minted = now().timestamp();
    assert_eq!(claims["run_id"].as_str().unwrap().len(), 36);
    assert_eq!(claims["jti"].as_str().unwrap().len(), 32);
    let expected = json!({
        "iss": "https://cron.example.org", "aud": "app", "sub": "scheduler@system.local",
        "iat": minted - 10, "nbf": minted - 10, "exp": minted + 120 + 60,
        "jti": claims["jti"], "scope": "sync:run", "token_class": "run",
        "job": "nightly", "run_id": claims["run_id"], "fence": 7,
    });
    assert_eq!(claims, expected);
}

/// The published key verifies the signature, and only of this token.
#[tokio::test]
async fn the_public_half_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = with_new_key(folder.path());
    let keys = serde_json::to_value(credentials.public_keys().await).unwrap();
    let token = token(&credentials).await;
    assert!(is_signed_by(&token, &keys));
    let segments: Vec<&str> = token.split('.').collect();
    assert!(!is_signed_by(&format!("{}.e30.{}", segments[0], segments[2]), &keys), "other claims");
    let other = tempfile::tempdir().unwrap();
    let stranger = serde_json::to_value(with_new_key(other.path()).public_keys().await).unwrap();
    assert!(!is_signed_by(&token, &stranger));
    assert_eq!(
        keys["keys"][0].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["alg", "crv", "kid", "kty", "use", "x"],
        "nothing private is published"
    );
}

/// The vectors of RFC 8037, appendix A: a key, its public half, and its RFC 7638 thumbprint as `kid`.
#[test]
fn a_kid_is_the_thumbprint_of_rfc_7638() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let seed = BASE64_URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let pkcs8 = [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &seed].concat();
    let body = BASE64_STANDARD.encode(pkcs8);
    fs::write(&file, format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")).unwrap();
    let keys = Ed25519Keys::from_file(&file).unwrap();
    assert_eq!(keys.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let public = serde_json::to_value(keys.public()).unwrap();
    assert_eq!(public["keys"][0]["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(keys.to_pem().as_str(), fs::read_to_string(&file).unwrap(), "it is written as it was read");
}

/// Seed C9: of a list of secrets the first signs; it is parted by commas or lines, or comes from a file. No `kid`, and
/// nothing is published.
#[tokio::test]
async fn c9_secrets_instead_of_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets");
    fs::write(&file, format!("{FIRST}\n{SECOND}\n")).unwrap();
    for (variable, value) in [
        (JWT_SECRETS, format!("{FIRST},{SECOND}")),
        (JWT_SECRETS, format!(" {FIRST} ,\n{SECOND}\n")),
        (JWT_SECRETS_FILE, file.to_str().unwrap().to_owned()),
    ] {
        let credentials = credentials(&[(variable, &value)]);
        let token = token(&credentials).await;
        assert_eq!(parts(&token).0, json!({ "typ": "JWT", "alg": "HS256" }));
        let verify = |secret: &str| {
            let source = SecretSource::Variable("S".to_owned());
            is_signed_with(&token, &SharedSecrets::from_value(source, secret).unwrap())
        };
        assert!(verify(FIRST) && !verify(SECOND), "{variable}");
        assert_eq!(serde_json::to_value(credentials.public_keys().await).unwrap(), json!({ "keys": [] }));
        let known: Vec<String> = credentials.known().iter().map(|secret| secret.expose().to_owned()).collect();
        assert_eq!(known, [FIRST, SECOND]);
    }
}

/// Seed B6: a placeholder or a short key is refused, each with its variable and length, none with its value.
#[test]
fn b6_bad_keys_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = Ed25519Keys::new(Entropy::System).to_pem();
    for (variable, value, words) in [
        (JWT_SECRETS, "short".to_owned(), "SEXTON_JWT_SECRETS has 5 characters"),
        (JWT_SECRETS, format!("{FIRST},changeme-changeme-changeme-changeme"), "is a placeholder"),
        (JWT_SECRETS, ",".to_owned(), "is empty"),
        (JWT_SECRETS_FILE, file("empty", ""), "is empty"),
        (SIGNING_KEY_FILE, folder.path().join("none").to_str().unwrap().to_owned(), "cannot read the signing key"),
        (SIGNING_KEY_FILE, file("text", FIRST), "holds no private key"),
        (SIGNING_KEY_FILE, file("public", &good.replace("PRIVATE", "PUBLIC")), "holds no private key"),
        (SIGNING_KEY_FILE, file("cut", &good.replace("MC4CAQ", "MC4CAA")), "is no Ed25519 key"),
        (
            SIGNING_KEY_FILE,
            file("second", &format!("{}{}", *good, good.replace("AwBQYDK2Vw", "AwBQYDK2Vu"))),
            "key 2 in",
        ),
    ] {
        let error = credentials(&[(variable, &value)]).ready_for(&auth()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(!error.contains(FIRST) && !error.contains("changeme") && !error.contains(&good[30..60]), "{error}");
    }
    let none = credentials(&[]).ready_for(&auth()).unwrap_err().to_string();
    assert!(none.contains("SEXTON_SIGNING_KEY_FILE") && none.contains("SEXTON_JWT_SECRETS"), "{none}");
    let two = Config::from_lookup(|name| name.starts_with("SEXTON_").then(|| "x".to_owned())).unwrap_err().to_string();
    assert!(two.contains("SEXTON_SIGNING_KEY_FILE and SEXTON_JWT_SECRETS are both set"), "{two}");
}

/// Seeds B2 and B8: the token travels with its run and is bound to it; each attempt has its own.
#[tokio::test]
async fn b2_a_token_travels_with_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = FakeApp::replying(Reply::Whole(answer(200, ""))).await;
    let dispatcher = dispatcher_with(with_new_key(folder.path()));
    let mut order = order(with_run_tokens(&app));
    let mut tokens = Vec::new();
    for attempt in 1..=2 {
        (order.attempt, order.fence) = (attempt, 6 + u64::from(attempt));
        let before = SystemClock.now().timestamp();
        assert_eq!(dispatcher.send(&order).await.outcome, Outcome::Succeeded);
        let seen = app.next().await;
        let (_, claims) = parts(&bearer(&seen));
        assert_eq!(claims["job"], "nightly:sync");
        assert_eq!(claims["run_id"].as_str(), seen.header("sexton-run"));
        assert_eq!(claims["fence"].to_string(), seen.header("sexton-fence").unwrap());
        assert_eq!(claims["scope"], "sync:run", "the job's, not all of the target's");
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(life, 10 + 30 + 90 + 60, "timeout, hold and leeway");
        let minted = claims["iat"].as_i64().unwrap() + 10;
        assert!((before..=SystemClock.now().timestamp()).contains(&minted), "minted when it is sent");
        tokens.push(claims["jti"].clone());
    }
    assert_ne!(tokens[0], tokens[1]);
}

/// Seed B3: only the branch that sends with one mints: without any key a target that wants none is served, and the one
/// that does is sent nothing.
#[tokio::test]
async fn b3_minting_is_lazy() {
    let mut app = FakeApp::replying(Reply::Whole(answer(200, ""))).await;
    let dispatcher = dispatcher_with(credentials(&[]));
    let open = job_of(Target { auth: Auth::None, ..target(&app.url()) });
    assert_eq!(dispatcher.send(&order(open)).await.outcome, Outcome::Succeeded);
    app.next().await;
    let report = dispatcher.send(&order(with_run_tokens(&app))).await;
    assert_eq!((report.outcome, report.reason, report.sent_at), (Outcome::Failed, Some(Reason::Credential), None));
    assert!(report.excerpt.unwrap().contains("sexton secret ensure --ed25519"));
    assert!(app.rest().is_empty());
}

/// Seed B3: nothing is waited for while a token is minted: a thousand at once are done without any other task running.
#[tokio::test]
async fn b3_minting_waits_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = with_new_key(folder.path());
    fs::remove_file(folder.path().join("key.pem")).unwrap();
    for _ in 0..100 {
        let auth = auth();
        let mut minting = std::pin::pin!(showing(&credentials, &auth));
        let once = std::future::poll_fn(|context| std::task::Poll::Ready(minting.as_mut().poll(context).is_ready()));
        assert!(once.await, "ready at the first look");
    }
}

/// The self-check has a token of its own, for no job and no run of the ledger; it may do nothing, whatever the target's may.
#[tokio::test]
async fn whoami_mints_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = FakeApp::replying(Reply::Whole(answer(200, ""))).await;
    let dispatcher = dispatcher_with(with_new_key(folder.path()));
    dispatcher.whoami(&with_run_tokens(&app).target, "/me").await.unwrap();
    let doctors = Question { method: "GET", path: "/me", showing: Showing::Credential, scopes: &[] };
    dispatcher.ask(&with_run_tokens(&app).target, doctors).await.unwrap();
    for seen in app.rest() {
        let (_, claims) = parts(&bearer(&seen));
        assert_eq!((&claims["job"], &claims["scope"]), (&json!("_whoami"), &json!("")));
        assert_eq!((claims.get("fence"), claims["token_class"].as_str()), (None, Some("run")));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 10 + 10 + 60);
    }
}

/// A 401 under an unchanged key is final; under another key the request is signed and sent once more.
#[tokio::test]
async fn a_refused_token_is_minted_anew_only_with_another_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = FakeApp::replying(Reply::Whole(answer(401, ""))).await;
    let dispatcher = dispatcher_with(with_new_key(folder.path()));
    let refused = |dispatcher: &Dispatcher| dispatcher.rejections("app");
    dispatcher.send(&order(with_run_tokens(&app))).await;
    assert_eq!((app.rest().len(), refused(&dispatcher)), (1, 1));
    let other = Ed25519Keys::new(Entropy::System);
    fs::write(folder.path().join("key.pem"), other.to_pem().as_bytes()).unwrap();
    dispatcher.send(&order(with_run_tokens(&app))).await;
    let kids: Vec<Value> = app.rest().iter().map(|seen| parts(&bearer(seen)).0["kid"].clone()).collect();
    assert!(kids.len() == 2 && kids[0] != kids[1] && kids[1] == other.kid(), "{kids:?}");
}

/// Guarantee G5: a token that the app echoes is blacked out in every writing, its signature also by itself.
#[tokio::test]
async fn an_echo_is_blacked_out() {
    let folder = tempfile::tempdir().unwrap();
    let app = FakeApp::start(|seen| {
        let token = bearer(seen);
        let (_, signature) = token.rsplit_once('.').unwrap();
        let hexed: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let body = json!({
            "plain": token, "percent": hexed, "base64": BASE64_STANDARD.encode(format!("Bearer {token}")),
            "signature": signature, "inner": json!({ "token": token }).to_string(),
        });
        Reply::Whole(answer(500, body.to_string()))
    })
    .await;
    let dispatcher = dispatcher_with(with_new_key(folder.path()));
    let excerpt = dispatcher.send(&order(with_run_tokens(&app))).await.excerpt.unwrap();
    assert_eq!(excerpt.matches("[redacted]").count(), 5, "{excerpt}");
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT""#);
    assert!(!excerpt.contains(&header), "{excerpt}");
}

/// Seed B1: nobody has a worker's password: no code, no file of docker, no page speaks of one.
#[test]
fn b1_no_worker_password_anywhere() {
    fn look(path: &Path, found: &mut Vec<String>) {
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                look(&entry.unwrap().path(), found);
            }
        } else if let Ok(text) = fs::read_to_string(path) {
            let lower = text.to_lowercase().replace(['-', ' '], "_");
            if lower.contains("worker_password") || lower.contains("workerpassword") {
                found.push(path.display().to_string());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for place in ["src", "docker", "examples", "migrations", "docs", "README.md", "ARCHITECTURE.md", "jobs.toml"] {
        look(&root.join(place), &mut found);
    }
    assert!(found.is_empty(), "{found:?}");
}

/// Seed B7: a token never outlives its errand by more than a minute, also for the longest: a request, its hold, and the
/// time that long work is followed for.
#[tokio::test]
async fn b7_the_longest_errand() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = FakeApp::replying(Reply::Whole(answer(200, ""))).await;
    let dispatcher = dispatcher_with(with_new_key(folder.path()));
    let mut job = with_run_tokens(&app);
    (job.timeout, job.hold) = (Duration::from_secs(86_400), Duration::from_secs(3 * 86_400));
    let mut following = job.clone();
    following.completion = Completion::Poll(Poll {
        url: PollUrl::Location,
        interval: Duration::from_secs(2),
        state: "/status".to_owned(),
        success: Vec::new(),
        failure: Vec::new(),
        timeout: Duration::from_secs(2 * 86_400),
        progress: "/progress".to_owned(),
    });
    for (job, days) in [(job, 4), (following, 6)] {
        dispatcher.send(&order(job)).await;
        let (_, claims) = parts(&bearer(&app.next().await));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 10 + days * 86_400 + 60);
    }
}
