//! Tests of saving and loading: what was there at the cut comes back, whatever happens meanwhile.

use crate::load::{LoadError, LoadOptions, Loaded, load};
use crate::save::{Progress, SaveError, SaveOptions, save_file, write};
use base::{Slot, SlotSet};
use ds::{Hash, HashLimits, Limits, List, ListLimits, Object, ValueRef};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use store::{Expiry, Locker, Store, Tap, When};

const NOW: i64 = 1_700_000_000_000;
const WHEN: When = When {
    now: NOW,
    expiry: Expiry::Ignore,
};

fn options() -> SaveOptions {
    SaveOptions {
        compress: true,
        checksum: true,
        lfu: Some(false),
        redis_version: "7.2.4",
        now_ms: NOW,
        used_memory: 1,
        replication_id: None,
        aof_base: false,
        sync_steps: true,
        key_delay: Default::default(),
    }
}

fn put(locker: &Locker, db: u16, object: Object) {
    let (slot, hash) = (Slot::of_key(object.key()), ds::siphash::of(object.key()));
    let _open = locker.enter();
    locker.lock(slot).put(db, hash, object);
}

fn edit(locker: &Locker, key: &[u8], change: impl FnOnce(&mut Object)) {
    let _open = locker.enter();
    let mut guard = locker.lock(Slot::of_key(key));
    change(&mut guard.edit(0, ds::siphash::of(key), key, WHEN).unwrap());
}

/// The whole data set in a form that can be compared.
type Contents = BTreeMap<(u16, Vec<u8>), (Option<i64>, Vec<String>)>;

/// Reads the whole data set.
fn contents(locker: &Locker, databases: u16) -> Contents {
    let mut all = BTreeMap::new();
    for db in 0..databases {
        let _open = locker.enter();
        locker.for_each_key(db, |object| {
            let words = match object.value() {
                ValueRef::Int(integer) => vec![integer.to_string()],
                ValueRef::Str(bytes) => vec![bytes.escape_ascii().to_string()],
                ValueRef::List(list) => list
                    .iter()
                    .map(|item| item.to_vec().escape_ascii().to_string())
                    .collect(),
                ValueRef::Hash(hash) => {
                    let pair = |(field, value): (ds::Item<'_>, ds::Item<'_>)| {
                        format!("{:?}={:?}", field.to_vec(), value.to_vec())
                    };
                    let mut pairs: Vec<_> = hash.iter().map(pair).collect();
                    pairs.sort();
                    pairs
                }
            };
            all.insert((db, object.key().to_vec()), (object.expire(), words));
        });
    }
    all
}

fn fill(locker: &Locker) {
    for n in 0..3000i64 {
        let key = format!("key:{n}");
        let expire = (n % 3 == 0).then_some(NOW + 1000 + n);
        put(
            locker,
            (n % 4) as u16,
            Object::new_str(key.as_bytes(), &[b'x'; 40], expire),
        );
        put(
            locker,
            0,
            Object::new_int(format!("int:{n}").as_bytes(), n * n - 70_000, None),
        );
    }
    put(locker, 0, Object::new_str(b"big", &[b'b'; 300_000], None));
    let (mut short, mut long) = (List::new(), List::new());
    (0..10).for_each(|n: i32| short.push_back(n.to_string().as_bytes(), ListLimits::default()));
    for n in 0..40_000 {
        long.push_back(format!("element {n}").as_bytes(), ListLimits::default());
    }
    long.push_back(&[b'e'; 20_000], ListLimits::default());
    put(locker, 0, Object::new_list(b"short", short, None));
    put(locker, 0, Object::new_list(b"long", long, Some(NOW + 5)));
    let (mut small, mut large) = (Hash::new(), Hash::new());
    (0..10).for_each(|n: i32| {
        small.set(n.to_string().as_bytes(), b"value", HashLimits::default());
    });
    for n in 0..20_000 {
        large.set(
            format!("field {n}").as_bytes(),
            &[b'v'; 10],
            HashLimits::default(),
        );
    }
    put(locker, 0, Object::new_hash(b"small", small, None));
    put(locker, 0, Object::new_hash(b"large", large, None));
}

fn cut(locker: &Locker) -> Tap {
    let world = locker.try_world(Duration::from_secs(5)).unwrap();
    locker.store().tap(&world, locker, SlotSet::full()).unwrap()
}

fn load_all(locker: &Locker, mut bytes: &[u8]) -> Result<Loaded, LoadError> {
    let mut options = LoadOptions {
        now_ms: NOW,
        keep_expired: false,
        limits: Limits::default(),
        wanted: &|_| true,
        progress: &mut |_| {},
        attribute: &mut |_, _| {},
        key_delay: Default::default(),
    };
    load(&mut bytes, locker, &mut options)
}

/// Changes the data set while it is written.
struct Meddler<'a> {
    locker: &'a Locker,
    bytes: Vec<u8>,
    turn: usize,
}

