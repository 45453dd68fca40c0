//! Objects against a plain model of a key with its value.

use super::*;
use crate::dice::{Dice, turns};

fn text(o: &Object) -> Vec<u8> {
    match o.value() {
        ValueRef::Int(n) => n.to_string().into_bytes(),
        ValueRef::Str(s) => s.to_vec(),
        _ => panic!("not a string"),
    }
}

#[test]
fn a_small_string_is_one_cache_line() {
    let o = Object::new_str(&[b'k'; 16], &[b'v'; 32], None);
    assert_eq!(o.memory(), 64);
    let o = Object::new_str(&[b'k'; 16], &[b'v'; 32], Some(1));
    assert_eq!(o.memory(), 80);
    assert_eq!(Object::new_int(&[b'k'; 16], 7, None).memory(), 32);
}

#[test]
fn encodings_are_named_as_redis_names_them() {
    let mut o = Object::new_str(b"k", &[b'x'; 44], None);
    assert_eq!(o.encoding(), "embstr");
    o.set_str(&[b'x'; 45]);
    assert_eq!(o.encoding(), "raw");
    o.set_int(12);
    assert_eq!(o.encoding(), "int");
    assert_eq!(o.append(b"3"), 3);
    assert_eq!((o.encoding(), text(&o)), ("raw", b"123".to_vec()));
    o.set_str(b"123");
    assert_eq!(o.encoding(), "embstr");
    o.set_range(5, b"x");
    assert_eq!((o.encoding(), text(&o)), ("raw", b"123\0\0x".to_vec()));
    let o = o.with_key(b"another key");
    assert_eq!((o.encoding(), o.key()), ("raw", &b"another key"[..]));
}

#[test]
fn a_large_value_moves_by_identity() {
    let o = Object::new_str(b"k", &[b'x'; 100_000], Some(5));
    o.set_lru(77);
    o.set_lanes(3);
    let ValueRef::Str(before) = o.value() else {
        panic!()
    };
    let before = before.as_ptr();
    let o = o.with_key(b"a much longer key than it had before");
    let ValueRef::Str(after) = o.value() else {
        panic!()
    };
    assert_eq!(before, after.as_ptr());
    assert_eq!((o.expire(), o.lru(), o.lanes()), (Some(5), 77, 3));
    assert!(matches!(o.into_value(), Value::Big(s) if s.bytes().len() == 100_000));
}

#[derive(Clone, PartialEq, Debug)]
struct Model {
    value: Vec<u8>,
    expire: Option<i64>,
    lru: u32,
    lanes: u8,
}

fn some_len(d: &mut Dice) -> usize {
    match d.below(10) {
        0 => 0,
        1 => 900 + d.below(300),
        2 => d.below(20_000),
        _ => d.below(120),
    }
}

fn change(d: &mut Dice, o: &mut Object, m: &mut Model) {
    match d.below(9) {
        0 | 1 => {
            let n = some_len(d);
            m.value = d.bytes(n);
            o.set_str(&m.value);
        }
        2 => {
            let n = d.next() as i64 >> d.below(64);
            m.value = n.to_string().into_bytes();
            o.set_int(n);
        }
        3 => {
            let n = some_len(d);
            let tail = d.bytes(n);
            m.value.extend_from_slice(&tail);
            assert_eq!(o.append(&tail), m.value.len());
        }
        4 => {
            let n = some_len(d);
            let (at, part) = (d.below(m.value.len() + 200), d.bytes(n));
            if m.value.len() < at + part.len() {
                m.value.resize(at + part.len(), 0);
            }
            m.value[at..at + part.len()].copy_from_slice(&part);
            assert_eq!(o.set_range(at, &part), m.value.len());
        }
        5 | 6 => {
            m.expire = d.one_in(2).then(|| d.next() as i64);
            o.set_expire(m.expire);
        }
        7 => {
            m.lru = d.next() as u32 & 0xff_ffff;
            o.set_lru(m.lru);
        }
        _ => {
            m.lanes = d.next() as u8;
            o.set_lanes(m.lanes);
        }
    }
}

#[test]
fn agrees_with_a_model() {
    let mut d = Dice::seeded(7);
    for _ in 0..turns(400) {
        let n = d.below(60);
        let mut key = d.bytes(n);
        let mut m = Model {
            value: Vec::new(),
            expire: None,
            lru: 0,
            lanes: 0,
        };
        let mut o = Object::new_str(&key, b"", None);
        for _ in 0..150 {
            change(&mut d, &mut o, &mut m);
            if d.one_in(20) {
                let n = d.below(60);
                key = d.bytes(n);
                o = o.with_key(&key);
            }
            if d.one_in(20) {
                let copy = o.duplicate(b"copy");
                assert_eq!((text(&copy), copy.expire()), (m.value.clone(), m.expire));
                assert_eq!(copy.encoding(), o.encoding());
            }
            if m.value.len() > 50_000 {
                m.value.clear();
                o.set_str(b"");
            }
            assert_eq!(o.key(), &key[..]);
            assert_eq!(text(&o), m.value);
            assert_eq!((o.expire(), o.lru(), o.lanes()), (m.expire, m.lru, m.lanes));
            assert_eq!(o.str_len(), m.value.len());
            assert!(o.memory() >= 12 + key.len());
        }
    }
}

#[test]
fn a_shrunken_value_gives_its_memory_back() {
    let mut o = Object::new_str(b"k", &[b'x'; 1000], None);
    o.set_str(b"y");
    assert_eq!(o.memory(), 16);
    o.set_str(&[b'x'; 1 << 20]);
    o.set_str(&[b'x'; 2000]);
    assert!(o.memory() < 3000);
    o.set_str(b"y");
    assert_eq!(o.memory(), 16);
}
