//! Who waits for a slot: connections that found it locked, in the order they came.
//!
//! Whoever finds a slot locked queues and tries once more. A release wakes the head of the queue,
//! once; it keeps its place until it has had the slot. When the head has waited for a millisecond
//! the slot is reserved for it: newcomers fail, and queue behind it. A head that was woken and does
//! not come loses the reservation, and the next is woken at the next occasion.

use crate::order::{Short, brief};
use crate::sync::{AtomicU64, Instant, Mutex, Ordering};
use crate::{Locker, Store};
use base::Slot;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Tests must not depend on how quick the machine is; a model has a clock of its own.
const SLOW: u64 = if cfg!(all(test, not(feature = "model"))) {
    100
} else {
    1
};
/// How long the head waits before newcomers queue behind it.
pub(crate) const PATIENCE: Duration = Duration::from_millis(SLOW);
/// How long after its wake-up a head has the slot reserved.
pub(crate) const LAPSE: Duration = Duration::from_millis(2 * SLOW);

/// Something that is told to try again: a parked connection on its worker.
pub trait Wake: Send + Sync {
    /// Called when it is the waiter's turn; must not block.
    fn wake(&self);
}

impl<F: Fn() + Send + Sync> Wake for F {
    fn wake(&self) {
        self();
    }
}

struct Entry {
    id: u64,
    since: Instant,
    /// When it was told that it is its turn, if it was and has not come since.
    woken: Option<Instant>,
    wake: Arc<dyn Wake>,
}

impl Entry {
    fn has_lapsed(&self) -> bool {
        self.woken.is_some_and(|at| at.elapsed() >= LAPSE)
    }
}

type Queue = VecDeque<Entry>;

/// The wait lists of all slots. Few slots have one at any time.
#[derive(Default)]
pub(crate) struct SlotWaits {
    queues: Mutex<HashMap<Slot, Queue>>,
    ids: AtomicU64,
}

/// A place in the queue of a slot. Whoever drops it leaves the queue.
pub struct Place {
    store: Arc<Store>,
    slot: Slot,
    id: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let order = brief(Short::Queues);
        let mut queues = self.store.waits.queues.lock();
        let Some(queue) = queues.get_mut(&self.slot) else {
            return;
        };
        queue.retain(|entry| entry.id != self.id);
        let wake = self.store.next_turn(self.slot, queue);
        if queue.is_empty() {
            queues.remove(&self.slot);
        }
        drop(queues);
        drop(order);
        wake.into_iter().for_each(|waiter| waiter.wake());
    }
}

impl Store {
    /// Says whose turn it is at a slot, and has whoever locks the slot next tell of its release.
    /// Returns whom to wake.
    fn next_turn(&self, slot: Slot, queue: &mut Queue) -> Option<Arc<dyn Wake>> {
        let lock = &self.cells[slot.index()].state;
        let Some(head) = queue.front() else {
            lock.reserve(false);
            return None;
        };
        lock.reserve(head.since.elapsed() >= PATIENCE && !head.has_lapsed());
        lock.announce();
        let next = queue.iter_mut().find(|entry| !entry.has_lapsed())?;
        if next.woken.is_some() {
            return None;
        }
        next.woken = Some(Instant::now());
        Some(next.wake.clone())
    }

    /// Tells whoever waits for a slot that it was released.
    pub(crate) fn wake_waiter(&self, slot: Slot) {
        let order = brief(Short::Queues);
        let mut queues = self.waits.queues.lock();
        let wake = queues
            .get_mut(&slot)
            .and_then(|queue| self.next_turn(slot, queue));
        drop(queues);
        drop(order);
        wake.into_iter().for_each(|waiter| waiter.wake());
    }

    /// Passes on the turns of those who were woken and did not come. To be called now and then: a
    /// worker that is busy for long must not keep others from a slot that is free.
    pub fn pass_turns(&self) {
        let order = brief(Short::Queues);
        let mut queues = self.waits.queues.lock();
        let mut waiters = Vec::new();
        for (&slot, queue) in queues.iter_mut() {
            if queue.front().is_some_and(Entry::has_lapsed) {
                waiters.extend(self.next_turn(slot, queue));
            }
        }
        drop(queues);
        drop(order);
        waiters.into_iter().for_each(|waiter| waiter.wake());
    }

    /// How many connections wait for a slot.
    pub fn waiting(&self) -> usize {
        self.waits.queues.lock().values().map(VecDeque::len).sum()
    }
}

impl Locker {
    /// Takes a place in the queue of a slot, or comes back to the one that `place` is. Returns
    /// whether the slot is free and the caller, who must call [`Locker::take_turn`] first, should
    /// try it again itself; else the waiter is woken when it is its turn.
    pub fn wait_for(
        &self,
        slot: Slot,
        place: &mut Option<Place>,
        waiter: impl FnOnce() -> Arc<dyn Wake>,
    ) -> bool {
        if place.as_ref().is_some_and(|place| place.slot != slot) {
            *place = None;
        }
        let store = self.store();
        let _order = brief(Short::Queues);
        let mut queues = store.waits.queues.lock();
        let queue = queues.entry(slot).or_default();
        let id = match place {
            Some(place) => place.id,
            None => {
                let id = store.waits.ids.fetch_add(1, Ordering::Relaxed);
                queue.push_back(Entry {
                    id,
                    since: Instant::now(),
                    woken: None,
                    wake: waiter(),
                });
                let store = store.clone();
                *place = Some(Place { store, slot, id });
                id
            }
        };
        let mut first = true;
        for entry in queue.iter_mut() {
            if entry.id == id {
                entry.woken = None;
                break;
            }
            first &= entry.has_lapsed();
        }
        let lock = &store.cells[slot.index()].state;
        lock.announce() && (first || !lock.is_reserved())
    }

    /// Lets the calling thread take the slot of `place` although it is reserved, if that is whom it
    /// is reserved for, until this is called with another place or none.
    pub fn take_turn(&self, place: Option<&Place>) {
        let turn = place.filter(|place| {
            let queues = place.store.waits.queues.lock();
            let mut queue = queues.get(&place.slot).into_iter().flatten();
            queue
                .find(|entry| entry.id == place.id || !entry.has_lapsed())
                .is_some_and(|entry| entry.id == place.id)
        });
        self.turn.set(turn.map(|place| place.slot));
    }
}
