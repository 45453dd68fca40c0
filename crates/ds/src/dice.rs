//! Seeded random numbers for the tests: the same seed gives the same run.

use base::SplitMix64;

/// `n` turns of a loop, or a few under Miri, which is a thousand times slower.
pub const fn turns(n: usize) -> usize {
    if cfg!(miri) { n.div_ceil(100) } else { n }
}

/// Random numbers.
pub struct Dice(SplitMix64);

impl Dice {
    /// A generator whose seed is printed, and taken from `DS_SEED` to replay a failure.
    pub fn seeded(default: u64) -> Dice {
        let seed = std::env::var("DS_SEED")
            .ok()
            .and_then(|s| s.parse().ok())
            .unwrap_or(default);
        println!("DS_SEED={seed}");
        Dice(SplitMix64::new(seed))
    }

    pub fn next(&mut self) -> u64 {
        self.0.bits()
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Bytes of random content, `n` of them.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}
