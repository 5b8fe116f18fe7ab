//! Counts what happened so many times in a row (seeds D5, D13).

use std::collections::BTreeMap;

use tokio::sync::watch;

/// The third in a row is loud: one or two are what a rotation or a restart of the app looks like.
const LOUD_AT: u32 = 3;

/// Then so many more pass in silence before it is said again.
const LOUD_EVERY: u32 = 20;

/// How often in a row something happened, by the name of whom it happened to.
#[derive(Debug)]
pub(super) struct Streaks(watch::Sender<BTreeMap<String, u32>>);

impl Streaks {
    pub(super) fn none() -> Self {
        Self(watch::Sender::new(BTreeMap::new()))
    }

    /// How often in a row it has happened until now.
    pub(super) fn of(&self, name: &str) -> u32 {
        self.0.borrow().get(name).copied().unwrap_or(0)
    }

    /// Once more. The count, if it is one to be loud about.
    pub(super) fn add(&self, name: &str) -> Option<u32> {
        let mut count = 0;
        self.0.send_modify(|streaks| {
            let entry = streaks.entry(name.to_owned()).or_default();
            *entry = entry.saturating_add(1);
            count = *entry;
        });
        let loud = count >= LOUD_AT && (count - LOUD_AT).is_multiple_of(LOUD_EVERY);
        loud.then_some(count)
    }

    /// The row is broken.
    pub(super) fn reset(&self, name: &str) {
        self.0.send_if_modified(|streaks| streaks.remove(name).is_some());
    }
}
