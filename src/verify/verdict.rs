//! What the proof comes to.

use chrono::{DateTime, Utc};

use crate::{
    job::JobName,
    run::{RunId, State},
};

/// What became of one job's proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whose.
    pub job: JobName,
    /// From when on (exclusive) the rows were held against the schedules: the first anchor, or what was pruned last. `None`
    /// when no schedule was ever in force.
    pub from: Option<DateTime<Utc>>,
    /// Up to when (inclusive).
    pub to: DateTime<Utc>,
    /// How many occurrences must have a row.
    pub occurrences: u64,
    /// What is wrong, in the order of time.
    pub findings: Vec<Finding>,
    /// Rows that are not over. Each accounts for its occurrence all the same.
    pub open: Vec<Open>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Consecutive occurrences that no row accounts for.
    Missing {
        /// The first.
        first: DateTime<Utc>,
        /// The last.
        last: DateTime<Utc>,
        /// How many, both ends included.
        count: u64,
    },
    /// Consecutive occurrences that two rows or more account for.
    Doubled {
        /// The first.
        first: DateTime<Utc>,
        /// The last.
        last: DateTime<Utc>,
        /// How many, both ends included.
        count: u64,
        /// Two of the first one's rows.
        rows: [RunId; 2],
    },
    /// A row whose first or last instant no schedule of the job demanded.
    Invented {
        /// The row.
        run: RunId,
        /// That instant.
        at: DateTime<Utc>,
    },
    /// A row that counts other than the occurrences between its ends.
    Miscounted {
        /// The row.
        run: RunId,
        /// Its first occurrence.
        first: DateTime<Utc>,
        /// Its last occurrence.
        last: DateTime<Utc>,
        /// How many it says.
        counted: u64,
        /// How many there are.
        demanded: u64,
    },
    /// A schedule that this build cannot read: what it demanded cannot be told.
    Unreadable {
        /// As the ledger keeps it.
        schedule: String,
        /// From when on it was in force.
        at: DateTime<Utc>,
    },
}

impl Finding {
    /// The kind in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Doubled { .. } => "doubled",
            Self::Invented { .. } => "invented",
            Self::Miscounted { .. } => "miscounted",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// Where it begins.
    #[must_use]
    pub const fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Missing { first, .. } | Self::Doubled { first, .. } | Self::Miscounted { first, .. } => *first,
            Self::Invented { at, .. } | Self::Unreadable { at, .. } => *at,
        }
    }

    /// Where it ends.
    #[must_use]
    pub const fn through(&self) -> DateTime<Utc> {
        match self {
            Self::Missing { last, .. } | Self::Doubled { last, .. } | Self::Miscounted { last, .. } => *last,
            Self::Invented { at, .. } | Self::Unreadable { at, .. } => *at,
        }
    }

    /// How many things are wrong: occurrences, or one row or schedule.
    #[must_use]
    pub const fn count(&self) -> u64 {
        match self {
            Self::Missing { count, .. } | Self::Doubled { count, .. } => *count,
            Self::Invented { .. } | Self::Miscounted { .. } | Self::Unreadable { .. } => 1,
        }
    }
}

/// A row that is not over: it has no outcome yet, or is unknown and was not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The row.
    pub run: RunId,
    /// Its occurrence.
    pub at: DateTime<Utc>,
    /// Where it stands.
    pub state: State,
}
