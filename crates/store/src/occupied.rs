//! Which slots have keys, for everything that goes over the whole key space.

use base::Slot;
use std::sync::atomic::{AtomicU64, Ordering};

/// A bitmap of the slots that have keys, written under each slot's lock.
pub(crate) struct Occupied(Box<[AtomicU64]>);

impl Occupied {
    pub(crate) fn new() -> Occupied {
        Occupied((0..Slot::COUNT / 64).map(|_| AtomicU64::new(0)).collect())
    }

    pub(crate) fn set(&self, slot: Slot, on: bool) {
        let (word, bit) = (&self.0[slot.index() / 64], 1 << (slot.index() % 64));
        if on {
            word.fetch_or(bit, Ordering::Release);
        } else {
            word.fetch_and(!bit, Ordering::Release);
        }
    }

    pub(crate) fn contains(&self, slot: Slot) -> bool {
        self.0[slot.index() / 64].load(Ordering::Acquire) & (1 << (slot.index() % 64)) != 0
    }

    /// The first slot with keys at or after `from`.
    pub(crate) fn next(&self, from: usize) -> Option<Slot> {
        let mut index = from;
        while index < Slot::COUNT {
            let word = self.0[index / 64].load(Ordering::Acquire) >> (index % 64);
            if word != 0 {
                return Slot::new((index + word.trailing_zeros() as usize) as u16);
            }
            index = (index / 64 + 1) * 64;
        }
        None
    }

    /// How many slots have keys.
    pub(crate) fn len(&self) -> usize {
        self.0
            .iter()
            .map(|word| word.load(Ordering::Relaxed).count_ones() as usize)
            .sum()
    }

    /// The slot with keys that comes `nth` in order.
    pub(crate) fn nth(&self, mut nth: usize) -> Option<Slot> {
        for (index, word) in self.0.iter().enumerate() {
            let mut bits = word.load(Ordering::Acquire);
            let count = bits.count_ones() as usize;
            if nth >= count {
                nth -= count;
                continue;
            }
            for _ in 0..nth {
                bits &= bits - 1;
            }
            return Slot::new((index * 64 + bits.trailing_zeros() as usize) as u16);
        }
        None
    }
}
