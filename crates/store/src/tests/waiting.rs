//! The queue of a slot: who is woken, who goes first, and what a head that does not come loses.

use crate::wait::{LAPSE, PATIENCE};
use crate::{Locker, Place, Store, Wake};
use base::Slot;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A connection that waits, and how often it was woken.
#[derive(Default)]
struct Waiter {
    place: Option<Place>,
    woken: Arc<AtomicU32>,
}

impl Waiter {
    fn wait(&mut self, locker: &Locker, slot: Slot) -> bool {
        let woken = self.woken.clone();
        let wake = move || {
            woken.fetch_add(1, Ordering::SeqCst);
        };
        locker.wait_for(slot, &mut self.place, || Arc::new(wake) as Arc<dyn Wake>)
    }

    fn woken(&self) -> u32 {
        self.woken.load(Ordering::SeqCst)
    }
}

/// Lets the moment pass after which a head has precedence, or has lost it.
fn pass(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::thread::yield_now();
    }
}

#[test]
fn who_waits_for_a_slot_is_woken_when_it_is_released() {
    let store = Store::new(1);
    let (one, two) = (Locker::new(&store), Locker::new(&store));
    let slot = Slot::of_key(b"k");
    let guard = one.try_lock(slot).unwrap();
    assert!(two.try_lock(slot).is_none());
    let (mut first, mut second) = (Waiter::default(), Waiter::default());
    assert!(!first.wait(&two, slot));
    assert!(!second.wait(&two, slot));
    drop(guard);
    assert_eq!((first.woken(), second.woken()), (1, 0), "one at a time");
    drop(two.try_lock(slot).unwrap());
    assert_eq!(first.woken(), 1, "once");
    first.place = None;
    assert_eq!(second.woken(), 1, "who goes passes the turn on");
    second.place = None;
    assert_eq!(store.waiting(), 0);
}

#[test]
fn newcomers_queue_behind_who_has_waited_for_a_millisecond() {
    let store = Store::new(1);
    let (one, two) = (Locker::new(&store), Locker::new(&store));
    let slot = Slot::of_key(b"k");
    let guard = one.try_lock(slot).unwrap();
    let (mut old, mut new) = (Waiter::default(), Waiter::default());
    assert!(!old.wait(&two, slot));
    pass(PATIENCE);
    drop(guard);
    assert_eq!(old.woken(), 1);
    assert!(one.try_lock(slot).is_none(), "it is reserved");
    assert!(!new.wait(&one, slot));
    one.take_turn(new.place.as_ref());
    assert!(one.try_lock(slot).is_none(), "not for this one");
    two.take_turn(old.place.as_ref());
    let guard = two.try_lock(slot).expect("whose turn it is");
    // It comes back to its place when it needs the slot once more: nobody overtakes it.
    old.place = None;
    two.take_turn(None);
    drop(guard);
    assert_eq!(new.woken(), 1);
}

#[test]
fn a_head_that_fails_again_keeps_its_place() {
    let store = Store::new(1);
    let (one, two) = (Locker::new(&store), Locker::new(&store));
    let slot = Slot::of_key(b"k");
    let guard = one.try_lock(slot).unwrap();
    let (mut head, mut next) = (Waiter::default(), Waiter::default());
    assert!(!head.wait(&two, slot));
    assert!(!next.wait(&two, slot));
    drop(guard);
    // Somebody else was quicker, within the first millisecond or by a lock that waits.
    let guard = one.lock(slot);
    assert!(!head.wait(&two, slot));
    drop(guard);
    assert_eq!((head.woken(), next.woken()), (2, 0));
}

#[test]
fn a_head_that_does_not_come_loses_its_turn() {
    let store = Store::new(1);
    let (one, two) = (Locker::new(&store), Locker::new(&store));
    let slot = Slot::of_key(b"k");
    let guard = one.try_lock(slot).unwrap();
    let (mut stuck, mut next) = (Waiter::default(), Waiter::default());
    assert!(!stuck.wait(&two, slot));
    assert!(!next.wait(&one, slot));
    pass(PATIENCE);
    drop(guard);
    assert_eq!((stuck.woken(), next.woken()), (1, 0));
    pass(LAPSE);
    store.pass_turns();
    assert_eq!(next.woken(), 1);
    one.take_turn(next.place.as_ref());
    assert!(one.try_lock(slot).is_some());
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
