//! Counters of what commands did.

use crate::times::{Spread, Times};
use commands::Cmd;
use parking_lot::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Counters of all workers.
#[derive(Default)]
pub struct Stats {
    workers: RwLock<Vec<Arc<WorkerStats>>>,
    /// Errors by prefix (`ERR`, `WRONGTYPE`, ...).
    errors: RwLock<std::collections::BTreeMap<String, u64>>,
}

/// Counters of one worker; only it writes them.
pub(crate) struct WorkerStats(Box<[Row]>);

#[derive(Default)]
struct Row {
    calls: AtomicU64,
    nanoseconds: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    /// Made when the command first runs while `latency-tracking` is on.
    times: OnceLock<Times>,
}

/// What INFO commandstats says of one command.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct CommandStats {
    /// How often it ran.
    pub calls: u64,
    /// Time it took in all.
    pub microseconds: u64,
    /// How often it was refused before it ran.
    pub rejected: u64,
    /// How often it ended in an error.
    pub failed: u64,
}

#[inline]
fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
}

impl WorkerStats {
    #[inline]
    pub(crate) fn called(&self, cmd: Cmd, failed: bool) {
        let row = &self.0[cmd.index()];
        add(&row.calls, 1);
        if failed {
            add(&row.failed, 1);
        }
    }

    /// A call that was timed alone.
    pub(crate) fn timed(&self, cmd: Cmd, took: Duration, failed: bool, track: bool) {
        self.called(cmd, failed);
        self.took(cmd, took, 1, track);
    }

    /// What so many calls took together; with `track` each counts in the distribution of times.
    #[inline]
    pub(crate) fn took(&self, cmd: Cmd, took: Duration, calls: u32, track: bool) {
        let row = &self.0[cmd.index()];
        let nanoseconds = took.as_nanos() as u64;
        add(&row.nanoseconds, nanoseconds);
        if track && calls > 0 {
            let times = row.times.get_or_init(Times::default);
            times.note(nanoseconds / u64::from(calls), u64::from(calls));
        }
    }

    pub(crate) fn rejected(&self, cmd: Cmd) {
        add(&self.0[cmd.index()].rejected, 1);
    }
}

impl Stats {
    pub(crate) fn worker(&self) -> Arc<WorkerStats> {
        let rows = (0..Cmd::COUNT).map(|_| Row::default()).collect();
        let stats = Arc::new(WorkerStats(rows));
        self.workers.write().push(stats.clone());
        stats
    }

    /// The counters of one command over all workers.
    pub fn of(&self, cmd: Cmd) -> CommandStats {
        let mut sum = CommandStats::default();
        let mut nanoseconds = 0;
        for worker in self.workers.read().iter() {
            let row = &worker.0[cmd.index()];
            sum.calls += row.calls.load(Ordering::Relaxed);
            nanoseconds += row.nanoseconds.load(Ordering::Relaxed);
            sum.rejected += row.rejected.load(Ordering::Relaxed);
            sum.failed += row.failed.load(Ordering::Relaxed);
        }
        sum.microseconds = nanoseconds / 1000;
        sum
    }

    /// How long a command took, over all workers; `None` if that was not tracked.
    pub fn times(&self, cmd: Cmd) -> Option<Spread> {
        let workers = self.workers.read();
        let rows = workers.iter().map(|worker| &worker.0[cmd.index()]);
        let mut spread = Spread::default();
        rows.filter_map(|row| row.times.get())
            .for_each(|times| spread.add(times));
        (spread.count() > 0).then_some(spread)
    }

    /// Commands that ran, of any kind.
    pub fn total_calls(&self) -> u64 {
        (0..Cmd::COUNT)
            .filter_map(Cmd::from_index)
            .map(|cmd| self.of(cmd).calls)
            .sum()
    }

    /// How long commands took together, in microseconds.
    pub fn total_microseconds(&self) -> u64 {
        (0..Cmd::COUNT)
            .filter_map(Cmd::from_index)
            .map(|cmd| self.of(cmd).microseconds)
            .sum()
    }

    pub(crate) fn error(&self, text: &[u8]) {
        let prefix = text.split(|&b| b == b' ').next().unwrap_or_default();
        let prefix = String::from_utf8_lossy(prefix).into_owned();
        *self.errors.write().entry(prefix).or_default() += 1;
    }

    /// Errors by prefix.
    pub fn errors(&self) -> Vec<(String, u64)> {
        self.errors
            .read()
            .iter()
            .map(|(prefix, count)| (prefix.clone(), *count))
            .collect()
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        for worker in self.workers.read().iter() {
            for row in &worker.0 {
                row.calls.store(0, Ordering::Relaxed);
                row.nanoseconds.store(0, Ordering::Relaxed);
                row.rejected.store(0, Ordering::Relaxed);
                row.failed.store(0, Ordering::Relaxed);
                row.times.get().into_iter().for_each(Times::reset);
            }
        }
        self.errors.write().clear();
    }
}
