//! The id of a run.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

use crate::entropy::Entropy;

/// The last 62 bits of a UUIDv7: `rand_b`.
const RANDOM: u128 = (1 << 62) - 1;

/// A UUIDv7 (RFC 9562): sorts by the time it was made. It is also the run's idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(Uuid);

impl RunId {
    /// A new id made at `now`. An instant before 1970 counts as 1970.
    #[must_use]
    pub fn new(now: DateTime<Utc>, entropy: Entropy) -> Self {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        Self(Builder::from_unix_timestamp_millis(millis, &entropy.bytes()).into_uuid())
    }

    /// The id right behind: the random part plus one, as RFC 9562, 6.2, method 2 makes ids of one instant. Whoever has an id
    /// has those behind it as well, the same at each try, and needs no randomness for them.
    #[must_use]
    pub fn right_behind(self) -> Self {
        let id = self.0.as_u128();
        Self(Uuid::from_u128((id & !RANDOM) | (id.wrapping_add(1) & RANDOM)))
    }

    /// When it was made, to the millisecond: the first 48 bits say so.
    #[must_use]
    pub fn made_at(self) -> Option<DateTime<Utc>> {
        let millis = i64::try_from(self.0.as_u128() >> 80).ok()?;
        DateTime::from_timestamp_millis(millis)
    }
}

/// A text that is no id of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no run has such an id ({0}): write the last column of `sexton runs`, such as 0198c0de-8a4e-7000-8000-2b5f1d6c9a10"
)]
pub struct NoRunId(#[source] uuid::Error);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RunId {
    type Err = NoRunId;

    fn from_str(text: &str) -> Result<Self, NoRunId> {
        Uuid::try_parse(text).map(Self).map_err(NoRunId)
    }
}
