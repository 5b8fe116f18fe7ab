//! Where the keys of tokens come from, and how they change.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use serde_json::{Value, json};
use sexton::{
    auth::{InMemoryRevocations, Mode, Verifier, VerifierConfig},
    credentials::SIGNING_KEY_FILE,
};
use tempfile::NamedTempFile;
use tokio::time::advance;

use super::forge::{
    Ed, FIRST, KID, SECOND, app, ask, claims, clock, hs256, jwks_file, run_claims, taking_secrets, token,
};
use crate::{
    credentials::{run_token, secret_command::secret, showing},
    support::logs::Logs,
};

fn config() -> VerifierConfig {
    VerifierConfig::new("https://cron.example.org", "app")
}

fn signed(key: &Ed, kid: &str) -> String {
    token(&json!({ "alg": "EdDSA", "kid": kid }), &claims(json!({})), |message| key.sign(message))
}

fn second() -> impl Future<Output = ()> {
    advance(Duration::from_secs(1))
}

/// Seed C9: secrets in a file rotate without a restart: any of its lines verifies, a dropped one no longer does.
#[tokio::test(start_paused = true)]
async fn c9_secrets_in_a_file_rotate() {
    let (file, clock) = (NamedTempFile::new().unwrap(), clock());
    fs::write(&file, FIRST).unwrap();
    let app = app(config().with_secrets_file(file.path()), InMemoryRevocations::default(), &clock).await;
    let status = async |secret: &str| ask(&app, "/read", &hs256(secret, &claims(json!({}))), &[]).await.0;
    assert_eq!((status(FIRST).await, status(SECOND).await), (200, 401));
    for (text, expected) in [
        (format!("{SECOND}\n{FIRST}\n"), (200, 200)),
        (SECOND.to_owned(), (401, 200)),
        ("short".to_owned(), (401, 200)),
    ] {
        fs::write(&file, text).unwrap();
        second().await;
        assert_eq!((status(FIRST).await, status(SECOND).await), expected);
    }
}

/// Seed C2: what the public keys may not sign is not taken from them, and is from whoever holds a secret.
#[tokio::test(start_paused = true)]
async fn c2_public_keys_sign_the_classes_that_they_may() {
    let (key, clock) = (Ed::of(1), clock());
    let file = jwks_file(&[key.jwk(KID)]);
    let names = [("SEXTON_ISSUER", "https://cron.example.org"), ("SEXTON_AUDIENCE", "app")];
    for (classes, service, run) in [("", 200, 200), ("run", 401, 200), ("service, user", 200, 401)] {
        let lookup = |name: &str| match name {
            "SEXTON_JWKS_FILE" => Some(file.path().into()),
            "SEXTON_JWKS_CLASSES" => Some(classes.into()),
            "SEXTON_JWT_SECRETS" => Some(FIRST.into()),
            name => names.iter().find_map(|(known, value)| (*known == name).then(|| value.into())),
        };
        let taken = VerifierConfig::from_lookup(lookup).unwrap().unwrap();
        let app = app(taken, InMemoryRevocations::default(), &clock).await;
        for (claims, status) in [(claims(json!({})), service), (run_claims(json!({})), run)] {
            let (answered, body) = ask(&app, "/read", &key.token(&claims), &[]).await;
            assert_eq!(answered, status, "{classes}: {body}");
            assert_eq!(ask(&app, "/read", &hs256(FIRST, &claims), &[]).await.0, 200, "{classes}");
        }
    }
}

/// A pinned JWK Set is read again when it changes: two keys while the key rotates, the last good set when it is damaged.
#[tokio::test(start_paused = true)]
async fn a_pinned_set_is_read_again() {
    let (old, new, clock) = (Ed::of(1), Ed::of(2), clock());
    let file = jwks_file(&[old.jwk("old")]);
    let app = app(config().with_jwks_file(file.path()), InMemoryRevocations::default(), &clock).await;
    let statuses = async || {
        (ask(&app, "/read", &signed(&old, "old"), &[]).await.0, ask(&app, "/read", &signed(&new, "new"), &[]).await.0)
    };
    assert_eq!(statuses().await, (200, 401));
    let write = |keys: &[Value]| fs::write(&file, json!({ "keys": keys }).to_string()).unwrap();
    write(&[new.jwk("new"), old.jwk("old")]);
    second().await;
    assert_eq!(statuses().await, (200, 200));
    write(&[new.jwk("new")]);
    second().await;
    assert_eq!(statuses().await, (401, 200));
    let logs = Logs::capture();
    for bad in ["{", "{\"keys\":[]}", ""] {
        fs::write(&file, bad).unwrap();
        second().await;
        assert_eq!(statuses().await, (401, 200), "{bad}");
    }
    assert_eq!(logs.lines("WARN").len(), 1, "{}", logs.text());
}

