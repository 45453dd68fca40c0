//! Tests of what a forgotten step of a change leads to.

use crate::{Change, Effects, Keyspace};
use base::Slot;
use ds::Object;
use store::{Expiry, Guards, Locker, Store, When};

/// Puts a key where there was none, and hands the change on.
fn put(end: impl FnOnce(Change<'_>)) {
    let store = Store::new(1);
    let locker = Locker::new(&store);
    let _open = locker.enter();
    let when = When {
        now: 0,
        expiry: Expiry::Delete,
    };
    let guards = Guards::one(locker.lock(Slot::of_key(b"k")));
    let mut keys = Keyspace::new(&locker, guards, 0, when);
    let key = keys.derived(b"k").expect("its slot is locked");
    end(keys.put(key, Object::new_int(b"k", 1, None)));
}

#[test]
#[should_panic(expected = "nobody was told that 'k' changed")]
fn a_change_that_is_dropped_does_not_go_unnoticed() {
    put(|change| {
        let _forgotten = change;
    });
}

#[test]
#[should_panic(expected = "a change without an effect")]
fn a_change_without_an_effect_does_not_go_unnoticed() {
    let mut effects = Effects::default();
    put(|change| change.told());
    effects.announced();
    effects.end_command();
}

#[test]
#[should_panic(expected = "an effect without a change")]
fn an_effect_without_a_change_does_not_go_unnoticed() {
    let mut effects = Effects::default();
    effects.noted();
    effects.end_command();
}
