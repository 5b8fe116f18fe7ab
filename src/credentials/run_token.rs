//! A token minted for one run (seeds B2, B7 and B8).

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{CredentialError, signing::SigningKeys};
use crate::{
    entropy::Entropy,
    job::RunTokens,
    protocol::{RUN_CLASS, RunClaims, WHOAMI_JOB, identity::SCHEDULER_EMAIL},
    run::RunId,
    secret::Secret,
};

/// How much longer than its errand a token holds: clocks differ, and an answer may be on its way.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// By how much a token is dated back. Jobs fire at the very beginning of a second, and libraries refuse a token of the
/// future by default: an app whose clock is a little behind would refuse every one.
pub const DATED_BACK: Duration = Duration::from_secs(10);

/// What a token is minted for.
#[derive(Debug, Clone, Copy)]
pub struct Errand<'a> {
    /// The job, or [`WHOAMI_JOB`].
    pub job: &'a str,
    /// The run.
    pub run: RunId,
    /// The attempt's fence; the self-check has none.
    pub fence: Option<u64>,
    /// What it may do.
    pub scopes: &'a [String],
    /// How long the app may be at it: timeout and hold.
    pub life: Duration,
}

impl Errand<'_> {
    /// To ask an app whom it takes Sexton for. It has neither job nor fence to be bound to, so its token may do nothing: who
    /// gets hold of it can ask the same, and no more.
    pub(crate) fn of_no_job(run: RunId, life: Duration) -> Self {
        Self { job: WHOAMI_JOB, run, fence: None, scopes: &[], life }
    }
}

/// Signs a token for `errand`, valid at `now`, with the key named `kid`. Neither waits nor reads anything (seed B3).
pub(super) fn mint(
    keys: &SigningKeys,
    kid: Option<&str>,
    tokens: &RunTokens,
    errand: &Errand<'_>,
    now: DateTime<Utc>,
    entropy: Entropy,
) -> Result<Secret, CredentialError> {
    let life = (errand.life + LEEWAY).as_secs();
    let (now, dated_back) = (now.timestamp(), DATED_BACK.as_secs());
    let claims = RunClaims {
        iss: tokens.issuer.clone(),
        aud: tokens.audience.clone(),
        sub: SCHEDULER_EMAIL.to_owned(),
        iat: now.saturating_sub_unsigned(dated_back),
        nbf: now.saturating_sub_unsigned(dated_back),
        exp: now.saturating_add_unsigned(life),
        jti: entropy.hex::<16>(),
        scope: errand.scopes.join(" "),
        token_class: RUN_CLASS.to_owned(),
        job: errand.job.to_owned(),
        run_id: errand.run.to_string(),
        fence: errand.fence,
    };
    keys.sign(kid, &claims)
}
