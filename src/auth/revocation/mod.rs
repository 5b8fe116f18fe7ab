//! Tokens that no longer hold although they have not expired (seeds C7 and C8).

mod denylist;
mod memory;

use chrono::{DateTime, TimeDelta, Utc};

pub(super) use denylist::{Denylist, Standing};
pub use memory::InMemoryRevocations;

use crate::protocol::TokenClass;

/// How far the clocks of issuers and apps may differ.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// The shortest that a revocation is kept.
const SHORTEST: TimeDelta = TimeDelta::hours(1);

/// What does not hold any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// One token, by its `jti`.
    Token(String),
    /// Every token of a subject that was issued before an instant.
    Subject {
        /// The claim `sub`.
        subject: String,
        /// A token with an earlier `iat` does not hold.
        issued_before: DateTime<Utc>,
    },
}

/// An entry of the denylist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// What does not hold any more.
    pub revoked: Revoked,
    /// From when on the entry may be forgotten: no token that it could stop is alive then.
    pub until: DateTime<Utc>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
}

impl Revocation {
    /// Stops one token, whose `exp` is `expires` when a verified token says so. Kept for what is left of its life and the
    /// leeway, at least an hour, and at most, or without a known end, as long as any token may live.
    #[must_use]
    pub fn of_token(jti: impl Into<String>, expires: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        let longest = now + longest_life() + LEEWAY;
        let end = expires.and_then(|expires| expires.checked_add_signed(LEEWAY)).unwrap_or(longest);
        let until = end.clamp(now + SHORTEST, longest);
        Self { revoked: Revoked::Token(jti.into()), until, reason: None }
    }

    /// Stops every token of `subject` that was issued before `issued_before`.
    #[must_use]
    pub fn of_subject(subject: impl Into<String>, issued_before: DateTime<Utc>) -> Self {
        let revoked = Revoked::Subject { subject: subject.into(), issued_before };
        Self { revoked, until: issued_before + longest_life() + LEEWAY, reason: None }
    }

    /// Adds why.
    #[must_use]
    pub fn because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }
}

fn longest_life() -> TimeDelta {
    TokenClass::ALL.into_iter().map(TokenClass::longest_life).max().unwrap_or_default()
}

/// Where revocations are kept. All processes of an app share one; each reads it once a second while tokens come.
pub trait Revocations: Send + Sync + 'static {
    /// Why they cannot be read or written. It is logged, and the request gets 503.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Every entry that is in force at `now`, that is, whose `until` is later.
    fn in_force(&self, now: DateTime<Utc>) -> impl Future<Output = Result<Vec<Revocation>, Self::Error>> + Send;

    /// Adds one. Of two for one token the later `until` stays, of two for one subject the later instant.
    fn revoke(&self, revocation: Revocation) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
