//! Time as the engine sees it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clocks of one worker: the wall clock as of the batch, and a running one for durations.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    now_ms: i64,
    stamp: Instant,
}

impl Clock {
    /// The clocks as they stand.
    pub fn new() -> Clock {
        Clock {
            now_ms: wall_us() / 1000,
            stamp: Instant::now(),
        }
    }

    /// Reads the clocks; called at the beginning of a batch.
    pub fn refresh(&mut self) {
        *self = Clock::new();
    }

    /// Milliseconds since 1970 as of the batch.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The last stamp of the running clock.
    pub fn stamp(&self) -> Instant {
        self.stamp
    }

    /// The time since the last call, or since [`Clock::refresh`].
    pub fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.stamp, now)
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock::new()
    }
}

/// Microseconds since 1970 by the wall clock.
pub fn wall_us() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since.as_micros() as i64
}
