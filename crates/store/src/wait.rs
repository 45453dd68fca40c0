//! Who waits for a slot: threads that found it locked, in the order they came.
//!
//! A thread that finds a slot locked queues, once however many of its connections want the slot,
//! and does not try again before it is called. Whoever unlocks the slot owes the head a call. It
//! may put that off while it goes on with the slot itself, until its work ends or the head has
//! waited for a millisecond: then the slot is reserved for the head. So the slot's memory stays
//! with one processor for many commands, and nobody waits for long.
//!
//! Who was called has a turn: from the first time it has the slot until the end of that batch the
//! slot is reserved for it. A head that does not come, or does not end its turn, loses the
//! reservation after two milliseconds, and the next is called.

use crate::order::{Short, brief};
use crate::sync::{Instant, Mutex, Thread, current, park_timeout};
use crate::{Locker, Mutant, Store};
use base::Slot;
use ds::lock::Left;
use std::cell::{Cell, OnceCell, RefCell};
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
/// How long after its call, or after its turn began, a head has the slot reserved.
pub(crate) const LAPSE: Duration = Duration::from_millis(2 * SLOW);
/// Into how many parts the queues are divided, each with a lock: threads at different slots do not
/// meet.
const SHARDS: usize = 64;

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

/// How a thread that locks slots is told that it is its turn.
pub trait Bell: Send + Sync {
    /// Called when it is the thread's turn at a slot; must not block.
    fn ring(&self, slot: Slot);
}

impl<F: Fn(Slot) + Send + Sync> Bell for F {
    fn ring(&self, slot: Slot) {
        self(slot);
    }
}

/// Wakes a thread that waits in [`Locker::wait`].
struct Sleeper(Thread);

impl Bell for Sleeper {
    fn ring(&self, _: Slot) {
        self.0.unpark();
    }
}

struct Entry {
    /// The number of the thread's gate.
    id: usize,
    since: Instant,
    /// When it was called or its turn began, unless it has come and failed since.
    called: Option<Instant>,
    /// Whether it has had the slot in this turn.
    has_turn: bool,
    bell: Arc<dyn Bell>,
}

impl Entry {
    fn has_lapsed(&self) -> bool {
        self.called.is_some_and(|at| at.elapsed() >= LAPSE)
    }

    /// Whether it keeps others from the slot, if it is the head.
    fn reserves(&self) -> bool {
        !self.has_lapsed() && (self.has_turn || self.since.elapsed() >= PATIENCE)
    }
}

type Queue = VecDeque<Entry>;
type Shard = Mutex<HashMap<Slot, Queue>>;

/// The wait lists of all slots. Few slots have one at any time.
pub(crate) struct SlotWaits(Box<[Shard]>);

impl SlotWaits {
    pub(crate) fn new() -> SlotWaits {
        SlotWaits((0..SHARDS).map(|_| Shard::default()).collect())
    }

    fn shard(&self, slot: Slot) -> &Shard {
        &self.0[slot.index() % SHARDS]
    }
}

/// How far a thread has come in the queue of a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It waits.
    Waits,
    /// It was called, and has not tried.
    Called,
    /// It has had the slot, which is reserved for it until the batch ends.
    HasTurn,
}

/// A thread's place in the queue of a slot.
struct Place {
    stage: Stage,
    /// When it looks after the slot itself.
    look: Instant,
}

/// What a thread knows of its places in queues.
#[derive(Default)]
pub(crate) struct Waits {
    /// The slots that it waits for.
    slots: RefCell<HashMap<Slot, Place>>,
    /// Whether there are any: looked at for each command.
    any: Cell<bool>,
    /// When to look after a slot that it waits for, in order.
    looks: RefCell<VecDeque<(Instant, Slot)>>,
    /// The slots whose heads it owes a call.
    owed: RefCell<Vec<Slot>>,
    /// The slot that it had last.
    last: Cell<Option<Slot>>,
    bell: OnceCell<Arc<dyn Bell>>,
}

impl Store {
    /// Changes the queue of a slot; then calls whom that says is to be called.
    fn with_queue<T>(
        &self,
        slot: Slot,
        change: impl FnOnce(&mut Queue) -> (T, Option<Arc<dyn Bell>>),
    ) -> T {
        let order = brief(Short::Queues);
        let mut queues = self.waits.shard(slot).lock();
        let queue = queues.entry(slot).or_default();
        let (result, bell) = change(queue);
        if queue.is_empty() {
            queues.remove(&slot);
        }
        drop(queues);
        drop(order);
        bell.into_iter().for_each(|bell| bell.ring(slot));
        result
    }

