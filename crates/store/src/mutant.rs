//! Ways to break the store on purpose, so that tests can prove that they would notice.
//!
//! They exist in builds with debug assertions only; elsewhere nothing is ever broken.

use crate::Store;
use std::sync::atomic::Ordering;

/// A rule that is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Mutant {
    /// Effects are appended to the journal after the slots were unlocked.
    AppendAfterUnlock = 1,
    /// Open taps get the value of a key after it changed instead of before.
    BaselineAfterEffect = 2,
    /// Whoever owes the head of a slot's queue a call forgets it.
    CallForgotten = 3,
}

impl Mutant {
    /// By its name, as a test gives it to a server.
    pub fn named(name: &str) -> Option<Mutant> {
        match name {
            "append-after-unlock" => Some(Mutant::AppendAfterUnlock),
            "baseline-after-effect" => Some(Mutant::BaselineAfterEffect),
            _ => None,
        }
    }
}

impl Store {
    /// Breaks a rule from now on.
    pub fn break_rule(&self, mutant: Mutant) {
        self.mutant.store(mutant as u8, Ordering::Relaxed);
    }

    /// Whether a rule is broken.
    #[inline]
    pub fn is_broken(&self, mutant: Mutant) -> bool {
        cfg!(debug_assertions) && self.mutant.load(Ordering::Relaxed) == mutant as u8
    }
}
