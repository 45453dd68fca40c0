//! Random numbers for RANDOMKEY, HRANDFIELD and kin: quick, not for secrets.

use base::SplitMix64;
use std::hash::{BuildHasher, RandomState};

/// A generator of random numbers.
pub struct Dice(SplitMix64);

impl Dice {
    /// A generator that begins somewhere else each time.
    pub fn new() -> Dice {
        Dice(SplitMix64::new(RandomState::new().hash_one(0u8)))
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0.bits()
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