impl Write for Meddler<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        self.turn += 1;
        let turn = self.turn;
        edit(self.locker, b"large", |object| {
            let ds::ValueMut::Hash(hash) = object.value_mut() else {
                panic!("no hash")
            };
            for n in 0..500 {
                let n = (n * 37 + turn * 1000) % 20_000;
                hash.remove(format!("field {n}").as_bytes());
                hash.set(
                    format!("new {n} {turn}").as_bytes(),
                    b"new",
                    HashLimits::default(),
                );
            }
        });
        edit(self.locker, b"long", |object| {
            let ds::ValueMut::List(list) = object.value_mut() else {
                panic!("no list")
            };
            list.remove_range(turn * 10, turn * 10 + 2000, ListLimits::default());
            list.push_front(b"new", ListLimits::default());
        });
        edit(self.locker, b"big", |object| {
            object.set_range(turn * 20_000 % 290_000, &[b'n'; 5000]);
        });
        for n in 0..50 {
            put(
                self.locker,
                0,
                Object::new_str(format!("key:{n}").as_bytes(), b"new", None),
            );
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_holds_the_data_set_as_it_was_at_the_cut() {
    let locker = Locker::new(&Store::new(4));
    fill(&locker);
    let wanted = contents(&locker, 4);
    let mut meddler = Meddler {
        locker: &locker,
        bytes: Vec::new(),
        turn: 0,
    };
    let tap = cut(&locker);
    let saved = write(tap, &locker, &options(), &Progress::default(), &mut meddler).unwrap();
    let bytes = meddler.bytes;
    assert_eq!(
        (saved.keys, saved.bytes),
        (wanted.len() as u64, bytes.len() as u64)
    );
    assert_ne!(contents(&locker, 4), wanted, "it was meddled with");
    let other = Locker::new(&Store::new(4));
    let loaded = load_all(&other, &bytes).unwrap();
    assert_eq!(loaded.keys, saved.keys);
    assert_eq!(contents(&other, 4), wanted);
}

#[test]
fn a_failing_disk_leaves_the_old_file_and_frees_the_tap() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            if self.0 > 600_000 {
                Err(io::ErrorKind::StorageFull.into())
            } else {
                Ok(bytes.len())
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let locker = Locker::new(&Store::new(4));
    fill(&locker);
    let plain = SaveOptions {
        compress: false,
        ..options()
    };
    let failed = write(
        cut(&locker),
        &locker,
        &plain,
        &Progress::default(),
        &mut Full(0),
    );
    assert!(matches!(failed, Err(SaveError::Io(_))), "{failed:?}");
    assert!(!locker.store().has_taps());
    let stopped = Progress::default();
    stopped
        .stop
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let result = write(cut(&locker), &locker, &plain, &stopped, &mut io::sink());
    assert!(matches!(result, Err(SaveError::Stopped)));
    let nowhere = std::path::Path::new("/nonexistent directory/dump.rdb");
    assert!(save_file(cut(&locker), &locker, &plain, &Progress::default(), nowhere).is_err());
    assert!(!locker.store().has_taps());
}

#[test]
fn expired_keys_and_foreign_slots_are_left_out_and_damage_is_named() {
    let locker = Locker::new(&Store::new(4));
    put(&locker, 0, Object::new_str(b"old", b"v", Some(NOW - 1)));
    put(&locker, 0, Object::new_str(b"here", b"v", Some(NOW + 1)));
    let mut bytes = Vec::new();
    write(
        cut(&locker),
        &locker,
        &options(),
        &Progress::default(),
        &mut bytes,
    )
    .unwrap();
    let other = Locker::new(&Store::new(4));
    let loaded = load_all(&other, &bytes).unwrap();
    assert_eq!((loaded.keys, loaded.expired), (1, 1));
    for cut in [bytes.len() - 1, bytes.len() / 2, 5] {
        let other = Locker::new(&Store::new(4));
        assert!(matches!(
            load_all(&other, &bytes[..cut]),
            Err(LoadError::Content(_))
        ));
    }
    let one = Locker::new(&Store::new(1));
    put(&locker, 3, Object::new_str(b"three", b"v", None));
    let mut bytes = Vec::new();
    write(
        cut(&locker),
        &locker,
        &options(),
        &Progress::default(),
        &mut bytes,
    )
    .unwrap();
    assert!(matches!(
        load_all(&one, &bytes),
        Err(LoadError::Database(3, 1))
    ));
}

#[test]
fn saving_goes_on_beside_writers_of_every_slot() {
    let store: Arc<Store> = Store::new(4);
    let locker = Locker::new(&store);
    fill(&locker);
    let wanted = contents(&locker, 4).len() as u64;
    let running = std::sync::atomic::AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let writer = Locker::new(&store);
            let mut n = 0u64;
            while running.load(std::sync::atomic::Ordering::Relaxed) {
                n += 1;
                put(
                    &writer,
                    0,
                    Object::new_int(format!("int:{}", n % 3000).as_bytes(), 1, None),
                );
            }
        });
        let mut bytes = Vec::new();
        let tap = {
            let world = locker.world();
            store.tap(&world, &locker, SlotSet::full()).unwrap()
        };
        let saved = write(tap, &locker, &options(), &Progress::default(), &mut bytes);
        running.store(false, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(saved.unwrap().keys, wanted);
        let other = Locker::new(&Store::new(4));
        assert_eq!(load_all(&other, &bytes).unwrap().keys, wanted);
    });
}
