//! Models of gates, wait lists, journal and tap on the shipped code: a few threads, with every
//! order of their steps open to a scheduler that draws many of them. A lost wake-up shows as a
//! deadlock. A failure prints the schedule that `shuttle::replay` repeats.

mod file;

use crate::journal::{Audience, Baton, Effect, Journal, Reader};
use crate::{Bell, Expiry, Locker, Mutant, Store, Wake, When};
use base::{Slot, SlotSet};
use ds::{Object, Pin, ValueRef};
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

const WHEN: When = When {
    now: 1_000,
    expiry: Expiry::Delete,
};

/// Draws schedules; the same ones in each run.
fn check(schedules: usize, model: impl Fn() + Send + Sync + 'static) {
    let scheduler = shuttle::scheduler::RandomScheduler::new_from_seed(7, schedules);
    let mut config = shuttle::Config::new();
    config.stack_size = 0x10_0000;
    shuttle::Runner::new(scheduler, config).run(model);
}

/// Whether some schedule makes the model fail.
fn fails(schedules: usize, model: impl Fn() + Send + Sync + 'static) -> bool {
    catch_unwind(AssertUnwindSafe(|| check(schedules, model))).is_err()
}

fn slot_of(key: &str) -> Slot {
    Slot::of_key(key.as_bytes())
}

/// Appends a letter to a string key, as a command does: guard, change, effect, unlock.
fn append(locker: &Locker, key: &str, letter: u8) {
    let store = locker.store();
    let _open = locker.enter();
    let mut guard = loop {
        match locker.try_lock(slot_of(key)) {
            Some(guard) => break guard,
            None => thread::yield_now(),
        }
    };
    let hash = ds::siphash::of(key.as_bytes());
    let edited = guard
        .edit(0, hash, key.as_bytes(), WHEN)
        .map(|mut object| object.append(&[letter]))
        .is_some();
    if !edited {
        guard.put(0, hash, Object::new_str(key.as_bytes(), &[letter], None));
    }
    guard.changed(0, key.as_bytes(), 1);
    let effect = Effect {
        db: 0,
        audience: Audience::AOF,
        command: &[key.as_bytes(), &[letter]].concat(),
    };
    if store.is_broken(Mutant::AppendAfterUnlock) {
        drop(guard);
        store.journal.append(&[effect]);
    } else {
        let sequence = store.journal.append(&[effect]);
        guard.set_last_effect(sequence);
    }
}

fn value(locker: &Locker, key: &str) -> Vec<u8> {
    let _open = locker.enter();
    let mut guard = locker.try_lock(slot_of(key)).expect("nobody else is left");
    let hash = ds::siphash::of(key.as_bytes());
    guard
        .find(0, hash, key.as_bytes(), WHEN)
        .map_or(Vec::new(), text)
}

fn text(object: &Object) -> Vec<u8> {
    match object.value() {
        ValueRef::Str(text) => text.to_vec(),
        _ => panic!("only strings are stored"),
    }
}

/// Keys by one letter, of different slots.
const KEYS: [&str; 2] = ["a", "b"];

#[test]
fn the_world_sees_whole_batches_and_gives_the_gates_back() {
    check(300, || {
        let store = Store::new(1);
        let sums = Arc::new(Mutex::new([0u32; 2]));
        let worker = |store: &Arc<Store>| {
            let (locker, sums) = (Locker::new(store), sums.clone());
            thread::spawn(move || {
                for _ in 0..2 {
                    let _open = locker.enter();
                    sums.lock().unwrap()[0] += 1;
                    thread::yield_now();
                    sums.lock().unwrap()[1] += 1;
                }
            })
        };
        let workers = [worker(&store), worker(&store)];
        let locker = Locker::new(&store);
        let mut seen = 0;
        while seen < 2 {
            let Some(world) = locker.try_world(Duration::from_millis(1)) else {
                thread::yield_now();
                continue;
            };
            let before = *sums.lock().unwrap();
            thread::yield_now();
            assert_eq!(before[0], before[1], "a batch was cut");
            assert_eq!(before, *sums.lock().unwrap(), "the world moved");
            drop(world);
            seen += 1;
        }
        workers
            .into_iter()
            .for_each(|worker| worker.join().unwrap());
        assert_eq!(*sums.lock().unwrap(), [4, 4]);
    });
}

/// What a thread sleeps on.
#[derive(Default)]
struct Alarm {
    rung: Mutex<bool>,
    news: Condvar,
}

