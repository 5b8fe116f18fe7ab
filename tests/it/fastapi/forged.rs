//! Run tokens before PyJWT: what the sidecar mints is verified, what somebody else made up is not.

use std::{fs, path::Path, time::Duration};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as BASE64},
};
use ring::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use sexton::{
    clock::{Clock, SystemClock},
    credentials::{Config, Credentials, Ed25519Keys, Errand, SIGNING_KEY_FILE},
    entropy::Entropy,
    job::{Auth, RunTokens},
    run::RunId,
};

use super::{example, example::Example};
use crate::support::http::{Call, Reply};

/// A token as the sidecar mints it for the example, in its parts.
struct Minted {
    token: String,
    header: Value,
    claims: Value,
}

impl Minted {
    async fn by(key: &Path) -> Self {
        let lookup = |name: &str| (name == SIGNING_KEY_FILE).then(|| key.to_str().unwrap().to_owned());
        let credentials = Credentials::load(Config::from_lookup(lookup).unwrap());
        let scopes = vec!["sync:run".to_owned()];
        let (issuer, audience) = ("https://cron.example.org".to_owned(), "app".to_owned());
        let auth = Auth::RunToken(RunTokens { issuer, audience, scopes: scopes.clone(), header: None });
        let (now, entropy) = (SystemClock.now(), Entropy::System);
        let run = RunId::new(now, entropy);
        let errand = Errand { job: "nightly", run, fence: Some(7), scopes: &scopes, life: Duration::from_secs(30) };
        let shown = credentials.show(&auth, &errand, now, entropy).await.unwrap().unwrap();
        let token = shown.secret().expose().to_owned();
        let part =
            |index| serde_json::from_slice(&BASE64.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap();
        Self { header: part(0), claims: part(1), token }
    }

    /// With some claims set; `null` takes one out.
    fn claims(&self, changes: Value) -> Value {
        changed(&self.claims, changes)
    }

    fn header(&self, changes: Value) -> Value {
        changed(&self.header, changes)
    }
}

fn changed(object: &Value, changes: Value) -> Value {
    let (Value::Object(mut object), Value::Object(changes)) = (object.clone(), changes) else { panic!("objects") };
    object.extend(changes);
    object.retain(|_, value| !value.is_null());
    object.into()
}

/// A token of these parts, signed by `sign`.
fn token(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let signature = sign(message.as_bytes());
    format!("{message}.{}", BASE64.encode(signature))
}

fn pair(pem: &str) -> Ed25519KeyPair {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&BASE64_STANDARD.decode(body).unwrap()).unwrap()
}

fn hs256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
}

/// The sync, asked for as the sidecar asks for the run that `claims` name.
async fn sync(example: &Example, claims: &Value, token: &str) -> Reply {
    let mut call = Call::new(example.address, "POST", "/api/sync").bearer(token);
    for (header, claim) in [("sexton-job", "job"), ("sexton-run", "run_id"), ("sexton-fence", "fence")] {
        if let Some(value) = claims.get(claim) {
            call = call.header(header, value.as_str().map_or(value.to_string(), str::to_owned));
        }
    }
    call.send().await
}

