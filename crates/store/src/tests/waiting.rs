//! The queue of a slot and that of the token: who is called, who goes first, and what a head that
//! does not come loses.

use crate::gate::TokenPlace;
use crate::wait::{LAPSE, PATIENCE};
use crate::{Bell, Locker, SlotGuard, Store, Wake};
use base::Slot;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A thread that locks slots, and how often it was called.
struct Thread {
    locker: Locker,
    calls: Arc<AtomicU32>,
}

impl Thread {
    fn new(store: &Arc<Store>) -> Thread {
        let (locker, calls) = (Locker::new(store), Arc::new(AtomicU32::new(0)));
        let count = calls.clone();
        let bell = move |_: Slot| {
            count.fetch_add(1, Ordering::SeqCst);
        };
        locker.set_bell(Arc::new(bell) as Arc<dyn Bell>);
        Thread { locker, calls }
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Tries a slot, within a batch, which it begins if there is none.
    fn tries(&self, slot: Slot) -> Option<SlotGuard<'_>> {
        if !self.locker.is_open() {
            self.locker.open();
        }
        self.locker.try_lock(slot)
    }

    /// One command on a slot.
    fn runs(&self, slot: Slot) -> bool {
        self.tries(slot).is_some()
    }
}

/// Lets the moment pass after which a head has precedence, or has lost it.
fn pass(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::thread::yield_now();
    }
}

fn three() -> (Arc<Store>, Slot, [Thread; 3]) {
    let store = Store::new(1);
    let threads = [(); 3].map(|()| Thread::new(&store));
    (store, Slot::of_key(b"k"), threads)
}

#[test]
fn who_waits_for_a_slot_is_called_when_it_is_released() {
    let (store, slot, [one, two, three]) = three();
    let guard = one.tries(slot).unwrap();
    assert!(!two.locker.wait_for(slot));
    assert!(!three.locker.wait_for(slot));
    assert!(!two.runs(slot), "who waits does not try");
    drop(guard);
    one.locker.close();
    assert_eq!((two.calls(), three.calls()), (1, 0), "one at a time");
    one.locker.open();
    assert!(one.runs(slot));
    one.locker.close();
    assert_eq!(two.calls(), 1, "once");
    two.locker.come(slot);
    assert!(two.runs(slot));
    two.locker.close();
    assert_eq!(three.calls(), 1, "whose turn ends passes it on");
    three.locker.come(slot);
    three.locker.rest();
    assert_eq!(store.waiting(), 0, "who does not want it any more leaves");
}

#[test]
fn who_goes_on_with_a_slot_keeps_it_for_a_millisecond() {
    let (_, slot, [one, two, _]) = three();
    let other = Slot::of_key(b"other");
    let guard = one.tries(slot).unwrap();
    assert!(!two.locker.wait_for(slot));
    drop(guard);
    for _ in 0..3 {
        one.locker.close_and_go_on(false);
        one.locker.open();
        assert!(one.runs(slot), "it is not reserved yet");
        assert_eq!(two.calls(), 0, "who waits is left alone");
    }
    pass(PATIENCE);
    one.locker.close_and_go_on(false);
    one.locker.open();
    assert_eq!(two.calls(), 1);
    assert!(!one.runs(slot), "it is reserved");
    assert!(!one.locker.wait_for(slot));
    // The same for who goes on with something else, at once.
    two.locker.come(slot);
    assert!(two.runs(slot));
    assert!(two.runs(other));
    two.locker.close_and_go_on(false);
    assert_eq!(one.calls(), 1);
}

#[test]
fn a_turn_is_until_the_end_of_the_batch() {
    let (_, slot, [one, two, three]) = three();
    let guard = one.tries(slot).unwrap();
    assert!(!two.locker.wait_for(slot));
    drop(guard);
    one.locker.close();
    two.locker.come(slot);
    for _ in 0..3 {
        assert!(two.runs(slot));
        assert!(!three.runs(slot), "it is reserved between its commands");
        assert!(!one.runs(slot));
    }
    // Somebody who waits for it, with the token, goes before, and leaves the reservation.
    drop(one.locker.lock(slot));
    assert!(!three.runs(slot));
    assert!(two.runs(slot));
    two.locker.close();
    assert!(three.runs(slot));
}

