//! Time as the engine sees it.

use crate::stats::WorkerStats;
use commands::Cmd;
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

/// Commands of one kind that have run since the clock was looked at: they are timed together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stretch {
    cmd: Option<Cmd>,
    calls: u32,
}

impl Stretch {
    /// How many commands are timed together at most.
    const LONGEST: u32 = 8;

    /// A command begins: those of another kind before it are timed now.
    #[inline]
    pub(crate) fn begin(&mut self, cmd: Cmd, clock: &mut Clock, stats: &WorkerStats, track: bool) {
        if self.cmd != Some(cmd) {
            self.end(clock, stats, track);
            self.cmd = Some(cmd);
        }
    }

    /// The command has run. With `alone`, or when there are many, the clock is looked at. Answers
    /// what a command took that is to be timed alone; quick ones before it count with it.
    #[inline]
    pub(crate) fn ran(
        &mut self,
        alone: bool,
        clock: &mut Clock,
        stats: &WorkerStats,
        track: bool,
    ) -> Option<Duration> {
        self.calls += 1;
        if !alone && self.calls < Stretch::LONGEST {
            return None;
        }
        let took = self.end(clock, stats, track);
        took.filter(|_| alone)
    }

    /// Times what ran since the clock was looked at. In the distribution that `track` asks for,
    /// commands that were timed together have taken the same.
    #[inline]
    pub(crate) fn end(
        &mut self,
        clock: &mut Clock,
        stats: &WorkerStats,
        track: bool,
    ) -> Option<Duration> {
        let cmd = self.cmd.filter(|_| self.calls > 0)?;
        let took = clock.lap();
        stats.took(cmd, took, self.calls, track);
        self.calls = 0;
        Some(took)
    }
}

/// Microseconds since 1970 by the wall clock.
pub fn wall_us() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since.as_micros() as i64
}
