//! What knowing a caller costs, per request: the shared secret, a token under HS256, a token under EdDSA against the bare
//! check of its signature by the same library.
//!
//! `cargo bench --bench credentials` prints a table and ends with 1 when a bound does not hold. What is compared is
//! measured in turns, in one run, and the median of the turns counts: a busy machine slows both.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::{convert::Infallible, future::Future, hint::black_box, process::ExitCode, sync::Arc};

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, jwk::Jwk};
use sexton::{
    auth::{InMemoryRevocations, Issuer, Revocation, Revocations, Verifier, VerifierConfig, Wanted},
    clock::{SharedClock, SystemClock},
    entropy::Entropy,
    protocol::{TokenClaims, TokenClass},
    secret::{SecretSource, SharedSecrets},
};
use tokio::time::Instant;

const TURNS: usize = 41;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let clock: SharedClock = Arc::new(SystemClock);
    let secrets = secrets();
    let issuer = Issuer::new("https://cron.example.org", "app", secrets.clone());
    let claims = claims(&issuer, &clock);
    let denied = InMemoryRevocations::default();
    for number in 0..10_000 {
        let entry = Revocation::of_token(format!("revoked-{number}"), None, clock.now());
        denied.revoke(entry).await.unwrap();
    }

    let bearer = secrets.current().expose().as_bytes().to_vec();
    let secret = median(2_000, async || {
        black_box(secrets.accept(black_box(&bearer)));
    })
    .await;

    let taken = || VerifierConfig::new("https://cron.example.org", "app");
    let hs256 = issuer.sign(&claims).unwrap();
    let verifier =
        Verifier::start(taken().with_secrets(secrets.clone()), denied.clone(), Arc::clone(&clock)).await.unwrap();
    let hs256 = median(500, async || drop(black_box(verifier.verify(hs256.expose()).await.unwrap()))).await;

    let (signing, key, set) = pair();
    let header = Header { kid: Some("key".to_owned()), ..Header::new(Algorithm::EdDSA) };
    let eddsa = jsonwebtoken::encode(&header, &claims, &signing).unwrap();
    let taken = taken().with_jwks(move || std::future::ready(Ok::<_, Infallible>(set.clone())));
    let verifier = Verifier::start(taken, denied, clock).await.unwrap();
    let (message, signature) = eddsa.rsplit_once('.').unwrap();
    let bare = async || {
        let good = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::EdDSA);
        assert!(black_box(good).unwrap());
    };
    let whole = async || drop(black_box(verifier.verify(&eddsa).await.unwrap()));
    let (bare, whole) = medians(100, bare, whole).await;

    println!("| | per request | bound |\n|---|---|---|");
    let rows = [
        ("the shared secret, two accepted", secret, 1.0, "1 µs".to_owned()),
        ("a token under HS256, 10,000 revoked", hs256, 10.0, "10 µs".to_owned()),
        ("the signature alone, EdDSA", bare, f64::INFINITY, String::new()),
        ("a token under EdDSA, 10,000 revoked", whole, bare * 1.2, format!("1.2 times: {:.2}", whole / bare)),
    ];
    for (what, micros, _, bound) in &rows {
        println!("| {what} | {micros:.2} µs | {bound} |");
    }
    if rows.iter().all(|(_, micros, most, _)| micros < most) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn secrets() -> SharedSecrets {
    let list = [Entropy::System.hex::<32>(), Entropy::System.hex::<32>()].join(",");
    SharedSecrets::from_list(SecretSource::Variable("SECRETS".to_owned()), &list).unwrap()
}

/// A key to sign with, its public half, and the set that an app is given.
fn pair() -> (EncodingKey, DecodingKey, String) {
    const PKCS8_V1: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let der = [&PKCS8_V1[..], &Entropy::System.bytes::<32>()].concat();
    let signing = EncodingKey::from_ed_der(&der);
    let mut public = Jwk::from_encoding_key(&signing, Algorithm::EdDSA).unwrap();
    public.common.key_id = Some("key".to_owned());
    let key = DecodingKey::from_jwk(&public).unwrap();
    (signing, key, serde_json::json!({ "keys": [public] }).to_string())
}

fn claims(issuer: &Issuer, clock: &SharedClock) -> TokenClaims {
    let scopes = vec!["jobs:read".to_owned(), "jobs:enqueue".to_owned()];
    let wanted =
        Wanted { class: TokenClass::Service, subject: "reporting".to_owned(), scopes, life: TimeDelta::hours(1) };
    issuer.claims(wanted, clock.now(), Entropy::System)
}

/// Microseconds of one call: the median of turns of `calls`.
async fn median<F: Future<Output = ()>>(calls: usize, mut work: impl FnMut() -> F) -> f64 {
    let mut turns = Vec::with_capacity(TURNS);
    for _ in 0..TURNS {
        turns.push(turn(calls, &mut work).await);
    }
    middle(turns)
}

/// The same of two, in turns.
async fn medians<F: Future<Output = ()>, G: Future<Output = ()>>(
    calls: usize,
    mut one: impl FnMut() -> F,
    mut other: impl FnMut() -> G,
) -> (f64, f64) {
    let (mut ones, mut others) = (Vec::with_capacity(TURNS), Vec::with_capacity(TURNS));
    for _ in 0..TURNS {
        ones.push(turn(calls, &mut one).await);
        others.push(turn(calls, &mut other).await);
    }
    (middle(ones), middle(others))
}

async fn turn<F: Future<Output = ()>>(calls: usize, work: &mut impl FnMut() -> F) -> f64 {
    let began = Instant::now();
    for _ in 0..calls {
        work().await;
    }
    began.elapsed().as_secs_f64() * 1e6 / calls as f64
}

fn middle(mut turns: Vec<f64>) -> f64 {
    turns.sort_by(f64::total_cmp);
    turns[turns.len() / 2]
}