    /// Reserves a slot for the head of its queue, if that has waited for long enough.
    fn reserve(&self, slot: Slot, queue: &Queue) {
        let reserved = queue.front().is_some_and(Entry::reserves);
        self.cells[slot.index()].state.reserve(reserved);
    }

    /// Says whose turn it is at a slot. Returns whom to call.
    fn next_turn(&self, slot: Slot, queue: &mut Queue) -> Option<Arc<dyn Bell>> {
        self.reserve(slot, queue);
        let next = queue.iter_mut().find(|entry| !entry.has_lapsed())?;
        if next.called.is_some() {
            return None;
        }
        next.called = Some(Instant::now());
        Some(next.bell.clone())
    }

    /// Calls the head of a slot's queue. Where the caller goes on with the slot, not before the
    /// head has waited for a millisecond; answers whether the call is still owed then.
    fn call_head(&self, slot: Slot, goes_on: bool) -> bool {
        self.with_queue(slot, |queue| {
            let waits = |head: &Entry| head.called.is_none() && head.since.elapsed() < PATIENCE;
            if goes_on && queue.front().is_some_and(waits) {
                self.reserve(slot, queue);
                return (true, None);
            }
            (false, self.next_turn(slot, queue))
        })
    }

    /// How many threads wait for slots, each counted at each slot.
    pub fn waiting(&self) -> usize {
        let shards = self.waits.0.iter();
        let count = |shard: &Shard| shard.lock().values().map(VecDeque::len).sum::<usize>();
        shards.map(count).sum()
    }
}

impl Locker {
    /// Sets how the thread is told that it is its turn. Without, it is woken where it sleeps.
    pub fn set_bell(&self, bell: Arc<dyn Bell>) {
        let set = self.waits.bell.set(bell);
        debug_assert!(set.is_ok(), "a thread has one bell");
    }

    /// Takes a place in the queue of a slot that was locked. Returns whether it is the caller's
    /// turn, so that it should try the slot again itself; else it is called.
    pub fn wait_for(&self, slot: Slot) -> bool {
        let (id, store) = (self.id(), self.store());
        let turn = store.with_queue(slot, |queue| {
            if !queue.iter().any(|entry| entry.id == id) {
                let bell = self.waits.bell.get().cloned();
                queue.push_back(Entry {
                    id,
                    since: Instant::now(),
                    called: None,
                    has_turn: false,
                    bell: bell.unwrap_or_else(|| Arc::new(Sleeper(current()))),
                });
            }
            let free = store.cells[slot.index()].state.announce();
            let mut first = true;
            for entry in queue.iter_mut() {
                if entry.id == id {
                    entry.has_turn = false;
                    entry.called = (free && first).then(Instant::now);
                    break;
                }
                first &= entry.has_lapsed();
            }
            self.waits
                .slots
                .borrow_mut()
                .entry(slot)
                .or_insert_with(|| self.look_later(slot))
                .stage = Stage::Waits;
            (free && first, None)
        });
        self.waits.any.set(true);
        if turn {
            self.come(slot);
        }
        turn
    }

    /// Has the thread look after a slot in a while.
    fn look_later(&self, slot: Slot) -> Place {
        let look = Instant::now() + PATIENCE;
        self.waits.looks.borrow_mut().push_back((look, slot));
        let stage = Stage::Waits;
        Place { stage, look }
    }

    /// Waits until it is the caller's turn at a slot that was locked. For threads that serve
    /// nobody.
    pub fn wait(&self, slot: Slot) {
        crate::order::about_to_wait();
        if self.wait_for(slot) {
            return;
        }
        while !self.come_for(slot) {
            park_timeout(PATIENCE);
            self.look_after(slot);
        }
    }

    /// Whether the thread was called to a slot; if so, its turn begins.
    fn come_for(&self, slot: Slot) -> bool {
        let id = self.id();
        let called = self.store().with_queue(slot, |queue| {
            let mut mine = queue.iter().filter(|entry| entry.id == id);
            (mine.any(|entry| entry.called.is_some()), None)
        });
        if called {
            self.come(slot);
        }
        called
    }

    /// The thread was called to a slot: it may try it.
    pub fn come(&self, slot: Slot) {
        if let Some(place) = self.waits.slots.borrow_mut().get_mut(&slot)
            && place.stage == Stage::Waits
        {
            place.stage = Stage::Called;
        }
    }

    /// Whether the thread waits for a slot, and was not called yet.
    #[inline]
    pub fn waits_for(&self, slot: Slot) -> bool {
        self.waits_for_any() && self.stage_at(slot) == Some(Stage::Waits)
    }

    /// What [`Locker::try_lock`] looks at first: whether the thread waits for any slot.
    #[inline]
    pub(crate) fn waits_for_any(&self) -> bool {
        self.waits.any.get()
    }

