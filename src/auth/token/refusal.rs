//! Why a token is not taken.

use crate::{
    auth::extract::failed,
    protocol::{Problem, TokenClass},
};

/// Why a token is not taken (seed C4). None of these says anything of the token itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no token of the form that is taken here, or a claim that must be there is not: 401.
    #[error("the token is malformed: {0}")]
    Malformed(String),
    /// Its signature is nobody's here: another key, another algorithm, or none: 401.
    #[error("the token is not signed with a key that is known here")]
    Forged,
    /// The key it is signed with is not for tokens of its class: 401.
    #[error("the key of the token may not sign one of class `{class}`")]
    OtherClass {
        /// Its class.
        class: TokenClass,
    },
    /// Another issuer's or for another app: 401.
    #[error("the token's `{0}` is not what is taken here")]
    Foreign(&'static str),
    /// `exp` is past: 401.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is to come: 401.
    #[error("the token does not hold yet")]
    Early,
    /// It lives longer than any of its class may: 401.
    #[error("the token lives longer than the {} days that one of class `{class}` may", class.longest_life().num_days())]
    TooLong {
        /// Its class.
        class: TokenClass,
    },
    /// The session that it was issued for is over (seed C17), or the account that it stands for is gone or disabled: 401.
    #[error("what the token stands for is gone")]
    Gone,
    /// It is on the denylist: 403.
    #[error("the token is revoked")]
    Revoked,
    /// It is bound to another job, run or fence than the request's headers say: 403.
    #[error("the token is of another run than the request")]
    OtherRun,
    /// Revocations or keys cannot be had: 503.
    #[error("it cannot be said now whether the token holds: {0}")]
    Unsure(String),
    /// The app itself has an answer.
    #[error("{}", .0.detail.as_deref().unwrap_or(&.0.title))]
    Answered(Problem),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = || {
            let text = refusal.to_string();
            format!("{}{}.", text[..1].to_uppercase(), &text[1..])
        };
        match &refusal {
            Refusal::Revoked | Refusal::OtherRun => Self::new(403, "Forbidden", detail()),
            Refusal::Unsure(cause) => failed(503, cause, "a token cannot be judged"),
            Refusal::Answered(problem) => problem.clone(),
            _ => Self::new(401, "Unauthorized", detail()),
        }
    }
}
