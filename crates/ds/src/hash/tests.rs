//! Hashes against a map, across the change from listpack to table.

use std::collections::HashMap;

use super::*;
use crate::dice::{Dice, turns};
use crate::elements::Element;

type Model = HashMap<Vec<u8>, Vec<u8>>;

fn all(h: &Hash) -> Model {
    let pairs: Vec<_> = h.iter().map(|(f, v)| (f.to_vec(), v.to_vec())).collect();
    let n = pairs.len();
    let map: Model = pairs.into_iter().collect();
    assert_eq!(map.len(), n, "a field is there twice");
    map
}

fn some(d: &mut Dice) -> Vec<u8> {
    match d.below(12) {
        0 => Vec::new(),
        1..5 => d.below(300).to_string().into_bytes(),
        5 => {
            let n = [255, 256, 65_535, 65_536][d.below(4)] + d.below(2);
            vec![b'v'; n]
        }
        6 => (d.next() as i64 >> d.below(64)).to_string().into_bytes(),
        _ => {
            let n = d.below(50);
            d.bytes(n)
        }
    }
}

#[test]
fn agrees_with_a_map() {
    let mut d = Dice::seeded(31);
    for run in 0..turns(50) {
        let lim = [
            HashLimits::default(),
            HashLimits {
                entries: 10,
                value: 64,
            },
            HashLimits {
                entries: 100_000,
                value: 100_000,
            },
            HashLimits {
                entries: 0,
                value: 0,
            },
        ][run % 4];
        let (mut h, mut m) = (Hash::new(), Model::new());
        for _ in 0..800 {
            let (field, value) = (some(&mut d), some(&mut d));
            if d.one_in(3) {
                assert_eq!(h.remove(&field), m.remove(&field).is_some());
            } else {
                assert_eq!(h.set(&field, &value, lim), !m.contains_key(&field));
                m.insert(field, value);
            }
            let field = some(&mut d);
            assert_eq!(h.get(&field).map(|v| v.to_vec()).as_ref(), m.get(&field));
            assert_eq!(h.contains(&field), m.contains_key(&field));
            assert_eq!((h.len(), h.is_empty()), (m.len(), m.is_empty()));
            let drawn = h
                .random(&mut || d.next())
                .map(|(f, v)| (f.to_vec(), v.to_vec()));
            assert_eq!(drawn.is_none(), m.is_empty());
            if let Some((f, v)) = drawn {
                assert_eq!(m.get(&f), Some(&v));
            }
        }
        assert_eq!(all(&h), m);
        assert_eq!(all(&h.clone()), m);
        let (mut scanned, mut cursor) = (Model::new(), 0);
        loop {
            cursor = h.scan(cursor, &mut |f, v| {
                scanned.insert(f.to_vec(), v.to_vec());
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(scanned, m);
        if let Some(pack) = h.as_listpack() {
            let pack = Listpack::from_bytes(pack).expect("valid");
            assert_eq!(all(&Hash::from_listpack(pack, lim).expect("pairs")), m);
        }
    }
}

#[test]
fn encodings_change_at_the_limits() {
    let lim = HashLimits {
        entries: 3,
        value: 10,
    };
    let mut h = Hash::new();
    for f in ["a", "b", "c"] {
        assert!(h.set(f.as_bytes(), b"0123456789", lim));
    }
    assert_eq!(h.encoding(), "listpack");
    assert!(h.set(b"d", b"", lim));
    assert_eq!(h.encoding(), "hashtable");
    let mut h = Hash::new();
    h.set(b"a", b"01234567890", lim);
    assert_eq!(h.encoding(), "hashtable");
    assert!(h.remove(b"a") && h.is_empty());
    let mut h = Hash::new();
    h.reserve(4, 1, 4, lim);
    assert_eq!(h.encoding(), "hashtable");
}

#[test]
fn foreign_packs_must_be_pairs_of_different_fields() {
    let pack = |items: &[&str]| {
        let mut p = Listpack::new();
        items.iter().for_each(|i| p.push_back(i.as_bytes()));
        Hash::from_listpack(p, HashLimits::default())
    };
    assert!(pack(&["a", "1", "b", "1"]).is_some());
    assert!(pack(&["a", "1", "b"]).is_none());
    assert!(pack(&["a", "1", "a", "2"]).is_none());
    assert!(pack(&["7", "1", "7", "2"]).is_none());
}

/// Valkey 9.1 keeps a field and its value in 8 bytes more than their text at least.
#[test]
fn a_field_costs_four_bytes_more_than_its_text() {
    for n in [0, 4, 10, 100, 127] {
        let f = Field::new(&vec![b'f'; n], &vec![b'v'; n]);
        assert_eq!(f.memory(), crate::sizes::usable(4 + 2 * n));
    }
    let mut h = Hash::new();
    let lim = HashLimits {
        entries: 0,
        value: 0,
    };
    for n in 0..100_000 {
        h.set(format!("field:{n:06}").as_bytes(), b"value:000000", lim);
    }
    assert!(h.memory() < 100_000 * (32 + 18), "{}", h.memory());
    for n in 0..100_000 {
        assert!(h.remove(format!("field:{n:06}").as_bytes()));
    }
    assert!(h.memory() < 512, "{}", h.memory());
}
