//! Random numbers for RANDOMKEY, HRANDFIELD and kin: quick, not for secrets.

use std::hash::{BuildHasher, RandomState};

/// A generator of random numbers (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// A generator that begins somewhere else each time.
    pub fn new() -> Dice {
        Dice(RandomState::new().hash_one(0u8))
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(end)) >> 64) as u64
    }
}

impl Default for Dice {
    fn default() -> Dice {
        Dice::new()
    }
}
