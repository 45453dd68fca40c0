//! The table against a model, through growth, shrinkage and scans.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::dice::{Dice, turns};
use crate::object::{Object, ValueRef};

type Plain = Table<Object>;

fn key(n: usize) -> Vec<u8> {
    format!("key:{n}").into_bytes()
}

fn hash(key: &[u8]) -> u64 {
    crate::siphash::of(key)
}

fn put(t: &mut Table<Object>, n: usize, value: i64) {
    let k = key(n);
    t.insert(
        hash(&k),
        Object::new_int(&k, value, None),
        (n % 7 * 40) as u8,
    );
}

fn number(o: &Object) -> i64 {
    match o.value() {
        ValueRef::Int(n) => n,
        _ => panic!("not a number"),
    }
}

fn take(t: &mut Table<Object>, n: usize) -> Option<i64> {
    let k = key(n);
    t.remove(hash(&k), &k).map(|o| number(&o))
}

#[test]
fn a_table_is_small_and_starts_without_memory() {
    assert!(size_of::<Plain>() <= 32);
    let t = Plain::new();
    assert_eq!(t.memory(), 0);
    assert!(t.find(1, b"x").is_none());
    assert!(t.visit(0, &mut |_| panic!("empty")).is_none());
    assert_eq!(t.scan(0, &mut |_| panic!("empty")), 0);
    assert!(t.random(&mut || 7).is_none());
    assert_eq!(t.iter().count(), 0);
}

#[test]
fn tags_match_exactly_where_they_are() {
    let mut d = Dice::seeded(1);
    for _ in 0..20_000 {
        let meta = d.next() & d.next();
        let tag = if d.one_in(2) {
            (meta >> (8 * d.below(7))) as u8
        } else {
            d.next() as u8
        };
        let mut want = 0;
        for i in 0..7 {
            if (meta >> (8 * i)) as u8 == tag && meta >> (56 + i) & 1 == 1 {
                want |= 1 << i;
            }
        }
        assert_eq!(bucket::matches(meta, tag), want, "{meta:x} {tag:x}");
    }
}

/// Long random runs: a phase that grows, a phase that shrinks, and again.
#[test]
fn agrees_with_a_map_through_growth_and_shrinkage() {
    let mut d = Dice::seeded(2);
    let mut t = Plain::new();
    let mut model: HashMap<usize, i64> = HashMap::new();
    let span = turns(20_000);
    for round in 0..turns(400_000) {
        let growing = (round / turns(50_000)).is_multiple_of(2);
        let n = d.below(span);
        let insert = d.below(10) < if growing { 8 } else { 1 };
        if insert {
            let v = d.next() as i64;
            let k = key(n);
            if let Some(old) = model.insert(n, v) {
                let back = t.replace(hash(&k), Object::new_int(&k, v, None));
                assert_eq!(back.map(|o| number(&o)).ok(), Some(old));
            } else {
                put(&mut t, n, v);
            }
        } else {
            assert_eq!(take(&mut t, n), model.remove(&n));
        }
        if d.one_in(50) {
            t.step(d.below(4));
        }
        let n = d.below(span);
        let k = key(n);
        assert_eq!(t.find(hash(&k), &k).map(number), model.get(&n).copied());
        assert_eq!(t.len(), model.len());
        if round % 20_011 == 0 {
            let got: HashMap<Vec<u8>, i64> =
                t.iter().map(|o| (o.key().to_vec(), number(o))).collect();
            let want = model.iter().map(|(n, v)| (key(*n), *v)).collect();
            assert_eq!(got, want);
        }
    }
    let mut rest: Vec<i64> = t.into_iter().map(|o| number(&o)).collect();
    let mut want: Vec<i64> = model.into_values().collect();
    rest.sort_unstable();
    want.sort_unstable();
    assert_eq!(rest, want);
}

