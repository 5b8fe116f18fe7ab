//! What a run token says.

use serde::{Deserialize, Serialize};

/// The `token_class` of a run token.
pub const RUN_CLASS: &str = "run";

/// The `job` of the token that asks an app who it takes Sexton for. No job can have this name.
pub const WHOAMI_JOB: &str = "_whoami";

/// The claims of a JWT minted for one run (seed B8): the registered ones of RFC 7519, `scope` of RFC 8693, and whom it is
/// bound to. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunClaims {
    /// Who minted it: `[sexton] issuer`.
    pub iss: String,
    /// Which app it is for.
    pub aud: String,
    /// Whom it stands for: [`SCHEDULER_EMAIL`](super::identity::SCHEDULER_EMAIL).
    pub sub: String,
    /// When it was minted.
    pub iat: i64,
    /// From when on it holds.
    pub nbf: i64,
    /// From when on it does not hold any more.
    pub exp: i64,
    /// Its own id, for revocation.
    pub jti: String,
    /// What it allows, parted by spaces.
    pub scope: String,
    /// [`RUN_CLASS`].
    pub token_class: String,
    /// The job it was minted for.
    pub job: String,
    /// The run it was minted for, as in the header `Sexton-Run`.
    pub run_id: String,
    /// The attempt's fence, as in the header `Sexton-Fence`. The self-check has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
}
