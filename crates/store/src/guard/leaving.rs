//! The keys of a slot that are on their way to another server: who wants one waits for the outcome,
//! and its time to live does not end here meanwhile.
//!
//! The slot's route word says whether there are any, which costs nobody a look at the keys.

use super::SlotGuard;
use crate::{Store, Wake};
use base::Slot;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[cfg(all(test, not(feature = "model")))]
mod tests;

/// The bit of a slot's route word that is the store's: some keys of the slot are leaving.
const LEAVING: u64 = 1 << 63;

/// Who waits for the outcome of one key.
type Waiters = Vec<Arc<dyn Wake>>;

/// Such keys of one slot, of whatever database.
#[derive(Default)]
pub(crate) struct Leavers(HashMap<Box<[u8]>, Waiters>);

impl Leavers {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Store {
    /// The word that says who owns a slot and what is happening to it; the engine gives it its
    /// meaning.
    #[inline]
    pub fn route(&self, slot: Slot) -> u64 {
        self.cells[slot.index()].route.load(Ordering::Acquire) & !LEAVING
    }

    /// Sets that word.
    pub fn set_route(&self, slot: Slot, word: u64) {
        let route = &self.cells[slot.index()].route;
        let mut was = route.load(Ordering::Relaxed);
        loop {
            let new = (was & LEAVING) | (word & !LEAVING);
            match route.compare_exchange_weak(was, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => was = now,
            }
        }
    }
}

impl SlotGuard<'_> {
    /// Whether any key of the slot is on its way to another server.
    #[inline]
    pub fn has_leaving(&self) -> bool {
        self.cell.route.load(Ordering::Relaxed) & LEAVING != 0
    }

    /// Whether this key is, in whatever database.
    #[inline]
    pub fn is_leaving(&self, key: &[u8]) -> bool {
        self.has_leaving() && self.leavers().is_some_and(|keys| keys.0.contains_key(key))
    }

    fn leavers(&self) -> Option<&Leavers> {
        self.state().rare.as_ref().map(|rare| &rare.leavers)
    }

    /// A key begins its way. False when it is on its way already.
    pub fn begin_leaving(&mut self, key: &[u8]) -> bool {
        if self.is_leaving(key) {
            return false;
        }
        let leavers = &mut self.state_mut().rare().leavers;
        leavers.0.insert(key.into(), Waiters::new());
        self.cell.route.fetch_or(LEAVING, Ordering::AcqRel);
        true
    }

    /// It has arrived, or has not: those who wait for that are woken.
    pub fn end_leaving(&mut self, key: &[u8]) {
        let Some(rare) = &mut self.state_mut().rare else {
            return;
        };
        let Some(waiters) = rare.leavers.0.remove(key) else {
            return;
        };
        if rare.leavers.is_empty() {
            self.cell.route.fetch_and(!LEAVING, Ordering::AcqRel);
            self.tidy = true;
        }
        waiters.into_iter().for_each(|waiter| waiter.wake());
    }

    /// Has `waiter` woken, once, at the end of a key's way. False when it is not on its way (any
    /// more): nobody would wake it.
    pub fn await_leaving(&mut self, key: &[u8], waiter: impl FnOnce() -> Arc<dyn Wake>) -> bool {
        let Some(rare) = &mut self.state_mut().rare else {
            return false;
        };
        let Some(waiters) = rare.leavers.0.get_mut(key) else {
            return false;
        };
        waiters.push(waiter());
        true
    }
}
