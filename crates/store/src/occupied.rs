//! Which slots have keys, for everything that goes over the whole key space.

use base::Slot;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The slots that have keys: of each database, by its physical number, and of any.
///
/// Each is written under the slot's lock. A database that never had a key costs a pointer, any
/// other 2 KB.
pub(crate) struct Occupied {
    any: Bitmap,
    databases: Box<[OnceLock<Bitmap>]>,
}

impl Occupied {
    pub(crate) fn new(databases: u16) -> Occupied {
        Occupied {
            any: Bitmap::new(),
            databases: (0..databases).map(|_| OnceLock::new()).collect(),
        }
    }

    /// A database has got its first key in a slot.
    pub(crate) fn begin(&self, db: u16, slot: Slot) {
        self.any.set(slot, true);
        self.databases[usize::from(db)]
            .get_or_init(Bitmap::new)
            .set(slot, true);
    }

    /// A database has lost its last key in a slot.
    pub(crate) fn end(&self, db: u16, slot: Slot) {
        if let Some(bitmap) = self.of(db) {
            bitmap.set(slot, false);
        }
    }

    /// No database has keys in a slot any more.
    pub(crate) fn end_all(&self, slot: Slot) {
        self.any.set(slot, false);
    }

    /// The slots in which a database has keys; `None`: it never had any.
    pub(crate) fn of(&self, db: u16) -> Option<&Bitmap> {
        self.databases[usize::from(db)].get()
    }

    /// The slots in which any database has keys.
    pub(crate) fn any(&self) -> &Bitmap {
        &self.any
    }
}

/// A set of slots.
pub(crate) struct Bitmap(Box<[AtomicU64]>);

impl Bitmap {
    fn new() -> Bitmap {
        Bitmap((0..Slot::COUNT / 64).map(|_| AtomicU64::new(0)).collect())
    }

    fn set(&self, slot: Slot, on: bool) {
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

    /// The first slot at or after `from`.
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

    /// How many slots it has.
    pub(crate) fn len(&self) -> usize {
        self.0
            .iter()
            .map(|word| word.load(Ordering::Relaxed).count_ones() as usize)
            .sum()
    }

    /// The slot that comes `nth` in order.
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
