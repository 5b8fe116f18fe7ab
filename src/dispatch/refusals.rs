//! Counts how often a target refused the credential in a row (seed D5).

use std::collections::BTreeMap;

use tokio::sync::watch;

/// The third refusal in a row is loud: one or two are what a rotation or a restart of the app looks like.
const LOUD_AT: u32 = 3;

/// Then so many more pass in silence before it is said again.
const LOUD_EVERY: u32 = 20;

/// Refusals (401 and 403) in a row, by target. Answers that say nothing about the credential do not count.
#[derive(Debug)]
pub(super) struct Refusals(watch::Sender<BTreeMap<String, u32>>);

impl Refusals {
    pub(super) fn none() -> Self {
        Self(watch::Sender::new(BTreeMap::new()))
    }

    /// How many there are in a row now.
    pub(super) fn of(&self, target: &str) -> u32 {
        self.0.borrow().get(target).copied().unwrap_or(0)
    }

    /// One more. Whether it is one to be loud about.
    pub(super) fn add(&self, target: &str) -> Option<u32> {
        let mut count = 0;
        self.0.send_modify(|refusals| {
            let entry = refusals.entry(target.to_owned()).or_default();
            *entry = entry.saturating_add(1);
            count = *entry;
        });
        let loud = count >= LOUD_AT && (count - LOUD_AT).is_multiple_of(LOUD_EVERY);
        loud.then_some(count)
    }

    /// The target took the credential.
    pub(super) fn reset(&self, target: &str) {
        self.0.send_if_modified(|refusals| refusals.remove(target).is_some());
    }
}
