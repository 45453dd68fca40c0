//! Changes of the whole key space at one instant: FLUSHALL, FLUSHDB, SWAPDB.

use crate::gate::World;
use crate::{Flushed, Locker};
use std::sync::atomic::Ordering;

impl Locker {
    /// Takes all keys out of one physical database, or of all; gives each slot's keys to `sink`.
    /// Returns how many keys there were.
    pub fn flush(&self, world: &World<'_>, db: Option<u16>, mut sink: impl FnMut(Flushed)) -> u64 {
        let _ = world;
        let mut keys = 0;
        let mut from = 0;
        let next = |from| match db {
            Some(db) => self.store().next_slot_of(db, from),
            None => self.store().next_slot_with_keys(from),
        };
        while let Some(slot) = next(from) {
            from = slot.index() + 1;
            let mut guard = self.lock(slot);
            let databases = match db {
                Some(db) => vec![db],
                None => guard.state().databases().map(|(db, _)| db).collect(),
            };
            for db in databases {
                if let Some(flushed) = guard.take_keys(db) {
                    keys += flushed.len() as u64;
                    sink(flushed);
                }
            }
        }
        keys
    }

    /// Exchanges two databases, by their numbers. Watches on keys that exist in either are touched,
    /// unless all that changes is that the key has expired; `now` is in milliseconds since 1970.
    pub fn swap_databases(&self, world: &World<'_>, one: u16, other: u16, now: i64) {
        let _ = world;
        let store = self.store();
        let (a, b) = (store.physical_db(one), store.physical_db(other));
        store.databases[usize::from(one)].store(b, Ordering::Relaxed);
        store.databases[usize::from(other)].store(a, Ordering::Relaxed);
        for slot in base::Slot::all() {
            let mut guard = self.lock(slot);
            guard.swap_watches(a, b, now);
        }
    }
}
