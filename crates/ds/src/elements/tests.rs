//! Elements of another kind than those of a hash: members without a value, against a set of the
//! standard library, through growth, shrinkage, scans and pins.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::dice::{Dice, turns};

/// A member without a value, which counts itself as long as it lives.
#[repr(transparent)]
struct Member(NonNull<Inner>);

struct Inner {
    name: Vec<u8>,
    alive: &'static AtomicUsize,
}

// SAFETY: the box is owned.
unsafe impl Send for Member {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for Member {}

impl Member {
    fn new(name: &[u8], alive: &'static AtomicUsize) -> Member {
        alive.fetch_add(1, Ordering::Relaxed);
        let inner = Box::new(Inner {
            name: name.to_vec(),
            alive,
        });
        Member(NonNull::from(Box::leak(inner)))
    }

    fn inner(&self) -> &Inner {
        // SAFETY: the box lives as long as the handle.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.inner().alive.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: the handle was made of a box, and is dropped only here.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl Clone for Member {
    fn clone(&self) -> Self {
        Member::new(self.key(), self.inner().alive)
    }
}

// SAFETY: transparent over `NonNull`, aligned for more than one byte; the name is never changed.
unsafe impl Entry for Member {
    fn key(&self) -> &[u8] {
        &self.inner().name
    }

    fn into_raw(self) -> NonNull<u8> {
        ManuallyDrop::new(self).0.cast()
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Member(raw.cast())
    }
}

impl Element for Member {
    fn memory(&self) -> usize {
        size_of::<Inner>() + self.inner().name.len()
    }
}

type Model = BTreeSet<Vec<u8>>;

/// Members with the set that they must agree with.
struct Pair {
    members: Elements<Member>,
    model: Model,
    alive: &'static AtomicUsize,
}

impl Pair {
    fn new(alive: &'static AtomicUsize) -> Pair {
        Pair {
            members: Elements::of(std::iter::empty()),
            model: Model::new(),
            alive,
        }
    }

    fn add(&mut self, name: Vec<u8>) {
        let new = || Member::new(&name, self.alive);
        let added = self.members.put(&name, new, |_| {});
        assert_eq!(added, self.model.insert(name));
    }

    fn remove(&mut self, name: &[u8]) {
        assert_eq!(self.members.remove(name), self.model.remove(name));
    }

    /// A member of so many comes or goes, and now and then the table moves on.
    fn change(&mut self, d: &mut Dice, span: usize, growing: bool) {
        let name = d.below(span).to_string().into_bytes();
        if d.below(10) < if growing { 7 } else { 2 } {
            self.add(name);
        } else {
            self.remove(&name);
        }
        if d.one_in(60) {
            self.members.step(3);
        }
    }

    fn check(&self) {
        assert_eq!(self.members.len(), self.model.len());
        let all: Model = self.members.iter().map(|m| m.key().to_vec()).collect();
        assert_eq!(all, self.model);
        let bytes: usize = self.members.iter().map(Element::memory).sum();
        assert_eq!(self.members.contents().bytes, bytes);
    }
}

/// One pin with the copy that it must agree with, and what it has delivered so far.
struct Watched {
    pin: ElementsPin<Member>,
    was: Model,
    got: Model,
    done: bool,
}

impl Watched {
    fn step(&mut self, budget: usize) {
        let got = &mut self.got;
        let more = self.pin.next(budget, &mut |m| {
            assert!(got.insert(m.key().to_vec()), "delivered twice");
        });
        self.done = !more;
    }

    fn finish(mut self) {
        assert_eq!(self.pin.len(), self.was.len());
        while !self.done {
            self.step(50);
        }
        assert_eq!(self.got, self.was);
    }
}

/// Members come and go under overlapping pins, which are stepped meanwhile, given up half way, and
/// in each second run outlive the members; nothing is freed twice, and nothing stays.
#[test]
fn members_and_their_pins_agree_with_a_set() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    let mut d = Dice::seeded(51);
    for run in 0..turns(20) {
        let mut pair = Pair::new(&ALIVE);
        let mut pins: Vec<Watched> = Vec::new();
        let phase = turns(3000);
        for round in 0..4 * phase {
            pair.change(&mut d, 100 << (run % 6), (round / phase).is_multiple_of(2));
            if d.one_in(300) && pins.len() < 5 {
                pins.push(Watched {
                    pin: pair.members.pin(),
                    was: pair.model.clone(),
                    got: Model::new(),
                    done: false,
                });
            }
            if d.one_in(20) && !pins.is_empty() {
                let i = d.below(pins.len());
                pins[i].step(1 + d.below(30));
                if pins[i].done {
                    pins.swap_remove(i).finish();
                } else if d.one_in(40) {
                    pins.swap_remove(i);
                }
            }
            if d.one_in(1000) {
                pair.check();
            }
        }
        pair.check();
        let copy = pair.members.clone();
        assert_eq!(copy.len(), pair.model.len());
        if run % 2 == 0 {
            drop(pair);
        }
        pins.into_iter().for_each(Watched::finish);
        drop(copy);
    }
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
}

/// Whatever stays all the while is scanned exactly once, while the table grows from nothing and
/// shrinks again, with a pin and without.
#[test]
fn a_scan_meets_once_what_stays() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    let mut d = Dice::seeded(52);
    for run in 0..turns(100) {
        let mut pair = Pair::new(&ALIVE);
        let stay: Model = (0..d.below(60)).map(|n| vec![b's', n as u8]).collect();
        stay.iter().for_each(|name| pair.add(name.clone()));
        let pin = (run % 2 == 0).then(|| pair.members.pin());
        let (mut cursor, mut seen) = (0, Vec::new());
        let growing = d.one_in(2);
        loop {
            cursor = pair.members.scan(cursor, &mut |m| {
                if stay.contains(m.key()) {
                    seen.push(m.key().to_vec());
                }
            });
            if cursor == 0 {
                break;
            }
            for _ in 0..d.below(100) {
                pair.change(&mut d, 400, growing);
            }
        }
        seen.sort();
        assert!(seen.iter().eq(stay.iter()), "{seen:?}");
        let drawn = pair.members.random(&mut || d.next());
        assert!(drawn.map_or(pair.model.is_empty(), |m| pair.model.contains(m.key())));
        drop(pin);
    }
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
}

/// A pin that is left alone with the elements tells how much it keeps from being freed.
#[test]
fn the_last_pin_keeps_what_was_dropped() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    let mut pair = Pair::new(&ALIVE);
    (0..1000).for_each(|n| pair.add(format!("{n}").into_bytes()));
    let memory = pair.members.contents().memory();
    let pin = pair.members.pin();
    let meter = pin.meter().expect("it lives");
    assert_eq!((pin.kept_bytes(), meter.bytes()), (0, 0));
    pair.remove(b"7");
    let one = size_of::<Inner>() + 1;
    assert_eq!(meter.bytes(), one);
    drop(pair);
    assert_eq!(meter.bytes(), memory);
    drop(pin);
    assert!(meter.is_over() && meter.bytes() == 0);
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
}
