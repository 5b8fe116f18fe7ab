//! `sexton secret ensure|rotate --ed25519`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sexton::credentials::Ed25519Keys;

use super::secret_command::{mode, secret};

fn public(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}.jwks", file.display()))
}

fn kids(file: &Path) -> Vec<String> {
    let set: Value = serde_json::from_slice(&fs::read(public(file)).unwrap()).unwrap();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// A key for the owner only, its public half for all; both made once and never overwritten.
#[test]
fn ensure_makes_a_key_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let path = file.to_str().unwrap();
    let made = secret(&["ensure", "--ed25519", path], &[]).unwrap();
    let keys = Ed25519Keys::from_file(&file).unwrap();
    assert_eq!(made, format!("{path}: made, Ed25519 key {}; public in {path}.jwks\n", keys.kid()));
    assert_eq!((mode(&file), mode(&public(&file))), (0o600, 0o644));
    assert_eq!(kids(&file), [keys.kid()]);
    let pem = fs::read_to_string(&file).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n") && pem.lines().count() == 3, "openssl reads it");

    let again = secret(&["ensure", "--ed25519", path], &[]).unwrap();
    assert!(again.contains("was there already, left as it is"), "{again}");
    assert_eq!(fs::read_to_string(&file).unwrap(), pem);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left in the folder");
    let body = pem.lines().nth(1).unwrap();
    assert!(
        !made.contains(body) && !again.contains(body) && !fs::read_to_string(public(&file)).unwrap().contains(body)
    );
}

/// As the one-shot service of docker/compose.yaml makes them.
#[test]
fn one_call_makes_secrets_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    let [key, token, admin] = ["key.pem", "token", "admin"].map(|name| folder.path().join(name));
    let line = ["ensure", "--ed25519", key.to_str().unwrap(), token.to_str().unwrap(), admin.to_str().unwrap()];
    let made = secret(&line, &[]).unwrap();
    assert_eq!(made.lines().filter(|line| line.contains(": made")).count(), 3, "{made}");
    assert_eq!(kids(&key).len(), 1);
    assert_ne!(fs::read(token).unwrap(), fs::read(admin).unwrap());
    let error = secret(&["ensure"], &[]).unwrap_err();
    assert!(error.contains("required arguments were not provided"), "{error}");
}

#[test]
fn a_lost_public_half_is_written_anew_and_a_strange_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("key.pem"), folder.path().join("other.pem"));
    for file in [&file, &other] {
        secret(&["ensure", "--ed25519", file.to_str().unwrap()], &[]).unwrap();
    }
    let before = kids(&file);
    fs::remove_file(public(&file)).unwrap();
    secret(&["ensure", "--ed25519", file.to_str().unwrap()], &[]).unwrap();
    assert_eq!(kids(&file), before);

    for text in [fs::read_to_string(public(&other)).unwrap(), "no JSON".to_owned()] {
        fs::write(public(&file), &text).unwrap();
        let error = secret(&["ensure", "--ed25519", file.to_str().unwrap()], &[]).unwrap_err();
        assert!(error.contains("key.pem.jwks"), "{error}");
        assert_eq!(fs::read_to_string(public(&file)).unwrap(), text, "it is not overwritten");
    }
}

/// Two keys during a rotation: the new one signs, apps take both; then the old one goes.
#[test]
fn rotate_and_finish() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let path = file.to_str().unwrap();
    secret(&["ensure", "--ed25519", path], &[]).unwrap();
    let old = kids(&file);
    let said = secret(&["rotate", "--ed25519", path], &[]).unwrap();
    let both = kids(&file);
    assert_eq!(
        said,
        format!("{path}: rotated, Ed25519 key {}, and 1 more that apps accept; public in {path}.jwks\n", both[0])
    );
    assert_eq!(both[1..], old[..]);
    assert_eq!(Ed25519Keys::from_file(&file).unwrap().kid(), both[0]);
    assert_eq!((mode(&file), mode(&public(&file))), (0o600, 0o644));
    let said = secret(&["rotate", "--finish", "--ed25519", path], &[]).unwrap();
    assert_eq!(said, format!("{path}: finished, Ed25519 key {}; public in {path}.jwks\n", both[0]));
    assert_eq!(kids(&file), both[..1]);
    assert_eq!(Ed25519Keys::from_file(&file).unwrap().older(), 0);
    let error = secret(&["rotate", "--ed25519", "/nonexistent/key.pem"], &[]).unwrap_err();
    assert!(error.contains("/nonexistent/key.pem"), "{error}");
}

/// Whatever a sidecar reads at any moment of a rotation, an app that looks afterwards knows the public half of it.
#[test]
fn apps_know_a_key_before_it_signs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let path = file.to_str().unwrap();
    secret(&["ensure", "--ed25519", path], &[]).unwrap();
    let last = folder.path().join("last");
    std::thread::scope(|scope| {
        let watch = || {
            while !last.exists() {
                let signs = Ed25519Keys::from_file(&file).unwrap().kid().to_owned();
                let known = kids(&file);
                assert!(known.contains(&signs), "{signs} signs and is not among {known:?}");
            }
        };
        scope.spawn(watch);
        for _ in 0..40 {
            secret(&["rotate", "--ed25519", path], &[]).unwrap();
        }
        fs::write(&last, "").unwrap();
    });
}
