//! A thread's way to slots.

use crate::count::Counts;
use crate::gate::{Gate, Token, Turn};
use crate::wait::{Stage, Waits};
use crate::{Expiries, Guards, SlotGuard, Store};
use base::Slot;
use ds::lock::Left;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// What a thread needs to lock slots: its gate and its counters.
pub struct Locker {
    store: Arc<Store>,
    gate: Gate,
    counts: Arc<Counts>,
    expiries: Arc<Expiries>,
    /// Its places in the queues of slots.
    pub(crate) waits: Waits,
    /// Its place in the queue for the token.
    pub(crate) turn: Cell<Turn>,
}

/// A batch: the thread's gate is open while this lives.
pub struct Open<'a>(&'a Locker);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Locker {
    /// A locker for the calling thread.
    pub fn new(store: &Arc<Store>) -> Locker {
        let counts = store.counts.write().add();
        Locker {
            store: store.clone(),
            gate: store.gates.add(),
            counts,
            expiries: Arc::default(),
            waits: Waits::default(),
            turn: Cell::default(),
        }
    }

    /// The number of the thread's gate.
    pub(crate) fn id(&self) -> usize {
        self.gate.number()
    }

    /// Whether the thread is in a batch.
    pub fn is_open(&self) -> bool {
        self.gate.is_open()
    }

    /// The store.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Where deletions of expired keys go while a command of this thread runs.
    pub fn expiries(&self) -> &Arc<Expiries> {
        &self.expiries
    }

    /// Counts changes that no guard counted.
    pub fn count_dirty(&self, changes: u64) {
        crate::count::add(&self.counts.dirty, changes);
    }

    /// Counts a lookup for `keyspace_hits` and `keyspace_misses`.
    #[inline]
    pub fn count_lookup(&self, found: bool) {
        let counter = if found {
            &self.counts.hits
        } else {
            &self.counts.misses
        };
        crate::count::add(counter, 1);
    }

    /// Opens the gate for a batch; waits while somebody has the world.
    #[inline]
    pub fn open(&self) {
        self.gate.open();
    }

    /// Ends the batch: closes the gate, calls who waits for slots that the thread has had, and
    /// wakes readers of the journal.
    #[inline]
    pub fn close(&self) {
        self.gate.close();
        self.settle(false);
        self.store.journal.wake_readers();
    }

    /// As [`Locker::close`], for a thread that has the append-only file written itself, right after
    /// this.
    #[inline]
    pub fn close_to_write(&self) {
        self.gate.close();
        self.settle(false);
        self.store.journal.wake_peers();
    }

    /// As [`Locker::close`], for a thread whose next batch follows at once: who waits for a slot
    /// that it goes on with waits a little longer. The thread must call [`Locker::rest`] before it
    /// does anything else, or sleeps. With `writes` it has the append-only file written then.
    #[inline]
    pub fn close_and_go_on(&self, writes: bool) {
        self.gate.close();
        self.settle(!self.store.gates().are_closed());
        if writes {
            self.store.journal.wake_peers();
        } else {
            self.store.journal.wake_readers();
        }
    }

    /// Calls who waits for slots that the thread has had: it does not go on with them.
    #[inline]
    pub fn rest(&self) {
        self.settle(false);
    }

    /// A batch that ends with its scope.
    pub fn enter(&self) -> Open<'_> {
        self.open();
        Open(self)
    }

    /// Locks a slot if it is free, and if the thread does not wait for it already.
    #[inline]
    pub fn try_lock(&self, slot: Slot) -> Option<SlotGuard<'_>> {
        if self.waits_for_any() {
            return self.try_lock_in_turn(slot);
        }
        self.try_lock_free(slot)
    }

    #[inline]
    fn try_lock_free(&self, slot: Slot) -> Option<SlotGuard<'_>> {
        let cell = &self.store.cells[slot.index()];
        let state = cell.state.try_lock()?;
        self.had(slot);
        Some(SlotGuard::new(self, cell, slot, state, false))
    }

    #[cold]
    fn try_lock_in_turn(&self, slot: Slot) -> Option<SlotGuard<'_>> {
        match self.stage_at(slot) {
            None => self.try_lock_free(slot),
            Some(Stage::Waits) => None,
            Some(stage) => {
                let guard = self.try_lock_reserved(slot)?;
                if stage == Stage::Called {
                    self.begin_turn(slot);
                }
                Some(guard)
            }
        }
    }

    fn try_lock_reserved(&self, slot: Slot) -> Option<SlotGuard<'_>> {
        let cell = &self.store.cells[slot.index()];
        let state = cell.state.try_lock_reserved()?;
        self.had(slot);
        Some(SlotGuard::new(self, cell, slot, state, true))
    }

    /// Asks for the entries of a hash in database 0, or, if they are not in bucket number `nth` of
    /// its chain, for the next bucket, and answers true then: call it again some time later with
    /// the next number. It begins with 0, some time after [`Store::prefetch_bucket`]. The bucket is
    /// read for that, so the slot is locked for a moment; one that another thread has, or that this
    /// one waits for, is left alone.
    #[inline]
    pub fn prefetch_entry(&self, slot: Slot, hash: u64, nth: usize) -> bool {
        if self.waits_for_any() {
            return false;
        }
        let Some(state) = self.store.cells[slot.index()].state.try_lock() else {
            return false;
        };
        let more = state.first.table.prefetch(hash, nth);
        let left = state.unlock();
        if left != Left::Nothing {
            self.released(slot, left);
        }
        more
    }

    /// Locks all of `slots`, waiting for each.
    pub fn lock_all(&self, token: &Token<'_>, slots: &[Slot]) -> Guards<'_> {
        let _ = token;
        let mut guards = Guards::default();
        for &slot in slots {
            guards.add(self.lock(slot));
        }
        guards
    }

    /// Locks a slot, waiting for it. Only for threads that hold no other slot and serve nobody, and
    /// for who has the token.
    pub fn lock(&self, slot: Slot) -> SlotGuard<'_> {
        crate::order::about_to_wait();
        let mut tries = 0u32;
        loop {
            if let Some(guard) = self.try_lock_reserved(slot) {
                return guard;
            }
            tries += 1;
            if tries < 32 {
                crate::sync::yield_now();
            } else {
                crate::sync::sleep(Duration::from_micros(50));
            }
        }
    }

    /// Locks all of `slots`, which must be ascending and without repetition; backs off whole and
    /// names the slot that was taken when one is.
    pub fn try_lock_all(&self, slots: &[Slot]) -> Result<Guards<'_>, Slot> {
        let mut guards = Guards::default();
        for &slot in slots {
            match self.try_lock(slot) {
                Some(guard) => {
                    guards.add(guard);
                }
                None => return Err(slot),
            }
        }
        Ok(guards)
    }
}

impl Drop for Locker {
    fn drop(&mut self) {
        self.leave_all();
        self.store.counts.write().retire(&self.counts);
    }
}
