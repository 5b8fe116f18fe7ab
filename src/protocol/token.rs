//! What a token says, of whatever class: what an app verifies and what `sexton token issue` signs.

use std::{fmt, str::FromStr};

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    RUN_CLASS, WHOAMI_JOB,
    identity::{SCHEDULER_EMAIL, is_reserved},
};

/// The longest `jti` and `sub`.
const LONGEST_NAME: usize = 255;

/// What a token stands for (seed C2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenClass {
    /// A person, with the groups that the issuer vouches for.
    User,
    /// A program of somebody's, semi-permanent (seed C11).
    Service,
    /// One run of an app's, for a short time (seed C17).
    Session,
    /// One run of the scheduler's.
    Run,
}

impl TokenClass {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::User, Self::Service, Self::Session, Self::Run];

    /// As the claim `token_class` says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Session => "session",
            Self::Run => RUN_CLASS,
        }
    }

    /// The longest that a token of this class may live. A longer one is refused, so that a revocation need not be kept
    /// for ever.
    #[must_use]
    pub const fn longest_life(self) -> TimeDelta {
        match self {
            Self::User => TimeDelta::days(30),
            Self::Service | Self::Run => TimeDelta::days(180),
            Self::Session => TimeDelta::days(1),
        }
    }
}

impl fmt::Display for TokenClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No class has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no class of token: it is `user`, `service`, `session` or `run`")]
pub struct UnknownClass(String);

impl FromStr for TokenClass {
    type Err = UnknownClass;

    fn from_str(text: &str) -> Result<Self, UnknownClass> {
        Self::ALL.into_iter().find(|class| class.as_str() == text).ok_or_else(|| UnknownClass(text.to_owned()))
    }
}

/// The claims of a token of any class. Those that are not optional must be there (seed C1); times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenClaims {
    /// Who issued it.
    pub iss: String,
    /// Which apps it is for.
    pub aud: Audience,
    /// Whom it stands for.
    pub sub: String,
    /// When it was issued.
    #[serde(deserialize_with = "seconds")]
    pub iat: i64,
    /// From when on it holds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "maybe_seconds")]
    pub nbf: Option<i64>,
    /// From when on it does not hold any more.
    #[serde(deserialize_with = "seconds")]
    pub exp: i64,
    /// Its own id, for revocation.
    pub jti: String,
    /// What it allows, parted by spaces.
    pub scope: String,
    /// What it stands for.
    pub token_class: TokenClass,
    /// Of a person: the groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Of a person: the roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Of a person: the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Of a person or a program: a name for people to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of a program: bundles of scopes, which the app spells out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_groups: Vec<String>,
    /// Of a program: what it may touch, each as `kind:id`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Of a session or a run: the one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Of a session: its id, which the app keeps a marker for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Of a run: its job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Of a run: the attempt's fence. Only the self-check's token, whose job is [`WHOAMI_JOB`], has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
}

/// Claims that do not fit their class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Nobody's, or too long to be kept in a denylist.
    #[error("its `sub` or its `jti` is empty or too long")]
    Nameless,
    /// A person reaches what the app's own checks say.
    #[error("one of class `user` is bound to no run and lists no resources")]
    BoundPerson,
    /// A session is one run's.
    #[error("one of class `session` says `run_id` and `session_id`")]
    UnboundSession,
    /// A run is bound to itself.
    #[error("one of class `run` says `run_id`, `job` and `fence`, and its `sub` is {SCHEDULER_EMAIL}")]
    UnboundRun,
    /// One run and nothing else.
    #[error("one of class `session` or `run` lists no resources")]
    ListsResources,
    /// Nobody stands for the scheduler but the scheduler (seed B5).
    #[error("its subject or address is reserved for the scheduler")]
    Reserved,
}

impl TokenClaims {
    /// Whether they say what their class demands, and nothing that it must not (seeds C2 and C6).
    ///
    /// # Errors
    /// What is wrong.
    pub fn fit_their_class(&self) -> Result<(), Misfit> {
        let named = |name: &str| (1..=LONGEST_NAME).contains(&name.len());
        let (run, session) = (self.run_id.as_deref().is_some_and(named), self.session_id.as_deref().is_some_and(named));
        let listing = !self.resources.is_empty();
        let reserved = is_reserved(&self.sub) || self.email.as_deref().is_some_and(is_reserved);
        let fenced = self.fence.is_some() || self.job.as_deref() == Some(WHOAMI_JOB);
        let of_scheduler = self.sub == SCHEDULER_EMAIL;
        match self.token_class {
            _ if !named(&self.sub) || !named(&self.jti) => Err(Misfit::Nameless),
            TokenClass::User if listing || self.run_id.is_some() || self.session_id.is_some() => {
                Err(Misfit::BoundPerson)
            }
            TokenClass::Session if !run || !session => Err(Misfit::UnboundSession),
            TokenClass::Run if !run || self.job.is_none() || !fenced || !of_scheduler => Err(Misfit::UnboundRun),
            TokenClass::Session | TokenClass::Run if listing => Err(Misfit::ListsResources),
            TokenClass::User | TokenClass::Service | TokenClass::Session if reserved => Err(Misfit::Reserved),
            _ => Ok(()),
        }
    }
}

/// The claim `aud`: one name or a list of them (RFC 7519, section 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Audience {
    /// Each name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        };
        names.iter().map(String::as_str)
    }
}

/// A NumericDate may have a fraction (RFC 7519, section 2), which says nothing here.
#[expect(clippy::cast_possible_truncation, reason = "out of range becomes the nearest instant, which is refused")]
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    f64::deserialize(deserializer).map(|seconds| seconds.floor() as i64)
}

fn maybe_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    seconds(deserializer).map(Some)
}
