//! Lists against a deque, at every kind of limit, with snapshots held meanwhile.

use std::collections::VecDeque;

use super::*;
use crate::dice::{Dice, turns};
use crate::listpack::check;

fn all(list: &List) -> Model {
    list.iter().map(|i| i.to_vec()).collect()
}

/// What the pieces of a list hold, each checked as a foreign reader would.
fn unpack<'a>(pieces: impl Iterator<Item = Piece<'a>>) -> Model {
    let mut out = Model::new();
    for piece in pieces {
        match piece {
            Piece::Plain(p) => out.push_back(p.to_vec()),
            Piece::Packed(b) => {
                assert!(check(b).expect("a valid pack") > 0);
                out.extend(crate::listpack::Iter::new(b).map(|i| i.to_vec()));
            }
        }
    }
    out
}

fn some_value(d: &mut Dice, large: bool) -> Vec<u8> {
    match d.below(20) {
        0..8 => (d.next() as i64 >> d.below(64)).to_string().into_bytes(),
        8 if large => {
            let n = d.below(30_000);
            d.bytes(n)
        }
        9 => vec![b'x'; d.below(500)],
        10..13 => b"common".to_vec(),
        _ => {
            let n = d.below(60);
            d.bytes(n)
        }
    }
}

type Model = VecDeque<Vec<u8>>;

fn change_ends(d: &mut Dice, l: &mut List, m: &mut Model, v: Vec<u8>, lim: ListLimits) {
    match d.below(6) {
        0 | 1 => {
            l.push_front(&v, lim);
            m.push_front(v);
        }
        2 | 3 => {
            l.push_back(&v, lim);
            m.push_back(v);
        }
        4 => assert_eq!(l.pop_front(lim), m.pop_front()),
        _ => assert_eq!(l.pop_back(lim), m.pop_back()),
    }
}

fn change_inside(d: &mut Dice, l: &mut List, m: &mut Model, v: Vec<u8>, lim: ListLimits) {
    let i = d.below(m.len() + 1);
    match d.below(12) {
        0..4 => {
            l.insert(i, &v, lim);
            m.insert(i, v);
        }
        4..7 => {
            assert_eq!(l.set(i, &v, lim), i < m.len());
            if let Some(slot) = m.get_mut(i) {
                *slot = v;
            }
        }
        7 | 8 => {
            let to = i + d.below(4);
            let n = l.remove_range(i, to, lim);
            assert_eq!(n, m.drain(i..to.min(m.len())).count());
        }
        9 if d.one_in(8) => {
            let (from, to) = (d.below(m.len() + 2), d.below(m.len() + 2));
            l.trim(from, to, lim);
            let keep = from.min(m.len())..to.min(m.len()).max(from.min(m.len()));
            *m = m.range(keep).cloned().collect();
        }
        9 if d.one_in(8) => {
            let (from, to) = (d.below(m.len() + 1), d.below(m.len() + 1));
            let (from, to) = (from.min(to), from.max(to));
            assert_eq!(l.remove_range(from, to, lim), to - from);
            m.drain(from..to);
        }
        _ => {
            let end = if d.one_in(2) { End::Front } else { End::Back };
            let v = if d.one_in(2) {
                m.get(i).cloned().unwrap_or(v)
            } else {
                v
            };
            let count = if d.one_in(3) { usize::MAX } else { d.below(4) };
            let mut gone = 0;
            let mut at = if end == End::Front { 0 } else { m.len() };
            loop {
                let next = match end {
                    End::Front => (at..m.len()).find(|&k| m[k] == v),
                    End::Back => (0..at).rfind(|&k| m[k] == v),
                };
                let Some(k) = next.filter(|_| gone < count) else {
                    break;
                };
                m.remove(k);
                (gone, at) = (gone + 1, k);
            }
            assert_eq!(l.remove_value(&v, end, count, lim), gone);
        }
    }
}

fn check_list(d: &mut Dice, l: &List, m: &Model) {
    assert_eq!(l.len(), m.len());
    assert_eq!(l.is_empty(), m.is_empty());
    let i = d.below(m.len() + 3);
    assert_eq!(l.get(i).map(|i| i.to_vec()).as_ref(), m.get(i));
    let (from, n) = (i, d.below(20));
    let got: Vec<_> = l.range(from, from + n).map(|i| i.to_vec()).collect();
    let want: Vec<_> = m.iter().skip(from).take(n).cloned().collect();
    assert_eq!(got, want);
    let got: Vec<_> = l.rev_from(from).take(n).map(|i| i.to_vec()).collect();
    let want: Vec<_> = m
        .iter()
        .take(from.saturating_add(1))
        .rev()
        .take(n)
        .cloned()
        .collect();
    assert_eq!(got, want);
}

