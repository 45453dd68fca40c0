//! The model test of `tap`: random changes under random taps; every baseline must be exactly what
//! was there at its cut, and replaying the effects after the cut must give what is there now.

mod bounds;
mod waiting;

use crate::journal::Audience;
use crate::journal::Effect;
use crate::{ExpireCycle, Expiry, Guards, Locker, Store, Walker, When};
use base::{Slot, SlotSet};
use ds::{Object, Pin, ValueRef};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const WHEN: When = When {
    now: 1_000,
    expiry: Expiry::Delete,
};
const DATABASES: u16 = 3;

type Data = BTreeMap<(u16, Vec<u8>), (Vec<u8>, Option<i64>)>;

/// A small generator of random numbers, replayable from its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

struct Open {
    walker: Walker,
    wanted: Data,
    got: Data,
}

struct Model {
    store: Arc<Store>,
    locker: Locker,
    data: Data,
    taps: Vec<Open>,
    dice: Dice,
    keys: u64,
}

impl Model {
    fn new(seed: u64, keys: u64) -> Model {
        let store = Store::new(DATABASES);
        store.journal.set_active(Audience::ALL, true);
        let locker = Locker::new(&store);
        let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        Model {
            store,
            locker,
            data: Data::new(),
            taps: Vec::new(),
            dice,
            keys,
        }
    }

    fn key(&mut self) -> Vec<u8> {
        // Few tags, so that slots hold many keys and their tables grow and shrink.
        let (tag, name) = (self.dice.roll(5), self.dice.roll(self.keys));
        format!("{{t{tag}}}key:{name}").into_bytes()
    }

    fn put(&mut self) {
        let (number, key) = (self.dice.roll(u64::from(DATABASES)) as u16, self.key());
        let value = self.dice.roll(1_000_000).to_string().into_bytes();
        let expire = (self.dice.roll(4) == 0).then_some(5_000 + self.dice.roll(9) as i64);
        let db = self.store.physical_db(number);
        let _open = self.locker.enter();
        let mut guard = self.locker.try_lock(Slot::of_key(&key)).unwrap();
        guard.put(
            db,
            ds::siphash::of(&key),
            Object::new_str(&key, &value, expire),
        );
        self.store.journal.append(&[Effect {
            db: number,
            audience: Audience::ALL,
            command: &key,
        }]);
        self.data.insert((number, key), (value, expire));
    }

    fn append(&mut self) {
        let (number, key) = (self.dice.roll(u64::from(DATABASES)) as u16, self.key());
        let db = self.store.physical_db(number);
        let _open = self.locker.enter();
        let mut guard = self.locker.try_lock(Slot::of_key(&key)).unwrap();
        let edit = guard.edit(db, ds::siphash::of(&key), &key, WHEN);
        assert_eq!(
            edit.is_some(),
            self.data.contains_key(&(number, key.clone()))
        );
        if let Some(mut edit) = edit {
            edit.append(b"+more");
            edit.set_expire(None);
            let value = self.data.get_mut(&(number, key)).unwrap();
            value.0.extend_from_slice(b"+more");
            value.1 = None;
        }
    }

    fn remove(&mut self) {
        let (number, key) = (self.dice.roll(u64::from(DATABASES)) as u16, self.key());
        let db = self.store.physical_db(number);
        let _open = self.locker.enter();
        let mut guard = self.locker.try_lock(Slot::of_key(&key)).unwrap();
        let gone = guard.remove(db, ds::siphash::of(&key), &key).is_some();
        assert_eq!(gone, self.data.remove(&(number, key)).is_some());
    }

    fn flush(&mut self) {
        let number = self.dice.roll(u64::from(DATABASES)) as u16;
        let world = self.locker.try_world(Duration::from_secs(1)).unwrap();
        self.locker
            .flush(&world, Some(self.store.physical_db(number)), drop);
        self.data.retain(|(db, _), _| *db != number);
    }

    fn swap(&mut self) {
        let world = self.locker.try_world(Duration::from_secs(1)).unwrap();
        Guards::default().swap_databases(&self.locker, &world, (0, 1), 0);
        let swapped = std::mem::take(&mut self.data)
            .into_iter()
            .map(|((db, key), value)| {
                let db = if db < 2 { 1 - db } else { db };
                ((db, key), value)
            });
        self.data = swapped.collect();
    }

    fn open_tap(&mut self) {
        let world = self.locker.try_world(Duration::from_secs(1)).unwrap();
        let Some(tap) = self.store.tap(&world, &self.locker, SlotSet::full()) else {
            assert_eq!(self.taps.len(), crate::tap::LANES);
            return;
        };
        let keys: u64 = tap.sizes.iter().map(|(_, keys, _)| keys).sum();
        assert_eq!(keys, self.data.len() as u64);
        drop(world);
        let (wanted, walker) = (self.data.clone(), tap.walker());
        self.taps.push(Open {
            walker,
            wanted,
            got: Data::new(),
        });
    }

