//! Who may see what is not open to all (section 10 of the contract).

use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use sexton::{
    admin::Door,
    secret::{SecretSource, SharedSecrets},
};

use crate::support::sidecar::{OTHER, SECRET};

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    pairs.iter().map(pair).collect()
}

fn peer(text: &str) -> Option<SocketAddr> {
    Some(text.parse().unwrap())
}

fn local() -> Option<SocketAddr> {
    peer("127.0.0.1:50000")
}

#[test]
fn without_a_token_this_machine_reads_by_its_own_name() {
    let door = Door::new(None);
    for peer in [local(), peer("127.8.9.10:1"), peer("[::1]:50000"), peer("[::ffff:127.0.0.1]:50000"), None] {
        for host in ["localhost", "LOCALHOST:7070", "127.0.0.1", "127.0.0.1:7070", "[::1]", "[::1]:7070"] {
            assert_eq!(door.may_read(peer, &headers(&[("host", host)])), Ok(()), "{peer:?} asks for {host}");
        }
    }
}

/// A page in a browser on this machine can make any name point here (DNS rebinding): only the name gives it away.
#[test]
fn no_other_name_opens_it() {
    let door = Door::new(None);
    for host in [
        "evil.example.org",
        "evil.example.org:7070",
        "localhost.evil.example.org",
        "127.0.0.1.evil.example.org",
        "localhost.",
        "127.0.0.2",
        "0.0.0.0",
        "[::]",
        "::1",
        "localhost:80:80",
        "localhost@evil.example.org",
        "",
    ] {
        assert!(door.may_read(local(), &headers(&[("host", host)])).is_err(), "{host}");
        assert!(door.may_read(None, &headers(&[("host", host)])).is_err(), "{host} over the socket");
    }
    assert!(door.may_read(local(), &headers(&[])).is_err(), "no name at all");
    let not_text = HeaderMap::from_iter([(HeaderName::from_static("host"), HeaderValue::from_bytes(b"\xff").unwrap())]);
    assert!(door.may_read(local(), &not_text).is_err());
}

#[test]
fn no_other_machine_opens_it() {
    let door = Door::new(None);
    for from in ["10.0.0.7:1", "192.168.1.1:1", "[fe80::1]:1", "[::ffff:10.0.0.7]:1", "0.0.0.0:1"] {
        assert!(door.may_read(peer(from), &headers(&[("host", "localhost")])).is_err(), "{from}");
    }
}

/// Behind a proxy on this machine everybody has its address.
#[test]
fn nobody_comes_through_a_proxy() {
    let door = Door::new(None);
    for name in [
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Port",
        "X-Forwarded-Server",
        "X-Real-IP",
        "Via",
    ] {
        for value in ["10.0.0.7", "127.0.0.1", ""] {
            let asked = headers(&[("host", "localhost"), (name, value)]);
            assert!(door.may_read(local(), &asked).is_err(), "{name}: {value}");
        }
    }
}

#[test]
fn with_a_token_it_alone_counts() {
    let source = SecretSource::Variable("SEXTON_ADMIN_TOKEN".to_owned());
    let door = Door::new(Some(SharedSecrets::from_value(source, OTHER).unwrap()));
    for authorization in [format!("Bearer {OTHER}"), format!("bearer {OTHER}"), format!("BEARER {OTHER}")] {
        let asked = headers(&[("host", "evil.example.org"), ("authorization", &authorization)]);
        assert_eq!(door.may_read(peer("10.0.0.7:1"), &asked), Ok(()), "{authorization}");
    }
    for authorization in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        OTHER.to_owned(),
        format!("Basic {OTHER}"),
        format!("Bearer {SECRET}"),
        format!("Bearer {OTHER}0"),
        format!("Bearer {}", &OTHER[1..]),
        format!("Bearer  {OTHER}"),
        "Bearer é".to_owned(),
    ] {
        let asked = headers(&[("host", "localhost"), ("authorization", &authorization)]);
        assert!(door.may_read(local(), &asked).is_err(), "{authorization}");
    }
    assert!(door.may_read(local(), &headers(&[("host", "localhost")])).is_err(), "being local is not enough");
}

/// Who is refused is told what to do, and no secret.
#[test]
fn a_refusal_says_what_to_do() {
    let why = Door::new(None).may_read(peer("10.0.0.7:1"), &headers(&[("host", "x")])).unwrap_err();
    assert!(why.contains("SEXTON_ADMIN_TOKEN") && why.contains("localhost"), "{why}");
    let source = SecretSource::Variable("SEXTON_ADMIN_TOKEN".to_owned());
    let door = Door::new(Some(SharedSecrets::from_value(source, OTHER).unwrap()));
    let why = door.may_read(local(), &headers(&[("host", "localhost")])).unwrap_err();
    assert!(why.contains("SEXTON_ADMIN_TOKEN") && !why.contains(OTHER), "{why}");
}
