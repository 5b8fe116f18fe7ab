//! Which tokens are taken, and what they open.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sexton::{
    auth::{InMemoryRevocations, Verifier, VerifierConfig},
    clock::SharedClock,
    credentials::{Config, Credentials, Errand, SIGNING_KEY_FILE},
    entropy::Entropy,
    job::{Auth, RunTokens},
    protocol::Problem,
    run::RunId,
    secret::{SecretSource, SharedSecrets},
};

use super::forge::{
    Ed, FIRST, KID, RUN, SECOND, app, ask, claims, clock, guarded, hmac, hs256, jwks_file, now, run_claims,
    taking_secrets, token,
};

/// Issue "credentials", done-when 2: each of these is refused with its status, and the token next to it that differs in
/// that one thing only is taken.
#[tokio::test(start_paused = true)]
async fn c1_c4_the_forgery_table() {
    let (key, stranger, at) = (Ed::of(1), Ed::of(2), now().timestamp());
    let oct =
        json!({ "kty": "oct", "k": BASE64_URL_SAFE_NO_PAD.encode("a-key-that-everybody-knows-000000"), "kid": "oct" });
    let file = jwks_file(&[key.jwk(KID), oct]);
    let app = app(taking_secrets().with_jwks_file(file.path()), InMemoryRevocations::default(), &clock()).await;
    let good = key.token(&claims(json!({})));
    for taken in [&good, &hs256(FIRST, &claims(json!({}))), &hs256(SECOND, &claims(json!({})))] {
        assert_eq!(ask(&app, "/read", taken, &[]).await.0, 200, "{taken}");
    }
    let of = |changes: Value| key.token(&claims(changes));
    let headed = |header: Value| token(&header, &claims(json!({})), |message| key.sign(message));
    let unsigned = |alg: &str| token(&json!({ "alg": alg, "kid": KID }), &claims(json!({})), |_| Vec::new());
    let public = key.public();
    let confused =
        |secret: &[u8], kid: &str| token(&json!({ "alg": "HS256", "kid": kid }), &claims(json!({})), hmac(secret));
    let jwk = key.jwk(KID).to_string();
    let foreign = json!({ "alg": "EdDSA", "kid": KID, "jwk": stranger.jwk(KID) });
    let (message, signature) = good.rsplit_once('.').unwrap();
    let claims_of_another = key.token(&claims(json!({ "scope": "jobs:read admin" })));
    let spliced = format!("{}.{signature}", claims_of_another.rsplit_once('.').unwrap().0);
    let table = [
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("no alg", headed(json!({ "kid": KID }))),
        ("no signature", format!("{message}.")),
        ("the public key as a secret", confused(&public, KID)),
        ("the public key's text as a secret", confused(BASE64_URL_SAFE_NO_PAD.encode(&public).as_bytes(), KID)),
        ("the JWK as a secret", confused(jwk.as_bytes(), KID)),
        ("a symmetric key of the set", confused(b"a-key-that-everybody-knows-000000", "oct")),
        ("an EdDSA signature called HS256", headed(json!({ "alg": "HS256" }))),
        (
            "an HMAC called EdDSA",
            token(&json!({ "alg": "EdDSA", "kid": KID }), &claims(json!({})), hmac(FIRST.as_bytes())),
        ),
        ("HS512", token(&json!({ "alg": "HS512" }), &claims(json!({})), hmac(FIRST.as_bytes()))),
        ("RS256", headed(json!({ "alg": "RS256", "kid": KID }))),
        ("another kid", headed(json!({ "alg": "EdDSA", "kid": "key-2" }))),
        ("no kid", headed(json!({ "alg": "EdDSA" }))),
        ("a stranger's key", stranger.token(&claims(json!({})))),
        ("a key in the header", token(&foreign, &claims(json!({})), |message| stranger.sign(message))),
        ("crit", headed(json!({ "alg": "EdDSA", "kid": KID, "crit": ["b64"], "b64": false }))),
        ("a stranger's secret", hs256("the-secret-of-a-stranger-000000000000001", &claims(json!({})))),
        ("claims of another token", spliced),
        ("two segments", message.to_owned()),
        ("four segments", format!("{good}.e30")),
        ("no base64", format!("{message}.!!")),
        ("another issuer", of(json!({ "iss": "https://elsewhere.example" }))),
        ("no issuer", of(json!({ "iss": null }))),
        ("another audience", of(json!({ "aud": "other" }))),
        ("other audiences", of(json!({ "aud": ["other", "ap", "app2"] }))),
        ("no audience", of(json!({ "aud": null }))),
        ("expired", of(json!({ "iat": at - 700, "nbf": at - 700, "exp": at - 30 }))),
        ("no exp", of(json!({ "exp": null }))),
        ("exp as a text", of(json!({ "exp": (at + 600).to_string() }))),
        ("no jti", of(json!({ "jti": null }))),
        ("an empty jti", of(json!({ "jti": "" }))),
        ("no sub", of(json!({ "sub": null }))),
        ("no iat", of(json!({ "iat": null }))),
        ("no scope", of(json!({ "scope": null }))),
        ("nbf to come", of(json!({ "nbf": at + 31 }))),
        ("iat to come", of(json!({ "iat": at + 31 }))),
        ("a life of over 180 days", of(json!({ "exp": at + 180 * 86_400 + 1 }))),
        ("no class", of(json!({ "token_class": null }))),
        ("an unknown class", of(json!({ "token_class": "root" }))),
        ("a person bound to a run", of(json!({ "token_class": "user", "run_id": RUN }))),
        ("a person with a list of runs", of(json!({ "token_class": "user", "resources": [format!("run:{RUN}")] }))),
        ("a session of no run", of(json!({ "token_class": "session", "session_id": "s" }))),
        ("a run of nobody's", of(json!({ "token_class": "run", "job": "nightly", "run_id": RUN }))),
        ("a run without a run", of(json!({ "token_class": "run", "job": "nightly", "sub": "scheduler@system.local" }))),
        ("a run without a fence", key.token(&run_claims(json!({ "fence": null })))),
        ("the scheduler as a program", of(json!({ "sub": "scheduler@system.local" }))),
        ("the scheduler as a person", of(json!({ "token_class": "user", "sub": "Scheduler@System.LOCAL." }))),
        ("the scheduler's address", of(json!({ "token_class": "user", "sub": "7", "email": "x@a.system.local" }))),
    ];
    for (what, token) in table {
        let (status, body) = ask(&app, "/read", &token, &[]).await;
        assert_eq!(status, 401, "{what}: {body}");
        assert_eq!(body["status"], 401, "{what} is answered with a problem");
        assert!(!body.to_string().contains(token.rsplit('.').next().unwrap_or("x")) || token.ends_with('.'), "{body}");
        assert_eq!(ask(&app, "/open", &token, &[]).await.0, 200, "{what}: what is open stays open");
    }
    for taken in [
        of(json!({ "aud": ["other", "app"] })),
        of(json!({ "exp": at as f64 + 0.5, "iat": at - 60 })),
        of(json!({ "iat": at - 600, "exp": at - 29 })),
        of(json!({ "nbf": null, "exp": at + 180 * 86_400 })),
    ] {
        assert_eq!(ask(&app, "/read", &taken, &[]).await.0, 200, "within the leeway, or without what is optional");
    }
}

