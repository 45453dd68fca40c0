//! Seeded random numbers for the tests: the same seed gives the same run.

/// `n` turns of a loop, or a few under Miri, which is a thousand times slower.
pub const fn turns(n: usize) -> usize {
    if cfg!(miri) { n.div_ceil(100) } else { n }
}

/// SplitMix64.
pub struct Dice(u64);

impl Dice {
    /// A generator whose seed is printed, and taken from `DS_SEED` to replay a failure.
    pub fn seeded(default: u64) -> Dice {
        let seed = std::env::var("DS_SEED")
            .ok()
            .and_then(|s| s.parse().ok())
            .unwrap_or(default);
        println!("DS_SEED={seed}");
        Dice(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
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
