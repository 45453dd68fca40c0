//! How much was done of late.

use crate::traffic::Traffic;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Counters of which the rate is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    /// Commands.
    pub(crate) commands: u64,
    /// Bytes over all connections.
    pub(crate) traffic: Traffic,
}

/// Samples of counters over the last seconds.
#[derive(Default)]
pub(crate) struct Rates(Mutex<VecDeque<(Instant, Counted)>>);

/// How far back the rate looks.
const WINDOW: Duration = Duration::from_millis(1600);

impl Rates {
    /// Takes a sample; called ten times a second.
    pub(crate) fn sample(&self, counted: Counted) {
        let mut samples = self.0.lock();
        let now = Instant::now();
        samples.push_back((now, counted));
        while samples.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            samples.pop_front();
        }
    }

    /// Of one counter, how much came a second.
    pub(crate) fn of(&self, counter: impl Fn(&Counted) -> u64) -> f64 {
        let samples = self.0.lock();
        let (Some((first, from)), Some((last, to))) = (samples.front(), samples.back()) else {
            return 0.0;
        };
        let took = (*last - *first).as_secs_f64();
        if took > 0.0 {
            counter(to).saturating_sub(counter(from)) as f64 / took
        } else {
            0.0
        }
    }
}
