//! How many commands ran of late.

use engine::Engine;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Samples of the count of commands over the last seconds.
#[derive(Default)]
pub(crate) struct Rates(Mutex<VecDeque<(Instant, u64)>>);

/// How far back the rate looks.
const WINDOW: Duration = Duration::from_millis(1600);

impl Rates {
    /// Takes a sample; called ten times a second.
    pub(crate) fn sample(&self, engine: &Engine) {
        let mut samples = self.0.lock();
        let now = Instant::now();
        samples.push_back((now, engine.stats.total_calls()));
        while samples.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            samples.pop_front();
        }
    }

    /// Commands a second.
    pub(crate) fn operations(&self) -> u64 {
        let samples = self.0.lock();
        let (Some((first, from)), Some((last, to))) = (samples.front(), samples.back()) else {
            return 0;
        };
        let took = (*last - *first).as_secs_f64();
        if took > 0.0 {
            (to.saturating_sub(*from) as f64 / took) as u64
        } else {
            0
        }
    }
}
