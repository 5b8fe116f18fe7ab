//! For an app that is one process and keeps nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

use super::{Answer, Answers, Begun, Fingerprint, Key, Lane};

/// So many bytes of answers are kept unless another bound is given.
const BYTES: usize = 64 * 1024 * 1024;
/// What a fence costs, and an entry besides its answer, about.
const ENTRY: usize = 512;

/// Keys, answers and fences of one process, within a bound: what is over goes first, then the oldest answers; what is
/// worked on, and a fence that counts, never. Clones share them.
#[derive(Debug, Clone)]
pub struct InMemoryAnswers {
    kept: Arc<Mutex<Kept>>,
}

/// There is no room for another key or another job's fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{keys} keys being worked on and {fences} fences are kept, and more do not fit")]
pub struct Full {
    keys: usize,
    fences: usize,
}

#[derive(Debug)]
struct Kept {
    entries: BTreeMap<Key, Entry>,
    fences: BTreeMap<Lane, Fence>,
    bytes: usize,
    bound: usize,
}

#[derive(Debug)]
struct Entry {
    request: Fingerprint,
    answer: Option<Answer>,
    until: DateTime<Utc>,
}

#[derive(Debug)]
struct Fence {
    highest: u64,
    until: DateTime<Utc>,
}

impl InMemoryAnswers {
    /// Keeps about so many bytes at most.
    #[must_use]
    pub fn within(bytes: usize) -> Self {
        let kept = Kept { entries: BTreeMap::new(), fences: BTreeMap::new(), bytes: 0, bound: bytes };
        Self { kept: Arc::new(Mutex::new(kept)) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for InMemoryAnswers {
    /// Within 64 MiB.
    fn default() -> Self {
        Self::within(BYTES)
    }
}

impl Answers for InMemoryAnswers {
    type Error = Full;

    async fn begin(
        &self,
        key: &Key,
        request: &Fingerprint,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Begun, Full> {
        let mut kept = self.kept();
        match kept.entries.get(key).filter(|entry| entry.until > now) {
            Some(entry) if entry.request != *request => return Ok(Begun::Other),
            Some(Entry { answer: Some(answer), .. }) => return Ok(Begun::Done(answer.clone())),
            Some(_) => return Ok(Begun::InProgress),
            None => {}
        }
        kept.remove(key);
        kept.make_room(now)?;
        kept.insert(key.clone(), Entry { request: request.clone(), answer: None, until });
        Ok(Begun::New)
    }

    async fn finish(&self, key: &Key, answer: Answer, until: DateTime<Utc>) -> Result<(), Full> {
        let mut kept = self.kept();
        if let Some(entry) = kept.remove(key) {
            kept.insert(key.clone(), Entry { answer: Some(answer), until, ..entry });
        }
        Ok(())
    }

    async fn free(&self, key: &Key) -> Result<(), Full> {
        self.kept().remove(key);
        Ok(())
    }

    async fn raise(&self, lane: &Lane, fence: u64, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<u64, Full> {
        let mut kept = self.kept();
        let before = kept.fences.get(lane);
        let highest = before.filter(|before| before.until > now).map_or(fence, |before| fence.max(before.highest));
        if before.is_none() {
            kept.make_room(now)?;
            kept.bytes += ENTRY;
        }
        kept.fences.insert(lane.clone(), Fence { highest, until });
        Ok(highest)
    }
}

impl Kept {
    fn insert(&mut self, key: Key, entry: Entry) {
        self.bytes += entry.size();
        self.entries.insert(key, entry);
    }

    fn remove(&mut self, key: &Key) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.bytes -= entry.size();
        Some(entry)
    }

    /// Forgets what is over, then the answers that would be forgotten first.
    fn make_room(&mut self, now: DateTime<Utc>) -> Result<(), Full> {
        if self.bytes + ENTRY <= self.bound {
            return Ok(());
        }
        let fences = self.fences.len();
        self.fences.retain(|_, fence| fence.until > now);
        self.bytes -= (fences - self.fences.len()) * ENTRY;
        let mut leaving: Vec<(DateTime<Utc>, Key)> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.answer.is_some() || entry.until <= now)
            .map(|(key, entry)| (entry.until, key.clone()))
            .collect();
        leaving.sort();
        // Down to seven eighths, so that not every request has to look for room.
        for (until, key) in leaving {
            if until > now && self.bytes + ENTRY <= self.bound / 8 * 7 {
                break;
            }
            self.remove(&key);
        }
        let full = Full { keys: self.entries.len(), fences: self.fences.len() };
        if self.bytes + ENTRY <= self.bound { Ok(()) } else { Err(full) }
    }
}

impl Entry {
    fn size(&self) -> usize {
        let answer = self.answer.as_ref().map_or(0, |answer| {
            let headers: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
            headers + answer.body.as_ref().map_or(0, Vec::len)
        });
        ENTRY + answer
    }
}
