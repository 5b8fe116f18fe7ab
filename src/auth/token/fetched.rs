//! Public keys that the app fetches, from the sidecar's `/.well-known/jwks.json` as a rule.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, watch},
    time::{Instant, timeout},
};

use super::{KeysError, keys::PublicKeys};
use crate::clock::SharedClock;

/// From this age on the keys are fetched again: a key that was taken back is forgotten.
const OLD: Duration = Duration::from_secs(300);
/// Never twice within this: whoever makes up a `kid` must not make the app fetch.
const PAUSE: Duration = Duration::from_secs(10);
/// How long one fetch may take.
const FETCHING: Duration = Duration::from_secs(5);

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Gets the text of a JWK Set.
pub(super) type Fetch = Arc<dyn Fn() -> Boxed<Result<String, String>> + Send + Sync>;

/// The app's function in a form that can be kept.
pub(super) fn fetch<F, A, E>(fetch: F) -> Fetch
where
    F: Fn() -> A + Send + Sync + 'static,
    A: Future<Output = Result<String, E>> + Send + 'static,
    E: fmt::Display,
{
    Arc::new(move || {
        let fetching = fetch();
        Box::pin(async move { fetching.await.map_err(|error| error.to_string()) })
    })
}

/// Keys that are fetched when they are needed.
pub(super) struct Fetched {
    fetch: Fetch,
    known: watch::Sender<Option<(Arc<PublicKeys>, Instant)>>,
    /// When they were last asked for, whatever came. Held while they are.
    asked: Mutex<Option<Instant>>,
}

impl Fetched {
    pub(super) fn new(fetch: Fetch) -> Self {
        Self { fetch, known: watch::Sender::new(None), asked: Mutex::new(None) }
    }

    /// The keys to look `kid` up in; `None` while none could be had.
    pub(super) async fn keys(&self, kid: &str, clock: &SharedClock) -> Option<Arc<PublicKeys>> {
        let known = self.known.borrow().clone();
        let asked = match known {
            Some((keys, at)) if keys.get(kid).is_some() => {
                if clock.monotonic() - at < OLD {
                    return Some(keys);
                }
                match self.asked.try_lock() {
                    Ok(asked) => asked,
                    Err(_in_progress) => return Some(keys),
                }
            }
            _ => self.asked.lock().await,
        };
        self.ask(asked, clock).await;
        self.known.borrow().as_ref().map(|(keys, _)| Arc::clone(keys))
    }

    async fn ask(&self, mut asked: tokio::sync::MutexGuard<'_, Option<Instant>>, clock: &SharedClock) {
        if asked.is_some_and(|at| clock.monotonic() - at < PAUSE) {
            return;
        }
        let fetched = match timeout(FETCHING, (self.fetch)()).await {
            Ok(Ok(text)) => PublicKeys::parse("what was fetched", text.as_bytes()),
            Ok(Err(error)) => Err(KeysError::Unfetched(error)),
            Err(elapsed) => Err(KeysError::Unfetched(elapsed.to_string())),
        };
        *asked = Some(clock.monotonic());
        match fetched {
            Ok(keys) => drop(self.known.send_replace(Some((Arc::new(keys), clock.monotonic())))),
            Err(error) => tracing::warn!(%error, "the keys of tokens stay as they were"),
        }
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("known", &*self.known.borrow()).finish_non_exhaustive()
    }
}
