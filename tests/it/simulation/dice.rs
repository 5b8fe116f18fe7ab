//! One stream of chance from one seed.

use std::cell::Cell;

use chrono::TimeDelta;

/// SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>): small, and the same on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// `0..end`
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// Between two spans, to the millisecond.
    pub(crate) fn span(&mut self, least: TimeDelta, most: TimeDelta) -> TimeDelta {
        let width = u64::try_from((most - least).num_milliseconds()).unwrap_or_default();
        least + TimeDelta::milliseconds(i64::try_from(self.below(width + 1)).unwrap())
    }

    /// True so many times in a hundred.
    pub(crate) const fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

thread_local! {
    static IDS: Cell<u64> = const { Cell::new(0) };
}

/// The ids that this thread draws from now on follow from `seed`.
pub(crate) fn seed_ids(seed: u64) {
    IDS.set(seed);
}

/// Fills in what [`seed_ids`] made certain.
pub(crate) fn fill(bytes: &mut [u8]) {
    let mut dice = Dice::of(IDS.get());
    for chunk in bytes.chunks_mut(8) {
        let drawn = dice.roll().to_le_bytes();
        chunk.copy_from_slice(&drawn[..chunk.len()]);
    }
    IDS.set(dice.0);
}
