//! The model test of pins: random changes under random overlapping pins; what each pin delivers,
//! put together, is what a copy taken at its moment holds.

use std::collections::HashMap;

use super::*;
use crate::dice::{Dice, turns};
use crate::{Hash, HashLimits, List, ListLimits, ValueMut};

type Fields = HashMap<Vec<u8>, Vec<u8>>;

/// One pin with the copy that it must agree with, and what it has delivered so far.
struct Watched<P, M> {
    pin: P,
    was: M,
    got: M,
    done: bool,
}

fn step_hash(d: &mut Dice, w: &mut Watched<HashPin, Fields>) {
    let Watched { pin, got, .. } = w;
    let more = pin.next(1 + d.below(40), &mut |f, v| {
        assert!(
            got.insert(f.to_vec(), v.to_vec()).is_none(),
            "delivered twice: {f:?}"
        );
    });
    w.done = !more;
}

fn finish_hash(d: &mut Dice, mut w: Watched<HashPin, Fields>) {
    assert_eq!(w.pin.len(), w.was.len());
    while !w.done {
        step_hash(d, &mut w);
    }
    assert_eq!(w.got, w.was);
}

fn change_hash(d: &mut Dice, h: &mut Hash, m: &mut Fields, span: usize, growing: bool) {
    let lim = HashLimits::default();
    let field = format!("field:{}", d.below(span)).into_bytes();
    if d.below(10) < if growing { 7 } else { 3 } {
        let n = if d.one_in(50) {
            d.below(3000)
        } else {
            d.below(40)
        };
        let value = d.bytes(n);
        assert_eq!(h.set(&field, &value, lim), m.insert(field, value).is_none());
    } else {
        assert_eq!(h.remove(&field), m.remove(&field).is_some());
    }
}

#[test]
fn hash_pins_deliver_the_hash_as_it_was() {
    let mut d = Dice::seeded(41);
    let mut with_kept = 0;
    for run in 0..turns(40) {
        let (mut h, mut m) = (Hash::new(), Fields::new());
        let span = 200 << (run % 5);
        h.reserve(1, 1000, 0, HashLimits::default());
        let mut pins: Vec<Watched<HashPin, Fields>> = Vec::new();
        for round in 0..turns(12_000) {
            change_hash(&mut d, &mut h, &mut m, span, round % 6000 < 3000);
            if d.one_in(400) && pins.len() < 6 {
                let pin = h.pin().expect("a large hash");
                pins.push(Watched {
                    pin,
                    was: m.clone(),
                    got: Fields::new(),
                    done: false,
                });
            }
            if d.one_in(20) && !pins.is_empty() {
                let i = d.below(pins.len());
                step_hash(&mut d, &mut pins[i]);
                with_kept += usize::from(pins[i].pin.kept_bytes() > 0);
                if pins[i].done {
                    finish_hash(&mut d, pins.swap_remove(i));
                } else if d.one_in(40) {
                    // Given up half way: the others must not notice.
                    pins.swap_remove(i);
                }
            }
            if d.one_in(500) {
                h.step(3);
            }
        }
        let now: Fields = h.iter().map(|(f, v)| (f.to_vec(), v.to_vec())).collect();
        assert_eq!(now, m);
        if run % 2 == 0 {
            drop(h); // Deleted or overwritten: the pins are the last owners.
        }
        for w in pins {
            finish_hash(&mut d, w);
        }
    }
    assert!(with_kept > turns(100) / 2);
}

#[test]
fn an_old_image_costs_no_more_than_the_element() {
    let mut h = Hash::new();
    let lim = HashLimits {
        entries: 0,
        value: 0,
    };
    for n in 0..10_000 {
        h.set(format!("field:{n}").as_bytes(), &[b'x'; 100], lim);
    }
    let pin = h.pin().expect("a large hash");
    let before = pin.kept_bytes();
    h.set(b"field:77", b"changed", lim);
    h.remove(b"field:78");
    assert!(
        pin.kept_bytes() - before < 2 * 128 + 64,
        "{}",
        pin.kept_bytes()
    );
}

fn step_str(w: &mut Watched<StrPin, Vec<u8>>) {
    let got = &mut w.got;
    let more = w.pin.next(&mut |range| {
        assert!(range.len() <= 16 * 1024);
        got.extend_from_slice(range);
    });
    w.done = !more;
}

fn finish_str(mut w: Watched<StrPin, Vec<u8>>) {
    assert_eq!(w.pin.len(), w.was.len());
    while !w.done {
        step_str(&mut w);
    }
    assert!(w.got == w.was);
}

fn change_str(d: &mut Dice, o: &mut Object, m: &mut Vec<u8>) {
    let n = if d.one_in(10) {
        d.below(60_000)
    } else {
        1 + d.below(200)
    };
    let part = d.bytes(n);
    if d.one_in(3) {
        m.extend_from_slice(&part);
        o.append(&part);
    } else if d.one_in(30) {
        *m = d.bytes(LARGE + 1 + n);
        o.set_str(m);
    } else {
        let at = d.below(m.len() + 1000);
        m.resize(m.len().max(at + n), 0);
        m[at..at + n].copy_from_slice(&part);
        o.set_range(at, &part);
    }
}

