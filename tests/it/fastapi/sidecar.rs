//! A sidecar that fires at the example.

use std::fs;

use serde_json::Value;

use super::{
    example,
    example::{Example, folder},
};
use crate::support::{
    process::eventually,
    sidecar::{OTHER, PATIENCE, Running, Sidecar},
};

/// The example's own definitions, at the example's address, each second one of them.
pub(super) fn beside(example: &Example) -> Sidecar {
    let text = fs::read_to_string(folder().join("jobs.toml")).unwrap();
    let sidecar = Sidecar::new(example.address, "");
    let there = text.replace("127.0.0.1:8000", &example.address.to_string());
    sidecar.define(&there.replace("every 10s", "every 2s").replace("5/10", "1/2"));
    sidecar
}

async fn run(sidecar: &Sidecar, example: &Example, secret: &str) -> Running {
    let mut command = sidecar.command(&["run", "--listen", "127.0.0.1:0"]);
    command.env("SCHEDULER_API_TOKEN", secret).env("SEXTON_SIGNING_KEY_FILE", example.path("key.pem"));
    let mut running = Running::start(command);
    running.hear("sexton is up").await;
    running
}

/// Waits for a run of `job` that has an outcome.
async fn ended(sidecar: &Sidecar, job: &str) -> Value {
    eventually(&format!("the end of a run of {job}"), PATIENCE, async || {
        sidecar.runs().await.into_iter().find(|run| run["job"] == job && run["outcome"].is_string())
    })
    .await
}

/// Both credentials make the sidecar an admin of an app that is not in Rust, and the app's audit log says who it was.
#[tokio::test]
async fn fires_by_the_shared_secret_and_by_run_tokens() {
    let Some(example) = example().await else { return };
    let sidecar = beside(&example);
    let mut running = run(&sidecar, &example, crate::support::sidecar::SECRET).await;
    for job in ["sync", "sync-by-token"] {
        let run = ended(&sidecar, job).await;
        assert_eq!((&run["outcome"], &run["status"]), (&"succeeded".into(), &200.into()), "{run}");
    }
    assert_eq!(running.stop().await, Some(0));
    let known = running.said.iter().filter(|line| line.contains("the app knows the credential")).count();
    assert_eq!(known, 2, "the self-checks of both targets: {:#?}", running.said);

    let succeeded = sidecar.tally().await["succeeded"];
    let rows = example.call("GET", "/api/audit").send().await.json();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len() as u64, succeeded, "{rows:?}");
    for run in sidecar.runs().await.iter().filter(|run| run["outcome"] == "succeeded") {
        let request = format!("{}-1", run["id"].as_str().unwrap());
        let row = rows.iter().find(|row| row["request"] == request);
        assert_eq!(row.unwrap_or_else(|| panic!("{run} in {rows:?}"))["user"], "scheduler@system.local");
    }
}

/// Another secret, and a key that the app has not pinned: 401, which the ledger calls a matter of the credential.
#[tokio::test]
async fn a_wrong_credential_is_refused() {
    let Some(example) = example().await else { return };
    let sidecar = beside(&example);
    let strange = sexton::credentials::Ed25519Keys::new(sexton::entropy::Entropy::System);
    fs::write(example.path("key.pem"), strange.to_pem().as_bytes()).unwrap();
    let mut running = run(&sidecar, &example, OTHER).await;
    for job in ["sync", "sync-by-token"] {
        let run = ended(&sidecar, job).await;
        let seen = (&run["outcome"], &run["reason"], &run["status"]);
        assert_eq!(seen, (&"failed".into(), &"credential".into(), &401.into()), "{run}");
    }
    assert_eq!(running.stop().await, Some(0));
    assert_eq!(example.call("GET", "/api/audit").send().await.json(), serde_json::json!([]));
}
