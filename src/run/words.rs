//! The closed lists of words that the ledger, the API and the metrics use.

use std::{fmt, str::FromStr};

/// A text that is none of a closed list's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {list}")]
pub struct UnknownWord {
    /// Which list.
    pub list: &'static str,
    /// The text.
    pub word: String,
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident as $list:literal { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every word of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as the ledger, the API and the metrics write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|word| word.as_str() == text)
                    .ok_or_else(|| UnknownWord { list: $list, word: text.to_owned() })
            }
        }
    };
}

words! {
    /// Why a run exists.
    Trigger as "trigger" {
        /// Its instant came.
        Schedule = "schedule",
        /// Its instant fell into downtime.
        CatchUp = "catch_up",
        /// Somebody asked for it.
        Manual = "manual",
        /// The sidecar started, and the job wants a run then.
        Startup = "startup",
        /// Somebody asked for an instant of the past.
        Backfill = "backfill",
    }
}

words! {
    /// How a run ended.
    Outcome as "outcome" {
        /// The app answered as expected.
        Succeeded = "succeeded",
        /// The app did not do it, and is not doing it.
        Failed = "failed",
        /// The app may have done it, or may still be doing it (guarantee G3).
        Unknown = "unknown",
        /// Nothing was sent, or the app was already at it.
        Skipped = "skipped",
        /// Nothing was sent: its instant fell into downtime.
        Missed = "missed",
        /// Nothing more is to be sent, on purpose.
        Cancelled = "cancelled",
    }
}

words! {
    /// Why a run ended so.
    Reason as "reason" {
        /// An earlier run's request is still open, or its work is still being polled.
        Running = "running",
        /// An earlier run is unknown and its hold is not over.
        PossiblyRunning = "possibly_running",
        /// The app says that it is already running (409).
        Busy = "busy",
        /// The job was paused at the instant.
        Paused = "paused",
        /// An earlier run is at it, and another one waits already.
        QueueFull = "queue_full",
        /// Sexton was not there at the instant.
        Downtime = "downtime",
        /// Sexton died with the request open.
        Crash = "crash",
        /// Sexton stopped with the request open.
        Shutdown = "shutdown",
        /// No complete answer within the job's timeout.
        Timeout = "timeout",
        /// The connection broke after the request was sent.
        Broken = "broken",
        /// No connection came about.
        Connect = "connect",
        /// The app refused the credential (401 or 403).
        Credential = "credential",
        /// 408, 502, 504 or 524: something in between may have given up while the app works on.
        UnknownStatus = "unknown_status",
        /// A status that the job does not expect.
        Status = "status",
        /// The status is as expected and the content is not.
        Expect = "expect",
        /// The app named an address to poll that is not its own.
        PollRefused = "poll_refused",
        /// The job's schedule changed, or it was disabled, before the instant.
        Redefined = "redefined",
        /// The job went away before the instant.
        Removed = "removed",
        /// The code of the attempt panicked.
        Panic = "panic",
        /// Somebody said how it ended.
        Settled = "settled",
    }
}

impl Trigger {
    /// Whether a run with it accounts for an occurrence of its job's schedule (guarantee G2).
    #[must_use]
    pub const fn is_occurrence(self) -> bool {
        matches!(self, Self::Schedule | Self::CatchUp)
    }
}
