//! Tests of keys that are on their way.

use crate::{Expiry, Locker, Store, Wake, When};
use base::Slot;
use ds::Object;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const WHEN: When = When {
    now: 1_000,
    expiry: Expiry::Delete,
};

fn counting(count: &Arc<AtomicU32>) -> Arc<dyn Wake> {
    let count = count.clone();
    Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    })
}

#[test]
fn who_waits_for_a_key_is_woken_once_when_its_way_ends() {
    let store = Store::new(1);
    let locker = Locker::new(&store);
    let _open = locker.enter();
    let slot = Slot::of_key(b"{s}a");
    store.set_route(slot, 5);
    let mut guard = locker.try_lock(slot).unwrap();
    let woken = Arc::new(AtomicU32::new(0));
    let count = || woken.load(Ordering::Relaxed);
    assert!(!guard.await_leaving(b"{s}a", || counting(&woken)));
    assert!(guard.begin_leaving(b"{s}a") && guard.begin_leaving(b"{s}b"));
    assert!(!guard.begin_leaving(b"{s}a"));
    assert!(guard.is_leaving(b"{s}a") && !guard.is_leaving(b"{s}c"));
    assert!(guard.await_leaving(b"{s}a", || counting(&woken)));
    assert!(guard.await_leaving(b"{s}a", || counting(&woken)));
    // Its mark shares a word with the slot's route, and neither disturbs the other.
    store.set_route(slot, 7);
    assert!(guard.has_leaving() && store.route(slot) == 7);
    // The mark outlives the guard, also where the slot has nothing else that is rare.
    drop(guard);
    let mut guard = locker.try_lock(slot).unwrap();
    guard.end_leaving(b"{s}b");
    assert_eq!(count(), 0, "another key is not theirs");
    guard.end_leaving(b"{s}a");
    assert_eq!((count(), guard.has_leaving()), (2, false));
    // It may leave again: that is another wait.
    assert!(guard.begin_leaving(b"{s}a"));
    guard.end_leaving(b"{s}a");
    assert_eq!((count(), store.route(slot)), (2, 7));
    assert!(!guard.await_leaving(b"{s}a", || counting(&woken)));
}

/// The target has it with its time to live; here it is deleted, or not, by the target's answer.
#[test]
fn a_key_on_its_way_does_not_expire() {
    let store = Store::new(1);
    let locker = Locker::new(&store);
    let _open = locker.enter();
    let (key, hash) = (b"key".as_slice(), ds::siphash::of(b"key"));
    let mut guard = locker.try_lock(Slot::of_key(key)).unwrap();
    guard.put(0, hash, Object::new_str(key, b"value", Some(500)));
    assert!(guard.begin_leaving(key));
    assert!(guard.find(0, hash, key, WHEN).is_none(), "it is not seen");
    assert_eq!(guard.keys(0).unwrap().len(), 1);
    guard.end_leaving(key);
    assert!(guard.find(0, hash, key, WHEN).is_none());
    assert_eq!(guard.keys(0).unwrap().len(), 0);
}
