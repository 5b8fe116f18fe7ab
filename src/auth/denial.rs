//! Why nobody is known behind a request.

use super::Refusal;
use crate::protocol::Problem;

/// Why nobody is known behind a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Denial {
    /// No credential came, or none that can be read.
    Missing,
    /// The bearer or the cookie is nobody's.
    Unknown,
    /// The scheduler's credential is right, and its row cannot be made (seed A6).
    NotProvisioned,
    /// The scheduler's credential is right, and an operator disabled it (seed A16).
    Disabled,
    /// A token came that is not taken.
    Token(Refusal),
    /// The app is told to look at no credential.
    Off,
    /// The app could not look.
    Failed(Problem),
}

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        let unauthorized = |detail: &str| Self::new(401, "Unauthorized", detail);
        match denial {
            Denial::Missing => unauthorized("This needs a log-in, or a credential as `Authorization: Bearer …`."),
            Denial::Unknown => unauthorized("The credential is not known here: it is wrong, expired or revoked."),
            Denial::NotProvisioned => unauthorized("Scheduler user not provisioned"),
            Denial::Disabled => unauthorized("The scheduler's account is disabled."),
            Denial::Token(refusal) => refusal.into(),
            Denial::Off => unauthorized("Credentials are not looked at now; what needs one is closed."),
            Denial::Failed(problem) => problem,
        }
    }
}