#[test]
fn memory_follows_the_entries_down() {
    let mut t = Plain::new();
    for n in 0..100_000 {
        put(&mut t, n, 0);
    }
    let full = t.memory();
    assert!(full < 100_000 * 20, "{full}");
    for n in 0..99_990 {
        take(&mut t, n);
    }
    while t.step(16) {}
    assert!(t.memory() < 64 * 64, "{}", t.memory());
    for n in 99_990..100_000 {
        assert!(take(&mut t, n).is_some());
    }
    assert!(t.memory() <= 64);
}

/// The promise of SCAN: whatever is there all the while is returned, here exactly once, and
/// nothing that was never there.
#[test]
fn a_scan_misses_nothing_through_growth_and_shrinkage() {
    let mut d = Dice::seeded(3);
    for run in 0..turns(300) {
        let mut t = Plain::new();
        let stay = d.below(60);
        let mut others: HashSet<usize> = HashSet::new();
        for n in 0..stay {
            put(&mut t, n, 1);
        }
        let start = d.below(3000);
        for n in 1000..1000 + start {
            put(&mut t, n, 2);
            others.insert(n);
        }
        let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
        let (mut cursor, mut steps) = (0, 0);
        loop {
            cursor = t.scan(cursor, &mut |o| {
                *seen.entry(o.key().to_vec()).or_default() += 1
            });
            assert!(cursor < 1 << 39);
            if cursor == 0 {
                break;
            }
            steps += 1;
            assert!(steps < 100_000);
            // Large swings between the steps: up, down, or calm.
            for _ in 0..d.below(120) {
                if run % 3 == 0 {
                    let n = 1000 + d.below(6000);
                    if others.insert(n) {
                        put(&mut t, n, 2);
                    }
                } else if run % 3 == 1 {
                    let Some(&n) = others.iter().next() else {
                        break;
                    };
                    others.remove(&n);
                    take(&mut t, n);
                } else if d.one_in(2) {
                    t.step(1);
                }
            }
        }
        for n in 0..stay {
            assert_eq!(seen.get(&key(n)), Some(&1), "run {run}, key {n}");
        }
        assert!(
            seen.values()
                .all(|&c| c == 1 || run % 3 == 1 || run % 3 == 0)
        );
    }
}

/// Positions: a step delivers what lies between its two ends, so that "below the cursor" means
/// "delivered" for any entry.
#[test]
fn a_step_delivers_exactly_its_range_of_positions() {
    let mut d = Dice::seeded(4);
    let mut t = Plain::new();
    for n in 0..5000 {
        put(&mut t, n, 1);
    }
    let mut at = 0;
    let mut gone = 0;
    loop {
        let mut delivered = HashSet::new();
        let next = t.visit(at, &mut |o| {
            let p = position(hash(o.key()));
            assert!(p >= at);
            delivered.insert(o.key().to_vec());
        });
        let end = next.unwrap_or(u64::MAX);
        let due: HashSet<Vec<u8>> = t
            .iter()
            .map(|o| o.key().to_vec())
            .filter(|k| {
                let p = position(hash(k));
                p >= at && (p < end || next.is_none())
            })
            .collect();
        assert_eq!(delivered, due);
        let Some(next) = next else { break };
        assert!(next > at);
        at = next;
        for _ in 0..d.below(300) {
            if gone < 4990 {
                take(&mut t, gone);
                gone += 1;
            }
        }
    }
}

#[test]
fn any_entry_can_be_drawn() {
    let mut d = Dice::seeded(5);
    let mut t = Plain::new();
    for n in 0..300 {
        put(&mut t, n, n as i64);
    }
    let mut drawn = vec![0usize; 300];
    for _ in 0..60_000 {
        let o = t.random(&mut || d.next()).expect("not empty");
        drawn[number(o) as usize] += 1;
    }
    // Two hundred each on average: none may be starved or preferred.
    assert!(drawn.iter().all(|&c| (100..400).contains(&c)), "{drawn:?}");
    for n in 0..299 {
        take(&mut t, n);
        assert!(t.random(&mut || d.next()).is_some());
    }
    assert_eq!(t.random(&mut || d.next()).map(number), Some(299));
}