    /// How far the thread has come in the queue of a slot, if it is in it.
    pub(crate) fn stage_at(&self, slot: Slot) -> Option<Stage> {
        self.waits
            .slots
            .borrow()
            .get(&slot)
            .map(|place| place.stage)
    }

    /// Notes that the thread has a slot.
    #[inline]
    pub(crate) fn had(&self, slot: Slot) {
        self.waits.last.set(Some(slot));
    }

    /// The thread has locked a slot that it was called to: it is reserved until the turn ends.
    pub(crate) fn begin_turn(&self, slot: Slot) {
        if let Some(place) = self.waits.slots.borrow_mut().get_mut(&slot) {
            place.stage = Stage::HasTurn;
        }
        let (id, store) = (self.id(), self.store());
        store.with_queue(slot, |queue| {
            if let Some(entry) = queue.iter_mut().find(|entry| entry.id == id) {
                entry.has_turn = true;
                entry.called = Some(Instant::now());
            }
            store.reserve(slot, queue);
            ((), None)
        });
    }

    /// The thread has unlocked a slot and found what was left there.
    #[cold]
    pub(crate) fn released(&self, slot: Slot, left: Left) {
        let mut owed = self.waits.owed.borrow_mut();
        if left == Left::Note && self.is_open() {
            if !owed.contains(&slot) {
                owed.push(slot);
            }
            return;
        }
        drop(owed);
        self.store().call_head(slot, false);
    }

    /// Ends turns and calls whom calls are owed, at the end of a batch. Where the thread goes on,
    /// it may keep the slot that it had last, and those it was called to but has not had.
    #[inline]
    pub(crate) fn settle(&self, goes_on: bool) {
        if self.waits.any.get() {
            self.end_turns(goes_on);
        }
        if !self.waits.owed.borrow().is_empty() {
            self.pay(goes_on);
        }
        self.waits.last.set(None);
    }

    #[cold]
    fn pay(&self, goes_on: bool) {
        let last = self.waits.last.get().filter(|_| goes_on);
        let mut owed = std::mem::take(&mut *self.waits.owed.borrow_mut());
        if self.store().is_broken(Mutant::CallForgotten) {
            owed.clear();
        }
        owed.retain(|&slot| self.store().call_head(slot, last == Some(slot)));
        *self.waits.owed.borrow_mut() = owed;
    }

    /// The thread leaves the queues of the slots where its turn has come.
    #[cold]
    fn end_turns(&self, goes_on: bool) {
        let mut slots = self.waits.slots.borrow_mut();
        let mut owed = self.waits.owed.borrow_mut();
        slots.retain(|&slot, place| {
            let ends = place.stage == Stage::HasTurn || (place.stage == Stage::Called && !goes_on);
            if ends {
                self.leave(slot);
                owed.push(slot);
            }
            !ends
        });
        self.waits.any.set(!slots.is_empty());
        if slots.is_empty() {
            self.waits.looks.borrow_mut().clear();
        }
    }

    fn leave(&self, slot: Slot) {
        let (id, store) = (self.id(), self.store());
        store.with_queue(slot, |queue| {
            queue.retain(|entry| entry.id != id);
            store.reserve(slot, queue);
            ((), None)
        });
    }

    /// When [`Locker::look_after_slots`] is due, if the thread waits for any.
    #[cfg(not(feature = "model"))]
    pub fn due(&self) -> Option<Instant> {
        self.waits.looks.borrow().front().map(|(due, _)| *due)
    }

    /// Looks after the slots that the thread has waited for since a millisecond: whoever owes it a
    /// call may be busy with something else, and who went before may not have come.
    pub fn look_after_slots(&self) {
        let now = Instant::now();
        let due = |(look, _): &mut (Instant, Slot)| *look <= now;
        loop {
            let Some((look, slot)) = self.waits.looks.borrow_mut().pop_front_if(due) else {
                return;
            };
            let mut slots = self.waits.slots.borrow_mut();
            if let Some(place) = slots.get_mut(&slot)
                && place.look == look
            {
                place.look = self.look_later(slot).look;
                drop(slots);
                self.look_after(slot);
            }
        }
    }

    fn look_after(&self, slot: Slot) {
        self.store().call_head(slot, true);
    }

    /// Leaves all queues: the thread locks no more.
    pub(crate) fn leave_all(&self) {
        let slots = std::mem::take(&mut *self.waits.slots.borrow_mut());
        for &slot in slots.keys() {
            self.leave(slot);
            self.waits.owed.borrow_mut().push(slot);
        }
        self.waits.any.set(false);
        self.settle(false);
    }
}
