//! Tests of how much the walker does while it holds a slot.

use crate::{Locker, Store};
use base::{Slot, SlotSet};
use ds::Object;
use std::time::Duration;

/// Values that are copied one by one take as long as their bytes: the walker lets others have the
/// slot between them.
#[test]
fn the_slot_is_not_held_for_copying_many_large_values() {
    let store = Store::new(1);
    let locker = Locker::new(&store);
    let slot = Slot::of_key(b"{s}");
    let value = vec![b'v'; 60_000];
    {
        let _open = locker.enter();
        let mut guard = locker.try_lock(slot).unwrap();
        for n in 0..200 {
            let key = format!("{{s}}{n}").into_bytes();
            guard.put(
                0,
                ds::siphash::of(&key),
                Object::new_str(&key, &value, None),
            );
        }
    }
    let world = locker.try_world(Duration::from_secs(1)).unwrap();
    let tap = store.tap(&world, &locker, SlotSet::full()).unwrap();
    drop(world);
    let mut walker = tap.walker();
    let (mut got, mut most) = (0, 0);
    while walker.next(&locker).is_some() {
        got += 1;
        most = most.max(walker.ready.len() + 1);
    }
    assert_eq!(got, 200);
    assert!(most <= 2, "{most} values under one lock");
}
