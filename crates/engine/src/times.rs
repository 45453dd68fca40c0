//! How long commands took: counts by duration, fine enough for percentiles of two digits.
//!
//! The classes are those of the HDR histograms that Redis keeps (from 1 ns to 1 s, two digits), so
//! that the numbers in INFO and LATENCY HISTOGRAM are the ones that it would show.

use std::sync::atomic::{AtomicU64, Ordering};

/// Classes of each power of two.
const HALF: u64 = 128;
/// The longest duration that is told apart, in nanoseconds.
const LONGEST: u64 = 1_000_000_000;
/// How many classes there are.
const CLASSES: usize = class(LONGEST) + 1;
/// The least level of LATENCY HISTOGRAM, in nanoseconds; the next are twice as long each.
const FIRST_LEVEL: u64 = 1024;

/// The class of a duration.
const fn class(nanoseconds: u64) -> usize {
    let shift = 56 - (nanoseconds | (2 * HALF - 1)).leading_zeros() as u64;
    (shift * HALF + (nanoseconds >> shift)) as usize
}

/// The longest duration of a class, in nanoseconds.
fn longest(class: usize) -> u64 {
    let class = class as u64;
    let shift = (class / HALF).saturating_sub(1);
    ((class - shift * HALF + 1) << shift) - 1
}

/// Counts of one command at one worker; only it writes them.
#[derive(Debug)]
pub(crate) struct Times(Box<[AtomicU64]>);

impl Default for Times {
    fn default() -> Times {
        Times((0..CLASSES).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Times {
    /// Counts a duration, which so many calls had.
    #[inline]
    pub(crate) fn note(&self, nanoseconds: u64, calls: u64) {
        let count = &self.0[class(nanoseconds.min(LONGEST))];
        count.store(count.load(Ordering::Relaxed) + calls, Ordering::Relaxed);
    }

    /// Adds the counts of another, which nobody writes any more.
    pub(crate) fn add(&self, other: &Times) {
        for (mine, theirs) in self.0.iter().zip(&other.0) {
            let sum = mine.load(Ordering::Relaxed) + theirs.load(Ordering::Relaxed);
            mine.store(sum, Ordering::Relaxed);
        }
    }

    /// Forgets everything.
    pub(crate) fn reset(&self) {
        self.0
            .iter()
            .for_each(|count| count.store(0, Ordering::Relaxed));
    }
}

/// The counts of one command over all workers.
#[derive(Debug)]
pub struct Spread(Box<[u64]>);

impl Default for Spread {
    fn default() -> Spread {
        Spread(vec![0; CLASSES].into())
    }
}

impl Spread {
    pub(crate) fn add(&mut self, times: &Times) {
        for (sum, count) in self.0.iter_mut().zip(&times.0) {
            *sum += count.load(Ordering::Relaxed);
        }
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The duration that `percent` of all do not pass, in nanoseconds.
    pub fn percentile(&self, percent: f64) -> u64 {
        let wanted = (percent.min(100.0) / 100.0 * self.count() as f64 + 0.5) as u64;
        let mut seen = 0;
        let reached = self.0.iter().position(|count| {
            seen += count;
            seen >= wanted.max(1)
        });
        reached.map_or(0, longest)
    }

    /// Levels in microseconds, each about twice the one before, with how many durations do not pass
    /// them; levels that add nothing are left out.
    pub fn levels(&self) -> Vec<(u64, u64)> {
        let total = self.count();
        let mut levels = Vec::new();
        let (mut seen, mut next, mut level) = (0, 0, FIRST_LEVEL);
        while seen < total {
            let last = class(level.min(LONGEST));
            let more: u64 = self.0[next..=last].iter().sum();
            next = last + 1;
            seen += more;
            if more > 0 {
                levels.push((longest(class(level)) / 1000, seen));
            }
            level *= 2;
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_in_order_without_gaps() {
        let mut before = 0;
        for nanoseconds in 0..200_000 {
            let here = class(nanoseconds);
            assert!(here == before || here == before + 1, "{nanoseconds}");
            assert!(nanoseconds <= longest(here));
            assert!(here == 0 || nanoseconds > longest(here - 1));
            before = here;
        }
    }

    #[test]
    fn percentiles_and_levels_are_those_of_an_hdr_histogram() {
        let times = Times::default();
        for micros in 1..=1000 {
            times.note(micros * 1000, 1);
        }
        times.note(u64::MAX, 1);
        let mut spread = Spread::default();
        spread.add(&times);
        assert_eq!(spread.count(), 1001);
        assert_eq!(spread.percentile(50.0), 501_759);
        assert_eq!(spread.percentile(100.0), longest(class(LONGEST)));
        let levels = spread.levels();
        assert_eq!(
            levels[..6],
            [(1, 1), (2, 2), (4, 4), (8, 8), (16, 16), (33, 33)]
        );
        assert_eq!(levels.last().map(|(_, count)| *count), Some(1001));
        times.reset();
        let mut spread = Spread::default();
        spread.add(&times);
        assert!(spread.levels().is_empty());
    }
}
