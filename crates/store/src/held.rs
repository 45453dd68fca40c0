//! Slots whose effects must not move the replication offset now: a pause holds them.

use crate::Store;
use base::{Slot, SlotSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const WORDS: usize = Slot::COUNT / 64;

/// A word for each 64 slots. Whoever appends to the journal looks here with its gate open, and who
/// has held slots waits until each gate has passed a boundary: from then on their offset stands.
pub(crate) struct Held {
    any: AtomicBool,
    words: [AtomicU64; WORDS],
}

impl Default for Held {
    fn default() -> Held {
        Held {
            any: AtomicBool::new(false),
            words: [const { AtomicU64::new(0) }; WORDS],
        }
    }
}

impl Store {
    /// Holds these slots, and no others.
    pub fn hold(&self, slots: &SlotSet) {
        let mut words = [0u64; WORDS];
        for slot in slots.iter() {
            words[slot.index() / 64] |= 1 << (slot.index() % 64);
        }
        for (shared, word) in self.held.words.iter().zip(words) {
            shared.store(word, Ordering::SeqCst);
        }
        let any = words.iter().any(|&word| word != 0);
        self.held.any.store(any, Ordering::SeqCst);
    }

    /// Whether a slot is held. Asked with the gate open.
    #[inline]
    pub fn is_held(&self, slot: Slot) -> bool {
        self.holds_any()
            && self.held.words[slot.index() / 64].load(Ordering::SeqCst) >> (slot.index() % 64) & 1
                == 1
    }

    /// Whether any slot is held: what belongs to no slot then waits too.
    #[inline]
    pub fn holds_any(&self) -> bool {
        self.held.any.load(Ordering::SeqCst)
    }
}