/// Seeds C3, C4 and C6: none of these stands in for another; a token that lacks a scope or the resource is 403.
#[tokio::test(start_paused = true)]
async fn c3_c6_scopes_and_resources() {
    let (key, clock) = (Ed::of(1), clock());
    let file = jwks_file(&[key.jwk(KID)]);
    let taken = VerifierConfig::new("https://cron.example.org", "app").with_jwks_file(file.path());
    let app = app(taken, InMemoryRevocations::default(), &clock).await;
    let status = async |path: &str, claims: Value, headers: &[(&str, &str)]| {
        let token = key.token(&claims);
        ask(&app, path, &token, headers).await.0
    };
    for (scope, read, both) in [
        ("jobs:read", 200, 403),
        ("jobs:enqueue jobs:read", 200, 200),
        ("jobs:enqueue", 403, 403),
        ("", 403, 403),
        ("jobs", 403, 403),
        ("jobs:* *", 403, 403),
        ("jobs:read:all Jobs:Read jobs:rea", 403, 403),
        ("admin", 403, 403),
    ] {
        let claims = claims(json!({ "scope": scope }));
        assert_eq!(
            (status("/read", claims.clone(), &[]).await, status("/both", claims, &[]).await),
            (read, both),
            "{scope}"
        );
    }
    let own = format!("/runs/{RUN}");
    let run = || run_claims(json!({}));
    assert_eq!(status(&own, run(), &[]).await, 200);
    assert_eq!(status("/runs/another", run(), &[]).await, 403, "another run");
    assert_eq!(status(&own, claims(json!({})), &[]).await, 403, "a machine's token without a resource");
    let listed = |resource: &str| claims(json!({ "resources": ["batch:7", resource] }));
    assert_eq!(status(&own, listed(&format!("run:{RUN}")), &[]).await, 200);
    for other in [format!("run:{RUN}0"), format!("batch:{RUN}"), RUN.to_owned(), "run:".to_owned(), "run:*".to_owned()]
    {
        assert_eq!(status(&own, listed(&other), &[]).await, 403, "{other}");
    }
    let person = claims(json!({ "token_class": "user", "sub": "ada" }));
    assert_eq!(status(&own, person, &[]).await, 200, "whose runs a person sees is for the app to say");
    for (name, same, other) in
        [("sexton-run", RUN, "x"), ("sexton-job", "nightly", "weekly"), ("sexton-fence", "7", "8")]
    {
        assert_eq!(status(&own, run(), &[(name, same)]).await, 200, "{name}");
        assert_eq!(status(&own, run(), &[(name, other)]).await, 403, "a token that travels with another {name}");
        assert_eq!(status(&own, run(), &[(name, same), (name, other)]).await, 403, "{name} twice");
    }
    let asking = || run_claims(json!({ "job": "_whoami", "fence": null, "scope": "" }));
    assert_eq!(status("/me", asking(), &[]).await, 200, "who asks whom it is taken for has neither fence nor scope");
    assert_eq!(status("/me", asking(), &[("sexton-fence", "7")]).await, 403, "and may not say that it has a fence");
    assert_eq!([status("/read", asking(), &[]).await, status(&own, asking(), &[]).await], [403; 2], "nor do anything");
}