    /// Takes a few keys of one tap; checks it when it is complete.
    fn walk(&mut self, steps: usize) {
        if self.taps.is_empty() {
            return;
        }
        let which = self.dice.roll(self.taps.len() as u64) as usize;
        for _ in 0..steps {
            let tap = &mut self.taps[which];
            let Some(image) = tap.walker.next(&self.locker) else {
                assert_eq!(tap.got, tap.wanted);
                self.taps.swap_remove(which);
                return;
            };
            let Pin::Whole(object) = &image.pin else {
                panic!("no small value")
            };
            let ValueRef::Str(value) = object.value() else {
                panic!("no string")
            };
            let key = (image.db, object.key().to_vec());
            let value = (value.to_vec(), object.expire());
            assert!(tap.got.insert(key, value).is_none(), "delivered twice");
        }
    }

    fn step(&mut self) {
        match self.dice.roll(1000) {
            0..450 => self.put(),
            450..650 => self.append(),
            650..900 => self.remove(),
            900..903 => self.flush(),
            903..910 => self.swap(),
            910..930 => self.open_tap(),
            _ => {
                let steps = self.dice.roll(40) as usize;
                self.walk(steps);
            }
        }
    }

    fn finish(mut self) {
        while !self.taps.is_empty() {
            self.walk(1000);
        }
        let sizes = (0..DATABASES)
            .map(|db| self.store.database_size(db).0)
            .sum::<u64>();
        assert_eq!(sizes, self.data.len() as u64);
        let _open = self.locker.enter();
        for slot in Slot::all() {
            let guard = self.locker.try_lock(slot).unwrap();
            for db in 0..DATABASES {
                let keys = guard
                    .keys(db)
                    .into_iter()
                    .flat_map(|keys| keys.table().iter());
                assert!(
                    keys.into_iter().all(|object| object.lanes() == 0),
                    "marks are left"
                );
            }
        }
    }
}

#[test]
fn every_baseline_is_what_was_there_at_its_cut() {
    for seed in 1..=30 {
        let keys = [10, 100, 2000][seed as usize % 3];
        println!("seed {seed}");
        let mut model = Model::new(seed, keys);
        for _ in 0..4_000 {
            model.step();
        }
        model.finish();
    }
}

#[test]
fn an_abandoned_tap_leaves_no_marks_and_frees_its_lane() {
    let mut model = Model::new(7, 500);
    for _ in 0..2_000 {
        model.put();
    }
    for _ in 0..20 {
        let world = model.locker.try_world(Duration::from_secs(1)).unwrap();
        let tap = model
            .store
            .tap(&world, &model.locker, SlotSet::full())
            .unwrap();
        drop(world);
        let mut walker = tap.walker();
        for _ in 0..model.dice.roll(300) {
            walker.next(&model.locker);
        }
        (0..100).for_each(|_| model.append());
        walker.abandon();
        assert!(walker.next(&model.locker).is_none());
    }
    assert!(!model.store.has_taps());
    model.finish();
}

