//! When events are told of, and those that no command of a script causes.

use crate::lab::{self, Lab};
use base::Slot;
use engine::{Effects, Settings};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::journal::Audience;
use store::{ExpireCycle, Locker};

/// What a listener sees of a command's changes: they are in the journal, and nobody else may look.
#[test]
fn events_come_behind_the_append_and_before_the_unlock() {
    let engine = lab::engine(Settings::default());
    engine.store.journal.set_active(Audience::ALL, true);
    let (store, calls) = (engine.store.clone(), Arc::new(Mutex::new(Vec::new())));
    let told = calls.clone();
    engine.store.listen(move |events| {
        let other = Locker::new(&store);
        for (_, _, key) in events.iter() {
            assert!(other.try_lock(Slot::of_key(key)).is_none());
        }
        let names = events.iter().map(|(_, event, _)| event.name);
        told.lock()
            .unwrap()
            .push((store.journal.sequence(), names.collect::<Vec<_>>()));
    });
    let mut lab = Lab::of(&engine);
    let mut check = |line: &str, wanted: &[&str]| {
        let before = engine.store.journal.sequence();
        lab.line(line);
        let calls = std::mem::take(&mut *calls.lock().unwrap());
        let [(sequence, names)] = calls.as_slice() else {
            assert!(wanted.is_empty() && calls.is_empty(), "{line}: {calls:?}");
            return;
        };
        assert!(*sequence > before, "{line}");
        assert_eq!(names, wanted, "{line}");
    };
    check("SET k v EX 100", &["new", "set", "expire"]);
    check("GET k", &[]);
    check("MULTI", &[]);
    check("APPEND k w", &[]);
    check("DEL k", &[]);
    // A transaction's events come together.
    check("EXEC", &["append", "del"]);
}

#[test]
fn keys_that_expire_by_themselves_and_keys_that_leave_have_events() {
    let engine = lab::engine(Settings::default());
    let heard = lab::listen(&engine);
    let lines = || std::mem::take(&mut *heard.lock().unwrap());
    let mut lab = Lab::of(&engine);
    // With a reader of the journal and without one.
    for journalled in [false, true] {
        engine.store.journal.set_active(Audience::ALL, journalled);
        lab.check("SELECT 3", "+OK");
        lab.check("SET k v PXAT 1", "+OK");
        lines();
        let locker = Locker::new(&engine.store);
        ExpireCycle::default().run(&locker, 2, Duration::from_secs(10));
        assert_eq!(lines(), ["x expired k in 3"]);
        // SCAN meets keys of slots that are not its own.
        lab.check("SET k v PXAT 1", "+OK");
        lines();
        lab.check("SCAN 0", "[0 []]");
        assert_eq!(lines(), ["x expired k in 3"]);
        let _open = locker.enter();
        let mut effects = Effects::default();
        effects.begin(&engine.store);
        effects.deleted(&engine.store, 3, b"k");
        effects.settle(&engine.store, &mut locker.lock(Slot::of_key(b"k")));
        assert_eq!(lines(), ["g del k in 3"]);
    }
}