/// Seed C9: the sidecar's key rotates, and neither an app that fetched the keys just before nor one that pins them refuses a
/// token, while somebody else asks for the keys each second.
#[tokio::test(start_paused = true)]
async fn c9_no_token_is_refused_while_the_key_rotates() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let file = folder.path().join("key.pem");
    let path = file.to_str().unwrap();
    let rotate = |line: &[&str]| secret(&[line, &["--ed25519", path]].concat(), &[]).unwrap();
    rotate(&["ensure"]);
    let credentials = Arc::new(run_token::credentials(&[(SIGNING_KEY_FILE, path)]));
    let sidecar = Arc::clone(&credentials);
    let fetch = move || {
        let sidecar = Arc::clone(&sidecar);
        async move { serde_json::to_string(&sidecar.public_keys().await) }
    };
    let fetching = app(config().with_jwks(fetch), InMemoryRevocations::default(), &clock).await;
    let pinned = config().with_jwks_file(format!("{path}.jwks"));
    let pinning = app(pinned, InMemoryRevocations::default(), &clock).await;
    let mut signed_by = Vec::new();
    for at in 0..120 {
        match at {
            5 => drop(rotate(&["rotate"])),
            65 => drop(rotate(&["rotate", "--finish"])),
            _ => {}
        }
        credentials.public_keys().await;
        let shown = showing(&credentials, &run_token::auth()).await.unwrap();
        let token = shown.secret().expose();
        let statuses = [ask(&fetching, "/me", token, &[]).await.0, ask(&pinning, "/me", token, &[]).await.0];
        assert_eq!(statuses, [200, 200], "after {at} s");
        signed_by.push(run_token::parts(token).0["kid"].clone());
        second().await;
    }
    signed_by.dedup();
    assert_eq!(signed_by.len(), 2, "the new key signs in the end");
}

/// What `fetch` gives is cached; an unknown key makes the app fetch again, once in ten seconds at most, however many come.
#[tokio::test(start_paused = true)]
async fn fetched_keys_are_cached() {
    let (old, new, clock) = (Ed::of(1), Ed::of(2), clock());
    let set = Arc::new(Mutex::new(Err("the sidecar is not up".to_owned())));
    let count = Arc::new(AtomicUsize::new(0));
    let (given, fetches) = (Arc::clone(&set), Arc::clone(&count));
    let fetch = move || {
        fetches.fetch_add(1, SeqCst);
        let answer: Result<String, String> = given.lock().unwrap().clone();
        async move { answer }
    };
    let publish = |keys: &[Value]| *set.lock().unwrap() = Ok(json!({ "keys": keys }).to_string());
    let app = app(config().with_jwks(fetch), InMemoryRevocations::default(), &clock).await;
    let statuses = async || {
        (ask(&app, "/read", &signed(&old, "old"), &[]).await.0, ask(&app, "/read", &signed(&new, "new"), &[]).await.0)
    };
    let fetched = || count.load(SeqCst);
    assert_eq!((statuses().await, fetched()), ((503, 503), 1), "without keys nothing can be said");
    publish(&[old.jwk("old")]);
    assert_eq!((statuses().await, fetched()), ((503, 503), 1));
    advance(Duration::from_secs(10)).await;
    assert_eq!((statuses().await, fetched()), ((200, 401), 2));
    publish(&[new.jwk("new"), old.jwk("old")]);
    for _ in 0..20 {
        assert_eq!((statuses().await, fetched()), ((200, 401), 2));
    }
    advance(Duration::from_secs(10)).await;
    assert_eq!((statuses().await, fetched()), ((200, 200), 3));
    *set.lock().unwrap() = Err("the sidecar is down".to_owned());
    advance(Duration::from_secs(299)).await;
    assert_eq!((statuses().await, fetched()), ((200, 200), 3));
    second().await;
    assert_eq!((statuses().await, fetched()), ((200, 200), 4), "old keys are better than none");
    publish(&[new.jwk("new")]);
    advance(Duration::from_secs(10)).await;
    assert_eq!((statuses().await, fetched()), ((401, 200), 5), "a key that was taken back is forgotten");
}

