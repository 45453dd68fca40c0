//! A thread's way to slots.

use crate::count::Counts;
use crate::gate::{Gate, Token, World};
use crate::{Expiries, SlotGuard, Store};
use base::Slot;
use smallvec::SmallVec;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// What a thread needs to lock slots: its gate and its counters.
pub struct Locker {
    store: Arc<Store>,
    gate: Gate,
    counts: Arc<Counts>,
    expiries: Arc<Expiries>,
    /// The slot that this thread may take although it is reserved.
    pub(crate) turn: Cell<Option<Slot>>,
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
        let counts = Arc::new(Counts::new(store.databases()));
        store.counts.write().push(counts.clone());
        Locker {
            store: store.clone(),
            gate: store.gates.add(),
            counts,
            expiries: Arc::default(),
            turn: Cell::new(None),
        }
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

    /// Ends the batch: closes the gate, and wakes readers of the journal.
    #[inline]
    pub fn close(&self) {
        self.gate.close();
        self.store.journal.wake_readers();
    }

    /// The same for a thread that has the append-only file written itself, right after this.
    #[inline]
    pub fn close_to_write(&self) {
        self.gate.close();
        self.store.journal.wake_peers();
    }

    /// Whether the thread's gate is open.
    pub fn is_open(&self) -> bool {
        self.gate.is_open()
    }

    /// A batch that ends with its scope.
    pub fn enter(&self) -> Open<'_> {
        self.open();
        Open(self)
    }

    /// The world, if it can be had within `patience`. The thread's gate must be closed.
    pub fn try_world(&self, patience: Duration) -> Option<World<'_>> {
        debug_assert!(
            !self.gate.is_open(),
            "the world is asked for with the gate closed"
        );
        self.store.gates.try_world(patience)
    }

    /// The world; tries until it has it, for as long as it takes. For threads that serve nobody.
    pub fn world(&self) -> World<'_> {
        let mut patience = Duration::from_millis(1);
        loop {
            if let Some(world) = self.try_world(patience) {
                return world;
            }
            crate::sync::sleep(patience);
            patience = (patience * 2).min(Duration::from_millis(64));
        }
    }

    /// Locks a slot if it is free.
    #[inline]
    pub fn try_lock(&self, slot: Slot) -> Option<SlotGuard<'_>> {
        let cell = &self.store.cells[slot.index()];
        match cell.state.try_lock() {
            Some(state) => Some(SlotGuard::new(self, cell, slot, state)),
            None => self.try_lock_in_turn(slot),
        }
    }

    #[cold]
    fn try_lock_in_turn(&self, slot: Slot) -> Option<SlotGuard<'_>> {
        (self.turn.get() == Some(slot)).then(|| self.try_lock_reserved(slot))?
    }

    fn try_lock_reserved(&self, slot: Slot) -> Option<SlotGuard<'_>> {
        let cell = &self.store.cells[slot.index()];
        let state = cell.state.try_lock_reserved()?;
        Some(SlotGuard::new(self, cell, slot, state))
    }

    /// The token, if nobody has it: the right to wait for slots while holding others.
    pub fn try_token(&self) -> Option<Token<'_>> {
        self.store.gates.try_token()
    }

    /// Locks all of `slots`, waiting for each.
    pub fn lock_all(&self, token: &Token<'_>, slots: &[Slot]) -> Guards<'_> {
        let _ = token;
        Guards(slots.iter().map(|&slot| self.lock(slot)).collect())
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
                Some(guard) => guards.0.push(guard),
                None => return Err(slot),
            }
        }
        Ok(guards)
    }
}

/// The guards of a command over any number of slots, in ascending order of slot.
#[derive(Default)]
pub struct Guards<'a>(SmallVec<[SlotGuard<'a>; 1]>);

impl<'a> Guards<'a> {
    /// The guard of one slot.
    #[inline]
    pub fn one(guard: SlotGuard<'a>) -> Guards<'a> {
        let mut guards = SmallVec::new();
        guards.push(guard);
        Guards(guards)
    }

    /// The place of a slot's guard, if it is among them.
    #[inline]
    pub fn find(&self, slot: Slot) -> Option<usize> {
        match self.0.as_slice() {
            [only] => (only.slot() == slot).then_some(0),
            guards => guards
                .binary_search_by_key(&slot, |guard| guard.slot())
                .ok(),
        }
    }

    /// The slot of the guard in a place.
    #[inline]
    pub fn slot_at(&self, place: usize) -> Option<Slot> {
        self.0.get(place).map(SlotGuard::slot)
    }

    /// The guard in a place.
    #[inline]
    pub fn at(&mut self, place: usize) -> &mut SlotGuard<'a> {
        &mut self.0[place]
    }

    /// The slot, if there is just one.
    #[inline]
    pub fn only(&self) -> Option<Slot> {
        match self.0.as_slice() {
            [only] => Some(only.slot()),
            _ => None,
        }
    }

    /// Adds a guard, in order; answers its place.
    pub fn add(&mut self, guard: SlotGuard<'a>) -> usize {
        let at = self.0.partition_point(|other| other.slot() < guard.slot());
        self.0.insert(at, guard);
        at
    }

    /// The one of the lowest slot.
    #[inline]
    pub fn first_mut(&mut self) -> Option<&mut SlotGuard<'a>> {
        self.0.first_mut()
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut SlotGuard<'a>> {
        self.0.iter_mut()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The highest sequence number of the effects of these slots.
    pub fn last_effect(&self) -> u64 {
        self.0
            .iter()
            .map(|guard| guard.last_effect())
            .max()
            .unwrap_or(0)
    }

    /// Notes the sequence number of an effect that was appended under all of these guards.
    pub fn set_last_effect(&mut self, sequence: u64) {
        self.0
            .iter_mut()
            .for_each(|guard| guard.set_last_effect(sequence));
    }
}
