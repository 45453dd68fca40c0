//! What slow readers and slow sinks may keep in memory, and what becomes of them past that.

use super::WHEN;
use crate::journal::{Audience, Effect};
use crate::{Locker, Store, Tap};
use base::{Slot, SlotSet};
use ds::Object;
use std::sync::Arc;
use std::time::Duration;

fn effect(store: &Store, bytes: &[u8]) {
    store.journal.append(&[Effect {
        db: 0,
        audience: Audience::AOF,
        command: bytes,
    }]);
    // As at the end of a batch.
    store.journal.wake_readers();
}

#[test]
fn a_peer_that_is_too_slow_is_cut_off_and_its_memory_freed() {
    let store = Store::new(1);
    store.journal.set_active(Audience::AOF, true);
    let mut slow = store.journal.reader(None).unwrap();
    let mut quick = store.journal.reader(None).unwrap();
    slow.cut_off_past(1_000_000);
    quick.cut_off_past(1_000_000);
    let limit = slow.limit();
    for _ in 0..400 {
        effect(&store, &[b'x'; 10_000]);
        while quick.next_batch().is_some() {}
    }
    assert!(slow.is_cut_off() && limit.is_cut_off());
    assert!(slow.next_batch().is_none());
    assert!(!quick.is_cut_off());
    let kept = store.journal.retained();
    assert!(kept < 200_000, "{kept} bytes are kept for nobody");
    assert!(!store.is_full(), "nobody waits for a peer");
}

#[test]
fn writers_wait_for_a_disk_that_is_too_slow() {
    let store = Store::new(1);
    store.journal.set_active(Audience::AOF, true);
    let mut reader = store.journal.reader(None).unwrap();
    reader.park_writers_past(1_000_000);
    while !store.is_full() {
        effect(&store, &[b'x'; 10_000]);
    }
    let kept = store.journal.retained();
    assert!((1_000_000..1_200_000).contains(&kept), "{kept}");
    assert!(reader.next_batch().is_some());
    assert!(store.is_full(), "one batch is not half of it");
    while reader.lag() > 500_000 {
        assert!(reader.next_batch().is_some());
    }
    assert!(!store.is_full());
    while !store.is_full() {
        effect(&store, &[b'x'; 10_000]);
    }
    drop(reader);
    assert!(!store.is_full(), "who is gone is not waited for");
}

const KEYS: u64 = 200;

fn key(n: u64) -> Vec<u8> {
    format!("key:{n}").into_bytes()
}

/// A store with keys of 1000 bytes and a tap over them, with room for a few.
fn tapped() -> (Arc<Store>, Locker, Tap) {
    let store = Store::new(1);
    let locker = Locker::new(&store);
    for key in (0..KEYS).map(key) {
        let _open = locker.enter();
        let mut guard = locker.try_lock(Slot::of_key(&key)).unwrap();
        let object = Object::new_str(&key, &[b'v'; 1000], None);
        guard.put(0, ds::siphash::of(&key), object);
    }
    store.bound_images(20_000);
    let world = locker.try_world(Duration::from_secs(1)).unwrap();
    let tap = store.tap(&world, &locker, SlotSet::full()).unwrap();
    drop(world);
    (store, locker, tap)
}

fn change(locker: &Locker, key: &[u8]) {
    let _open = locker.enter();
    let mut guard = locker.try_lock(Slot::of_key(key)).unwrap();
    let mut object = guard.edit(0, ds::siphash::of(key), key, WHEN).unwrap();
    object.append(b"more");
    drop(object);
    guard.changed(0, key, 1);
}

#[test]
fn writers_wait_while_too_many_images_wait_for_a_disk() {
    let (store, locker, tap) = tapped();
    let mut changed = 0;
    while !store.is_full() {
        change(&locker, &key(changed));
        changed += 1;
    }
    assert!((10..40).contains(&changed), "{changed} keys fill the room");
    let mut walker = tap.walker();
    let mut got = 0;
    while walker.next(&locker).is_some() {
        got += 1;
        assert!(
            !store.is_full() || got < changed,
            "the room is not given back"
        );
    }
    assert!(!walker.was_cut_off());
    assert_eq!((got, store.tap_bytes()), (KEYS, 0));
}

#[test]
fn a_disk_that_is_waited_for_too_long_ends_the_snapshot() {
    let (store, locker, tap) = tapped();
    (0..KEYS / 2).for_each(|n| change(&locker, &key(n)));
    assert!(store.is_full());
    store.end_slow_taps(Duration::from_secs(3600));
    assert!(store.is_full(), "it has time yet");
    store.end_slow_taps(Duration::ZERO);
    assert!(!store.is_full());
    assert_eq!(store.tap_bytes(), 0);
    let mut walker = tap.walker();
    assert!(walker.next(&locker).is_none());
    assert!(walker.was_cut_off());
    assert!(!store.has_taps());
}

#[test]
fn a_peer_that_is_too_slow_for_a_snapshot_loses_it() {
    let (store, locker, tap) = tapped();
    let mut walker = tap.for_network().walker();
    assert!(walker.next(&locker).is_some());
    (0..KEYS).for_each(|n| change(&locker, &key(n)));
    assert!(!store.is_full(), "nobody waits for a peer");
    assert_eq!(store.tap_bytes(), 0);
    while walker.next(&locker).is_some() {}
    assert!(walker.was_cut_off());
    // No mark is left behind: the next snapshot has every key once.
    let world = locker.try_world(Duration::from_secs(1)).unwrap();
    let tap = store.tap(&world, &locker, SlotSet::full()).unwrap();
    drop(world);
    let mut walker = tap.walker();
    let mut got = 0;
    while walker.next(&locker).is_some() {
        got += 1;
    }
    assert_eq!(got, KEYS);
}

