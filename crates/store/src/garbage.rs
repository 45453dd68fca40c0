//! What is freed in the background because freeing it may take long, and how much of it there is.

use crate::guard::Flushed;
use crate::{Watch, tap};
use ds::Object;
use std::sync::atomic::{AtomicU64, Ordering};

/// Something that is freed in the background.
pub enum Garbage {
    /// A value.
    Object(Object),
    /// The keys of a slot.
    Keys(Flushed),
    /// What waited for a tap that was given up.
    Images(tap::Remains),
    /// A watch whose slot was locked when it ended: physical database and key.
    Watch(u16, Box<[u8]>, Watch),
}

impl Garbage {
    /// How many values of keys that is.
    fn objects(&self) -> u64 {
        match self {
            Garbage::Object(_) => 1,
            Garbage::Keys(keys) => keys.len() as u64,
            Garbage::Images(_) | Garbage::Watch(..) => 0,
        }
    }
}

/// Counts the values of keys that are freed in the background.
#[derive(Default)]
pub(crate) struct FreeCount {
    pending: AtomicU64,
    freed: AtomicU64,
}

impl FreeCount {
    /// So many wait from now on.
    pub(crate) fn begin(&self, garbage: &Garbage) -> u64 {
        let objects = garbage.objects();
        self.pending.fetch_add(objects, Ordering::Relaxed);
        objects
    }

    /// So many are freed.
    pub(crate) fn end(&self, objects: u64) {
        self.pending.fetch_sub(objects, Ordering::Relaxed);
        self.freed.fetch_add(objects, Ordering::Relaxed);
    }

    /// So many could not be handed over, and are freed in place.
    pub(crate) fn take_back(&self, objects: u64) {
        self.pending.fetch_sub(objects, Ordering::Relaxed);
    }
}

impl crate::Store {
    /// How many values of keys wait to be freed in the background.
    pub fn pending_garbage(&self) -> u64 {
        self.free_count.pending.load(Ordering::Relaxed)
    }

    /// How many values of keys were freed in the background since the start, or since
    /// [`Store::reset_freed`](crate::Store::reset_freed).
    pub fn freed_garbage(&self) -> u64 {
        self.free_count.freed.load(Ordering::Relaxed)
    }

    /// CONFIG RESETSTAT: counts what is freed from here on.
    pub fn reset_freed(&self) {
        self.free_count.freed.store(0, Ordering::Relaxed);
    }
}
