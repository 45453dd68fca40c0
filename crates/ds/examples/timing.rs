//! Nanoseconds of the hot operations, for looking at one change at a time. Prints; judges nothing.

use std::hint::black_box;

use ds::list::End;
use ds::{Hash, HashLimits, List, ListLimits, Object, Table, siphash};

/// Nanoseconds that this thread has run, which other programs do not add to.
fn ran() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ')
        .next()
        .and_then(|ns| ns.parse().ok())
        .unwrap_or(0)
}

fn time(name: &str, n: usize, f: impl FnOnce()) {
    std::thread::yield_now();
    let start = ran();
    f();
    std::thread::yield_now();
    let ns = (ran() - start) as f64 / n as f64;
    println!("{name:<44} {ns:8.1} ns");
}

fn key(n: usize) -> [u8; 16] {
    let mut k = *b"key:000000000000";
    let mut n = n;
    for b in k[4..].iter_mut().rev() {
        *b = b'0' + (n % 10) as u8;
        n /= 10;
    }
    k
}

fn main() {
    lists();
    hashes();
    tables();
}

fn tables() {
    let n = 3_000_000;
    let mut slots: Vec<Table<Object>> = (0..16384).map(|_| Table::new()).collect();
    let slot = |k: &[u8]| siphash::sip13(1, 2, k) as usize % 16384;
    let mix = |i: usize| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % n;
    time("insert, 16 + 32 bytes, 16384 tables", n, || {
        for i in 0..n {
            let k = key(i);
            let s = slot(&k);
            slots[s].insert(
                siphash::of(&k),
                Object::new_str(&k, &[b'x'; 32], None),
                (s * 7) as u8,
            );
        }
    });
    let buckets: usize = slots.iter().map(Table::memory).sum();
    println!(
        "{:<44} {:8.2} bytes",
        "buckets per key",
        buckets as f64 / n as f64
    );
    time("hash of 16 bytes", n, || {
        (0..n).for_each(|i| {
            black_box(siphash::of(&key(i)));
        });
    });
    time("find at random, no prefetch", n, || {
        for i in 0..n {
            let k = key(mix(i));
            black_box(
                slots[slot(&k)]
                    .find(siphash::of(&k), &k)
                    .map(Object::str_len),
            );
        }
    });
    time("find at random, batches of 16 prefetched", n, || {
        for base in (0..n).step_by(16) {
            let keys: [[u8; 16]; 16] = std::array::from_fn(|i| key(mix(base + i)));
            let at = keys.map(|k| (siphash::of(&k), slot(&k)));
            at.iter().for_each(|&(h, s)| slots[s].hint().prefetch(h));
            for nth in 0..3 {
                at.iter().for_each(|&(h, s)| _ = slots[s].prefetch(h, nth));
            }
            for (k, (h, s)) in keys.iter().zip(at) {
                black_box(slots[s].find(h, k).map(Object::str_len));
            }
        }
    });
    time("overwrite at random, no prefetch", n, || {
        for i in 0..n {
            let k = key(mix(i));
            let s = slot(&k);
            if let Some(o) = slots[s].find_mut(siphash::of(&k), &k) {
                o.set_str(&[b'y'; 32]);
            }
        }
    });
    time("drop", n, || drop(slots));
}

fn lists() {
    let lim = ListLimits::default();
    let n = 3_000_000;
    let mut l = List::new();
    time("LPUSH, 16 bytes, long list", n, || {
        (0..n).for_each(|i| l.push(End::Front, &key(i), lim));
    });
    println!(
        "{:<44} {:8.2} bytes",
        "list memory per element",
        l.memory() as f64 / n as f64
    );
    time("index in the middle", 100_000, || {
        (0..100_000).for_each(|i| {
            black_box(l.get(i * 29));
        });
    });
    time("LRANGE of 100, per element", 10_000_000, || {
        for i in 0..100_000 {
            for item in l.range(i * 7, i * 7 + 100) {
                black_box(item);
            }
        }
    });
    time("RPOP, long list", n, || {
        for _ in 0..n {
            black_box(l.pop(End::Back, lim, |i| i.text_len()));
        }
    });
    for _ in 0..300 {
        l.push_back(&key(7), lim);
    }
    time("LPUSH and RPOP, list of 300", 1_000_000, || {
        for i in 0..1_000_000 {
            l.push(End::Front, &key(i), lim);
            black_box(l.pop(End::Back, lim, |i| i.text_len()));
        }
    });
}

fn hashes() {
    let lim = HashLimits::default();
    let n = 3_000_000;
    let mut h = Hash::new();
    time("HSET new, 16 + 16 bytes, large hash", n, || {
        (0..n).for_each(|i| {
            h.set(&key(i), &key(i), lim);
        });
    });
    println!(
        "{:<44} {:8.2} bytes",
        "hash memory per field",
        h.memory() as f64 / n as f64
    );
    time("HSET existing at random", n, || {
        (0..n).for_each(|i| {
            h.set(
                &key(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % n),
                &key(i + 1),
                lim,
            );
        });
    });
    let mut small = Hash::new();
    (0..10).for_each(|i| {
        small.set(&key(i), &key(i), lim);
    });
    time("HGETALL of 10", 1_000_000, || {
        for _ in 0..1_000_000 {
            for pair in small.iter() {
                black_box(pair);
            }
        }
    });
    time("HSET in a hash of 10", 1_000_000, || {
        (0..1_000_000).for_each(|i| {
            small.set(&key(i % 10), &key(i), lim);
        });
    });
}
