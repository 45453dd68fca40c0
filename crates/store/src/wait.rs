//! Who waits for a slot: connections that found it locked, in the order they came.

use base::Slot;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};

/// Something that is told to try again: a parked connection on its worker.
pub trait Wake: Send + Sync {
    /// Called once, when the slot was released; must not block.
    fn wake(self: Box<Self>);
}

impl<F: FnOnce() + Send + Sync> Wake for F {
    fn wake(self: Box<Self>) {
        (*self)();
    }
}

/// The wait lists of all slots. Few slots have one at any time.
#[derive(Default)]
pub(crate) struct SlotWaits(Mutex<HashMap<Slot, VecDeque<Box<dyn Wake>>>>);

impl SlotWaits {
    pub(crate) fn push(&self, slot: Slot, waiter: Box<dyn Wake>) {
        self.0.lock().entry(slot).or_default().push_back(waiter);
    }

    /// Wakes the head; returns whether others still wait.
    pub(crate) fn wake_head(&self, slot: Slot) -> bool {
        let mut lists = self.0.lock();
        let Some(list) = lists.get_mut(&slot) else {
            return false;
        };
        let head = list.pop_front();
        let more = !list.is_empty();
        if !more {
            lists.remove(&slot);
        }
        drop(lists);
        if let Some(waiter) = head {
            waiter.wake();
        }
        more
    }
}