impl Alarm {
    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !std::mem::take(&mut *rung) {
            rung = self.news.wait(rung).unwrap();
        }
    }

    fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.news.notify_one();
    }
}

/// Threads at one slot; with `goes_on` they put off what they owe until their last batch.
fn slot_model(goes_on: bool, mutant: Option<Mutant>) {
    let store = Store::new(1);
    mutant
        .into_iter()
        .for_each(|mutant| store.break_rule(mutant));
    let inside = Arc::new(Mutex::new(0));
    let worker = |store: &Arc<Store>, serves: bool| {
        let (locker, inside) = (Locker::new(store), inside.clone());
        thread::spawn(move || {
            let slot = slot_of("a");
            let alarm = Arc::new(Alarm::default());
            let bell = alarm.clone();
            if serves {
                locker.set_bell(Arc::new(move |_: Slot| bell.ring()) as Arc<dyn Bell>);
            }
            let mut left = 2;
            while left > 0 {
                locker.open();
                let guard = locker.try_lock(slot);
                let fails = guard.is_none();
                let waits = serves && fails && !locker.waits_for(slot) && !locker.wait_for(slot);
                if let Some(guard) = guard {
                    *inside.lock().unwrap() += 1;
                    thread::yield_now();
                    let others = std::mem::take(&mut *inside.lock().unwrap()) - 1;
                    assert_eq!(others, 0, "two had the slot");
                    drop(guard);
                    left -= 1;
                }
                if !goes_on {
                    locker.close();
                } else {
                    locker.close_and_go_on(false);
                }
                if waits {
                    locker.rest();
                    alarm.wait();
                    locker.come(slot);
                }
                if !serves && fails {
                    locker.rest();
                    locker.wait(slot);
                }
            }
            locker.rest();
        })
    };
    let threads = [
        worker(&store, true),
        worker(&store, false),
        worker(&store, true),
    ];
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(store.waiting(), 0);
}

#[test]
fn nobody_who_waits_for_a_slot_is_forgotten() {
    check(1_000, || slot_model(false, None));
    check(1_000, || slot_model(true, None));
    let forgetful = || slot_model(true, Some(Mutant::CallForgotten));
    assert!(fails(1_000, forgetful), "the model is blind");
}

/// What a thread of the token's model wants.
#[derive(Clone, Copy)]
enum Wants {
    World,
    Token,
    /// To end a batch that took long.
    Nothing,
}

/// Gets what it wants, twice, and sleeps until it is called where it did not get it.
fn wanting(store: &Arc<Store>, wants: Wants) -> thread::JoinHandle<()> {
    let locker = Locker::new(store);
    thread::spawn(move || {
        let mut left = 2;
        let mut place = None;
        let alarm = Arc::new(Alarm::default());
        while left > 0 {
            locker.take_turn(place.as_ref());
            let had = match wants {
                Wants::World => locker.try_world(Duration::from_millis(1)).is_some(),
                Wants::Token => {
                    let _open = locker.enter();
                    let token = locker.try_token();
                    token.is_some_and(|token| {
                        drop(locker.lock_all(&token, &[slot_of("a")]));
                        true
                    })
                }
                Wants::Nothing => {
                    let _open = locker.enter();
                    (0..40).for_each(|_| thread::yield_now());
                    true
                }
            };
            if had {
                left -= 1;
                locker.take_turn(None);
                place = None;
                continue;
            }
            let bell = alarm.clone();
            let waker = move || Arc::new(move || bell.ring()) as Arc<dyn Wake>;
            if !locker.wait_for_token(&mut place, waker) {
                alarm.wait();
            }
        }
    })
}

#[test]
fn nobody_who_waits_for_the_token_is_forgotten() {
    let (world, token, busy) = (Wants::World, Wants::Token, Wants::Nothing);
    for wanted in [[world, token, world], [world, busy, world]] {
        check(1_000, move || {
            let store = Store::new(1);
            let threads = wanted.map(|wants| wanting(&store, wants));
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
            assert_eq!(store.gates().queued(), 0);
        });
    }
}