/// A token stands for the address of a person only when it is a person's.
#[tokio::test(start_paused = true)]
async fn only_a_person_has_another_address() {
    let clock = clock();
    let verifier = Verifier::start(taking_secrets(), InMemoryRevocations::default(), clock.clone()).await.unwrap();
    let app = guarded(verifier.with_sessions(|_| async { Ok(true) }), &clock).await;
    for (changes, email) in [
        (json!({ "token_class": "user", "sub": "7" }), "ada@example.org"),
        (json!({}), "reporting"),
        (json!({ "token_class": "session", "run_id": RUN, "session_id": "s" }), "reporting"),
        (run_claims(json!({})), "scheduler@system.local"),
    ] {
        let mut claims = claims(changes);
        claims["email"] = json!("ada@example.org");
        assert_eq!(ask(&app, "/me", &hs256(FIRST, &claims), &[]).await.1["email"], email, "{claims}");
    }
}

/// Seeds A16, C4: a person's token holds while the app has the person, and nobody's when the app cannot say.
#[tokio::test(start_paused = true)]
async fn a16_a_token_does_not_outlive_its_person() {
    let clock = clock();
    let verifier = Verifier::start(taking_secrets(), InMemoryRevocations::default(), clock.clone()).await.unwrap();
    let asking = verifier.with_accounts(|grant| async move {
        match grant.claims().sub.as_str() {
            "ada" => Ok(true),
            "bob" => Ok(false),
            _ => Err(Problem::new(503, "Service Unavailable", "The users cannot be read.")),
        }
    });
    let app = guarded(asking, &clock).await;
    let status = async |subject: &str, class: &str| {
        let token = hs256(FIRST, &claims(json!({ "token_class": class, "sub": subject })));
        ask(&app, "/me", &token, &[]).await.0
    };
    assert_eq!([status("ada", "user").await, status("bob", "user").await], [200, 401]);
    assert_eq!(status("eve", "user").await, 503);
    assert_eq!(status("bob", "service").await, 200, "a program is nobody's account");
}

/// Seeds C2 and A17: what each class is to each gate.
#[tokio::test(start_paused = true)]
async fn c2_each_class_is_a_kind_of_its_own() {
    let (clock, at) = (clock(), now().timestamp());
    let taken = taking_secrets().with_bundle("reports", &["jobs:read", "jobs:enqueue"]);
    let verifier = Verifier::start(taken, InMemoryRevocations::default(), clock.clone()).await.unwrap();
    let app = guarded(verifier.with_sessions(|_| async { Ok(true) }), &clock).await;
    let admin = json!({ "token_class": "user", "sub": "7", "email": "ada@example.org", "groups": ["Admin"] });
    let with = |mut base: Value, name: &str, value: Value| {
        base[name] = value;
        base
    };
    for (what, changes, kind, gates) in [
        ("a program", json!({}), "service-token", [403, 403, 200, 403]),
        (
            "its groups are nothing",
            json!({ "groups": ["Admin"], "scope": "admin" }),
            "service-token",
            [403, 403, 403, 403],
        ),
        ("a bundle", json!({ "scope": "", "service_groups": ["reports"] }), "service-token", [403, 403, 200, 200]),
        ("an unknown bundle", json!({ "scope": "", "service_groups": ["no"] }), "service-token", [403, 403, 403, 403]),
        (
            "a session",
            json!({ "token_class": "session", "run_id": RUN, "session_id": "s" }),
            "session",
            [403, 403, 200, 403],
        ),
        ("a run", run_claims(json!({ "groups": ["Admin"] })), "run", [403, 403, 200, 403]),
        ("a person", json!({ "token_class": "user" }), "user", [403, 403, 200, 403]),
        ("an admin whose token is not for that", admin.clone(), "user", [403, 403, 200, 403]),
        ("an admin", with(admin.clone(), "scope", json!("admin")), "user", [200, 403, 403, 403]),
        ("a bundle of a person", with(admin, "service_groups", json!(["reports"])), "user", [403, 403, 200, 403]),
    ] {
        let token = hs256(FIRST, &claims(changes));
        let (status, me) = ask(&app, "/me", &token, &[]).await;
        assert_eq!((status, me["kind"].as_str()), (200, Some(kind)), "{what}");
        let mut statuses = [0; 4];
        for (status, path) in statuses.iter_mut().zip(["/admin", "/person", "/read", "/both"]) {
            *status = ask(&app, path, &token, &[]).await.0;
        }
        assert_eq!(statuses, gates, "{what} at admin, person, read and both");
    }
    let long = claims(json!({ "token_class": "session", "run_id": RUN, "session_id": "s", "exp": at + 86_401 }));
    assert_eq!(ask(&app, "/me", &hs256(FIRST, &long), &[]).await.0, 401, "a session is short");
}