/// A set may hold keys without a name or for something else; those without a name go by their thumbprint (RFC 8037,
/// appendix A.3).
#[tokio::test(start_paused = true)]
async fn keys_that_are_not_for_this_are_passed_over() {
    let (key, clock) = (Ed::of(1), clock());
    let with = |name: &str, value: &str| {
        let mut jwk = key.jwk(KID);
        jwk[name] = json!(value);
        jwk
    };
    let rsa = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": KID, "alg": "RS256" });
    for jwk in [with("use", "enc"), with("crv", "X25519"), with("alg", "ES256"), rsa] {
        let file = jwks_file(std::slice::from_ref(&jwk));
        let error =
            Verifier::start(config().with_jwks_file(file.path()), InMemoryRevocations::default(), clock.clone());
        let error = error.await.unwrap_err().to_string();
        assert!(error.contains("JWK Set") || error.contains("no public Ed25519 key"), "{error}");
    }
    let nameless = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let file = jwks_file(&[nameless, key.jwk(KID)]);
    let app = app(config().with_jwks_file(file.path()), InMemoryRevocations::default(), &clock).await;
    assert_eq!(ask(&app, "/read", &signed(&key, KID), &[]).await.0, 200);
    let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(ask(&app, "/read", &signed(&key, thumbprint), &[]).await.0, 401, "known, and not the signer");
}

/// Seed B6, and guarantee G8: half a configuration stops the start, and each message names the variable.
#[tokio::test]
async fn half_a_configuration_stops_the_start() {
    let from = |variables: &[(&str, &str)]| {
        let owned: Vec<(String, String)> = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        VerifierConfig::from_lookup(move |name| {
            owned.iter().find_map(|(known, value)| (known == name).then(|| value.clone().into()))
        })
    };
    let (issuer, audience) = (("SEXTON_ISSUER", "https://cron.example.org"), ("SEXTON_AUDIENCE", "app"));
    assert!(from(&[]).unwrap().is_none());
    assert!(from(&[("SEXTON_JWT_SECRETS", " "), issuer, audience]).unwrap().is_none(), "blank is unset");
    assert!(from(&[("SEXTON_JWT_SECRETS", FIRST), issuer, audience]).unwrap().is_some());
    for (variables, words) in [
        (&[("SEXTON_JWT_SECRETS", FIRST), issuer][..], "SEXTON_AUDIENCE is not set"),
        (&[("SEXTON_JWT_SECRETS", FIRST), issuer, ("SEXTON_AUDIENCE", " , ")], "SEXTON_AUDIENCE is not set"),
        (&[("SEXTON_JWKS_FILE", "keys"), audience], "SEXTON_ISSUER is not set"),
        (
            &[("SEXTON_JWKS_FILE", "keys"), ("SEXTON_JWKS_CLASSES", "run,root"), issuer, audience],
            "CLASSES: `root` is no",
        ),
        (&[("SEXTON_JWKS_FILE", "keys"), ("SEXTON_JWKS_CLASSES", " , "), issuer, audience], "CLASSES: `` is no"),
        (&[("SEXTON_JWT_SECRETS", "short"), issuer, audience], "SEXTON_JWT_SECRETS has 5 characters"),
        (&[("SEXTON_JWT_SECRETS", "changeme-changeme-changeme-changeme"), issuer, audience], "is a placeholder"),
        (&[("SEXTON_JWT_SECRETS", FIRST), ("SEXTON_JWT_SECRETS_FILE", "x"), issuer, audience], "are both set"),
    ] {
        let error = from(variables).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains(FIRST), "{error}");
    }
    for (config, words) in [
        (config(), "SEXTON_JWKS_FILE"),
        (config().with_jwks_file("/nonexistent/keys"), "/nonexistent/keys"),
        (config().with_secrets_file("/nonexistent/secrets"), "/nonexistent/secrets"),
    ] {
        let started = Verifier::start(config, InMemoryRevocations::default(), clock()).await;
        let error = started.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// Seed C12: an unknown word is no mode, so it stops the start; none of the modes opens a gate.
#[tokio::test(start_paused = true)]
async fn c12_modes() {
    let of = |word: &'static str| Mode::from_lookup(move |name| (name == "SEXTON_AUTH_MODE").then(|| word.into()));
    for wrong in ["off", "Required", "none", "true", "required,optional", "disable"] {
        let error = of(wrong).unwrap_err().to_string();
        assert!(error.contains(wrong) && error.contains("`required`, `optional`"), "{error}");
    }
    assert_eq!((of(""), of(" disabled ")), (Ok(Mode::Optional), Ok(Mode::Disabled)));
    for (word, bare, known) in [
        ("required", [401, 401, 401], [200, 200, 200]),
        ("optional", [200, 401, 401], [200, 200, 200]),
        ("disabled", [200, 401, 401], [200, 401, 401]),
    ] {
        let app = super::in_mode(of(word).unwrap(), taking_secrets()).await;
        let token = hs256(FIRST, &claims(json!({})));
        for (token, expected) in [("", bare), (&token, known)] {
            let mut statuses = [0; 3];
            for (status, path) in statuses.iter_mut().zip(["/open", "/me", "/read"]) {
                *status = ask(&app, path, token, &[]).await.0;
            }
            assert_eq!(statuses, expected, "{word} {token}");
        }
    }
}
