//! Changes of the whole key space at one instant: FLUSHALL, FLUSHDB, SWAPDB.

use crate::gate::World;
use crate::{Flushed, Guards, Locker, SlotGuard};
use base::Slot;
use std::sync::atomic::Ordering;

impl<'a> Guards<'a> {
    /// Calls `change` with the guard of a slot: the one that is among these, or one for the call.
    fn with<T>(
        &mut self,
        locker: &'a Locker,
        slot: Slot,
        change: impl FnOnce(&mut SlotGuard<'a>) -> T,
    ) -> T {
        match self.find(slot) {
            Some(at) => change(self.at(at)),
            None => change(&mut locker.lock(slot)),
        }
    }

    /// Takes all keys out of one physical database, or of all; gives each slot's keys to `sink`.
    /// Returns how many keys there were. A transaction that flushes has some slots locked: these.
    pub fn flush(
        &mut self,
        locker: &'a Locker,
        world: &World<'_>,
        db: Option<u16>,
        mut sink: impl FnMut(Flushed),
    ) -> u64 {
        let mut keys = 0;
        self.visit_all(locker, world, db, |guard| {
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
        });
        keys
    }

    /// Visits every slot that has keys of one physical database, or of any, in ascending order.
    pub fn visit_all(
        &mut self,
        locker: &'a Locker,
        world: &World<'_>,
        db: Option<u16>,
        mut visit: impl FnMut(&mut SlotGuard<'a>),
    ) {
        let _ = world;
        let store = locker.store();
        let next = |from| match db {
            Some(db) => store.next_slot_of(db, from),
            None => store.next_slot_with_keys(from),
        };
        let mut from = 0;
        while let Some(slot) = next(from) {
            from = slot.index() + 1;
            self.with(locker, slot, &mut visit);
        }
    }

    /// Exchanges two databases, by their numbers. Watches on keys that exist in either are touched,
    /// unless all that changes is that the key has expired; `now` is in milliseconds since 1970.
    pub fn swap_databases(
        &mut self,
        locker: &'a Locker,
        world: &World<'_>,
        (one, other): (u16, u16),
        now: i64,
    ) {
        let _ = world;
        let store = locker.store();
        let (a, b) = (store.physical_db(one), store.physical_db(other));
        store.databases[usize::from(one)].store(b, Ordering::Relaxed);
        store.databases[usize::from(other)].store(a, Ordering::Relaxed);
        for slot in Slot::all() {
            self.with(locker, slot, |guard| guard.swap_watches(a, b, now));
        }
    }
}

impl Locker {
    /// As [`Guards::flush`], for who has no slot.
    pub fn flush(&self, world: &World<'_>, db: Option<u16>, sink: impl FnMut(Flushed)) -> u64 {
        Guards::default().flush(self, world, db, sink)
    }
}
