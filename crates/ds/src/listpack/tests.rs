//! Listpacks against a vector of elements, against bytes that Redis 7.0.15 wrote, and damaged.

use super::*;
use crate::dice::{Dice, turns};

fn all(p: &Listpack) -> Vec<Vec<u8>> {
    p.iter().map(|i| i.to_vec()).collect()
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
    })
}

/// Every encoding at its limits. Redis 7.0.15's RPUSH and DUMP of these gave 57917 bytes with this
/// checksum.
#[test]
fn bytes_are_those_that_redis_writes() {
    let numbers = "0 127 128 -1 4095 -4096 4096 -4097 32767 -32768 32768 -32769 8388607 -8388608 \
        8388608 -8388609 2147483647 -2147483648 2147483648 -2147483649 9223372036854775807 \
        -9223372036854775808 9223372036854775808 -0 01 +1";
    let mut p = Listpack::new();
    for n in numbers.split_whitespace() {
        p.push_back(n.as_bytes());
    }
    for s in ["1 ", "", "-"] {
        p.push_back(s.as_bytes());
    }
    let long = [63, 64, 126, 127, 4095, 4096, 16377, 16378, 16379];
    for (i, n) in long.into_iter().enumerate() {
        p.push_back(&vec![b'a' + i as u8; n]);
    }
    assert_eq!((p.len(), p.as_bytes().len()), (38, 57917));
    assert_eq!(fnv(p.as_bytes()), 0x5829_dd96_39db_10c2);
    assert_eq!(check(p.as_bytes()), Ok(38));
    let back: Vec<Vec<u8>> = p.iter().rev().map(|i| i.to_vec()).collect();
    let mut forth = all(&p);
    forth.reverse();
    assert_eq!(back, forth);
}

fn some_value(d: &mut Dice) -> Vec<u8> {
    match d.below(8) {
        0..3 => (d.next() as i64 >> d.below(64)).to_string().into_bytes(),
        3 => {
            let n = d.below(5000);
            d.bytes(n)
        }
        _ => {
            let n = d.below(80);
            d.bytes(n)
        }
    }
}

#[test]
fn agrees_with_a_vector() {
    let mut d = Dice::seeded(11);
    for _ in 0..turns(60) {
        let (mut p, mut v) = (Listpack::new(), Vec::<Vec<u8>>::new());
        for _ in 0..200 {
            let value = some_value(&mut d);
            let i = d.below(v.len() + 1);
            match d.below(10) {
                0..2 => {
                    p.push_front(&value);
                    v.insert(0, value);
                }
                2..4 => {
                    p.push_back(&value);
                    v.push(value);
                }
                4..6 => {
                    p.insert(i, &value);
                    v.insert(i, value);
                }
                6..8 => {
                    assert_eq!(p.replace(i, &value), i < v.len());
                    if let Some(slot) = v.get_mut(i) {
                        *slot = value;
                    }
                }
                8 => {
                    p.delete(i, 1);
                    if i < v.len() {
                        v.remove(i);
                    }
                }
                _ => {
                    let n = d.below(6);
                    p.delete(i, n);
                    v.drain(i..(i + n).min(v.len()));
                }
            }
            assert_eq!(check(p.as_bytes()), Ok(v.len()));
            assert_eq!(p.len(), v.len());
            assert_eq!(p.is_empty(), v.is_empty());
            assert_eq!(p.get(i).map(|i| i.to_vec()).as_ref(), v.get(i));
        }
        assert_eq!(all(&p), v);
        assert_eq!(all(&p.clone()), v);
        assert_eq!(all(&Listpack::from_bytes(p.as_bytes()).expect("valid")), v);
    }
}

#[test]
fn more_than_65534_elements_are_counted() {
    let mut p = Listpack::new();
    for n in 0..65_540 {
        p.push_back(&[b'0' + (n % 10) as u8]);
    }
    assert_eq!(claimed(p.as_bytes()), UNKNOWN);
    assert_eq!((p.len(), check(p.as_bytes())), (65_540, Ok(65_540)));
    p.delete(0, 10);
    assert_eq!((p.len(), claimed(p.as_bytes())), (65_530, 65_530));
}

/// Damage is refused or harmless: whatever is accepted can be walked and changed.
#[test]
fn damaged_packs_are_refused_or_harmless() {
    let mut d = Dice::seeded(12);
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut p = Listpack::new();
        for _ in 0..d.below(8) {
            let n = d.below(12);
            let v = if d.one_in(2) {
                some_value(&mut d)
            } else {
                d.bytes(n)
            };
            p.push_back(&v[..v.len().min(200)]);
        }
        let mut b = p.as_bytes().to_vec();
        for _ in 0..1 + d.below(3) {
            let i = d.below(b.len());
            match d.below(4) {
                0 => b[i] = d.next() as u8,
                1 => b[i] ^= 1 << d.below(8),
                2 => b.truncate(i),
                _ => b.insert(i, d.next() as u8),
            }
            if b.is_empty() {
                break;
            }
            if d.one_in(2) && b.len() >= 4 {
                let n = b.len() as u32;
                b[..4].copy_from_slice(&n.to_le_bytes());
            }
        }
        refused += usize::from(Listpack::from_bytes(&b).is_err());
        fuzz_one(&b);
    }
    assert!(refused > 10_000);
}

#[test]
fn known_attacks_are_refused() {
    // An entry whose length runs past the end mark; one that claims to be longer than it is; an
    // unknown encoding; a wrong count; a pack that ends without its mark.
    let cases: [(&[u8], ListpackError); 6] = [
        (
            &[10, 0, 0, 0, 1, 0, 0x85, b'a', 2, 0xff],
            ListpackError::Entry,
        ),
        (
            &[10, 0, 0, 0, 1, 0, 0x81, b'a', 3, 0xff],
            ListpackError::Entry,
        ),
        (&[9, 0, 0, 0, 1, 0, 0xf7, 1, 0xff], ListpackError::Encoding),
        (&[9, 0, 0, 0, 2, 0, 5, 1, 0xff], ListpackError::Count),
        (&[9, 0, 0, 0, 1, 0, 5, 1, 0], ListpackError::Length),
        (
            &[
                14, 0, 0, 0, 1, 0, 0xf0, 0xff, 0xff, 0xff, 0xff, b'a', 6, 0xff,
            ],
            ListpackError::Entry,
        ),
    ];
    for (bytes, error) in cases {
        assert_eq!(Listpack::from_bytes(bytes).err(), Some(error), "{bytes:?}");
    }
    assert!(Listpack::from_bytes(&[9, 0, 0, 0, 1, 0, 5, 1, 0xff]).is_ok());
    assert!(Listpack::from_bytes(&[]).is_err());
}
