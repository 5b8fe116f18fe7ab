//! Tests of this room. One file per subject; add `mod` lines here.

mod canary;
mod canary_app;
mod own_tokens;
mod recheck;
mod rotate_command;
mod rotation;
pub(crate) mod run_token;
pub(crate) mod secret_command;
mod shared_secret;
mod signing_key;
mod start;
mod token_command;
mod token_file;

use std::time::Duration;

use chrono::{DateTime, Utc};
use sexton::{
    credentials::{CredentialError, Credentials, Errand, Shown},
    entropy::Entropy,
    job::Auth,
    run::RunId,
};

/// The instant that tokens are minted at here.
fn now() -> DateTime<Utc> {
    "2026-03-29T01:00:00Z".parse().unwrap()
}

/// What a request of a job `nightly` shows.
pub(crate) async fn showing(credentials: &Credentials, auth: &Auth) -> Result<Shown, CredentialError> {
    showing_after(None, credentials, auth).await
}

/// The same after the app refused something.
async fn showing_after(
    refused: Option<&Shown>,
    credentials: &Credentials,
    auth: &Auth,
) -> Result<Shown, CredentialError> {
    let scopes = ["sync:run".to_owned()];
    let run = RunId::new(now(), Entropy::System);
    let life = Duration::from_secs(120);
    let errand = Errand { job: "nightly", run, fence: Some(7), scopes: &scopes, life };
    let shown = credentials.show_after(refused, auth, &errand, now(), Entropy::System).await?;
    Ok(shown.expect("something is shown"))
}
