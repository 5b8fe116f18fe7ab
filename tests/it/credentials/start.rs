//! `sexton run` starts only with what its targets need (guarantee G8).

use std::{fs, path::Path};

use crate::support::{process, sidecar::sexton};

const GOOD: &str = "a-good-secret-of-the-tests-0123456789abc";

/// Exit code and words of `sexton run` with one target of this kind.
async fn start(folder: &Path, auth: &str, environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let text =
        format!("[sexton]\nissuer = \"https://cron\"\n[targets.app]\nbase_url = \"http://127.0.0.1:9\"\n{auth}\n");
    fs::write(folder.join("jobs.toml"), text).unwrap();
    let mut command = sexton(folder, &["run", "--listen", "127.0.0.1:0"]);
    command.envs(environment.iter().copied());
    let done = process::run(command).await;
    (done.code, done.said())
}

/// Seed B6: without a key, or with a bad one, nothing starts: exit 2, with what to do and without the value.
#[tokio::test]
async fn b6_a_bad_key_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("key.pem");
    fs::write(&bad, "-----BEGIN PRIVATE KEY-----\nbm8ta2V5\n-----END PRIVATE KEY-----\n").unwrap();
    let bad = bad.to_str().unwrap();
    for (environment, words) in [
        (&[][..], "no key to sign run tokens with"),
        (&[("SEXTON_SIGNING_KEY_FILE", bad)], "is no Ed25519 key"),
        (&[("SEXTON_SIGNING_KEY_FILE", "/nonexistent/key.pem")], "cannot read the signing key"),
        (&[("SEXTON_JWT_SECRETS", "changeme-changeme-changeme-changeme")], "is a placeholder"),
        (&[("SEXTON_JWT_SECRETS", GOOD), ("SEXTON_SIGNING_KEY_FILE", bad)], "are both set"),
        (&[("SCHEDULER_API_TOKEN", GOOD)], "no key to sign run tokens with"),
    ] {
        let (code, said) = start(folder.path(), "auth = \"run-token\"\naudience = \"app\"", environment).await;
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words) && !said.contains("bm8ta2V5") && !said.contains("changeme"), "{said}");
    }
}

/// Guarantee G8: the shared secret is needed by a target that shows it.
#[tokio::test]
async fn a_bad_secret_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (environment, words) in [
        (&[][..], "no shared secret"),
        (&[("SCHEDULER_API_TOKEN", "too-short")], "has 9 characters"),
        (&[("SEXTON_JWT_SECRETS", GOOD)], "no shared secret"),
    ] {
        let (code, said) = start(folder.path(), "", environment).await;
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words) && !said.contains("too-short"), "{said}");
    }
}