#[test]
fn agrees_with_a_deque() {
    let mut d = Dice::seeded(21);
    for run in 0..turns(60) {
        let lim = ListLimits {
            listpack_size: [-2, -1, -5, 1, 5, 128, -3][run % 7],
        };
        let (mut l, mut m) = (List::new(), Model::new());
        let mut held: Vec<(ListSnapshot, Model)> = Vec::new();
        let growing = d.below(3);
        for round in 0..turns(30_000) / 10 {
            let v = some_value(&mut d, run % 4 == 0);
            if d.one_in(60) {
                let mut pack = Listpack::new();
                for _ in 0..d.below(40) * d.below(8) {
                    let v = some_value(&mut d, false);
                    pack.push_back(&v);
                    m.push_back(v);
                }
                l.append_pack(&pack, lim);
            }
            match d.below(6) {
                0 | 1 => change_inside(&mut d, &mut l, &mut m, v, lim),
                2 if round % 1000 < 600 && growing > 0 => {
                    for _ in 0..growing * 5 {
                        let v = some_value(&mut d, false);
                        l.push_back(&v, lim);
                        m.push_back(v);
                    }
                }
                _ => change_ends(&mut d, &mut l, &mut m, v, lim),
            }
            check_list(&mut d, &l, &m);
            if d.one_in(200) {
                held.push((l.snapshot(), m.clone()));
            }
            if d.one_in(400) && !held.is_empty() {
                let (s, was) = held.swap_remove(d.below(held.len()));
                assert_eq!(unpack(s.pieces()), was);
                assert_eq!((s.len(), s.is_empty()), (was.len(), was.is_empty()));
                assert_eq!(all(&s.into_list()), was);
            }
        }
        assert_eq!(all(&l), m);
        assert_eq!(unpack(l.pieces()), m);
        for (s, was) in held {
            assert_eq!(unpack(s.pieces()), was);
        }
    }
}

#[test]
fn long_lists_of_many_levels() {
    let lim = ListLimits { listpack_size: 2 };
    let (mut l, mut m) = (List::new(), Model::new());
    for n in 0..100_000u32 {
        let v = n.to_string().into_bytes();
        if n % 3 == 0 {
            l.push_front(&v, lim);
            m.push_front(v);
        } else {
            l.push_back(&v, lim);
            m.push_back(v);
        }
    }
    assert_eq!(all(&l), m);
    for i in (0..100_000).step_by(997) {
        assert_eq!(l.get(i).map(|i| i.to_vec()).as_ref(), m.get(i));
    }
    let snapshot = l.snapshot();
    while let Some(v) = m.pop_front() {
        assert_eq!(l.pop_front(lim), Some(v));
        assert_eq!(l.pop_back(lim), m.pop_back());
    }
    assert!(l.is_empty());
    assert_eq!(unpack(snapshot.pieces()).len(), 100_000);
}

/// The promise to an open snapshot: one change costs it one piece of 16 KB at most, with the
/// nodes above.
#[test]
fn a_change_under_a_snapshot_copies_one_piece() {
    for size in [-2, -5] {
        let lim = ListLimits {
            listpack_size: size,
        };
        let mut l = List::new();
        for n in 0..200_000 {
            l.push_back(format!("element number {n}").as_bytes(), lim);
        }
        let pieces: Vec<*const u8> = snapshot_addresses(&l);
        let snapshot = l.snapshot();
        assert!(l.set(100_000, b"changed", lim));
        let after = snapshot_addresses(&l);
        let fresh = after.iter().filter(|p| !pieces.contains(p)).count();
        assert_eq!(fresh, 1);
        let big = |p: &Piece<'_>| matches!(p, Piece::Packed(b) if b.len() > PIECE_MAX);
        assert_eq!(snapshot.pieces().filter(big).count(), 0);
        assert_eq!(snapshot.pieces().count(), pieces.len());
    }
}

fn snapshot_addresses(l: &List) -> Vec<*const u8> {
    l.pieces()
        .map(|p| match p {
            Piece::Packed(b) | Piece::Plain(b) => b.as_ptr(),
        })
        .collect()
}

/// Encodings change where Redis 7.2's do (asked of a 7.4.1 server, which has the same rules).
#[test]
fn encodings_change_as_in_redis() {
    let by_size = ListLimits::default();
    let mut l = List::new();
    for _ in 0..8 {
        l.push_back(&[b'x'; 1000], by_size);
    }
    assert_eq!(l.encoding(), "listpack");
    l.push_back(&[b'x'; 1000], by_size);
    assert_eq!(l.encoding(), "quicklist");
    l.remove_range(0, 4, by_size);
    assert_eq!(l.len(), 5);
    assert_eq!(l.encoding(), "quicklist");
    l.pop_back(by_size);
    assert_eq!((l.len(), l.encoding()), (4, "listpack"));

    let by_count = ListLimits { listpack_size: 4 };
    let mut l = List::new();
    for n in 0..4 {
        l.push_back(&[b'0' + n], by_count);
    }
    assert_eq!(l.encoding(), "listpack");
    l.push_back(b"4", by_count);
    assert_eq!(l.encoding(), "quicklist");
    l.trim(0, 2, by_count);
    assert_eq!((l.len(), l.encoding()), (2, "listpack"));
    let mut l = List::new();
    l.push_back(&[b'x'; 9000], by_count);
    assert_eq!(l.encoding(), "quicklist");
    l.set(0, b"short", by_count);
    assert_eq!(l.encoding(), "listpack");
}

#[test]
fn memory_is_near_that_of_the_elements() {
    for (front, size) in [(true, -2), (false, -2), (true, 128), (false, 128)] {
        let lim = ListLimits {
            listpack_size: size,
        };
        let mut l = List::new();
        for n in 0..100_000 {
            let end = if front { End::Front } else { End::Back };
            l.push(end, format!("element number {n}").as_bytes(), lim);
        }
        let (bytes, memory) = (l.bytes(), l.memory());
        assert!(memory < bytes + bytes / 8, "{bytes} {memory}");
    }
}