#[test]
fn string_pins_deliver_the_string_as_it_was() {
    let mut d = Dice::seeded(42);
    for run in 0..turns(20) {
        let mut m = d.bytes(LARGE + 1);
        let mut o = Object::new_str(b"key", &m, Some(9));
        let mut pins: Vec<Watched<StrPin, Vec<u8>>> = Vec::new();
        for _ in 0..turns(600) {
            change_str(&mut d, &mut o, &mut m);
            if d.one_in(25) && pins.len() < 6 {
                let Pin::Str(head, pin) = o.pin() else {
                    panic!("a large string")
                };
                assert_eq!((&*head.key, head.expire), (&b"key"[..], Some(9)));
                pins.push(Watched {
                    pin,
                    was: m.clone(),
                    got: Vec::new(),
                    done: false,
                });
            }
            if d.one_in(3) && !pins.is_empty() {
                let i = d.below(pins.len());
                step_str(&mut pins[i]);
                if pins[i].done {
                    finish_str(pins.swap_remove(i));
                } else if d.one_in(100) {
                    pins.swap_remove(i);
                }
            }
            if m.len() > 600_000 {
                m = d.bytes(LARGE + 5);
                o.set_str(&m);
            }
            if d.one_in(100) {
                o = o.with_key(b"key");
            }
        }
        assert!(matches!(o.value(), ValueRef::Str(s) if s == m));
        if run % 2 == 0 {
            drop(o);
        }
        pins.into_iter().for_each(finish_str);
    }
}

#[test]
fn a_changed_byte_costs_one_range() {
    let mut o = Object::new_str(b"key", &vec![b'x'; 10 << 20], None);
    let Pin::Str(_, pin) = o.pin() else {
        panic!("a large string")
    };
    o.set_range(5 << 20, b"y");
    assert_eq!(pin.kept_bytes(), 16 * 1024);
    o.set_range((5 << 20) + 5, b"y");
    assert_eq!(pin.kept_bytes(), 16 * 1024);
    o.append(b"tail");
    assert_eq!(pin.kept_bytes(), 16 * 1024);
}

#[test]
fn every_kind_can_be_pinned() {
    let mut list = List::new();
    let mut hash = Hash::new();
    for n in 0..turns(100_000) / 10 {
        list.push_back(format!("element {n}").as_bytes(), ListLimits::default());
        hash.set(format!("{n}").as_bytes(), b"value", HashLimits::default());
    }
    let mut small = Hash::new();
    small.set(b"f", b"v", HashLimits::default());
    let objects = [
        Object::new_int(b"k", 7, None),
        Object::new_str(b"k", b"text", Some(3)),
        Object::new_list(b"k", list, None),
        Object::new_hash(b"k", small, None),
        Object::new_hash(b"k", hash, Some(4)),
    ];
    for mut o in objects {
        o.set_lru(5);
        let pin = o.pin();
        assert_eq!(
            (pin.key(), pin.expire(), pin.lru()),
            (o.key(), o.expire(), 5)
        );
        assert_eq!(pin.kind(), o.kind());
        assert!(pin.kept_bytes() < 4096);
        match (o.value_mut(), pin) {
            (ValueMut::List(l), Pin::Whole(was)) => {
                l.trim(0, 5, ListLimits::default());
                assert!(matches!(was.value(), ValueRef::List(l) if l.len() == turns(100_000) / 10));
            }
            (ValueMut::Hash(h), Pin::Hash(_, mut pin)) => {
                for n in 0..turns(100_000) / 10 {
                    h.remove(n.to_string().as_bytes());
                }
                let mut n = 0;
                while pin.next(100, &mut |_, _| n += 1) {}
                assert_eq!(
                    (n, pin.len(), h.len()),
                    (turns(100_000) / 10, turns(100_000) / 10, 0)
                );
            }
            (ValueMut::Hash(h), Pin::Whole(was)) => {
                h.remove(b"f");
                assert!(matches!(was.value(), ValueRef::Hash(h) if h.len() == 1));
            }
            (ValueMut::Str(o), Pin::Whole(was)) => {
                o.set_str(b"other");
                assert_ne!(was.str_len(), 5);
            }
            _ => panic!("an unexpected pin"),
        }
    }
}

/// A pin is stepped by one thread while another changes its hash and its string. (Under a
/// sanitizer this shows that neither touches what the other freed.)
#[test]
fn pins_are_stepped_by_another_thread() {
    let mut d = Dice::seeded(43);
    let lim = HashLimits {
        entries: 0,
        value: 0,
    };
    let (mut hash, mut m) = (Hash::new(), Fields::new());
    for n in 0..turns(20_000) {
        let (field, value) = (format!("field:{n}").into_bytes(), d.bytes(20));
        hash.set(&field, &value, lim);
        m.insert(field, value);
    }
    let text = d.bytes(turns(8 << 20));
    let mut string = Object::new_str(b"k", &text, None);
    let mut fields = hash.pin().expect("a large hash");
    let Pin::Str(_, mut ranges) = string.pin() else {
        panic!("a large string")
    };
    std::thread::scope(|s| {
        s.spawn(move || {
            let (mut got, mut bytes) = (Fields::new(), Vec::new());
            let (mut more, mut more_bytes) = (true, true);
            while more || more_bytes {
                more = fields.next(20, &mut |f, v| {
                    assert!(got.insert(f.to_vec(), v.to_vec()).is_none());
                });
                more_bytes = ranges.next(&mut |r| bytes.extend_from_slice(r));
            }
            assert!(got == m && bytes == text);
        });
        for _ in 0..turns(100_000) {
            let field = format!("field:{}", d.below(40_000)).into_bytes();
            if d.one_in(2) {
                hash.set(&field, b"new", lim);
            } else {
                hash.remove(&field);
            }
            string.set_range(d.below(turns(10 << 20)), b"changed");
        }
        drop((hash, string));
    });
}