/// Seeds B8, C1: signed by a pinned key that the token names, by EdDSA, for this issuer and audience, now, and with
/// every claim there. Anything else is 401.
#[tokio::test]
async fn no_forged_token_is_known() {
    let Some(example) = example().await else { return };
    let minted = Minted::by(&example.path("key.pem")).await;
    let good = sync(&example, &minted.claims, &minted.token).await;
    assert_eq!(good.status, 200, "what the sidecar mints: {good:?}");

    let key = pair(&fs::read_to_string(example.path("key.pem")).unwrap());
    let ours = |message: &[u8]| key.sign(message).as_ref().to_vec();
    let again = token(&minted.header, &minted.claims, ours);
    assert_eq!(sync(&example, &minted.claims, &again).await.status, 200, "this table signs as the sidecar does");

    let stranger = Ed25519Keys::new(Entropy::System);
    let strange_pair = pair(&stranger.to_pem());
    let strange = |message: &[u8]| strange_pair.sign(message).as_ref().to_vec();
    let strange_jwk = serde_json::to_value(stranger.public()).unwrap()["keys"][0].clone();
    let public = key.public_key().as_ref().to_vec();
    let jwks = fs::read(example.path("key.pem.jwks")).unwrap();
    let x = serde_json::from_slice::<Value>(&jwks).unwrap()["keys"][0]["x"].as_str().unwrap().to_owned();
    let nothing = |_: &[u8]| Vec::new();
    let now = SystemClock.now().timestamp();
    let header = |changes| minted.header(changes);
    let with = |changes| token(&minted.header, &minted.claims(changes), ours);
    let as_hs256 = |secret: &[u8]| token(&header(json!({"alg": "HS256"})), &minted.claims, |text| hs256(secret, text));
    let (head, signature) = again.rsplit_once('.').unwrap();
    let payload = BASE64.encode(minted.claims(json!({"scope": "sync:run admin"})).to_string());
    let table = [
        ("alg none", token(&header(json!({"alg": "none"})), &minted.claims, nothing)),
        ("alg nOnE", token(&header(json!({"alg": "nOnE"})), &minted.claims, nothing)),
        ("alg none, signed", token(&header(json!({"alg": "none"})), &minted.claims, ours)),
        ("no alg", token(&header(json!({"alg": null})), &minted.claims, ours)),
        ("HS256 with the public key", as_hs256(&public)),
        ("HS256 with the JWKS", as_hs256(&jwks)),
        ("HS256 with the key's x", as_hs256(x.as_bytes())),
        ("HS256 with nothing", as_hs256(b"")),
        ("EdDSA that is HMAC", token(&minted.header, &minted.claims, |text| hs256(&public, text))),
        ("another kid", token(&header(json!({"kid": strange_jwk["kid"]})), &minted.claims, ours)),
        ("no kid", token(&header(json!({"kid": null})), &minted.claims, ours)),
        ("a kid that is none", token(&header(json!({"kid": ["a"]})), &minted.claims, ours)),
        ("a stranger's key", token(&minted.header, &minted.claims, strange)),
        ("a stranger's key and kid", token(&header(json!({"kid": strange_jwk["kid"]})), &minted.claims, strange)),
        ("a key of its own", token(&header(json!({"jwk": strange_jwk})), &minted.claims, strange)),
        ("unsigned", format!("{head}.")),
        ("cut", again[..again.len() - 6].to_owned()),
        ("two segments", head.to_owned()),
        ("other claims", format!("{}.{payload}.{signature}", head.split('.').next().unwrap())),
        ("another issuer", with(json!({"iss": "https://cron.example.net"}))),
        ("no issuer", with(json!({"iss": null}))),
        ("another audience", with(json!({"aud": "other"}))),
        ("no audience", with(json!({"aud": null}))),
        ("expired", with(json!({"exp": now - 1}))),
        ("no exp", with(json!({"exp": null}))),
        ("not yet", with(json!({"nbf": now + 60}))),
        ("minted in the future", with(json!({"iat": now + 60}))),
        ("no iat", with(json!({"iat": null}))),
        ("no jti", with(json!({"jti": null}))),
        ("no sub", with(json!({"sub": null}))),
        ("no scope", with(json!({"scope": null}))),
        ("no job", with(json!({"job": null}))),
        ("no run", with(json!({"run_id": null}))),
        ("no fence", with(json!({"fence": null}))),
        ("another class", with(json!({"token_class": "user"}))),
        ("no class", with(json!({"token_class": null}))),
    ];
    for (forged, token) in table {
        let reply = sync(&example, &minted.claims, &token).await;
        assert_eq!(reply.status, 401, "{forged}: {reply:?}");
        let me = Call::new(example.address, "GET", "/api/auth/me").bearer(&token).send().await;
        assert_eq!(me.status, 401, "{forged}: {me:?}");
    }
}

/// Seed B8: a token opens its own run and nothing else, whatever else is right about it.
#[tokio::test]
async fn a_token_is_good_for_its_own_run_only() {
    let Some(example) = example().await else { return };
    let minted = Minted::by(&example.path("key.pem")).await;
    let key = pair(&fs::read_to_string(example.path("key.pem")).unwrap());
    let with = |changes| token(&minted.header, &minted.claims(changes), |text| key.sign(text).as_ref().to_vec());
    let other = RunId::new(SystemClock.now(), Entropy::System).to_string();
    for (name, asked) in [
        ("another run", json!({"run_id": other})),
        ("another job", json!({"job": "hourly"})),
        ("another fence", json!({"fence": 8})),
        ("no run at all", json!({"run_id": null, "job": null, "fence": null})),
    ] {
        let refused = sync(&example, &minted.claims(asked), &minted.token).await;
        assert_eq!(refused.problem(403), "the token belongs to another run", "{name}");
    }
    for (key, status) in [(other.as_str(), 403), (minted.claims["run_id"].as_str().unwrap(), 200)] {
        let mut call = Call::new(example.address, "POST", "/api/sync").bearer(&minted.token);
        for (header, claim) in [("sexton-job", "job"), ("sexton-run", "run_id"), ("sexton-fence", "fence")] {
            call = call.header(header, minted.claims[claim].to_string().trim_matches('"'));
        }
        assert_eq!(call.header("idempotency-key", format!("\"{key}\"")).send().await.status, status, "{key}");
    }
    for scope in ["", "sync", "sync:runs", "sync:read", "admin"] {
        let refused = sync(&example, &minted.claims, &with(json!({"scope": scope}))).await;
        assert_eq!(refused.problem(403), "the token lacks the scope sync:run", "{scope}");
    }
    let more = sync(&example, &minted.claims, &with(json!({"scope": "sync:read sync:run"}))).await;
    assert_eq!(more.status, 200, "{more:?}");
    let me = Call::new(example.address, "GET", "/api/auth/me").bearer(&minted.token).send().await.json();
    assert_eq!(me, json!({ "email": "scheduler@system.local", "kind": "run", "groups": ["Admin"] }));
    let minting = Call::new(example.address, "POST", "/api/auth/tokens").bearer(&minted.token).send().await;
    assert_eq!(minting.problem(403), "only for people");
}
