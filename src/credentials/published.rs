//! Which of several Ed25519 keys signs: apps must know a key before they meet a token of it.

use std::time::Duration;

use tokio::time::Instant;

use super::Ed25519Keys;

/// How long a key is public before it signs. An app may have fetched the keys just before, and libraries pause between two
/// fetches: ours for 10 s and the 5 s that one may take, others for 30 s.
const KNOWN_AFTER: Duration = Duration::from_secs(40);

/// Keys, and since when each is public.
#[derive(Debug)]
pub(super) struct Published {
    keys: Ed25519Keys,
    /// In the order of the keys.
    since: Vec<Instant>,
}

impl Published {
    /// Keys that are public from now on.
    pub(super) fn now(keys: Ed25519Keys) -> Self {
        let since = vec![Instant::now(); keys.older() + 1];
        Self { keys, since }
    }

    /// These keys, of which some may have been public as `earlier` ones.
    pub(super) fn after(mut self, earlier: &Self) -> Self {
        for (kid, since) in self.keys.kids().zip(&mut self.since) {
            if let Some(known) = earlier.keys.kids().position(|known| known == kid) {
                *since = earlier.since[known];
            }
        }
        self
    }

    pub(super) fn keys(&self) -> &Ed25519Keys {
        &self.keys
    }

    /// The key to sign with now: the newest that apps can know, else the oldest. Never the one that an app has just
    /// `refused`; `None` when there is no other.
    pub(super) fn kid(&self, refused: Option<&str>) -> Option<&str> {
        let others = || self.keys.kids().zip(&self.since).filter(|(kid, _)| Some(*kid) != refused);
        let known = others().find(|(_, since)| since.elapsed() >= KNOWN_AFTER);
        known.or_else(|| others().last()).map(|(kid, _)| kid)
    }
}
