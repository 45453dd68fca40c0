//! Random numbers that a failing test can be repeated with.
//!
//! `SHOAL_SEED=N` replays; without it a fresh seed is drawn. Either is printed, and the test
//! harness shows it when the test fails.

use std::hash::{BuildHasher, Hasher};

use base::SplitMix64;

/// The seed of this test: `SHOAL_SEED` if set, else a fresh one; printed with the test's name.
///
/// # Panics
/// When `SHOAL_SEED` is not a number.
pub fn seed(test: &str) -> Rng {
    let number = match std::env::var("SHOAL_SEED") {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("SHOAL_SEED is no number: {text}")),
        Err(_) => std::hash::RandomState::new().build_hasher().finish(),
    };
    println!("{test}: repeat with SHOAL_SEED={number}");
    Rng::new(number)
}

/// A small generator: the same numbers from the same seed on every machine.
#[derive(Debug, Clone)]
pub struct Rng {
    state: SplitMix64,
}

impl Rng {
    /// A generator that begins at `seed`.
    pub fn new(seed: u64) -> Rng {
        Rng {
            state: SplitMix64::new(seed),
        }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state.bits()
    }

    /// A number below `bound`.
    ///
    /// # Panics
    /// When `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below 0");
        self.bits() % bound
    }

    /// True `percent` times out of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.below(choices.len() as u64)).expect("an index")]
    }

    /// `length` random bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.bits().to_le_bytes()[0]).collect()
    }
}