#[test]
fn detaching_leaves_an_empty_table() {
    let mut t = Plain::new();
    for n in 0..1000 {
        put(&mut t, n, 1);
    }
    let old = t.detach();
    assert_eq!((t.len(), old.len()), (0, 1000));
    put(&mut t, 5, 9);
    assert_eq!(take(&mut t, 5), Some(9));
    // Dropped half way through: the rest goes too.
    let mut rest = old.into_iter();
    assert_eq!(rest.by_ref().take(500).count(), 500);
    assert_eq!(rest.size_hint(), (500, Some(500)));
}

#[test]
fn growth_is_spread_over_a_doubling() {
    let sizes: HashSet<usize> = (0..=255u8)
        .map(|stagger| {
            let mut t = Plain::new();
            for n in 0..600 {
                let k = key(n);
                t.insert(hash(&k), Object::new_int(&k, 0, None), stagger);
            }
            while t.step(8) {}
            t.buckets().0
        })
        .collect();
    assert_eq!(sizes, HashSet::from([64, 128]));
}

/// Dropped, consumed and detached at every stage of growth and shrinkage. (Under a sanitizer this
/// shows that every bucket is freed, and once.)
#[test]
fn tables_end_at_any_stage() {
    for n in (0..turns(400)).step_by(3) {
        for ending in 0..4 {
            let mut t = Plain::new();
            for i in 0..n {
                let k = key(i);
                t.insert(hash(&k), Object::new_int(&k, 1, None), 255);
            }
            for i in 0..if ending > 1 { n * 9 / 10 } else { 0 } {
                take(&mut t, i);
            }
            match ending {
                0 | 2 => drop(t),
                1 => assert_eq!(t.into_iter().count(), n),
                _ => assert_eq!(
                    t.detach().into_iter().take(3).count(),
                    (n - n * 9 / 10).min(3)
                ),
            }
        }
    }
}

/// Whoever has no lock prefetches by a hint, while another thread grows and shrinks the table and
/// frees its arrays: a hint is never read through. (Under a sanitizer this shows that nothing
/// freed is touched.)
#[test]
fn prefetching_by_a_hint_needs_no_lock() {
    let mut table = Table::<Object>::new();
    let (hint, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let asked = std::thread::scope(|s| {
        let (hint, stop) = (&hint, &stop);
        let asking = s.spawn(move || {
            let mut d = Dice::seeded(6);
            let mut asked = 0;
            while !stop.load(Ordering::Relaxed) || asked == 0 {
                Hint::from_bits(hint.load(Ordering::Relaxed)).prefetch(d.next());
                asked += 1;
            }
            asked
        });
        for _ in 0..5 {
            for n in 0..4000 {
                put(&mut table, n, 0);
                hint.store(table.hint().to_bits(), Ordering::Relaxed);
            }
            for n in 0..4000 {
                take(&mut table, n);
                hint.store(table.hint().to_bits(), Ordering::Relaxed);
            }
        }
        stop.store(true, Ordering::Relaxed);
        asking.join().expect("it does not panic")
    });
    assert!(asked > 0);
}

/// The hint leads to the buckets in use: it changes when the table has moved, and an empty table
/// has none.
#[test]
fn a_hint_follows_the_table() {
    let mut table = Table::<Object>::new();
    assert_eq!(table.hint(), Hint::default());
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..2000 {
        put(&mut table, n, 0);
        seen.insert(table.hint().to_bits());
        let more = (0..8).find(|&nth| !table.prefetch(crate::siphash::of(b"whatever"), nth));
        assert!(more.is_some(), "chains are short");
    }
    assert!(seen.len() >= 6, "{}", seen.len());
    for n in 0..2000 {
        take(&mut table, n);
    }
    Hint::default().prefetch(7);
    assert!(!table.prefetch(7, 0));
}