#[test]
fn the_world_is_had_only_between_batches() {
    let store = Store::new(1);
    let (one, two) = (Locker::new(&store), Locker::new(&store));
    let open = two.enter();
    assert!(one.try_world(Duration::from_millis(1)).is_none());
    drop(open);
    let world = one.try_world(Duration::from_millis(1)).unwrap();
    let entered = Arc::new(std::sync::atomic::AtomicBool::new(false));
    std::thread::scope(|scope| {
        let flag = entered.clone();
        let waiting = scope.spawn(move || {
            let _open = two.enter();
            flag.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        assert!(!entered.load(std::sync::atomic::Ordering::SeqCst));
        drop(world);
        waiting.join().unwrap();
    });
    assert!(entered.load(std::sync::atomic::Ordering::SeqCst));
}

/// A pause holds slots: what is due there is hidden but stays, whoever meets it.
#[test]
fn a_held_slot_expires_nothing() {
    let store = Store::new(1);
    store.journal.set_active(Audience::ALL, true);
    let locker = Locker::new(&store);
    let (key, other) = (b"held".as_slice(), b"free".as_slice());
    for key in [key, other] {
        let _open = locker.enter();
        let object = Object::new_str(key, b"v", Some(1));
        locker
            .lock(Slot::of_key(key))
            .put(0, ds::siphash::of(key), object);
    }
    store.hold(&[Slot::of_key(key)].into_iter().collect());
    let progress = ExpireCycle::default().run(&locker, 2, std::time::Duration::from_secs(1));
    assert_eq!((progress.expired, store.database_size(0).0), (1, 1));
    store.hold(&SlotSet::new());
    let progress = ExpireCycle::default().run(&locker, 2, std::time::Duration::from_secs(1));
    assert_eq!((progress.expired, store.database_size(0).0), (1, 0));
}

#[test]
fn expired_keys_are_hidden_deleted_or_left_as_the_mode_says() {
    let store = Store::new(1);
    store.journal.set_active(Audience::ALL, true);
    let mut reader = store.journal.reader(None).unwrap();
    let locker = Locker::new(&store);
    let (slot, hash) = (Slot::of_key(b"k"), ds::siphash::of(b"k"));
    let _open = locker.enter();
    let mut guard = locker.try_lock(slot).unwrap();
    guard.put(0, hash, Object::new_str(b"k", b"v", Some(100)));
    let at = |now, expiry| When { now, expiry };
    assert!(guard.find(0, hash, b"k", at(99, Expiry::Delete)).is_some());
    assert!(guard.find(0, hash, b"k", at(100, Expiry::Ignore)).is_some());
    assert!(guard.find(0, hash, b"k", at(100, Expiry::Hide)).is_none());
    assert_eq!(store.database_size(0), (1, 1));
    assert!(guard.find(0, hash, b"k", at(100, Expiry::Delete)).is_none());
    assert_eq!(
        (store.database_size(0), store.totals().expired),
        ((0, 0), 1)
    );
    let batch = reader.next_batch().unwrap();
    let last = batch.records().last().unwrap().command.to_vec();
    assert_eq!(last, b"*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n");
}

#[test]
fn each_database_knows_the_slots_that_it_has_keys_in() {
    let store = Store::new(4);
    let locker = Locker::new(&store);
    let _open = locker.enter();
    let slots = |db| {
        let (mut found, mut from) = (Vec::new(), 0);
        while let Some(slot) = store.next_slot_of(db, from) {
            found.push(slot.number());
            from = slot.index() + 1;
        }
        let random = (0..8).map(|n| store.random_slot(db, n));
        assert!(random.flatten().all(|slot| found.contains(&slot.number())));
        found
    };
    let put = |db, key: &[u8]| {
        let slot = Slot::of_key(key);
        let object = Object::new_str(key, b"v", None);
        let mut guard = locker.try_lock(slot).unwrap();
        guard.put(db, ds::siphash::of(key), object);
        slot
    };
    let remove = |db, key: &[u8]| {
        let mut guard = locker.try_lock(Slot::of_key(key)).unwrap();
        assert!(guard.remove(db, ds::siphash::of(key), key).is_some());
    };
    let (a, b) = (put(0, b"a"), put(3, b"b"));
    put(3, b"{b}2");
    put(0, b"b");
    let mut both = [a.number(), b.number()];
    both.sort_unstable();
    assert_eq!(
        (slots(0), slots(3), slots(1)),
        (both.to_vec(), vec![b.number()], vec![])
    );
    // The last key of a database leaves the slot, whatever others have there.
    remove(3, b"b");
    assert_eq!(slots(3), [b.number()]);
    remove(3, b"{b}2");
    assert_eq!((slots(3), slots(0)), (vec![], both.to_vec()));
    assert_eq!(store.next_slot_with_keys(b.index()), Some(b));
    remove(0, b"b");
    assert_ne!(store.next_slot_with_keys(b.index()), Some(b));
    // One that comes back under the same guard is there.
    {
        let mut guard = locker.try_lock(a).unwrap();
        assert!(guard.remove(0, ds::siphash::of(b"a"), b"a").is_some());
        guard.put(0, ds::siphash::of(b"a"), Object::new_str(b"a", b"v", None));
    }
    assert_eq!(slots(0), [a.number()]);
    drop(_open);
    let world = locker.try_world(Duration::from_secs(5)).unwrap();
    assert_eq!(locker.flush(&world, Some(0), drop), 1);
    drop(world);
    assert_eq!((slots(0), store.next_slot_with_keys(0)), (vec![], None));
}

/// A command under the world runs with its own gate closed: what it goes by is not over before.
#[test]
fn a_world_that_is_held_has_not_passed() {
    let store = Store::new(1);
    let holder = Locker::new(&store);
    let world = holder.world();
    let mark = store.gates().mark();
    assert!(!store.gates().all_passed(&mark));
    drop(world);
    assert!(store.gates().all_passed(&mark));
    let free = store.gates().mark();
    let _world = holder.world();
    assert!(store.gates().all_passed(&free));
}