/// Two writers and a reader of the journal that sleeps when there is nothing to read.
fn journal_model(mutant: Option<Mutant>) {
    let store = Store::new(1);
    mutant
        .into_iter()
        .for_each(|mutant| store.break_rule(mutant));
    store.journal.set_active(Audience::AOF, true);
    let mut reader = store.journal.reader(None).unwrap();
    let writer = |letters: &'static [u8]| {
        let locker = Locker::new(&store);
        thread::spawn(move || {
            for (turn, &letter) in letters.iter().enumerate() {
                append(&locker, KEYS[turn % 2], letter);
            }
        })
    };
    let writers = [writer(b"123"), writer(b"xyz")];
    let mut replayed = BTreeMap::<String, Vec<u8>>::new();
    let mut last = 0;
    while last < 6 {
        let Some(batch) = reader.next_batch() else {
            reader.wait(Duration::from_secs(1));
            continue;
        };
        for record in batch.records() {
            assert_eq!(record.sequence, last + 1);
            last = record.sequence;
            let (key, letter) = record.command.split_at(1);
            let key = String::from_utf8(key.to_vec()).unwrap();
            replayed.entry(key).or_default().extend(letter);
        }
    }
    writers
        .into_iter()
        .for_each(|writer| writer.join().unwrap());
    let locker = Locker::new(&store);
    for key in KEYS {
        assert_eq!(replayed[key], value(&locker, key), "{key}");
    }
}

#[test]
fn the_journal_has_the_order_of_the_slots() {
    check(500, || journal_model(None));
    assert!(
        fails(500, || journal_model(Some(Mutant::AppendAfterUnlock))),
        "the model is blind"
    );
}

/// The last record that is ever appended wakes the reader, or was seen by it before it slept.
#[test]
fn no_record_is_slept_through() {
    check(20_000, || {
        let journal = Arc::new(Journal::default());
        journal.set_active(Audience::AOF, true);
        let mut reader = journal.reader(None).unwrap();
        let append = |command: &'static [u8]| {
            let journal = journal.clone();
            let late = thread_rng().gen_range(0..60);
            thread::spawn(move || {
                // The reader has time to find nothing.
                (0..late).for_each(|_| thread::yield_now());
                journal.append(&[Effect {
                    db: 0,
                    audience: Audience::AOF,
                    command,
                }]);
                journal.wake_readers();
            })
        };
        let appending = [append(b"a"), append(b"b")];
        let mut read = 0;
        while read < 2 {
            match reader.next_batch() {
                Some(batch) => read += batch.records().count(),
                None => reader.wait(Duration::from_secs(1)),
            }
        }
        appending
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

/// Writers, and a tap: baseline and effects after the cut together must give what is there.
fn tap_model(mutant: Option<Mutant>) {
    let store = Store::new(1);
    mutant
        .into_iter()
        .for_each(|mutant| store.break_rule(mutant));
    store.journal.set_active(Audience::AOF, true);
    let locker = Locker::new(&store);
    KEYS.iter().for_each(|key| append(&locker, key, b'0'));
    let writer = |letters: &'static [u8]| {
        let locker = Locker::new(&store);
        thread::spawn(move || {
            for (turn, &letter) in letters.iter().enumerate() {
                append(&locker, KEYS[turn % 2], letter);
            }
        })
    };
    let writers = [writer(b"12"), writer(b"xy")];
    let world = loop {
        match locker.try_world(Duration::from_millis(1)) {
            Some(world) => break world,
            None => thread::yield_now(),
        }
    };
    let slots: SlotSet = KEYS.iter().map(|key| slot_of(key)).collect();
    let tap = store.tap(&world, &locker, slots).unwrap();
    let mut reader = store.journal.reader(Some(tap.cut)).unwrap();
    drop(world);
    let mut walker = tap.walker();
    let mut rebuilt = BTreeMap::new();
    while let Some(image) = walker.next(&locker) {
        let Pin::Whole(object) = &image.pin else {
            panic!("no large value is stored")
        };
        let old = rebuilt.insert(object.key().to_vec(), text(object));
        assert_eq!(old, None, "delivered twice");
    }
    writers
        .into_iter()
        .for_each(|writer| writer.join().unwrap());
    while let Some(batch) = reader.next_batch() {
        for record in batch.records() {
            let (key, letter) = record.command.split_at(1);
            rebuilt.entry(key.to_vec()).or_default().extend(letter);
        }
    }
    for key in KEYS {
        assert_eq!(rebuilt[key.as_bytes()], value(&locker, key), "{key}");
    }
    assert!(!store.has_taps());
}

#[test]
fn a_baseline_and_the_effects_after_it_give_what_is_there() {
    check(300, || tap_model(None));
    assert!(
        fails(300, || tap_model(Some(Mutant::BaselineAfterEffect))),
        "the model is blind"
    );
}