/// Seed C17: a session's token holds as long as the app keeps the session; without anybody to ask, never.
#[tokio::test(start_paused = true)]
async fn c17_a_session_that_is_gone_is_401() {
    let clock = clock();
    let session = |id: &str| {
        let changes = json!({ "token_class": "session", "run_id": RUN, "session_id": id });
        hs256(FIRST, &claims(changes))
    };
    let verifier = Verifier::start(taking_secrets(), InMemoryRevocations::default(), clock.clone()).await.unwrap();
    let closed = guarded(verifier.clone(), &clock).await;
    assert_eq!(ask(&closed, "/me", &session("open"), &[]).await.0, 401);
    let asking =
        verifier.with_sessions(|grant| async move { Ok(grant.claims().session_id.as_deref() == Some("open")) });
    let app = guarded(asking, &clock).await;
    assert_eq!(ask(&app, "/me", &session("open"), &[]).await.0, 200);
    assert_eq!(ask(&app, "/me", &session("closed"), &[]).await.0, 401);
}

/// What the sidecar mints, the app's half takes, for that run and no other: with a key that it pins, and with secrets.
#[tokio::test(start_paused = true)]
async fn what_the_sidecar_mints_is_taken() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let pem = folder.path().join("key.pem");
    let keys = sexton::credentials::Ed25519Keys::new(Entropy::System);
    std::fs::write(&pem, keys.to_pem().as_bytes()).unwrap();
    let pinned = folder.path().join("key.jwks");
    std::fs::write(&pinned, serde_json::to_string(&keys.public()).unwrap()).unwrap();
    let issuer = || VerifierConfig::new("https://cron.example.org", "app");
    let secrets = SharedSecrets::from_value(SecretSource::Variable("S".to_owned()), FIRST).unwrap();
    for (variable, value, taken) in [
        (SIGNING_KEY_FILE, pem.to_str().unwrap(), issuer().with_jwks_file(&pinned)),
        ("SEXTON_JWT_SECRETS", FIRST, issuer().with_secrets(secrets)),
    ] {
        let (run, token) = minted(variable, value, &clock).await;
        let app = app(taken, InMemoryRevocations::default(), &clock).await;
        let headers = [("sexton-run", run.as_str()), ("sexton-job", "nightly"), ("sexton-fence", "7")];
        assert_eq!(ask(&app, &format!("/runs/{run}"), &token, &headers).await.0, 200);
        assert_eq!(ask(&app, &format!("/runs/{RUN}"), &token, &[]).await.0, 403);
        let (_, me) = ask(&app, "/me", &token, &[]).await;
        let expected = json!({
            "id": "scheduler", "email": "scheduler@system.local", "name": "Scheduler", "kind": "run", "groups": [],
        });
        assert_eq!(me, expected);
    }
}

async fn minted(variable: &str, value: &str, clock: &SharedClock) -> (String, String) {
    let lookup = |name: &str| (name == variable).then(|| value.to_owned());
    let credentials = Credentials::load(Config::from_lookup(lookup).unwrap());
    let auth = Auth::RunToken(RunTokens {
        issuer: "https://cron.example.org".to_owned(),
        audience: "app".to_owned(),
        scopes: vec!["jobs:read".to_owned()],
        header: None,
    });
    let run = RunId::new(clock.now(), Entropy::System);
    let scopes = ["jobs:read".to_owned()];
    let life = std::time::Duration::from_secs(120);
    let errand = Errand { job: "nightly", run, fence: Some(7), scopes: &scopes, life };
    let shown = credentials.show(&auth, &errand, clock.now(), Entropy::System).await.unwrap().unwrap();
    (run.to_string(), shown.secret().expose().to_owned())
}
