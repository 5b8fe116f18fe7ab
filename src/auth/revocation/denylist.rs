//! The revocations as one process knows them: in memory, at most a second old while tokens come.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, timeout},
};

use super::{Revocation, Revocations, Revoked};
use crate::{clock::SharedClock, protocol::TokenClaims};

/// How old the reading may be before it is read again.
const FRESH: Duration = Duration::from_secs(1);
/// From this age on it counts for nothing: a token that was revoked since could pass.
const STALE: Duration = Duration::from_secs(10);
/// How long one reading may take; a hung store must not hang every request.
const READING: Duration = Duration::from_secs(1);

type Boxed<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;
type Load = Box<dyn Fn(DateTime<Utc>) -> Boxed<Result<Vec<Revocation>, String>> + Send + Sync>;

/// What the denylist says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) enum Standing {
    /// Nothing.
    Good,
    /// It is on it.
    Revoked,
    /// The store could not be read for too long to say.
    Unknown,
}

/// The revocations in force.
pub(in crate::auth) struct Denylist {
    load: Load,
    /// The last good reading.
    known: watch::Sender<Option<Arc<Known>>>,
    /// When the store was last asked, whatever it said. Held while it is.
    asked: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Known {
    tokens: HashSet<String>,
    subjects: HashMap<String, DateTime<Utc>>,
    at: Instant,
}

impl Denylist {
    pub(in crate::auth) fn new(store: impl Revocations) -> Self {
        let store = Arc::new(store);
        let load: Load = Box::new(move |now| {
            let store = Arc::clone(&store);
            Box::pin(async move { store.in_force(now).await.map_err(|error| error.to_string()) })
        });
        Self { load, known: watch::Sender::new(None), asked: Mutex::new(None) }
    }

    /// Looks a token up, after its signature and before its scopes (seed C7).
    pub(in crate::auth) async fn standing(&self, claims: &TokenClaims, clock: &SharedClock) -> Standing {
        self.refresh(clock).await;
        let known = self.known.borrow().clone();
        match known {
            Some(known) if clock.monotonic() - known.at < STALE => known.standing(claims),
            _ => Standing::Unknown,
        }
    }

    /// Reads the store when that was not done within [`FRESH`]. While one request does, the others go by what is known,
    /// unless that is nothing.
    async fn refresh(&self, clock: &SharedClock) {
        let age = |at: Instant| clock.monotonic() - at;
        let known = self.known.borrow().as_ref().map(|known| age(known.at));
        let mut asked = match known {
            Some(age) if age < FRESH => return,
            Some(age) if age < STALE => match self.asked.try_lock() {
                Ok(asked) => asked,
                Err(_in_progress) => return,
            },
            _ => self.asked.lock().await,
        };
        if asked.is_some_and(|at| age(at) < FRESH) {
            return;
        }
        let at = clock.monotonic();
        match timeout(READING, (self.load)(clock.now())).await {
            Ok(Ok(entries)) => drop(self.known.send_replace(Some(Arc::new(Known::of(entries, at))))),
            Ok(Err(error)) => self.failed(&error),
            Err(_elapsed) => self.failed("it did not answer within a second"),
        }
        *asked = Some(clock.monotonic());
    }

    fn failed(&self, error: &str) {
        tracing::warn!(
            error,
            "the revocations cannot be read; those of at most {STALE:?} ago count, then tokens get 503"
        );
    }
}

impl Known {
    fn of(entries: Vec<Revocation>, at: Instant) -> Self {
        let mut known = Self { tokens: HashSet::new(), subjects: HashMap::new(), at };
        for entry in entries {
            match entry.revoked {
                Revoked::Token(jti) => drop(known.tokens.insert(jti)),
                Revoked::Subject { subject, issued_before } => {
                    let latest = known.subjects.entry(subject).or_insert(issued_before);
                    *latest = issued_before.max(*latest);
                }
            }
        }
        known
    }

    fn standing(&self, claims: &TokenClaims) -> Standing {
        let issued = claims.iat.saturating_mul(1000);
        let of_subject = self.subjects.get(&claims.sub).is_some_and(|before| issued < before.timestamp_millis());
        if of_subject || self.tokens.contains(&claims.jti) { Standing::Revoked } else { Standing::Good }
    }
}

impl fmt::Debug for Denylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denylist").field("known", &*self.known.borrow()).finish_non_exhaustive()
    }
}