#[test]
fn newcomers_queue_behind_who_has_waited_for_a_millisecond() {
    let (_, slot, [one, old, new]) = three();
    let guard = one.tries(slot).unwrap();
    assert!(!old.locker.wait_for(slot));
    pass(PATIENCE);
    drop(guard);
    one.locker.close();
    assert_eq!(old.calls(), 1);
    assert!(!new.runs(slot), "it is reserved");
    assert!(!new.locker.wait_for(slot));
    assert!(!new.runs(slot), "not for this one");
    old.locker.come(slot);
    assert!(old.runs(slot), "whose turn it is");
    old.locker.close();
    assert_eq!(new.calls(), 1);
}

#[test]
fn a_head_that_fails_again_keeps_its_place() {
    let (_, slot, [one, head, next]) = three();
    let guard = one.tries(slot).unwrap();
    assert!(!head.locker.wait_for(slot));
    assert!(!next.locker.wait_for(slot));
    drop(guard);
    one.locker.close();
    assert_eq!(head.calls(), 1);
    // Somebody else was quicker, within the first millisecond or by a lock that waits.
    one.locker.open();
    let guard = one.locker.lock(slot);
    head.locker.come(slot);
    assert!(!head.runs(slot));
    assert!(!head.locker.wait_for(slot));
    drop(guard);
    one.locker.close();
    assert_eq!((head.calls(), next.calls()), (2, 0));
}

#[test]
fn a_head_that_does_not_come_loses_its_turn() {
    let (_, slot, [one, stuck, next]) = three();
    let guard = one.tries(slot).unwrap();
    assert!(!stuck.locker.wait_for(slot));
    assert!(!next.locker.wait_for(slot));
    pass(PATIENCE);
    drop(guard);
    one.locker.close();
    assert_eq!((stuck.calls(), next.calls()), (1, 0));
    pass(LAPSE);
    assert!(next.locker.due().is_some_and(|due| due <= Instant::now()));
    next.locker.look_after_slots();
    assert_eq!(next.calls(), 1);
    next.locker.come(slot);
    assert!(next.runs(slot));
}

/// Whoever owes a call may be busy with something that takes long.
#[test]
fn who_is_not_called_looks_after_itself() {
    let (_, slot, [one, two, _]) = three();
    let guard = one.tries(slot).unwrap();
    assert!(!two.locker.wait_for(slot));
    drop(guard);
    assert_eq!(two.calls(), 0);
    two.locker.look_after_slots();
    assert_eq!(two.calls(), 0, "not before a millisecond is over");
    pass(PATIENCE);
    two.locker.look_after_slots();
    assert_eq!(two.calls(), 1);
    two.locker.come(slot);
    assert!(two.runs(slot));
}

#[test]
fn who_locks_no_more_leaves_nothing_behind() {
    let (store, slot, [one, two, three]) = three();
    let counters = store.counts.read().len();
    one.locker.open();
    one.locker.count_dirty(3);
    let guard = one.tries(slot).unwrap();
    assert!(!two.locker.wait_for(slot));
    assert!(!three.locker.wait_for(slot));
    drop(guard);
    drop(one);
    assert_eq!(two.calls(), 1, "it has paid what it owed");
    two.locker.come(slot);
    drop(two);
    assert_eq!(three.calls(), 1);
    drop(three);
    assert_eq!(store.waiting(), 0);
    assert_eq!(store.counts.read().len(), counters - 3);
    assert_eq!(store.totals().dirty, 3, "what it counted stays");
}

/// Someone who wants the token.
struct Request {
    place: Option<TokenPlace>,
    calls: Arc<AtomicU32>,
}

impl Request {
    fn new() -> Request {
        Request {
            place: None,
            calls: Arc::default(),
        }
    }

