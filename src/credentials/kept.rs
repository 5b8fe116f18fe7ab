//! Something that was read and may be read again.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, watch},
    time::Instant,
};
use tracing::dispatcher;

use super::CredentialError;
use crate::secret::Secret;

/// Where a credential is read from.
pub(super) trait Source: fmt::Debug + Clone + Send + Sync + 'static {
    /// What is read.
    type Value: fmt::Debug + Send + Sync + 'static;

    /// Reads it and judges it. May block.
    fn read(&self) -> Result<Self::Value, CredentialError>;

    /// Whether another reading can ever give something else.
    fn can_change(&self) -> bool;

    /// Whether an app that refused the one would refuse the other too.
    fn same_to_an_app(one: &Self::Value, other: &Self::Value) -> bool;

    /// What is in force from now on, after `earlier`.
    fn follows(value: Self::Value, _earlier: &Self::Value) -> Self::Value {
        value
    }

    /// What must never be seen of it.
    fn secrets(value: &Self::Value) -> Vec<Secret>;
}

/// How many replaced secrets are remembered: an app may still echo one while a request is open, and a token that changes
/// every hour must not fill the memory.
const RETIRED: usize = 16;

/// The value in force. What turns bad while running changes nothing but [`Kept::trouble`]: the last good one is kept
/// (seed D4).
#[derive(Debug)]
pub(super) struct Kept<S: Source> {
    source: S,
    state: watch::Sender<State<S::Value>>,
    /// Held while the source is read, so that a burst of refusals reads it once.
    reading: Mutex<()>,
}

#[derive(Debug)]
struct State<V> {
    value: Option<Arc<V>>,
    /// Replaced ones, the newest last.
    retired: Vec<Secret>,
    trouble: Option<CredentialError>,
    read_at: Option<Instant>,
}

impl<S: Source> Kept<S> {
    /// Reads nothing yet.
    pub(super) fn unread(source: S) -> Self {
        let state = State { value: None, retired: Vec::new(), trouble: None, read_at: None };
        Self { source, state: watch::Sender::new(state), reading: Mutex::new(()) }
    }

    /// Reads at once; whether having nothing usable matters is the caller's to say.
    pub(super) fn load(source: S) -> Self {
        let kept = Self::unread(source);
        let read = kept.source.read();
        kept.state.send_modify(|state| match read {
            Ok(value) => state.value = Some(Arc::new(value)),
            Err(trouble) => state.trouble = Some(trouble),
        });
        kept
    }

    /// What is in force. Touches no disk.
    pub(super) fn current(&self) -> Option<Arc<S::Value>> {
        self.state.borrow().value.clone()
    }

    /// What was wrong with the newest reading; `None` when it was fine or there was none.
    pub(super) fn trouble(&self) -> Option<CredentialError> {
        self.state.borrow().trouble.clone()
    }

    /// Every secret that is in force or was lately: nothing that leaves the process may hold one (guarantee G5).
    pub(super) fn known(&self) -> Vec<Secret> {
        let state = self.state.borrow();
        state.value.iter().flat_map(|value| S::secrets(value)).chain(state.retired.iter().cloned()).collect()
    }

    /// What is in force; only while there is nothing, the source is read. What is missing is not remembered (seed D1).
    pub(super) async fn obtain(&self) -> Result<Arc<S::Value>, CredentialError> {
        if let Some(value) = self.current() {
            return Ok(value);
        }
        let _one_at_a_time = self.reading.lock().await;
        if self.current().is_none() && (self.source.can_change() || self.trouble().is_none()) {
            self.read().await;
        }
        let state = self.state.borrow();
        match (&state.value, &state.trouble) {
            (Some(value), _) => Ok(Arc::clone(value)),
            (None, Some(trouble)) => Err(trouble.clone()),
            (None, None) => Err(CredentialError::Unset),
        }
    }

    /// Reads the source again because an app refused `refused`. Whether there is something else to send now: only then is
    /// sending again any use (seed D3).
    pub(super) async fn reread(&self, refused: &S::Value) -> bool {
        if !self.source.can_change() {
            return false;
        }
        let _one_at_a_time = self.reading.lock().await;
        if !self.differs_from(refused) {
            self.read().await;
        }
        self.differs_from(refused)
    }

    /// Reads the source again unless that was done within `age`.
    pub(super) async fn refresh(&self, age: Duration) {
        if !self.source.can_change() {
            return;
        }
        let _one_at_a_time = self.reading.lock().await;
        let fresh = self.state.borrow().read_at.is_some_and(|at| at.elapsed() < age);
        if !fresh {
            self.read().await;
        }
    }

    fn differs_from(&self, refused: &S::Value) -> bool {
        self.current().is_some_and(|value| !S::same_to_an_app(&value, refused))
    }

    async fn read(&self) {
        let source = self.source.clone();
        // What the reading logs goes where this task logs.
        let log = dispatcher::get_default(Clone::clone);
        let read = move || dispatcher::with_default(&log, || source.read());
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(value)) => self.take(value),
            Ok(Err(trouble)) => self.keep(trouble),
            Err(error) => self.keep(CredentialError::Interrupted(error.to_string())),
        }
    }

    fn take(&self, value: S::Value) {
        let secrets = S::secrets(&value);
        let still_known = |old: &Secret| secrets.iter().any(|new| new.matches(old.expose().as_bytes()));
        self.state.send_modify(|state| {
            if state.trouble.take().is_some() {
                tracing::info!(source = ?self.source, "the credential is usable again");
            }
            let replaced = state.value.iter().flat_map(|old| S::secrets(old));
            let mut retired: Vec<Secret> = state.retired.drain(..).collect();
            retired.extend(replaced);
            retired.retain(|old| !still_known(old));
            state.retired = retired.split_off(retired.len().saturating_sub(RETIRED));
            state.value = Some(Arc::new(match &state.value {
                Some(earlier) => S::follows(value, earlier),
                None => value,
            }));
            state.read_at = Some(Instant::now());
        });
    }

    fn keep(&self, trouble: CredentialError) {
        self.state.send_modify(|state| {
            let news = state.trouble.as_ref().map(ToString::to_string) != Some(trouble.to_string());
            match state.value {
                Some(_) if news => {
                    tracing::error!(%trouble, "the credential cannot be read again; the last good one stays in force");
                }
                None if news => tracing::warn!(%trouble, "there is no credential to send"),
                _ => {}
            }
            state.trouble = Some(trouble);
            state.read_at = Some(Instant::now());
        });
    }
}