/// What is kept for a large value grows while it is being written out, and counts.
#[test]
fn old_pieces_of_a_value_that_is_written_out_count() {
    for network in [false, true] {
        let store = Store::new(1);
        let locker = Locker::new(&store);
        let (key, hash) = (b"large".as_slice(), ds::siphash::of(b"large"));
        {
            let _open = locker.enter();
            let mut guard = locker.try_lock(Slot::of_key(key)).unwrap();
            guard.put(0, hash, Object::new_str(key, &[b'v'; 1 << 20], None));
        }
        store.bound_images(200_000);
        let tap = {
            let world = locker.try_world(Duration::from_secs(5)).unwrap();
            store.tap(&world, &locker, SlotSet::full()).unwrap()
        };
        let tap = if network { tap.for_network() } else { tap };
        let mut walker = tap.walker();
        let image = walker.next(&locker).unwrap();
        store.end_slow_taps(Duration::from_secs(60));
        assert!(!store.is_full(), "nothing is kept yet");
        {
            let _open = locker.enter();
            let mut guard = locker.try_lock(Slot::of_key(key)).unwrap();
            let mut edit = guard.edit(0, hash, key, WHEN).unwrap();
            for at in (0..1 << 20).step_by(16 << 10) {
                edit.set_range(at, b"new");
            }
        }
        assert!(store.tap_bytes() > 900_000, "{}", store.tap_bytes());
        store.end_slow_taps(Duration::from_secs(60));
        assert_eq!(store.is_full(), !network);
        drop(image);
        assert_eq!(store.tap_bytes(), 0);
        store.end_slow_taps(Duration::from_secs(60));
        assert!(!store.is_full());
        while walker.next(&locker).is_some() {}
        assert_eq!(walker.was_cut_off(), network);
    }
}

/// Many large values wait at once, and grow while they do: each counts, not only the last.
#[test]
fn old_pieces_of_all_values_that_wait_count() {
    let store = Store::new(1);
    let locker = Locker::new(&store);
    let keys: Vec<Vec<u8>> = (0..8).map(|n| format!("{{s}}{n}").into_bytes()).collect();
    let _open = locker.enter();
    for key in &keys {
        let mut guard = locker.try_lock(Slot::of_key(key)).unwrap();
        guard.put(
            0,
            ds::siphash::of(key),
            Object::new_str(key, &[b'v'; 1 << 20], None),
        );
    }
    locker.close();
    store.bound_images(3_000_000);
    let tap = {
        let world = locker.try_world(Duration::from_secs(5)).unwrap();
        store.tap(&world, &locker, SlotSet::full()).unwrap()
    };
    locker.open();
    for key in &keys {
        let mut guard = locker.try_lock(Slot::of_key(key)).unwrap();
        let mut edit = guard.edit(0, ds::siphash::of(key), key, WHEN).unwrap();
        for at in (0..1 << 20).step_by(16 << 10) {
            edit.set_range(at, b"new");
        }
    }
    assert!(store.tap_bytes() > 7_500_000, "{}", store.tap_bytes());
    store.end_slow_taps(Duration::from_secs(60));
    assert!(store.is_full());
    locker.close();
    let mut walker = tap.walker();
    while walker.next(&locker).is_some() {}
    store.end_slow_taps(Duration::from_secs(60));
    assert!(!store.is_full() && !walker.was_cut_off());
    assert_eq!(store.tap_bytes(), 0);
}

/// A value that only its image keeps costs all of its bytes.
#[test]
fn a_value_that_is_deleted_while_its_image_waits_counts() {
    let store = Store::new(1);
    let locker = Locker::new(&store);
    let (key, hash) = (b"large".as_slice(), ds::siphash::of(b"large"));
    {
        let _open = locker.enter();
        let mut guard = locker.try_lock(Slot::of_key(key)).unwrap();
        guard.put(0, hash, Object::new_str(key, &[b'v'; 1 << 20], None));
    }
    let tap = {
        let world = locker.try_world(Duration::from_secs(5)).unwrap();
        store.tap(&world, &locker, SlotSet::full()).unwrap()
    };
    {
        let _open = locker.enter();
        let mut guard = locker.try_lock(Slot::of_key(key)).unwrap();
        drop(guard.remove(0, hash, key).unwrap());
    }
    assert!(store.tap_bytes() > 1 << 20, "{}", store.tap_bytes());
    let mut walker = tap.walker();
    while walker.next(&locker).is_some() {}
    assert_eq!(store.tap_bytes(), 0);
}

#[test]
fn tables_that_were_detached_count() {
    let (store, locker, tap) = tapped();
    let world = locker.try_world(Duration::from_secs(5)).unwrap();
    locker.flush(&world, None, drop);
    drop(world);
    let bytes = store.tap_bytes();
    assert!((200_000..400_000).contains(&bytes), "{bytes}");
    assert!(store.is_full());
    let mut walker = tap.walker();
    let mut got = 0;
    while walker.next(&locker).is_some() {
        got += 1;
    }
    assert_eq!((got, store.tap_bytes(), store.is_full()), (KEYS, 0, false));
}