    fn waits(&mut self, locker: &Locker) -> bool {
        let calls = self.calls.clone();
        let wake = move || {
            calls.fetch_add(1, Ordering::SeqCst);
        };
        !locker.wait_for_token(&mut self.place, || Arc::new(wake) as Arc<dyn Wake>)
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

#[test]
fn the_token_goes_from_one_to_the_next() {
    let (store, _, [one, two, three]) = three();
    let (mut first, mut second) = (Request::new(), Request::new());
    let token = one.locker.try_token().unwrap();
    assert!(two.locker.try_token().is_none());
    assert!(first.waits(&two.locker));
    assert!(second.waits(&three.locker));
    assert_eq!((first.calls(), second.calls()), (0, 0));
    drop(token);
    assert_eq!((first.calls(), second.calls()), (1, 0));
    assert!(one.locker.try_token().is_none(), "newcomers stand behind");
    three.locker.take_turn(second.place.as_ref());
    assert!(three.locker.try_token().is_none());
    two.locker.take_turn(first.place.as_ref());
    drop(two.locker.try_token().unwrap());
    first.place = None;
    assert_eq!(second.calls(), 1);
    pass(LAPSE);
    assert!(
        one.locker.try_token().is_some(),
        "who does not come loses it"
    );
    second.place = None;
    assert_eq!(store.gates().queued(), 0);
}

#[test]
fn who_waits_for_the_world_is_called_when_the_long_batch_ends() {
    let (_, _, [busy, asks, other]) = three();
    let moment = Duration::from_millis(1);
    let batch = busy.locker.enter();
    let (mut request, mut behind) = (Request::new(), Request::new());
    assert!(asks.locker.try_world(moment).is_none());
    assert!(request.waits(&asks.locker));
    // Meanwhile the token is free for others, also for those who stand behind.
    let token = other.locker.try_token().unwrap();
    assert!(behind.waits(&asks.locker));
    drop(token);
    assert_eq!((request.calls(), behind.calls()), (0, 1));
    behind.place = None;
    drop(other.locker.enter());
    assert_eq!(request.calls(), 0, "not the end of any batch");
    drop(batch);
    assert_eq!(request.calls(), 1);
    asks.locker.take_turn(request.place.as_ref());
    assert!(asks.locker.try_world(moment).is_some());
}

/// One batch may be long for several: its end is told once, to all of them.
#[test]
fn all_who_wait_for_the_world_are_called_in_turn_when_the_long_batch_ends() {
    let (store, _, [busy, one, two]) = three();
    let moment = Duration::from_millis(1);
    let batch = busy.locker.enter();
    let (mut first, mut second) = (Request::new(), Request::new());
    assert!(one.locker.try_world(moment).is_none());
    assert!(first.waits(&one.locker));
    assert!(two.locker.try_world(moment).is_none());
    assert!(second.waits(&two.locker));
    drop(batch);
    assert_eq!((first.calls(), second.calls()), (1, 0));
    one.locker.take_turn(first.place.as_ref());
    drop(one.locker.try_world(moment).unwrap());
    first.place = None;
    assert_eq!(second.calls(), 1, "nobody else would call it");
    two.locker.take_turn(second.place.as_ref());
    drop(two.locker.try_world(moment).unwrap());
    second.place = None;
    assert_eq!(store.gates().queued(), 0);
}

#[test]
fn a_batch_that_ended_before_anybody_waited_is_not_waited_for() {
    let (_, _, [busy, asks, _]) = three();
    let batch = busy.locker.enter();
    let mut request = Request::new();
    assert!(asks.locker.try_world(Duration::from_millis(1)).is_none());
    drop(batch);
    assert!(!request.waits(&asks.locker));
}

/// Whoever has the world relies on it.
#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "a slot was locked with the gate closed")]
fn no_slot_is_locked_between_batches() {
    let (_, slot, [one, _, _]) = three();
    drop(one.locker.try_lock(slot));
}

/// Debug builds notice an order of locks that could end in a deadlock.
#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "Registries after Some(Inboxes)")]
fn no_registry_is_locked_while_something_is_sent() {
    use crate::order::{Short, brief};
    let _sending = brief(Short::Inboxes);
    let _registry = brief(Short::Registries);
}
