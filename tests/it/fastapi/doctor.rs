//! `sexton doctor` before an app that is not ours.

use std::fs;

use serde_json::Value;
use sexton::{credentials::Ed25519Keys, entropy::Entropy};

use super::{example, example::Example, sidecar::beside};
use crate::support::{
    process::{Done, run},
    sidecar::SECRET,
};

async fn doctor(example: &Example, tokens: &str) -> Done {
    let sidecar = beside(example);
    let mut command = sidecar.command(&["doctor", "--json", "--tokens", tokens]);
    command.env("SCHEDULER_API_TOKEN", SECRET).env("SEXTON_SIGNING_KEY_FILE", example.path("key.pem"));
    run(command).await
}

/// `target check` of those that are `verdict`.
fn those(done: &Done, verdict: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["verdict"] == verdict);
    checks.map(|check| format!("{} {}", check["target"].as_str().unwrap(), check["check"].as_str().unwrap())).collect()
}

/// Both of its targets: the secret, and run tokens, of which one with a signature of nobody's is refused.
#[tokio::test]
async fn finds_the_example_well() {
    let Some(example) = example().await else { return };
    let done = doctor(&example, "/api/auth/tokens").await;
    assert_eq!(done.code, Some(0), "{done}");
    let fine = ["reached", "accepted", "nothing_refused", "forged_refused", "no_tokens", "clock", "path"];
    let expected: Vec<String> =
        ["app", "by-token"].iter().flat_map(|target| fine.map(|check| format!("{target} {check}"))).collect();
    assert_eq!(those(&done, "ok"), expected, "{done}");

    let stranger = Ed25519Keys::new(Entropy::System);
    fs::write(example.path("key.pem"), stranger.to_pem().as_bytes()).unwrap();
    let done = doctor(&example, "/api/none").await;
    assert_eq!((done.code, those(&done, "wrong")), (Some(1), vec!["by-token accepted".to_owned()]), "{done}");
    assert_eq!(those(&done, "cannot_tell"), ["app no_tokens", "by-token no_tokens"], "{done}");
    assert!(done.stdout.contains("it has to expect the issuer https://cron.example.org"), "{done}");
}
