//! Which credentials are the scheduler's.

use axum::http::header;
use proptest::prelude::*;
use sexton::auth::{InMemoryRevocations, Verifier};

use super::{
    app, auth, config,
    forge::{clock, taking_secrets},
    me, send, with_secret,
};
use crate::support::{app::secret, logs::Logs};

/// Seeds A1, A14: what surrounds the value does not count, on this side as on the other.
#[tokio::test]
async fn a1_the_secret_is_trimmed() {
    let app = app(auth(config(&[("SCHEDULER_API_TOKEN", format!(" \t{}\r\n", secret()))])).await);
    assert_eq!(me(&app, format!("Bearer {}", secret())).await, 200);
}

/// Seed A1: unset, empty and blank turn the path off, and then not even an empty bearer matches.
#[tokio::test]
async fn a1_without_a_secret_nothing_matches() {
    for variables in [vec![], vec![("SCHEDULER_API_TOKEN", "")], vec![("SCHEDULER_API_TOKEN", " \n")]] {
        let logs = Logs::capture();
        let app = app(auth(config(&variables)).await);
        for authorization in ["Bearer", "Bearer ", "Bearer  ", "", "Bearer x", " "] {
            assert_eq!(me(&app, authorization).await, 401, "{variables:?} {authorization:?}");
        }
        let warned = logs.lines("WARN");
        assert!(
            warned.iter().any(|line| line.contains("SCHEDULER_API_TOKEN") && line.contains("length 0")),
            "{warned:?}"
        );
    }
}

/// Seed A2: refused on an exact match as well; the warning has the variable and the length, never the value.
#[tokio::test]
async fn a2_an_unusable_secret_turns_the_path_off() {
    let placeholder = "changeme-changeme-changeme-changeme";
    for (value, length) in [("short-but-secret", 16), (placeholder, 35), ("tésted-tésted-tésted-tésted-tésted", 34)]
    {
        let logs = Logs::capture();
        let app = app(auth(config(&[("SCHEDULER_API_TOKEN", value)])).await);
        assert_eq!(me(&app, format!("Bearer {value}")).await, 401);
        let warned = logs.lines("WARN").join("\n");
        assert!(warned.contains("SCHEDULER_API_TOKEN") && warned.contains(&format!("{length} characters")), "{warned}");
        assert!(!logs.text().contains(value), "{}", logs.text());
    }
}

/// Seed A2: 32 characters are enough, 31 are not.
#[tokio::test]
async fn a2_the_shortest_secret_has_32_characters() {
    for (length, status) in [(31, 401), (32, 200)] {
        let value = secret()[..length].to_owned();
        let app = app(auth(config(&[("SCHEDULER_API_TOKEN", value.clone())])).await);
        assert_eq!(me(&app, format!("Bearer {value}")).await, status, "{length}");
    }
}

/// Seed A3.
#[tokio::test]
async fn a3_nearly_right_is_wrong() {
    let app = app(with_secret().await);
    let right = secret();
    let other = right.replace('0', "1");
    assert_eq!(other.len(), right.len());
    for wrong in
        [format!("{right}0"), right[1..].to_owned(), right[..right.len() - 1].to_owned(), other, right.to_uppercase()]
    {
        assert_eq!(me(&app, format!("Bearer {wrong}")).await, 401, "{wrong}");
    }
    assert_eq!(me(&app, format!("Bearer {right}")).await, 200);
}

/// Seed A7: neither the app's own resolver nor what decodes tokens, either of which would complain, ever sees the secret;
/// not even one that has the three segments of a token.
#[tokio::test]
async fn a7_the_secret_is_looked_for_first() {
    for secret in [secret(), format!("{0}.{0}.{0}", &secret()[..20])] {
        let verifier = Verifier::start(taking_secrets(), InMemoryRevocations::default(), clock()).await.unwrap();
        let auth = auth(config(&[("SCHEDULER_API_TOKEN", secret.clone())])).await.with_tokens(verifier);
        let auth = auth.with_people(|presented| async move { panic!("asked about {presented:?}") });
        let (app, logs) = (app(auth), Logs::capture());
        assert_eq!(me(&app, format!("Bearer {secret}")).await, 200);
        assert_eq!(logs.lines("WARN"), Vec::<String>::new());
    }
}

/// Seed A13: bytes are compared, so what is no text is wrong like anything else, and nobody else is asked about it.
#[tokio::test]
async fn a13_bytes_that_are_no_text_are_401() {
    let auth = with_secret().await.with_people(|presented| async move { panic!("asked about {presented:?}") });
    let app = app(auth);
    for wrong in [&b"Bearer \xff\xfe"[..], b"Bearer \xc3", b"\xff"] {
        assert_eq!(me(&app, wrong).await, 401);
    }
}

/// Seed A15: from the `Authorization` header and nowhere else.
#[tokio::test]
async fn a15_a_cookie_is_no_place_for_the_secret() {
    let app = app(with_secret().await);
    let (secret, bearer) = (secret(), format!("Bearer {}", secret()));
    for cookie in [
        format!("access_token={secret}"),
        format!("session={secret}"),
        secret.clone(),
        format!("authorization={bearer}"),
    ] {
        assert_eq!(send(&app, "/me", &[("cookie", cookie.as_bytes())]).await.status(), 401, "{cookie}");
    }
    for name in ["x-authorization", "proxy-authorization", "x-api-key"] {
        assert_eq!(send(&app, "/me", &[(name, bearer.as_bytes())]).await.status(), 401, "{name}");
    }
    assert_eq!(send(&app, &format!("/me?access_token={secret}"), &[]).await.status(), 401);
}

/// Seed C5: the scheme in any case, exactly two parts, one header.
#[tokio::test]
async fn a_bearer_has_exactly_two_parts() {
    let app = app(with_secret().await);
    let secret = secret();
    for right in [
        format!("Bearer {secret}"),
        format!("bearer {secret}"),
        format!("BEARER {secret}"),
        format!("bEaReR   {secret}"),
    ] {
        assert_eq!(me(&app, &right).await, 200, "{right}");
    }
    for wrong in [
        secret.clone(),
        format!("Bearer{secret}"),
        format!("Bearer {secret} x"),
        format!("Basic {secret}"),
        format!("Bearer x {secret}"),
    ] {
        assert_eq!(me(&app, &wrong).await, 401, "{wrong}");
    }
    let (good, other) = (format!("Bearer {secret}"), "Bearer other".to_owned());
    let twice = send(&app, "/me", &[("authorization", good.as_bytes()), ("authorization", other.as_bytes())]).await;
    assert_eq!(twice.status(), 401);
}

/// RFC 9110 section 11.6.1, RFC 9457.
#[tokio::test]
async fn a_401_names_its_challenge_and_is_a_problem() {
    let reply = send(&app(with_secret().await), "/me", &[]).await;
    assert_eq!(reply.headers()[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(reply.headers()[header::CONTENT_TYPE], "application/problem+json");
}

proptest! {
    /// Seed A3: whatever the bytes, only the secret is the secret, and nothing is worse than 401.
    #[test]
    fn no_other_header_is_the_scheduler(value in proptest::collection::vec(visible_or_beyond(), 0..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let status = runtime.block_on(async { me(&app(with_secret().await), &value).await });
        prop_assert_eq!(status, 401);
    }
}

/// The bytes that a header's value may hold (RFC 9110 section 5.5).
fn visible_or_beyond() -> impl Strategy<Value = u8> {
    prop_oneof![3 => 0x20..=0x7e_u8, 1 => 0x80..=0xff_u8]
}
